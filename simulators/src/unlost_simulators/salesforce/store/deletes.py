"""Deletion with everything that hangs on it: into the bin or for good, lookups cleared.

Works set-wise in the caller's transaction on the rows that ``doomed`` has marked.
"""

from dataclasses import dataclass
from datetime import datetime

from unlost_simulators.salesforce.model.schema import DeleteRule, ObjectDef
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.doomed import Doomed, alive
from unlost_simulators.salesforce.store.writes import Author, stamps_of_change


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deletion: when, by whom, and whether it skips the recycle bin."""

    stamp: datetime
    user_id: str
    hard: bool = False

    @property
    def sql(self) -> str:
        """The stamp as SQL."""
        return f"TIMESTAMP '{self.stamp.isoformat(sep=' ')}'"


@dataclass(frozen=True, slots=True)
class Deleted:
    """The effect of a deletion: the objects whose rows it changed, and rows that the bin got."""

    objects: tuple[str, ...]
    binned: int


def delete(doomed: Doomed, deletion: Deletion) -> Deleted:
    """Delete the marked rows, which nothing may be in the way of."""
    cleared = _clear_lookups(doomed, deletion)
    for definition in doomed.touched:
        _lock_out_details(doomed, definition)
    binned = 0
    for definition in doomed.touched:
        if deletion.hard or vanishes(definition):
            _erase(doomed, definition, deletion)
        else:
            binned += _bin(doomed, definition, deletion)
    names = {definition.name for definition in doomed.touched} | cleared
    return Deleted(tuple(sorted(names)), binned)


def vanishes(of: ObjectDef) -> bool:
    """Return true if deleted rows skip the bin: deletable objects that cannot be undeleted."""
    return of.field("IsDeleted") is None or (of.deletable and not of.undeletable)


def _clear_lookups(doomed: Doomed, deletion: Deletion) -> set[str]:
    """Set lookups to the doomed rows to null, and note them for an undelete.

    The platform moves SystemModstamp for this, yet not LastModifiedDate.
    """
    changed = set()
    for parent in doomed.touched:
        for child, field in doomed.children(parent, DeleteRule.SET_NULL):
            if _clear(doomed, parent, child, field, deletion):
                changed.add(child.name)
    return changed


def _clear(
    doomed: Doomed, parent: ObjectDef, child: ObjectDef, field: str, deletion: Deletion
) -> bool:
    column = tables.name(field)
    with doomed.referring(parent, child, field) as rows:
        if rows is None:
            return False
        noted = database.scalar(
            doomed.cursor,
            f"""
            INSERT INTO _nulled
            SELECT {tables.text(child.name)}, c."Id", {tables.text(field)}, c.{column}, d.root
            FROM {rows} WHERE {alive(child)}""",
        )
        if noted:
            doomed.cursor.execute(f"""
                UPDATE {tables.name(child.name)} t SET {column} = NULL{_moved(child, deletion)}
                FROM (SELECT c.{tables.ORDER} AS k, c."Id" AS id
                      FROM {rows} WHERE {alive(child)}) s
                WHERE t.{tables.ORDER} = s.k AND t."Id" = s.id""")
        return bool(noted)


def _moved(of: ObjectDef, deletion: Deletion) -> str:
    return f', "SystemModstamp" = {deletion.sql}' if of.field("SystemModstamp") else ""


def _lock_out_details(doomed: Doomed, master: ObjectDef) -> None:
    """Mark details that were deleted before their master: they can never be undeleted."""
    for child, field in doomed.children(master, DeleteRule.CASCADE):
        if vanishes(child):
            continue
        earlier = _deleted_earlier(doomed, master, child, field)
        if not earlier:
            continue
        with database.listing(doomed.cursor, earlier, tables.text) as listed:
            doomed.cursor.execute(
                f"UPDATE _bin SET lost = TRUE WHERE object = {tables.text(child.name)} "
                f"AND id IN {listed}"
            )


def _deleted_earlier(doomed: Doomed, master: ObjectDef, child: ObjectDef, field: str) -> list[str]:
    with doomed.referring(master, child, field) as rows:
        if rows is None:
            return []
        sql = f'SELECT DISTINCT c."Id" FROM {rows} WHERE c."IsDeleted"'
        return database.column(doomed.cursor, sql)


def _doomed_rows(of: ObjectDef) -> str:
    return f"(SELECT * FROM _doomed WHERE object = {tables.text(of.name)})"


def _same(of: ObjectDef) -> str:
    return f'FROM {_doomed_rows(of)} d WHERE t.{tables.ORDER} = d.k AND t."Id" = d.id'


def _log(doomed: Doomed, of: ObjectDef, deletion: Deletion) -> None:
    rows, owner = f"{_doomed_rows(of)} d", "NULL"
    if of.field("OwnerId"):
        same = f't.{tables.ORDER} = d.k AND t."Id" = d.id'
        rows, owner = f"{rows} JOIN {tables.name(of.name)} t ON {same}", 't."OwnerId"'
    doomed.cursor.execute(
        f"INSERT INTO _deleted SELECT d.object, d.id, {deletion.sql}, {owner} FROM {rows}"
    )


def _erase(doomed: Doomed, of: ObjectDef, deletion: Deletion) -> None:
    _log(doomed, of, deletion)
    doomed.cursor.execute(f"""
        DELETE FROM {tables.name(of.name)} t USING {_doomed_rows(of)} d
        WHERE t.{tables.ORDER} = d.k AND t."Id" = d.id""")


def _bin(doomed: Doomed, of: ObjectDef, deletion: Deletion) -> int:
    # The log is what getDeleted reads; it outlives the entry in the bin.
    _log(doomed, of, deletion)
    # Admins read in the audit columns when a row was deleted, and by whom; rows that went by
    # cascade name the user who deleted their parent.
    stamps = stamps_of_change(of, Author(deletion.user_id, deletion.stamp))
    sets = "".join(f", {tables.name(name)} = {sql}" for name, sql in stamps.items())
    doomed.cursor.execute(
        f'UPDATE {tables.name(of.name)} t SET "IsDeleted" = TRUE{sets} {_same(of)}'
    )
    return int(
        database.scalar(
            doomed.cursor,
            f"INSERT INTO _bin SELECT object, id, root, {deletion.sql}, FALSE "
            f"FROM {_doomed_rows(of)}",
        )
    )
