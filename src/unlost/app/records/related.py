"""Records and files that belong to a record at a backup, described for people.

Nothing here is specific to e-mails or file links: the schema's references decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.records.linked_files import files_of
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.referring import ID, ReferenceSearch, ReferringIds, other_references
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table, TableTrait
from unlost.model.vault.snapshot import StoredFile

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

FIRST = 5  # records listed for each table
MOST_FILES = 50
FETCH = 10_000  # ids per lookup


@dataclass(frozen=True, slots=True)
class RelatedRecord:
    """A related record; ``alive``: it is still live in the newest backup.

    ``archived``: an archive took it out of the org.
    """

    record: str
    name: str
    alive: bool
    archived: bool = False


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """Related records of a table, which refer to the record by ``columns``.

    ``through``: they refer to a related record of that table, not to the record itself. ``lost`` of
    the ``count`` are no longer live in the newest backup, and ``archived`` are no longer in the org
    because archives took them. ``first`` are some of them. ``through_label`` is the label of that
    table.
    """

    table: str
    label: str
    columns: tuple[str, ...]
    through: str | None
    count: int
    lost: int
    first: tuple[RelatedRecord, ...]
    through_label: str = ""
    archived: int = 0


@dataclass(frozen=True, slots=True)
class RelatedFile:
    """A file that belongs to the record or to a related one; ``record`` has the bytes.

    ``through`` is the table of the record that it belongs to or that links it; empty if it refers
    to the record itself. ``through_label`` is the label of that table.
    """

    table: str
    record: str
    name: str
    media_type: str
    size: int
    through: str
    through_label: str = ""


@dataclass(frozen=True, slots=True)
class RelatedRecords:
    """The records and files that belonged to a record at the backup ``snapshot``.

    For a deleted record this is the last backup that shows it live. ``files`` are at most 50,
    ``more_files`` were left out. ``unsearched`` are tables that were too large to be searched, or
    that had too many records to follow.
    """

    snapshot: int
    as_of: datetime
    tables: tuple[RelatedTable, ...]
    files: tuple[RelatedFile, ...]
    more_files: int
    unsearched: tuple[str, ...]


def related(
    snapshot: Snapshot, newest: Snapshot, table: Table, record: str, *, names: RecordNames
) -> RelatedRecords | None:
    """Return what belonged to a record at ``snapshot``; ``newest`` shows which of it is still live.

    ``names`` are those of the records of ``snapshot``.

    Returns None for set-up data: everything refers to a user, but nothing belongs to one.
    """
    if table.has(TableTrait.CONFIGURATION):
        return None
    search = ReferenceSearch(snapshot)
    groups = search.around(table, record)
    files = files_of(snapshot, groups)
    shown = [group for group in groups if not group.table.files]
    ranked = sorted(shown, key=lambda ids: (ids.through is not None, _nameless(ids), -len(ids.ids)))
    return RelatedRecords(
        snapshot=snapshot.info.number,
        as_of=snapshot.info.as_of,
        tables=tuple(_related_table(group, snapshot, newest, names) for group in ranked),
        files=tuple(_file(stored, through, snapshot) for stored, through in files[:MOST_FILES]),
        more_files=len(files[MOST_FILES:]),
        unsearched=tuple(sorted(search.unsearched)),
    )


def _nameless(group: ReferringIds) -> bool:
    return group.table.name_column is None


def _file(stored: StoredFile, through: str, snapshot: Snapshot) -> RelatedFile:
    return RelatedFile(
        stored.table,
        stored.record,
        stored.name,
        stored.media_type,
        stored.size,
        through,
        _table_label(snapshot, through),
    )


def _table_label(snapshot: Snapshot, name: str | None) -> str:
    table = snapshot.schema().table(name) if name else None
    return (table.label if table is not None else "") or name or ""


def _related_table(
    group: ReferringIds, snapshot: Snapshot, newest: Snapshot, names: RecordNames
) -> RelatedTable:
    first = group.ids.slice(0, FIRST).to_pylist()
    alive = _still_alive(group, snapshot, newest)
    labels = _labels(group, snapshot, names)
    living = set(alive.filter(pc.is_in(alive, value_set=group.ids.slice(0, FIRST))).to_pylist())
    dead = group.ids.filter(pc.invert(pc.is_in(group.ids, value_set=alive)))
    archived = _archived(group.table.name, newest, dead.to_pylist())
    return RelatedTable(
        table=group.table.name,
        label=group.table.plural or group.table.label or group.table.name,
        columns=group.columns,
        through=group.through,
        count=len(group.ids),
        lost=len(dead) - len(archived),
        first=tuple(
            RelatedRecord(record_id, labels[record_id], record_id in living, record_id in archived)
            for record_id in first
        ),
        through_label=_table_label(snapshot, group.through),
        archived=len(archived),
    )


def _archived(table: str, newest: Snapshot, dead: list[str]) -> frozenset[str]:
    """Return the records among these that archives took out of the org."""
    if table not in newest.tables():
        return frozenset()
    archived: set[str] = set()
    for at in range(0, len(dead), FETCH):
        rows = newest.get(table, dead[at : at + FETCH], columns=[])
        mask = pc.equal(rows["_u_op"].cast(pa.string()), Op.ARCHIVED.value)
        archived.update(rows.filter(mask)[ID].to_pylist())
    return frozenset(archived)


def _still_alive(group: ReferringIds, snapshot: Snapshot, newest: Snapshot) -> pa.Array:
    """Return the ids of a group that are live in the newest backup."""
    name = group.table.name
    # The usual case, which saves reading all ids of a table.
    if newest.info.number == snapshot.info.number:
        return group.ids
    if name not in newest.tables():
        return group.ids.slice(0, 0)
    parts = [
        ids[ID].cast(pa.string()).filter(pc.is_in(ids[ID].cast(pa.string()), value_set=group.ids))
        for ids in newest.live_ids(name)
    ]
    chunks = [chunk for part in parts for chunk in part.chunks]
    return pa.chunked_array(chunks, pa.string()).combine_chunks()


def _labels(group: ReferringIds, snapshot: Snapshot, names: RecordNames) -> Mapping[str, str]:
    """Return names of the first records; nameless ones are named after other references."""
    rows = group.cells.slice(0, FIRST).to_pylist()
    ids = [str(row[ID]) for row in rows]
    known_names = names.of([group.table.name], ids)
    labels = {record: known_names.get(record, "") for record in ids}
    if group.table.name_column is not None or known_names:
        return labels
    for column, tables in other_references(group, snapshot.schema()):
        values = [row[column] for row in rows if row[column]]
        known = names.of(tables, values)
        for row in rows:
            labels[row[ID]] = labels[row[ID]] or known.get(row[column], "")
    return labels
