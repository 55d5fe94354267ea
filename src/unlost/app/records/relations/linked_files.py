"""Files among related records and behind them.

A file is a record with bytes. It refers to the record itself, or a record without a name links the
two. If a record stands for several versions of a file, it refers to the current one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from unlost.app.records.relations.referring import ID, ReferringIds, other_references
from unlost.model.source.schema import Schema
from unlost.model.source.version_links import column_to_files, version_link
from unlost.model.vault.snapshot import StoredFile

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

type FileRecord = tuple[str, str]  # a table whose records have bytes, and the id of one


def files_of(snapshot: Snapshot, groups: Sequence[ReferringIds]) -> list[tuple[StoredFile, str]]:
    """Return the files of related records, each with the table that links it to the record."""
    schema = snapshot.schema()
    places: dict[FileRecord, str] = {}
    for group in groups:
        if group.table.files:
            newest, by = newest_versions(snapshot, schema, group), group.through or ""
        elif group.table.name_column is None:
            newest, by = (
                linked_documents(snapshot, schema, group),
                group.through or group.table.name,
            )
        else:
            continue
        for _, place in newest:
            places.setdefault(place, by)
    return [(file, places[file.table, file.record]) for file in _stored(snapshot, places)]


def every_version(snapshot: Snapshot, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Return the files together with all other versions of each."""
    versions = list(files)
    for name in sorted({file.table for file in files}):
        table = snapshot.schema().table(name)
        way = version_link(snapshot.schema(), table) if table is not None else None
        if way is not None:
            records = [file.record for file in files if file.table == name]
            keepers = (
                snapshot.get(name, records, columns=[way.column])[way.column]
                .drop_null()
                .to_pylist()
            )
            others = snapshot.where(name, way.column, keepers, columns=[])[ID].to_pylist()
            versions += _files(snapshot, name, sorted(set(others) - set(records)))
    return versions


def _stored(snapshot: Snapshot, places: Mapping[FileRecord, str]) -> list[StoredFile]:
    by_table: dict[str, list[str]] = {}
    for table, record in places:
        by_table.setdefault(table, []).append(record)
    return [file for table, ids in by_table.items() for file in _files(snapshot, table, ids)]


def _files(snapshot: Snapshot, table: str, ids: Sequence[str]) -> list[StoredFile]:
    """Return the files that records are, without the images in their texts."""
    return [file for file in snapshot.files(table, ids) if not file.is_image]


def newest_versions(
    snapshot: Snapshot, schema: Schema, group: ReferringIds
) -> Iterator[tuple[str, FileRecord]]:
    """Yield records with bytes; of several versions of a file, only the current one.

    Each comes after the record of the group that leads to it.
    """
    ids = group.cells[ID].to_pylist()
    way = version_link(schema, group.table)
    if way is None:
        yield from ((record_id, (group.table.name, record_id)) for record_id in ids)
        return
    by_keeper = _first_by_value(group.cells[way.column].to_pylist(), ids)
    for row in snapshot.get(way.keeper, sorted(by_keeper)).to_pylist():
        if row[way.newest]:
            yield by_keeper[row[ID]], (group.table.name, row[way.newest])


def linked_documents(
    snapshot: Snapshot, schema: Schema, group: ReferringIds
) -> Iterator[tuple[str, FileRecord]]:
    """Yield records with bytes that nameless records refer to, directly or by their keeper.

    Each comes after the record of the group that leads to it.
    """
    ids = group.cells[ID].to_pylist()
    for column, tables in other_references(group, schema):
        by_value = _first_by_value(group.cells[column].to_pylist(), ids)
        for name in tables:
            for value, place in _behind(snapshot, schema, name, sorted(by_value)):
                yield by_value[value], place


def _first_by_value(values: Sequence[str | None], ids: Sequence[str]) -> Mapping[str, str]:
    """Return the first record with each value."""
    by_value: dict[str, str] = {}
    for value, record_id in zip(values, ids, strict=True):
        if value:
            by_value.setdefault(value, record_id)
    return by_value


def _behind(
    snapshot: Snapshot, schema: Schema, name: str, ids: Sequence[str]
) -> Iterator[tuple[str, FileRecord]]:
    table = schema.table(name)
    if table is None or not ids:
        return
    if table.files:
        yield from ((record_id, (name, record_id)) for record_id in ids)
        return
    ways = [
        (column.name, files.name)
        for files in schema.tables
        if files.files and (column := column_to_files(schema, name, files.name)) is not None
    ]
    rows = snapshot.get(name, ids).to_pylist() if ways else []
    for row in rows:
        yield from ((row[ID], (files, row[column])) for column, files in ways if row[column])
