"""The rows of one row group without the columns that cannot be read.

    lost column chunk                    rows of this row group
    a source column                      reduced: another shape, without it; new hash
    ``_u_modified_at``, ``…_by``         reduced: null
    ``_u_prev``                          kept: ``?`` (unknown)
    ``_u_row_hash``                      kept: computed again
    ``_u_blobs``                         kept, or reduced where a long text may be missing
    ``_u_snap``                          kept if the segment has only one commit, otherwise lost
    ``_u_id``, ``_u_op``, ``_u_observed_at``    lost

A lost column is represented as a column that was not read, which the format already has: the row
gets a shape without it. Nothing is guessed. See docs/adr/0032.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.decoders import decoder_for
from unlost.model.source.schema import WireKind
from unlost.vault.commits import version_rules
from unlost.vault.format.manifest import KnownColumn
from unlost.vault.format.physical import (
    INSTANT,
    MERGED_FIELDS,
    SYSTEM_FIELDS,
    U_BLOBS,
    U_ID,
    U_MODIFIED_AT,
    U_MODIFIED_BY,
    U_OBSERVED_AT,
    U_OP,
    U_PREV,
    U_ROW_HASH,
    U_SHAPE,
    U_SNAP,
    UNKNOWN_PREV,
    is_system,
    physical,
)
from unlost.vault.format.rowhash import HashedColumn, Hashes, as_array, from_array, row_hashes
from unlost.vault.layout.segment_label import SegmentLabel, SegmentShape
from unlost.vault.maintenance.salvage.chunks import RemainingChunks, RowSpan
from unlost.vault.maintenance.salvage.essential import lacked_of, rows_without
from unlost.vault.read.big_cells import LoadBlobs, resolve
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import BlobCell, named

type Missing = Callable[[str], bool]
"""Return True if a content is lost."""

_MAY_BE_NULL = {U_MODIFIED_AT: INSTANT, U_MODIFIED_BY: pa.string()}
_SHORT = frozenset({
    WireKind.INTEGER, WireKind.DECIMAL, WireKind.BOOLEAN, WireKind.DATE, WireKind.TIME, WireKind.INSTANT,
})  # fmt: skip
_NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True)
class ShapeTable:
    """The shapes of the rows that are written, in the order of their first use."""

    shapes: dict[SegmentShape, int] = field(default_factory=dict)

    def number(self, shape: SegmentShape) -> int:
        """Return the number of a shape."""
        return self.shapes.setdefault(shape, len(self.shapes))


@dataclass(frozen=True, slots=True)
class SalvagedRows:
    """The readable rest of the rows of a row group.

    ``rows``: all columns of a merged segment. ``count``: number of rows before. ``lost``: ids of
    lost rows; None if these are lost too. ``reduced``: ids of rows that lack some of ``columns``
    (source names, or the name of a system column); ``lacking``: for each of them the columns, as
    stored.
    """

    rows: pa.Table
    count: int
    lost: tuple[str, ...] | None = ()
    reduced: tuple[str, ...] = ()
    columns: frozenset[str] = _NOTHING
    lacking: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class RowGroupReader:
    """Reads the rest of a segment's row groups.

    ``load`` reads contents; without it, hashes stay unchanged.
    """

    org_vault: OrgVault
    remaining: RemainingChunks
    shape_table: ShapeTable
    missing: Missing
    load: LoadBlobs | None = None

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the rows."""
        cells = (pa.field(name, pa.string()) for name in self.remaining.cells)
        return pa.schema([*SYSTEM_FIELDS, *MERGED_FIELDS, *cells])

    def salvaged(self, span: RowSpan) -> SalvagedRows:
        """Read the rest of some rows."""
        head = self._head(span)
        ids = head[U_ID]
        if ids is None or any(head[name] is None for name in (U_OP, U_OBSERVED_AT, U_SNAP)):
            gone = None if ids is None else tuple(ids.to_pylist())
            return SalvagedRows(self.schema.empty_table(), span.rows, gone)
        cells = {name: self.remaining.read(span, name) for name in self.remaining.cells}
        reconstruction = _RowReconstruction(self, span.rows, head, cells)
        return reconstruction.rebuild()

    def _head(self, span: RowSpan) -> dict[str, pa.Array | None]:
        """Read the system columns; None for a column that is neither readable nor derivable."""
        names = [system_field.name for system_field in (*SYSTEM_FIELDS, *MERGED_FIELDS)]
        head = {
            name: self.remaining.read(span, name) if name in self.remaining.present else None
            for name in names
        }
        live = self.remaining.live
        if head[U_SNAP] is None and (
            U_SNAP not in self.remaining.present or live.first == live.last
        ):
            head[U_SNAP] = pa.array(np.full(span.rows, live.last, dtype=np.int64))
        if U_SHAPE not in self.remaining.present:
            head[U_SHAPE] = pa.array(np.zeros(span.rows, dtype=np.int32))
        return head


class _RowReconstruction:
    """The rows of one span during their reconstruction."""

    def __init__(
        self,
        reader: RowGroupReader,
        count: int,
        head: dict[str, pa.Array | None],
        cells: dict[str, pa.Array | None],
    ) -> None:
        self._reader = reader
        self._count = count
        self._head = head
        self._cells = cells
        self._lost = frozenset(name for name, column in cells.items() if column is None)
        self._without: list[frozenset[str]] = [self._lost] * count
        self._beyond = _NOTHING
        self._nulled: set[str] = set()
        self._table = reader.remaining.live.entry.table

    def rebuild(self) -> SalvagedRows:
        """Reconstruct the rows."""
        shapes = self._old_shapes()
        self._without = [
            missing_codes & frozenset(shape.columns)
            for missing_codes, shape in zip(self._without, shapes, strict=True)
        ]
        if self._beyond:
            self._without = [missing_codes | self._beyond for missing_codes in self._without]
        self._without = lacked_of(self._reader.org_vault, self._table, self._ids, self._without)
        named_blobs = self._blobs()
        blobs = self._unnamed(shapes) if named_blobs is None else self._reachable(named_blobs)
        lacked = zip(self._without, self._with_cells.tolist(), strict=True)
        needed = [lacked_codes if filled else _NOTHING for lacked_codes, filled in lacked]
        gone = rows_without(self._reader.org_vault, self._table, self._ids, needed)
        numbers, new = self._new_shapes(shapes)
        rows = self._rows(blobs, numbers)
        touched = (
            np.array([bool(missing_codes) for missing_codes in self._without]) & self._with_cells
        )
        hashed = self._hashed(rows, new, numbers, touched)
        short = (touched | bool(self._nulled)) & ~gone
        lacking = tuple(self._without[at] | self._nulled for at in np.flatnonzero(short))
        lost = tuple(self._ids.filter(pa.array(gone)).to_pylist())
        reduced = tuple(self._ids.filter(pa.array(short)).to_pylist())
        sure_rows = hashed.filter(pa.array(~gone)) if gone.any() else hashed
        return SalvagedRows(sure_rows, self._count, lost, reduced, self._lost_names(), lacking)

    @property
    def _ids(self) -> pa.Array:
        ids = self._head[U_ID]
        assert ids is not None
        return ids

    @property
    def _with_cells(self) -> NDArray[np.bool_]:
        """Mask of rows that have cells."""
        mask = pc.is_in(self._head[U_OP], value_set=pa.array(version_rules.WITH_CELLS))
        return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _known(self, shape: SegmentShape) -> Mapping[str, KnownColumn]:
        return self._reader.org_vault.schemas.known(shape.schema, self._table)

    def _lost_names(self) -> frozenset[str]:
        """Return the lost columns by their source names."""
        codes = {code for missing_codes in self._without for code in missing_codes}
        known = self._reader.org_vault.schemas.known(
            self._reader.remaining.label.schema, self._table
        )
        names = {physical(column.code): name for name, column in known.items()}
        return frozenset({names.get(code, code) for code in codes} | self._nulled)

    def _old_shapes(self) -> list[SegmentShape]:
        """Return the shape of each row; if it is lost, the columns that all shapes have."""
        shapes, shape_numbers = self._reader.remaining.shapes, self._head[U_SHAPE]
        if shape_numbers is not None:
            return [shapes[number] for number in shape_numbers.to_pylist()]
        common = frozenset.intersection(*(frozenset(shape.columns) for shape in shapes))
        columns = tuple(name for name in shapes[0].columns if name in common)
        only = SegmentShape(
            self._reader.remaining.label.schema, columns, min(shape.tokenizer for shape in shapes)
        )
        self._beyond = frozenset(self._cells) - common
        return [only] * self._count

    def _blobs(self) -> list[str | None] | None:
        column = self._head[U_BLOBS]
        return None if column is None else column.to_pylist()

    def _reachable(self, blobs: list[str | None]) -> list[str | None]:
        """Return the references to readable long texts; columns of lost ones count as not read."""
        for at, text in enumerate(blobs):
            if text is None:
                continue
            cells_by_code = decoder_for(BlobCell).decode(text)
            gone = {code for code, (blob, _) in cells_by_code.items() if self._reader.missing(blob)}
            self._without[at] = (self._without[at] - frozenset(cells_by_code)) | gone | self._beyond
            reachable = {
                code: blob_cell
                for code, blob_cell in cells_by_code.items()
                if code not in self._without[at]
            }
            blobs[at] = msgspec.json.encode(reachable).decode() if reachable else None
        return blobs

    def _unnamed(self, shapes: Sequence[SegmentShape]) -> list[str | None]:
        """Handle a lost ``_u_blobs``: any empty cell may have been a long text.

        If the hash of a row follows from its cells, no column that is part of the hash was a long
        text.
        """
        unsure = self._unsure(shapes)
        for name, column in self._cells.items():
            if column is None or not column.null_count:
                continue
            empty = column.is_null().to_numpy(zero_copy_only=False)
            for at in np.flatnonzero(empty & self._with_cells).tolist():
                if name in self._texts(shapes[at], with_hashed=bool(unsure[at])):
                    self._without[at] |= {name}
        return [None] * self._count

    def _texts(self, shape: SegmentShape, *, with_hashed: bool) -> frozenset[str]:
        """Return columns of a shape that may have long texts.

        ``with_hashed``: also columns that are part of the row hash.
        """
        if is_system(self._table):
            return _NOTHING
        return _long_columns(shape, self._known(shape), with_hashed=with_hashed)

    def _unsure(self, shapes: Sequence[SegmentShape]) -> NDArray[np.bool_]:
        stored_hashes = self._head[U_ROW_HASH]
        if stored_hashes is None or self._lost:
            return np.ones(self._count, dtype=np.bool_)
        hashes_found = np.zeros((self._count, 2), dtype=np.uint64)
        table = pa.table(dict(self._cells))
        for shape in dict.fromkeys(shapes):
            at = np.flatnonzero(
                [segment_shape is shape or segment_shape == shape for segment_shape in shapes]
            )
            hashes_found[at] = hashes_of(table.take(pa.array(at)), shape, self._known(shape))
        return np.asarray((hashes_found != from_array(stored_hashes)).any(axis=1))

    def _new_shapes(
        self, shapes: Sequence[SegmentShape]
    ) -> tuple[NDArray[np.int32], list[SegmentShape]]:
        """Return the number of each row's new shape, and the shapes by number."""
        memo: dict[tuple[SegmentShape, frozenset[str]], int] = {}
        numbers = np.zeros(self._count, dtype=np.int32)
        for at, key in enumerate(zip(shapes, self._without, strict=True)):
            if key not in memo:
                shape, without = key
                columns = tuple(name for name in shape.columns if name not in without)
                memo[key] = self._reader.shape_table.number(
                    SegmentShape(shape.schema, columns, shape.tokenizer)
                )
            numbers[at] = memo[key]
        return numbers, list(self._reader.shape_table.shapes)

    def _rows(self, blobs: list[str | None], numbers: NDArray[np.int32]) -> pa.Table:
        for name, kind in _MAY_BE_NULL.items():
            if self._head[name] is None:
                self._head[name] = pa.nulls(self._count, kind)
                self._nulled.add(name)
        if self._head[U_PREV] is None:
            self._head[U_PREV] = pa.repeat(pa.scalar(UNKNOWN_PREV, pa.string()), self._count)
        columns = {name: column for name, column in self._head.items() if column is not None}
        columns |= {U_BLOBS: pa.array(blobs, pa.string()), U_SHAPE: pa.array(numbers)}
        columns.setdefault(U_ROW_HASH, as_array(np.zeros((self._count, 2), dtype=np.uint64)))
        for name, column in self._cells.items():
            columns[name] = self._only_read(name, column)
        schema = self._reader.schema
        return pa.table([columns[field_row.name] for field_row in schema], schema=schema)

    def _only_read(self, name: str, column: pa.Array | None) -> pa.Array:
        """Return a column with null in rows where it was not read."""
        if column is None:
            return pa.nulls(self._count, pa.string())
        gone = np.array([name in missing_codes for missing_codes in self._without], dtype=np.bool_)
        return (
            pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), column)
            if gone.any()
            else column
        )

    def _hashed(
        self,
        rows: pa.Table,
        shapes: Sequence[SegmentShape],
        numbers: NDArray[np.int32],
        touched: NDArray[np.bool_],
    ) -> pa.Table:
        """Return rows with new hashes where something was lost."""
        load = self._reader.load
        if load is None:
            return rows
        # The next backup compares by hash: a new hash makes it write the record again.
        wanted = touched if self._head[U_ROW_HASH] is not None else np.ones(self._count, np.bool_)
        hashes = from_array(rows.column(U_ROW_HASH)).copy()
        for number in np.unique(numbers[wanted]).tolist():
            at = np.flatnonzero(wanted & (numbers == number))
            shape = shapes[number]
            hashes[at] = _resolved(rows.take(pa.array(at)), shape, self._known(shape), load)
        place = rows.column_names.index(U_ROW_HASH)
        return rows.set_column(place, rows.schema.field(U_ROW_HASH), as_array(hashes))


def _long_columns(
    shape: SegmentShape, known: Mapping[str, KnownColumn], *, with_hashed: bool
) -> frozenset[str]:
    long_columns = {
        physical(column.code)
        for column in known.values()
        if column.kind not in _SHORT and (with_hashed or column.volatile)
    }
    return frozenset(long_columns & set(shape.columns))


def _resolved(
    rows: pa.Table, shape: SegmentShape, known: Mapping[str, KnownColumn], load: LoadBlobs
) -> Hashes:
    """Compute hashes of rows of one shape, including their long texts."""
    present = {
        n: physical(column.code)
        for n, column in known.items()
        if physical(column.code) in shape.columns
    }
    names = tuple(present)
    cells = resolve(named(rows, names, present), names, load)
    renamed = pa.table({present[name]: cells.column(name) for name in names}) if names else rows
    return hashes_of(renamed, shape, known)


def hashes_of(rows: pa.Table, shape: SegmentShape, known: Mapping[str, KnownColumn]) -> Hashes:
    """Compute hashes of rows of one shape by their physical columns."""
    columns = [
        (HashedColumn(name, column.kind), rows.column(physical(column.code)).combine_chunks())
        for name, column in known.items()
        if not column.volatile and physical(column.code) in shape.columns
    ]
    return row_hashes(columns, rows=len(rows))


def label_of(chunks: RemainingChunks, shape_table: ShapeTable) -> SegmentLabel:
    """Return the label of the rewritten segment."""
    label = chunks.label
    return SegmentLabel(
        label.table, label.schema, label.base, label.tokenizer, tuple(shape_table.shapes)
    )
