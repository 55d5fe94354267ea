"""Cells over 64 KiB: their text is stored in packs, and the row names the blob.

``_u_blobs`` of a row with big cells is a JSON object: physical column → [blob, bytes].
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.vault.format.physical import U_BLOBS, is_system, physical
from unlost.vault.objects.packs import Blob, PackWriter
from unlost.vault.read.assemble import SourceColumns
from unlost.vault.read.table_view import BlobCell

type LoadBlobs = Callable[[Collection[str]], Mapping[str, bytes]]
"""Return the complete bytes of blobs."""

CELL_BYTES = 64 << 10
BLOB_BYTES = 8 << 20  # of text that is restored into rows at a time


class BigCells:
    """Moves big cells out of rows and back. For one thread.

    ``packs`` creates the writer for the first big cell; ``load`` returns the bytes of blobs.
    """

    def __init__(self, *, packs: Callable[[], PackWriter], load: LoadBlobs) -> None:
        self._make = packs
        self._load = load
        self._writer: PackWriter | None = None
        self.new: list[Blob] = []

    @property
    def writer(self) -> PackWriter | None:
        """The writer; None if there was no big cell."""
        return self._writer

    def lift(self, rows: pa.Table, columns: SourceColumns) -> tuple[pa.Table, pa.Array]:
        """The rows with big cells set to null, and the column ``_u_blobs``.

        System tables keep their cells, because they contain the places of the blobs.
        """
        named: dict[int, BlobCell] = {}
        for name in columns.names if not is_system(columns.table) else ():
            big = _big(rows.column(name))
            if len(big):
                code = physical(columns.known[name].code)
                rows = self._lift_column(rows, name, big, code, named)
        if not named:
            return rows, pa.nulls(len(rows), pa.string())
        cells: list[str | None] = [None] * len(rows)
        for row, blobs in named.items():
            cells[row] = msgspec.json.encode(blobs).decode()
        return rows, pa.array(cells, pa.string())

    def resolve(self, cells: pa.Table, names: Sequence[str]) -> pa.Table:
        """Source columns with the text of their blobs, if ``_u_blobs`` has source names."""
        return resolve(cells, names, self._load)

    def _lift_column(
        self,
        rows: pa.Table,
        name: str,
        big: "np.typing.NDArray[np.int64]",
        code: str,
        named: dict[int, BlobCell],
    ) -> pa.Table:
        column = rows.column(name)
        rows_with = big.tolist()
        contents = [column[row].as_py().encode() for row in rows_with]
        for row, blob in zip(rows_with, self._store(contents), strict=True):
            named.setdefault(row, {})[code] = (blob.id, blob.size)
        mask = np.zeros(len(rows), dtype=np.bool_)
        mask[big] = True
        emptied = pc.if_else(pa.array(mask), pa.scalar(None, pa.string()), column)
        return rows.set_column(rows.column_names.index(name), name, emptied)

    def _store(self, contents: Sequence[bytes]) -> list[Blob]:
        if self._writer is None:
            self._writer = self._make()
        stored = self._writer.put_all(contents)
        self.new += [blob.blob for blob in stored if blob.new]
        return [blob.blob for blob in stored]


def resolve(cells: pa.Table, names: Sequence[str], load: LoadBlobs) -> pa.Table:
    """Columns with the text of their blobs restored."""
    blobs = cells.column(U_BLOBS)
    if blobs.null_count == len(blobs):
        return cells
    wanted = [
        (name, row, blob)
        for row in np.flatnonzero(blobs.is_valid().to_numpy()).tolist()
        for name, (blob, _) in decoder_for(BlobCell).decode(blobs[row].as_py()).items()
        if name in names
    ]
    contents = load({blob for _, _, blob in wanted}) if wanted else {}
    texts: dict[str, dict[int, str]] = {}
    for name, row, blob in wanted:
        texts.setdefault(name, {})[row] = contents[blob].decode()
    for name, by_row in texts.items():
        mask = np.zeros(len(cells), dtype=np.bool_)
        mask[list(by_row)] = True
        column = cells.column(name).combine_chunks()
        filled = pc.replace_with_mask(
            column, pa.array(mask), pa.array(by_row.values(), pa.string())
        )
        cells = cells.set_column(cells.column_names.index(name), name, filled)
    return cells


def blob_bytes(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows in parts with a few megabytes of blobs each."""
    blobs = rows.column(U_BLOBS)
    if blobs.null_count == len(blobs):
        yield rows
        return
    start, group_size = 0, 0
    for at, cell in enumerate(blobs.to_pylist()):
        size = 0
        if cell is not None:
            size = sum(length for _, length in decoder_for(BlobCell).decode(cell).values())
        if group_size and group_size + size > BLOB_BYTES:
            yield rows.slice(start, at - start)
            start, group_size = at, 0
        group_size += size
    yield rows.slice(start)


def _big(column: pa.ChunkedArray) -> "np.typing.NDArray[np.int64]":
    # A cheap test that most columns pass: no cell is larger than its column.
    if column.nbytes <= CELL_BYTES:
        return np.zeros(0, dtype=np.int64)
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return np.flatnonzero(lengths > CELL_BYTES)
