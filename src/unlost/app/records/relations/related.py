"""Records and files that belong to a record at a backup, described for people.

Nothing here is specific to e-mails or file links: the schema's references decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.records.record_facts import RecordNames, name_in
from unlost.app.records.relations.linked_files import files_of
from unlost.app.records.relations.referring import (
    ID,
    ReferenceSearch,
    ReferringIds,
    other_references,
)
from unlost.model.source.schema import Table, TableTrait
from unlost.model.vault.snapshot import StoredFile

if TYPE_CHECKING:
    from unlost.app.records.archived.archived_rows import ArchivedRows
    from unlost.model.ports.vault import Snapshot

FIRST = 5  # records listed for each table
MOST_FILES = 50


class RelatedState(StrEnum):
    """The related records to show, by their state now."""

    ANY = "any"
    ARCHIVED = "archived"  # an archive took them out of the org


@dataclass(frozen=True, slots=True)
class RelatedRecord:
    """A related record; ``alive``: it is still live in the newest backup.

    ``archived``: an archive took it out of the org, and the vault has its last state.
    """

    record: str
    name: str
    alive: bool
    archived: bool = False


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """Related records of a table, which refer to the record by ``columns``.

    ``through``: they refer to a related record of that table, not to the record itself. Of the
    ``count``, ``archived`` ones left the org in an archive, and ``lost`` ones are no longer live in
    the newest backup for another reason. ``first`` are some of them. ``through_label`` is the label
    of that table.
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
    to the record itself. ``through_label`` is the label of that table. ``archived``: an archive took
    it out of the org.
    """

    table: str
    record: str
    name: str
    media_type: str
    size: int
    through: str
    through_label: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class RelatedRecords:
    """The records and files that belonged to a record at the backup ``snapshot``.

    For a deleted record this is the last backup that shows it live. ``files`` are at most 50,
    ``more_files`` were left out. ``unsearched`` are tables that were too large to be searched, or
    that had too many records to follow. Archived records are included, with their last state,
    whatever the backup. ``state``: only records in this state are shown.
    """

    snapshot: int
    as_of: datetime
    tables: tuple[RelatedTable, ...]
    files: tuple[RelatedFile, ...]
    more_files: int
    unsearched: tuple[str, ...]
    state: RelatedState = RelatedState.ANY


def related(
    snapshot: Snapshot,
    newest: Snapshot,
    table: Table,
    record: str,
    *,
    names: RecordNames,
    archive: ArchivedRows | None = None,
    state: RelatedState = RelatedState.ANY,
) -> RelatedRecords | None:
    """Return what belonged to a record at ``snapshot``; ``newest`` shows which of it is still live.

    ``names`` are those of the records of ``snapshot``. ``archive`` has archived records that refer
    to the record. ``state``: only records in this state.

    Returns None for set-up data: everything refers to a user, but nothing belongs to one.
    """
    if table.has(TableTrait.CONFIGURATION):
        return None
    search = ReferenceSearch(
        snapshot, archive=archive, only_archived=state is RelatedState.ARCHIVED
    )
    groups = search.around(table, record)
    files = _files(snapshot, groups, archive, state=state)
    if state is RelatedState.ARCHIVED:
        parts = (archived_part(group, search.archived(group.table.name)) for group in groups)
        groups = [group for group in parts if len(group.ids)]
    shown = [group for group in groups if not group.table.files]
    ranked = sorted(shown, key=lambda ids: (ids.through is not None, _nameless(ids), -len(ids.ids)))
    describer = _Describer(snapshot, newest, names, search)
    return RelatedRecords(
        snapshot=snapshot.info.number,
        as_of=snapshot.info.as_of,
        tables=tuple(describer.table(group) for group in ranked),
        files=files[:MOST_FILES],
        more_files=len(files[MOST_FILES:]),
        unsearched=tuple(sorted(search.unsearched)),
        state=state,
    )


def archived_part(group: ReferringIds, archived: pa.ChunkedArray) -> ReferringIds:
    """Return the records of a group that are among the ``archived`` ids."""
    cells = group.cells
    return replace(
        group,
        ids=group.ids.filter(pc.is_in(group.ids, value_set=archived)),
        cells=cells.filter(pc.is_in(cells[ID], value_set=archived)),
    )


def _nameless(group: ReferringIds) -> bool:
    return group.table.name_column is None


def _files(
    snapshot: Snapshot,
    groups: Sequence[ReferringIds],
    archive: ArchivedRows | None,
    *,
    state: RelatedState,
) -> tuple[RelatedFile, ...]:
    stored = files_of(snapshot, groups)
    archived = _archived_files(archive, [file for file, _ in stored])
    return tuple(
        RelatedFile(
            file.table,
            file.record,
            file.name,
            file.media_type,
            file.size,
            through,
            _table_label(snapshot, through),
            archived=(file.table, file.record) in archived,
        )
        for file, through in stored
        if state is RelatedState.ANY or (file.table, file.record) in archived
    )


def _archived_files(
    archive: ArchivedRows | None, files: Sequence[StoredFile]
) -> frozenset[tuple[str, str]]:
    if archive is None:
        return frozenset()
    by_table: dict[str, list[str]] = {}
    for file in files:
        by_table.setdefault(file.table, []).append(file.record)
    return frozenset(
        (table, record)
        for table, records in by_table.items()
        for record in archive.among(table, records)
    )


def _table_label(snapshot: Snapshot, name: str | None) -> str:
    table = snapshot.schema().table(name) if name else None
    return (table.label if table is not None else "") or name or ""


@dataclass(frozen=True, slots=True)
class _Describer:
    """Describes groups of related records for people."""

    snapshot: Snapshot
    newest: Snapshot
    names: RecordNames
    search: ReferenceSearch

    def table(self, group: ReferringIds) -> RelatedTable:
        """Return a group with its counts and its first records."""
        archived = self.search.archived(group.table.name)
        present = group.ids.filter(pc.invert(pc.is_in(group.ids, value_set=archived)))
        alive = _still_alive(replace(group, ids=present), self.snapshot, self.newest)
        return RelatedTable(
            table=group.table.name,
            label=group.table.plural or group.table.label or group.table.name,
            columns=group.columns,
            through=group.through,
            count=len(group.ids),
            lost=len(present) - len(alive),
            first=tuple(self._first(group, alive, archived)),
            through_label=_table_label(self.snapshot, group.through),
            archived=len(group.ids) - len(present),
        )

    def _first(
        self, group: ReferringIds, alive: pa.Array, archived: pa.ChunkedArray
    ) -> Iterator[RelatedRecord]:
        ids = group.ids.slice(0, FIRST)
        labels = _labels(group, self.snapshot, self.names)
        living = set(alive.filter(pc.is_in(alive, value_set=ids)).to_pylist())
        left_org = set(ids.filter(pc.is_in(ids, value_set=archived)).to_pylist())
        for record in ids.to_pylist():
            yield RelatedRecord(
                record, labels.get(record, ""), record in living, archived=record in left_org
            )


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
    ids = [str(record) for record in group.ids.slice(0, FIRST).to_pylist()]
    first = group.cells.filter(pc.is_in(group.cells[ID], value_set=pa.array(ids, pa.string())))
    rows = first.to_pylist()
    known_names = names.of([group.table.name], ids)
    # Of an archived record, this backup may have no name yet.
    named = {str(row[ID]): name_in(row, group.table) for row in rows}
    labels = {record: known_names.get(record) or named.get(record, "") for record in ids}
    if group.table.name_column is not None or known_names:
        return labels
    for column, tables in other_references(group, snapshot.schema()):
        values = [row[column] for row in rows if row[column]]
        known = names.of(tables, values)
        for row in rows:
            labels[row[ID]] = labels[row[ID]] or known.get(row[column], "")
    return labels
