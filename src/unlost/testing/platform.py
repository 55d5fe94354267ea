"""The automatic behaviour of a SaaS when records are written: checks, cascades, by-products.

The server side of ``MemoryWriter``. It survives a client that crashes, and enforces the rules that
a restore meets: required and unique columns, references that must be live, delete rules, a bin that
returns a master with its details, records that the system creates along with others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from unlost.model.named_records import possible_keys, texts_of
from unlost.model.source.schema import Column, DeleteRule
from unlost.model.source.writing import (
    ClearedRows,
    Gather,
    LateColumn,
    LockedDelete,
    MatchKey,
    NeverColumn,
    NeverReason,
    WriteCapability,
    WriteOp,
)
from unlost.testing.images import text_images
from unlost.testing.org import MemoryOrg, MemoryRecord, MemoryTable

EVERY_OP = frozenset(WriteOp)
DEFAULT = "by default"
SYSTEM = frozenset({"Id", "Modified", "ModifiedBy"})

type Cells = Mapping[str, str | None]


class RowRefused(Exception):
    """The platform refuses one row. ``code`` is its native code, ``columns`` are the cause."""

    def __init__(self, code: str, sentence: str, *columns: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.columns = columns


@dataclass(slots=True)
class BinnedRecord:
    """The way a record came into the bin: with its master (``root``), and which links were emptied.

    ``lost``: its master was deleted later, so it can never be undeleted.
    """

    root: tuple[str, str]
    emptied: list["EmptiedBin"] = field(default_factory=list)
    lost: bool = False


@dataclass(frozen=True, slots=True)
class EmptiedBin:
    """A link that was emptied, and its former target."""

    table: str
    record: str
    column: str
    target: str | None


class Platform:
    """The rules of one memory org. Methods act as the user ``by`` and raise ``RowRefused``.

    ``defaulted`` columns of a capability hold ``DEFAULT`` if they are not sent; with ``stubborn``
    also if they are sent empty. ``relinks``: an undelete sets emptied links again.
    ``retained``: rows that the org does not remove with an update, though it may.
    ``loses_details``: a detail that was deleted before its master never leaves the bin (Salesforce
    SOAP guide, undelete). ``keeps_ids``: tables whose records can be created with the id that they
    had, unless a live record has it. ``ignores_ids``: tables of these in which the record silently
    gets another id. ``leaves_links``: references keep the id of a deleted record.
    """

    def __init__(self, org: MemoryOrg) -> None:
        self.org = org
        self.required: set[tuple[str, str]] = set()
        self.unique: list[tuple[str, tuple[str, ...]]] = []
        self.capabilities: dict[str, WriteCapability] = {}
        self.created: dict[tuple[str, str], tuple[datetime, str]] = {}
        self.relinks = True
        self.stubborn = False
        self.retained: set[tuple[str, str]] = set()
        self.loses_details = False
        self.keeps_ids: set[str] = set()
        self.ignores_ids: set[str] = set()
        self.leaves_links = False
        self.small_file = 0
        self.files_per_call = 0
        self._binned: dict[tuple[str, str], BinnedRecord] = {}

    # --- what may be written -----------------------------------------------------------------------

    def allow(self, capability: WriteCapability) -> None:
        """Give a table another capability than the usual one."""
        self.capabilities[capability.table] = capability

    def capability(self, table: str) -> WriteCapability:
        """All columns except system columns can be set; unique columns are keys."""
        if table in self.capabilities:
            return self.capabilities[table]
        memory_table = self.org.tables[table]
        file_columns = (
            frozenset({"Body", "BodySize", "BodyDigest"}) if memory_table.has_files else frozenset()
        )
        plain_columns = frozenset(memory_table.columns) - SYSTEM - file_columns
        return WriteCapability(
            table,
            ops=EVERY_OP,
            keeps_id=table in self.keeps_ids,
            settable=plain_columns,
            changeable=plain_columns,
            needs_value=frozenset(c for owner, c in self.required if owner == table),
            keys=tuple(MatchKey(columns) for owner, columns in self.unique if owner == table),
            never=tuple(NeverColumn(c, NeverReason.BY_PLATFORM) for c in sorted(file_columns)),
            file_column="Body" if memory_table.has_files else None,
            small_file=self.small_file if memory_table.has_files else 0,
            files_per_call=self.files_per_call if memory_table.has_files else 0,
            text_images=text_images(*memory_table.image_columns),
        )

    # --- writes ------------------------------------------------------------------------------------

    def create(self, table: str, cells: Cells, *, by: str) -> str:
        """Create a record, with its by-products, and return its id."""
        return self._create(table, cells, by)

    def recreate(self, table: str, record: str, cells: Cells, *, by: str) -> str:
        """Create a record with the id that it had; one with this id in the bin is gone then."""
        if table not in self.keeps_ids:
            raise RowRefused("INVALID_FIELD", f"The id of {table} cannot be set.", "Id")
        known = self.org.tables[table].records.get(record)
        if known is not None and not known.deleted:
            raise RowRefused("DUPLICATE_ID", f"{record} exists already.", "Id")
        return self._create(table, cells, by, record=None if table in self.ignores_ids else record)

    def _create(self, table: str, cells: Cells, by: str, *, record: str | None = None) -> str:
        capability = self.capability(table)
        given: dict[str, str | None] = {n: v for n, v in cells.items() if v is not None}
        self._check_columns(table, given, capability.settable)
        self._check_values(table, given, None)
        lists = {gather.column for gather in capability.gathers}
        own_cells = {name: value for name, value in given.items() if name not in lists}
        sent = given if self.stubborn else cells
        # Like Salesforce: a default replaces only columns that were not sent.
        own_cells |= dict.fromkeys(capability.defaulted - sent.keys(), DEFAULT)
        new_id = self.org.create(table, own_cells, by=by, record=record)
        self._binned.pop((table, new_id), None)
        self.created[table, new_id] = (self.org.clock.now(), by)
        self.org.host_images(table, new_id)
        for product in capability.by_products:
            if given.get(product.column) is None:
                other = self.org.create(product.table, {"Name": given.get("Name")}, by=by)
                self.created[product.table, other] = (self.org.clock.now(), by)
                self.org.tables[table].records[new_id].cells[product.column] = other
        for gather in capability.gathers:
            self._unfold(gather, new_id, given.get(gather.column), by)
        return new_id

    def update(self, table: str, record: str, cells: Cells, *, by: str) -> None:
        """Change cells of a live record."""
        self._live(table, record)
        for late in self._locked(table, record):
            if late.column in cells and late.locked_delete is not LockedDelete.AS_DRAFT:
                raise RowRefused("FAILED_ACTIVATION", f"{table}/{record} is activated.")
        self._check_columns(table, cells, self.capability(table).changeable)
        self._check_values(table, cells, record)
        before = dict(self.org.tables[table].records[record].cells)
        self.org.update(table, record, dict(cells), by=by)
        self.org.host_images(table, record)
        for cleared in self.capability(table).clears:
            name = cleared.column
            if name in cells and cells[name] != before.get(name):
                self._clear(cleared, record, by)

    def delete(self, table: str, record: str, *, by: str) -> None:
        """Move a record to the bin with all details; empty other references to it, or refuse."""
        doomed = list(self._tree(table, record))
        for owner, child in doomed:
            locked = self._locked(owner, child)
            if (owner, child) == (table, record):
                locked = [c for c in locked if c.locked_delete is not LockedDelete.ALONE]
            if locked:
                raise RowRefused("DELETE_FAILED", f"{owner}/{child} is activated.")
        for owner, child, _, rule in self._pointing(doomed):
            if rule is DeleteRule.RESTRICT and (owner, child) not in doomed:
                raise RowRefused("DELETE_FAILED", f"{table}/{record} is still referenced.")
        emptied = self._empty_links(doomed, by)
        for at, (owner, child) in enumerate(doomed):
            if not self.org.tables[owner].records[child].deleted:
                self.org.delete(owner, child, by=by)
                links = emptied if at == 0 else []
                self._binned[owner, child] = BinnedRecord((table, record), links)
        if self.loses_details:
            self._lose_details(doomed)

    def merge(
        self, table: str, winner: str, loser: str, *, by: str, cells: Cells | None = None
    ) -> None:
        """Merge a record into another: its children move there, and it moves to the bin.

        ``cells``: the values that the winner gets.
        """
        for owner, child, column, _ in list(self._pointing([(table, loser)])):
            self.org.update(owner, child, {column: winner}, by=by)
        self._name_winner(table, loser, winner)
        self.delete(table, loser, by=by)
        if cells:
            self.org.update(table, winner, dict(cells), by=by)

    def undelete(self, table: str, record: str, *, by: str) -> None:
        """Take a record out of the bin, with the details that were deleted with it."""
        if not self.leaves_bin(table, record):
            raise RowRefused("UNDELETE_FAILED", "Entity is not in the recycle bin")
        binned = self._binned.get((table, record), BinnedRecord((table, record)))
        came = [member for member in self._group(table, record) if not self._is_lost(member)]
        for owner, child in came:
            # All or nothing: the bin returns no part of a group.
            self._check_uniques(owner, {}, child)
        for owner, child in came:
            self.org.undelete(owner, child, by=by)
            self._binned.pop((owner, child), None)
            self._name_winner(owner, child, None)
        for link in binned.emptied if self.relinks else ():
            again = self.org.tables[link.table].records.get(link.record)
            empty = again is not None and not again.deleted and again.cells.get(link.column) is None
            if empty and self._is_live(link.target):
                self.org.update(link.table, link.record, {link.column: link.target}, by=by)

    def purge(self, table: str, record: str) -> None:
        """Remove a record of the bin permanently, with the records deleted because of it."""
        for owner, child in self._group(table, record):
            self.org.purge(owner, child)
            self._binned.pop((owner, child), None)

    def purge_bin(self) -> None:
        """Empty the bin permanently."""
        for name, table in self.org.tables.items():
            for record in [
                key for key, memory_record in table.records.items() if memory_record.deleted
            ]:
                self.org.purge(name, record)
        self._binned.clear()

    # --- reads -------------------------------------------------------------------------------------

    def leaves_bin(self, table: str, record: str) -> bool:
        """True if a record of the bin can be undeleted alone; unique keys are not checked."""
        memory_record = self.org.tables[table].records.get(record)
        binned = self._binned.get((table, record), BinnedRecord((table, record)))
        is_root = binned.root == (table, record)
        return memory_record is not None and memory_record.deleted and is_root and not binned.lost

    def live(self, table: str) -> Iterator[tuple[str, MemoryRecord]]:
        """Live records of a table."""
        for key, record in self.org.visible(table).items():
            if not record.deleted:
                yield key, record

    # --- inside ------------------------------------------------------------------------------------

    def _clear(self, cleared: ClearedRows, record: str, by: str) -> None:
        """Remove rows that belong to a record, for good."""
        rows = [
            key
            for key, row in self.live(cleared.table)
            if row.cells.get(cleared.parent_column) == record
        ]
        for key in rows:
            if (cleared.table, key) not in self.retained:
                self.org.delete(cleared.table, key, by=by)
                self.org.purge(cleared.table, key)

    def _group(self, table: str, record: str) -> list[tuple[str, str]]:
        """The record of the bin, and the records deleted because of it."""
        others = [
            key
            for key, binned_record in self._binned.items()
            if binned_record.root == (table, record)
        ]
        return others or [(table, record)]

    def _name_winner(self, table: str, record: str, winner: str | None) -> None:
        """Set the column that names the surviving record, if the table has one."""
        column = self.org.tables[table].merged_into
        if column is not None:  # no change log has it
            self.org.tables[table].records[record].cells[column] = winner

    def _is_live(self, record: str | None) -> bool:
        """True if any table has this record outside the bin."""
        records = [table.records.get(str(record)) for table in self.org.tables.values()]
        return any(
            memory_record is not None and not memory_record.deleted for memory_record in records
        )

    def _is_lost(self, key: tuple[str, str]) -> bool:
        return key in self._binned and self._binned[key].lost

    def _lose_details(self, masters: list[tuple[str, str]]) -> None:
        for (owner, child), binned in self._binned.items():
            table = self.org.tables[owner]
            cells = table.records[child].cells
            details = any(
                rule is DeleteRule.CASCADE and (key.table, key.record) in masters
                for column, rule in self._references(table)
                for key in possible_keys(column, cells)
            )
            binned.lost |= details and (owner, child) not in masters

    def _locked(self, table: str, record: str) -> list[LateColumn]:
        """The columns whose values prevent that a record is deleted."""
        memory_record = self.org.tables[table].records.get(record)
        cells = memory_record.cells if memory_record is not None else {}
        return [c for c in self.capability(table).late if cells.get(c.column) in c.locks]

    def _live(self, table: str, record: str) -> None:
        memory_record = self.org.tables[table].records.get(record)
        if memory_record is None or memory_record.deleted:
            raise RowRefused("ENTITY_IS_DELETED", "entity is deleted")

    def _check_columns(self, table: str, cells: Cells, allowed: frozenset[str]) -> None:
        wrong = sorted(set(cells) - allowed)
        if wrong:
            raise RowRefused(
                "INVALID_FIELD", f"{', '.join(wrong)} of {table}: not writable.", *wrong
            )

    def _check_values(self, table: str, cells: Cells, record: str | None) -> None:
        for owner, name in self.required:
            if owner == table and (record is None or name in cells) and not cells.get(name):
                raise RowRefused("REQUIRED_FIELD_MISSING", f"{name} is missing.", name)
        row = {**(self.org.tables[table].records[record].cells if record else {}), **cells}
        for column in self.org.tables[table].columns.values():
            reference = column.reference
            if reference is not None and reference.holds_one_id and cells.get(column.name):
                self._check_reference(column, row)
        self._check_uniques(table, cells, record)

    def _check_uniques(self, table: str, cells: Cells, record: str | None) -> None:
        for owner, columns in self.unique:
            if owner == table:
                self._check_unique(table, columns, cells, record)

    def _check_reference(self, column: Column, row: Cells) -> None:
        """Refuse an id that is not live; names in lists and keys are taken as they are."""
        for key in possible_keys(column, row):
            table = self.org.tables.get(key.table)
            record = table.records.get(key.record) if table is not None else None
            if table is None or (record is not None and not record.deleted):
                return
        target = row[column.name]
        raise RowRefused("INVALID_CROSS_REFERENCE_KEY", f"{target} does not exist.", column.name)

    def _check_unique(
        self, table: str, columns: tuple[str, ...], cells: Cells, record: str | None
    ) -> None:
        records = self.org.tables[table].records
        before = records[record].cells if record is not None else {}
        wanted = [cells.get(name, before.get(name)) for name in columns]
        if None in wanted:
            return
        for key, other in records.items():
            same = [other.cells.get(name) for name in columns] == wanted
            if same and key != record and not other.deleted:
                raise RowRefused("DUPLICATE_VALUE", f"{key} has this value already.", *columns)

    def _unfold(self, gather: Gather, parent: str, joined: str | None, by: str) -> None:
        for address in filter(None, (joined or "").split(";")):
            cells: dict[str, str | None] = {
                **dict(gather.where),
                gather.parent_column: parent,
                gather.value_column: address,
            }
            row = self.org.create(gather.table, cells, by=by)
            self.created[gather.table, row] = (self.org.clock.now(), by)

    def _references(self, table: MemoryTable) -> Iterator[tuple[Column, DeleteRule]]:
        for column in table.columns.values():
            if column.reference is not None:
                yield column, column.reference.rule

    def _pointing(
        self, records: list[tuple[str, str]]
    ) -> Iterator[tuple[str, str, str, DeleteRule]]:
        wanted = set(records)
        for name, table in self.org.tables.items():
            for column, rule in self._references(table):
                for key, record in table.records.items():
                    if record.deleted or record.cells.get(column.name) is None:
                        continue
                    named = possible_keys(column, record.cells)
                    if any((target.table, target.record) in wanted for target in named):
                        yield name, key, column.name, rule

    def _tree(self, table: str, record: str) -> Iterator[tuple[str, str]]:
        seen = [(table, record)]
        for member in seen:
            for owner, child, _, rule in self._pointing([member]):
                if rule is DeleteRule.CASCADE and (owner, child) not in seen:
                    seen.append((owner, child))
        yield from seen

    def _empty_links(self, doomed: list[tuple[str, str]], by: str) -> list[EmptiedBin]:
        links = [
            EmptiedBin(owner, child, column, self.org.tables[owner].records[child].cells[column])
            for owner, child, column, rule in self._pointing(doomed)
            if (owner, child) not in doomed and rule is not DeleteRule.CASCADE
        ]
        links = [] if self.leaves_links else links
        for link in links:
            rest = self._without(link, doomed)
            self.org.update(link.table, link.record, {link.column: rest}, by=by)
        return links

    def _without(self, link: EmptiedBin, doomed: list[tuple[str, str]]) -> str | None:
        """A reference without the records that are deleted; a list keeps its other names."""
        reference = self.org.tables[link.table].columns[link.column].reference
        if reference is None or reference.separator is None:
            return None
        gone = {record for _, record in doomed}
        texts = [text for text in texts_of(reference, link.target) if text not in gone]
        return reference.separator.join(texts) or None


def without(capability: WriteCapability, *ops: WriteOp) -> WriteCapability:
    """The same capability without these operations."""
    return replace(capability, ops=capability.ops - set(ops))
