"""The rows of one row group as they are without what cannot be read of them.

A column that is lost is, for the rows of its row group, one that was not read with them: they get a shape
that does not have it, and the hash that follows from what is left. Rows are lost where it cannot be told any
more whose they are, what happened to the record, when it was seen, or which commit brought them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.decoders import decoder_for
from unlost.model.schema import WireKind
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
    UNTOLD,
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
"""Tells whether a content is lost."""

_MAY_BE_NULL = {U_MODIFIED_AT: INSTANT, U_MODIFIED_BY: pa.string()}
_SHORT = frozenset({
    WireKind.INTEGER, WireKind.DECIMAL, WireKind.BOOLEAN, WireKind.DATE, WireKind.TIME, WireKind.INSTANT,
})  # fmt: skip
_NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True)
class ShapeTable:
    """The shapes of what is written of a segment, in the order in which they were met."""

    shapes: dict[SegmentShape, int] = field(default_factory=dict)

    def number(self, shape: SegmentShape) -> int:
        """The place of a shape."""
        return self.shapes.setdefault(shape, len(self.shapes))


@dataclass(frozen=True, slots=True)
class SalvagedRows:
    """What is left of the rows of a row group.

    ``rows`` have all columns of a merged segment, ``count`` were there. ``lost`` are the ids of rows that are
    gone, None where those are gone too. ``reduced`` are the ids of rows that have not all of ``columns``
    (source names, or a system column's) any more; ``lacking`` says of each which, as they are stored.
    """

    rows: pa.Table
    count: int
    lost: tuple[str, ...] | None = ()
    reduced: tuple[str, ...] = ()
    columns: frozenset[str] = _NOTHING
    lacking: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class RowGroupReader:
    """Makes pieces of a segment. ``load`` gives texts of contents; None: hashes are left as they are."""

    room: OrgVault
    remaining: RemainingChunks
    book: ShapeTable
    missing: Missing
    load: LoadBlobs | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns of pieces."""
        cells = (pa.field(name, pa.string()) for name in self.remaining.cells)
        return pa.schema([*SYSTEM_FIELDS, *MERGED_FIELDS, *cells])

    def piece(self, span: RowSpan) -> SalvagedRows:
        """What is left of some rows."""
        head = self._head(span)
        ids = head[U_ID]
        if ids is None or any(head[name] is None for name in (U_OP, U_OBSERVED_AT, U_SNAP)):
            gone = None if ids is None else tuple(ids.to_pylist())
            return SalvagedRows(self.schema.empty_table(), span.rows, gone)
        cells = {name: self.remaining.read(span, name) for name in self.remaining.cells}
        own_rows = _Own(self, span.rows, head, cells)
        return own_rows.piece()

    def _head(self, span: RowSpan) -> dict[str, pa.Array | None]:
        """System columns; None for those that cannot be read nor be told otherwise."""
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


class _Own:
    """The rows of one span while they are looked at."""

    def __init__(
        self,
        piecing: RowGroupReader,
        count: int,
        head: dict[str, pa.Array | None],
        cells: dict[str, pa.Array | None],
    ) -> None:
        self._all = piecing
        self._count = count
        self._head = head
        self._cells = cells
        self._lost = frozenset(name for name, column in cells.items() if column is None)
        self._without: list[frozenset[str]] = [self._lost] * count
        self._beyond = _NOTHING
        self._forgotten: set[str] = set()
        self._table = piecing.remaining.live.entry.table

    def piece(self) -> SalvagedRows:
        """Look, and put together what is left."""
        shapes = self._old_shapes()
        self._without = [
            missing_codes & frozenset(shape.columns)
            for missing_codes, shape in zip(self._without, shapes, strict=True)
        ]
        if self._beyond:
            self._without = [missing_codes | self._beyond for missing_codes in self._without]
        self._without = lacked_of(self._all.room, self._table, self._ids, self._without)
        named_blobs = self._blobs()
        blobs = self._unnamed(shapes) if named_blobs is None else self._reachable(named_blobs)
        lacked = zip(self._without, self._with_cells.tolist(), strict=True)
        needed = [lacked_codes if filled else _NOTHING for lacked_codes, filled in lacked]
        gone = rows_without(self._all.room, self._table, self._ids, needed)
        numbers, new = self._new_shapes(shapes)
        rows = self._rows(blobs, numbers)
        touched = (
            np.array([bool(missing_codes) for missing_codes in self._without]) & self._with_cells
        )
        hashed = self._hashed(rows, new, numbers, touched)
        short = (touched | bool(self._forgotten)) & ~gone
        lacking = tuple(self._without[at] | self._forgotten for at in np.flatnonzero(short))
        lost = tuple(self._ids.filter(pa.array(gone)).to_pylist())
        reduced = tuple(self._ids.filter(pa.array(short)).to_pylist())
        sure_rows = hashed.filter(pa.array(~gone)) if gone.any() else hashed
        return SalvagedRows(sure_rows, self._count, lost, reduced, self._told(), lacking)

    @property
    def _ids(self) -> pa.Array:
        ids = self._head[U_ID]
        assert ids is not None
        return ids

    @property
    def _with_cells(self) -> NDArray[np.bool_]:
        """Rows that have cells at all."""
        mask = pc.is_in(self._head[U_OP], value_set=pa.array(version_rules.WITH_CELLS))
        return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _known(self, shape: SegmentShape) -> Mapping[str, KnownColumn]:
        return self._all.room.schemas.known(shape.schema, self._table)

    def _told(self) -> frozenset[str]:
        """What was lost of some row, by the names of the source."""
        codes = {code for missing_codes in self._without for code in missing_codes}
        known = self._all.room.schemas.known(self._all.remaining.label.schema, self._table)
        names = {physical(column.code): name for name, column in known.items()}
        return frozenset({names.get(code, code) for code in codes} | self._forgotten)

    def _old_shapes(self) -> list[SegmentShape]:
        """The shape of each row; where that is lost, what all shapes have."""
        shapes, shape_numbers = self._all.remaining.shapes, self._head[U_SHAPE]
        if shape_numbers is not None:
            return [shapes[number] for number in shape_numbers.to_pylist()]
        common = frozenset.intersection(*(frozenset(shape.columns) for shape in shapes))
        columns = tuple(name for name in shapes[0].columns if name in common)
        only = SegmentShape(
            self._all.remaining.label.schema, columns, min(shape.tokenizer for shape in shapes)
        )
        self._beyond = frozenset(self._cells) - common
        return [only] * self._count

    def _blobs(self) -> list[str | None] | None:
        column = self._head[U_BLOBS]
        return None if column is None else column.to_pylist()

    def _reachable(self, blobs: list[str | None]) -> list[str | None]:
        """What rows say of their long texts, without those that are lost: these columns were not read."""
        for at, text in enumerate(blobs):
            if text is None:
                continue
            cells_by_code = decoder_for(BlobCell).decode(text)
            gone = {code for code, (blob, _) in cells_by_code.items() if self._all.missing(blob)}
            self._without[at] = (self._without[at] - frozenset(cells_by_code)) | gone | self._beyond
            reachable = {
                code: blob_cell
                for code, blob_cell in cells_by_code.items()
                if code not in self._without[at]
            }
            blobs[at] = msgspec.json.encode(reachable).decode() if reachable else None
        return blobs

    def _unnamed(self, shapes: Sequence[SegmentShape]) -> list[str | None]:
        """Nobody knows which cells were long texts: an empty cell may have been one.

        Where the row's hash follows from the cells as they are, none that counts was.
        """
        unsure = self._unsure(shapes)
        for name, column in self._cells.items():
            if column is None or not column.null_count:
                continue
            empty = column.is_null().to_numpy(zero_copy_only=False)
            for at in np.flatnonzero(empty & self._with_cells).tolist():
                if name in self._texts(shapes[at], counting=bool(unsure[at])):
                    self._without[at] |= {name}
        return [None] * self._count

    def _texts(self, shape: SegmentShape, *, counting: bool) -> frozenset[str]:
        """Columns of a shape whose cells may be long; those that do not count, or also those that do."""
        if is_system(self._table):
            return _NOTHING
        return _long_columns(shape, self._known(shape), counting=counting)

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
        """The number of each row's shape in the book, and the shapes by their numbers."""
        memo: dict[tuple[SegmentShape, frozenset[str]], int] = {}
        numbers = np.zeros(self._count, dtype=np.int32)
        for at, key in enumerate(zip(shapes, self._without, strict=True)):
            if key not in memo:
                shape, without = key
                columns = tuple(name for name in shape.columns if name not in without)
                memo[key] = self._all.book.number(
                    SegmentShape(shape.schema, columns, shape.tokenizer)
                )
            numbers[at] = memo[key]
        return numbers, list(self._all.book.shapes)

    def _rows(self, blobs: list[str | None], numbers: NDArray[np.int32]) -> pa.Table:
        for name, kind in _MAY_BE_NULL.items():
            if self._head[name] is None:
                self._head[name] = pa.nulls(self._count, kind)
                self._forgotten.add(name)
        if self._head[U_PREV] is None:
            self._head[U_PREV] = pa.repeat(pa.scalar(UNTOLD, pa.string()), self._count)
        columns = {name: column for name, column in self._head.items() if column is not None}
        columns |= {U_BLOBS: pa.array(blobs, pa.string()), U_SHAPE: pa.array(numbers)}
        columns.setdefault(U_ROW_HASH, as_array(np.zeros((self._count, 2), dtype=np.uint64)))
        for name, column in self._cells.items():
            columns[name] = self._only_read(name, column)
        schema = self._all.schema
        return pa.table([columns[field_row.name] for field_row in schema], schema=schema)

    def _only_read(self, name: str, column: pa.Array | None) -> pa.Array:
        """A column that is null where it was not read."""
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
        """Rows with the hashes that follow from what is left; those that lost nothing keep theirs."""
        load = self._all.load
        if load is None:
            return rows
        wanted = touched if self._head[U_ROW_HASH] is not None else np.ones(self._count, np.bool_)
        hashes = from_array(rows.column(U_ROW_HASH)).copy()
        for number in np.unique(numbers[wanted]).tolist():
            at = np.flatnonzero(wanted & (numbers == number))
            shape = shapes[number]
            hashes[at] = _resolved(rows.take(pa.array(at)), shape, self._known(shape), load)
        place = rows.column_names.index(U_ROW_HASH)
        return rows.set_column(place, rows.schema.field(U_ROW_HASH), as_array(hashes))


def _long_columns(
    shape: SegmentShape, known: Mapping[str, KnownColumn], *, counting: bool
) -> frozenset[str]:
    long_columns = {
        physical(column.code)
        for column in known.values()
        if column.kind not in _SHORT and (counting or column.volatile)
    }
    return frozenset(long_columns & set(shape.columns))


def _resolved(
    rows: pa.Table, shape: SegmentShape, known: Mapping[str, KnownColumn], load: LoadBlobs
) -> Hashes:
    """Hashes of rows of one shape, with the texts of their blobs."""
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
    """Hashes of rows of one shape by their physical columns."""
    columns = [
        (HashedColumn(name, column.kind), rows.column(physical(column.code)).combine_chunks())
        for name, column in known.items()
        if not column.volatile and physical(column.code) in shape.columns
    ]
    return row_hashes(columns, rows=len(rows))


def label_of(chunks: RemainingChunks, book: ShapeTable) -> SegmentLabel:
    """What is written of a segment says so of itself."""
    label = chunks.label
    return SegmentLabel(label.table, label.schema, label.base, label.tokenizer, tuple(book.shapes))
