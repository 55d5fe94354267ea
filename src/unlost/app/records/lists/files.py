"""The files of listed records: their own, the images in their texts, and those attached to them.

    a listed record ─┬─ has bytes itself
                     ├─ <── a record with bytes refers to it          (an attachment)
                     └─ <── a record without a name links a document  (a Salesforce file)

Files of records further away, such as those of the e-mails of a case, are in the list of the e-mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.app.records.lists.record_lists import FETCH, ID, ListedIds
from unlost.app.records.relations.linked_files import FileRecord, linked_documents, newest_versions
from unlost.app.records.relations.referring import ReferenceSearch, ReferringIds
from unlost.model.source.schema import Schema, Table
from unlost.model.source.version_links import column_to_files
from unlost.outside.list_zip import RecordFile

if TYPE_CHECKING:
    from unlost.app.records.archived.archived_rows import ArchivedRows
    from unlost.model.ports.vault import Snapshot
    from unlost.model.vault.snapshot import StoredFile

UNSEARCHED = "Not searched for files, because the table is very large."
MOST_IDS = 100_000  # records of a table that lead to files
TOO_MANY = f"Only the first {MOST_IDS:,} records were searched for files."


def files_of_list(
    listed: ListedIds, ids: pa.StringArray, *, archive: ArchivedRows | None, deleted: bool
) -> Iterator[RecordFile]:
    """Yield the files of these records; those that the vault does not have without a ``stored``.

    ``archive`` has archived records that refer to them. ``deleted``: include deleted files.
    """
    snapshot, table = listed.snapshot, listed.table
    for at in range(0, len(ids), FETCH):
        records = ids.slice(at, FETCH).to_pylist()
        yield from _files(snapshot, table, {record: record for record in records}, images=True)
    schema = snapshot.schema()
    search = ReferenceSearch(
        snapshot,
        deleted=deleted,
        only=_tables_with_files(schema),
        archive=archive,
        most_cells=MOST_IDS,
    )
    groups = search.direct({table.name: ids})
    for name, places in _places(snapshot, schema, groups, ids):
        described = schema.table(name)
        for part in batched(places.items(), FETCH) if described is not None else ():
            assert described is not None
            yield from _files(snapshot, described, dict(part), images=False)
    yield from (RecordFile("", name, "", "", problem=UNSEARCHED) for name in search.unsearched)
    yield from (
        RecordFile("", group.table.name, "", "", problem=TOO_MANY)
        for group in groups
        if len(group.ids) > MOST_IDS
    )


def _tables_with_files(schema: Schema) -> frozenset[str]:
    """Return the tables with bytes, and those without a name that link them."""
    with_bytes = {table.name for table in schema.tables if table.files}
    keepers = {
        table.name
        for table in schema.tables
        if any(column_to_files(schema, table.name, name) is not None for name in with_bytes)
    }
    targets = with_bytes | keepers
    links = {
        table.name
        for table in schema.tables
        if table.name_column is None
        and any(c.reference and not targets.isdisjoint(c.reference.tables) for c in table.columns)
    }
    return frozenset(with_bytes | links)


def _places(
    snapshot: Snapshot, schema: Schema, groups: Iterable[ReferringIds], ids: pa.StringArray
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield tables, with the listed record of each of their records that has bytes."""
    by_table: dict[str, dict[str, str]] = {}
    listed = frozenset(ids.to_pylist())
    for group in groups:
        owners = _owners(group, listed)
        if group.table.files:
            places = newest_versions(snapshot, schema, group)
        elif group.table.name_column is None:
            places = linked_documents(snapshot, schema, group)
        else:
            continue
        for row, place in places:
            _add(by_table, place, owners[row])
    yield from by_table.items()


def _owners(group: ReferringIds, listed: frozenset[str]) -> Mapping[str, str]:
    """Return the listed record to which each row of a group refers."""
    columns = [group.cells[name].to_pylist() for name in (ID, *group.columns)]
    return {
        row: next(value for value in values if value in listed)
        for row, *values in zip(*columns, strict=True)
    }


def _add(by_table: dict[str, dict[str, str]], place: FileRecord, owner: str) -> None:
    table, record = place
    by_table.setdefault(table, {}).setdefault(record, owner)


def _files(
    snapshot: Snapshot, table: Table, owners: Mapping[str, str], *, images: bool
) -> Iterator[RecordFile]:
    """Yield the files that records are; then those that should be there."""
    if not table.files and not (images and table.image_columns):
        return
    stored = [
        file for file in snapshot.files(table.name, list(owners)) if images or not file.is_image
    ]
    for file in stored:
        yield RecordFile(owners[file.record], table.name, file.record, _name(file), file)
    complete = {file.record for file in stored if not file.is_image}
    missing = [record for record in owners if record not in complete]
    if table.files and missing:
        yield from _missing(snapshot, table, missing, owners)


def _name(file: StoredFile) -> str:
    return file.name or (file.column if file.is_image else "")


def _missing(
    snapshot: Snapshot, table: Table, records: Sequence[str], owners: Mapping[str, str]
) -> Iterator[RecordFile]:
    """Yield records without a stored file, apart from those that have none in the org."""
    sizes = [file.size_column for file in table.files if file.size_column]
    names = [name for name in (table.name_column,) if name]
    known = frozenset(snapshot.columns(table.name))
    read = [name for name in dict.fromkeys((*sizes, *names)) if name in known]
    for row in snapshot.get(table.name, records, columns=read).to_pylist():
        if not sizes or any(row.get(size) not in (None, "", "0") for size in sizes):
            name = next((row[name] or "" for name in names if name in known), "")
            yield RecordFile(owners[row[ID]], table.name, row[ID], name)
