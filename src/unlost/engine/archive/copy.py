"""Verify the copy of records in the vault: each row and each file is read back from the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

import pyarrow as pa

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.reading import Op
from unlost.model.source.schema import FileColumn, Table

AT_A_TIME = 1_000  # rows that are in memory with all their texts
READ = 1 << 20  # bytes of a file


@dataclass(frozen=True, slots=True)
class FaultyCopy:
    """A record whose copy is missing or damaged, and why."""

    record: str
    sentence: str


def faulty_copies(
    vault: VaultReader, org: str, snapshot: Snapshot, table: Table, ids: Sequence[str]
) -> Iterator[FaultyCopy]:
    """The records without a complete copy; all others can be read, with the bytes of their files.

    ``vault`` must not answer from a cache. Raises StoreError.
    """
    for some in batched(ids, AT_A_TIME):
        rows = snapshot.get(table.name, list(some))
        live = dict(zip(rows["_u_id"].to_pylist(), rows["_u_op"].to_pylist(), strict=True))
        for record in some:
            if live.get(record) != Op.STATE.value:
                yield FaultyCopy(record, "The vault does not have the record.")
        if table.files or table.image_columns:
            yield from _files(vault, org, snapshot, table, rows)


def _files(
    vault: VaultReader, org: str, snapshot: Snapshot, table: Table, rows: pa.Table
) -> Iterator[FaultyCopy]:
    stored = snapshot.files(table.name, rows["_u_id"].to_pylist())
    complete = {(file.record, file.column) for file in stored}
    for column in table.files:
        for record in _with_bytes(rows, column):
            if (record, column.column) not in complete:
                yield FaultyCopy(record, "The vault does not have its file.")
    for file in stored:
        try:
            with vault.open_file(org, file.blob) as body:
                size = sum(len(part) for part in iter(lambda: body.read(READ), b""))
        except (IntegrityError, NotFound) as error:
            yield FaultyCopy(file.record, error.sentence)
            continue
        if size != file.size:
            yield FaultyCopy(file.record, "The file in the vault has another size.")


def _with_bytes(rows: pa.Table, column: FileColumn) -> Iterator[str]:
    """The records whose row says that they have bytes."""
    ids = rows["_u_id"].to_pylist()
    if column.size_column is None:
        yield from ids
        return
    sizes = rows[column.size_column].to_pylist()
    yield from (record for record, size in zip(ids, sizes, strict=True) if size not in (None, "0"))
