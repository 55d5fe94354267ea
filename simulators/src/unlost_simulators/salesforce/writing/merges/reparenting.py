"""Children of merged records move to the master, set-wise, as the platform does it.

A moved row gets the stamps and the user of the merge; triggers and validation rules of the children
do not run (Apex guide, triggers and merge statements). History, shares and feeds stay with the
merged records. A row that would repeat another one of the master is dropped instead (help:
considerations for merging accounts, contacts).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef
from unlost_simulators.salesforce.store import database, tables, writes
from unlost_simulators.salesforce.store.store import Store
from unlost_simulators.salesforce.store.writes import Author, live
from unlost_simulators.salesforce.writing.checking.references import HIERARCHIES
from unlost_simulators.salesforce.writing.platform.relations import RELATION

MASTER_RECORD = "MasterRecordId"
STAYING = frozenset({"History", "Share", "Feed"})
"""Kinds of satellites that do not move."""
FEED = "FeedItem"
"""Posts stay with their record too (help: considerations for merging)."""
FIXED = frozenset({("Account", "PersonContactId")})
"""References that belong to the merged record itself."""
PAIRS = {
    RELATION: ("AccountId", "ContactId"),
    "CampaignMember": ("CampaignId", "ContactId", "LeadId"),
    "ContentDocumentLink": ("ContentDocumentId", "LinkedEntityId"),
}
"""Columns that together name one row of an object."""


@dataclass(frozen=True, slots=True)
class Move:
    """Records of one object whose children move to the master."""

    of: ObjectDef
    master: str
    losers: tuple[str, ...]

    @property
    def listed(self) -> str:
        """The losers as a SQL list."""
        return ", ".join(map(tables.text, self.losers))


def move_children(store: Store, move: Move, author: Author) -> list[tuple[str, str]]:
    """Move the children of all losers; gives object and id of each moved row."""
    _end_direct_relations(store, move, author)
    moved: dict[tuple[str, str], None] = {}
    for child, field in _references(store, move.of):
        if child.name in PAIRS:
            _drop_repeated(store, move, child, field, author)
        staged = writes.stage_where(
            store.cursor(), child, _chosen(move, child, field), {field.name: _master(move)}
        )
        if staged.table.num_rows:
            store.change(child, staged, author)
            moved |= {(child.name, key): None for key in staged.table.column("Id").to_pylist()}
    return list(moved)


def take_manager(store: Store, move: Move, author: Author) -> None:
    """Give a master without a manager the manager of a merged contact (SOAP guide, merge)."""
    field = move.of.field("ReportsToId")
    if move.of.name != "Contact" or field is None:
        return
    condition = f'FROM "Contact" t0 WHERE t0."Id" = {_master(move)} AND t0."ReportsToId" IS NULL'
    manager = (
        f'(SELECT any_value(l."ReportsToId" ORDER BY l.{tables.ORDER}) FROM "Contact" l '
        f'WHERE l."Id" IN ({move.listed}) AND l."ReportsToId" NOT IN ({move.listed}))'
    )
    staged = writes.stage_where(store.cursor(), move.of, condition, {field.name: manager})
    if staged.table.num_rows:
        store.change(move.of, staged, author)


def circles(store: Store, move: Move) -> bool:
    """Return true if the master now stands below itself in a hierarchy."""
    return any(
        _below_itself(store, move, field.name)
        for field in move.of.stored
        if (move.of.name, field.name) in HIERARCHIES
    )


def mark(store: Store, move: Move, author: Author) -> None:
    """Name the master in the records that are about to be deleted."""
    if move.of.field(MASTER_RECORD) is None:
        return
    changes = {key: {MASTER_RECORD: move.master} for key in move.losers}
    store.change(move.of, writes.stage_updates(move.of, changes), author)


def _references(store: Store, of: ObjectDef) -> Iterator[tuple[ObjectDef, FieldDef]]:
    for child in store.schema.objects:
        if child.entity_type in STAYING or child.empty_key or child.name == FEED:
            continue
        for field in child.stored:
            own = field.name == MASTER_RECORD or (child.name, field.name) in FIXED
            if field.type is FieldType.REFERENCE and of.name in field.targets and not own:
                yield child, field


def _master(move: Move) -> str:
    return tables.text(move.master)


def _chosen(move: Move, child: ObjectDef, field: FieldDef) -> str:
    """The live children, without the merged records themselves and the contacts of persons."""
    condition = f"t0.{tables.name(field.name)} IN ({move.listed}) AND {live(child, 't0')}"
    if child.name == move.of.name:
        condition += f' AND t0."Id" NOT IN ({move.listed})'
    if (child.name, field.name) == ("Contact", "AccountId") and child.field("IsPersonAccount"):
        condition += ' AND NOT coalesce(t0."IsPersonAccount", FALSE)'
    return f"FROM {tables.name(child.name)} t0 WHERE {condition}"


def _end_direct_relations(store: Store, move: Move, author: Author) -> None:
    """A merged contact's own account becomes one of the accounts that the master is related to."""
    relation = store.schema.get(RELATION)
    if move.of.name != "Contact" or relation is None:
        return
    chosen = (
        f'FROM {tables.name(RELATION)} t0 WHERE t0."ContactId" IN ({move.listed}) AND t0."IsDirect"'
    )
    staged = writes.stage_where(store.cursor(), relation, chosen, {"IsDirect": "FALSE"})
    if staged.table.num_rows:
        store.change(relation, staged, author)


def _drop_repeated(
    store: Store, move: Move, child: ObjectDef, field: FieldDef, author: Author
) -> None:
    """Delete rows that after the move would repeat another one; direct relations are kept."""
    column = tables.name(field.name)
    moved = f"CASE WHEN t.{column} IN ({move.listed}) THEN {_master(move)} ELSE t.{column} END"
    names = [name for name in PAIRS[child.name] if child.field(name)]
    pair = ", ".join(moved if name == field.name else f"t.{tables.name(name)}" for name in names)
    direct = 't."IsDirect" DESC, ' if child.field("IsDirect") else ""
    repeated = database.column(
        store.cursor(),
        f"""
        SELECT id FROM (
          SELECT t."Id" AS id, row_number() OVER (PARTITION BY {pair}
            ORDER BY {direct}t.{column} = {_master(move)} DESC, t.{tables.ORDER}) AS place
          FROM {tables.name(child.name)} t
          WHERE {live(child, "t")} AND t.{column} IN ({_master(move)}, {move.listed}))
        WHERE place > 1 ORDER BY id""",
    )
    if repeated:
        store.remove(child, repeated, author)


def _below_itself(store: Store, move: Move, name: str) -> bool:
    column, table = tables.name(name), tables.name(move.of.name)
    above = database.column(
        store.cursor(),
        f"""
        WITH RECURSIVE above(id) AS (
          SELECT {column} FROM {table} WHERE "Id" = {_master(move)}
          UNION SELECT t.{column} FROM {table} t JOIN above a ON t."Id" = a.id)
        SELECT id FROM above WHERE id = {_master(move)}""",
    )
    return bool(above)


def person_contacts(store: Store, of: ObjectDef, keys: Sequence[str]) -> dict[str, str | None]:
    """The contact of each of these accounts, None for a business."""
    if of.field("PersonContactId") is None:
        return dict.fromkeys(keys)
    listed = ", ".join(map(tables.text, keys))
    rows = store.cursor().execute(
        f'SELECT "Id", "PersonContactId" FROM {tables.name(of.name)} WHERE "Id" IN ({listed})'
    )
    return {**dict.fromkeys(keys), **dict(rows.fetchall())}
