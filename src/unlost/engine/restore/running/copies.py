"""Verify the copies of records: their rows are read from the vault, and each byte of their files."""

from collections.abc import Iterator

import pyarrow as pa

from unlost.engine.restore.running.wanted import States
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.ports.source import Source
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Table

PIECE = 1 << 20  # bytes of a file in memory


def faulty_copies(
    vault: VaultReader, snapshot: Snapshot, source: Source, table: Table, states: States
) -> Iterator[tuple[str, str]]:
    """Records with a file that the vault lacks or cannot give back, and a sentence about it.

    ``states``: rows that were read from the vault and whose hashes were compared.
    """
    if not (table.files or table.image_columns):
        return
    ids = [step.record for step in states.steps]
    stored = {(file.record, file.column): file for file in snapshot.files(table.name, ids)}
    for ref in source.files_in(table, _rows(ids, states.rows, snapshot)):
        if (ref.record, ref.column) not in stored:
            yield ref.record, "The vault does not have its file."
    for file in stored.values():
        try:
            with vault.open_file(snapshot.info.org, file.blob) as body:
                size = sum(len(piece) for piece in iter(lambda: body.read(PIECE), b""))
        except (IntegrityError, NotFound) as error:
            yield file.record, error.sentence
            continue
        if size != file.size:
            yield file.record, "Its file in the vault has another size."


def _rows(ids: list[str], cells: pa.Table, snapshot: Snapshot) -> Rows:
    (batch,) = cells.combine_chunks().to_batches()
    nothing = pa.nulls(len(ids))
    return Rows(
        ids=pa.array(ids, pa.string()),
        ops=pa.array([Op.STATE.value] * len(ids), pa.string()),
        modified_at=nothing.cast(pa.timestamp("ms", "UTC")),
        modified_by=nothing.cast(pa.string()),
        cells=batch,
        observed_at=snapshot.info.as_of,
    )
