"""The rows of a record as they lie in segments, and what they become. Few rows: of one record."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.schema import WireKind
from unlost.vault.commits.state import LiveState
from unlost.vault.commits.version_rules import WITH_CELLS
from unlost.vault.format.canonical import canonical
from unlost.vault.format.manifest import KnownColumn
from unlost.vault.format.physical import (
    SAME,
    U_BLOBS,
    U_ID,
    U_OP,
    U_PREV,
    U_ROW_HASH,
    U_SHAPE,
    U_SNAP,
    UNTOLD,
    physical,
)
from unlost.vault.format.rowhash import HashedColumn, Hashes, as_array, from_array, row_hashes
from unlost.vault.layout.segment_label import SegmentShape
from unlost.vault.read.big_cells import resolve
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import BlobCell, TableView, WantedGroups, named

type Cells = Mapping[str, str | None]
type Place = tuple[str, int]
"""Record and commit of a version."""

OVER_ALIVE = ("U", SAME)  # in ``_u_prev``: whether something differs is told by the hashes
_ROW = (U_ID, U_OP, U_PREV, U_SNAP, U_SHAPE, U_ROW_HASH, U_BLOBS)


@dataclass(frozen=True, slots=True)
class OldValueTest:
    """What a value must be to be wrong: texts that mean the same by this kind; empty: none."""

    text: str
    kind: WireKind

    def meant(self, value: str | None) -> bool:
        """Whether a cell has it."""
        if value is None or not self.text:
            return not (value or self.text)
        same_text, other = canonical(pl.Series([value, self.text]), self.kind)
        return bool(same_text == other)


@dataclass(frozen=True, slots=True)
class CorrectedColumns:
    """What columns of a table get, in rows of these ids; ``where`` (column, value): only such rows."""

    table: str
    ids: pa.Array
    values: Cells
    was: OldValueTest | None = None
    where: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are looked at."""
        return tuple(dict.fromkeys((*self.values, *((self.where[0],) if self.where else ()))))

    def of(self, row: "RectifyRow") -> Cells:
        """What changes in a row, by column."""
        if row.op not in WITH_CELLS or (self.where and row.cells[self.where[0]] != self.where[1]):
            return {}
        return {
            name: value
            for name, value in self.values.items()
            if name in row.present
            and row.cells[name] != value
            and (self.was is None or self.was.meant(row.cells[name]))
        }


@dataclass(frozen=True, slots=True)
class RectifyRow:
    """A row: its segment's rank, what its shape has, and cells of the columns asked for.

    Of a long text ``cells`` has the whole, and ``blobs`` tells where it lies.
    """

    rank: int
    record: str
    op: str
    prev: str | None
    snap: int
    shape: SegmentShape
    present: Mapping[str, str]
    cells: Cells
    blobs: str | None
    row_hash: bytes

    @property
    def place(self) -> Place:
        """Which version it is."""
        return self.record, self.snap


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """What a row becomes: physical cells, contents that it names, its hash, and what it replaced."""

    cells: Cells
    blobs: str | None
    row_hash: bytes
    prev: str | None


def rows_of(
    room: OrgVault, state: LiveState, table: str, ids: pa.Array, columns: Sequence[str]
) -> Iterator[RectifyRow]:
    """All rows of these ids, also those that no snapshot shows."""
    view = room.view(table, until=state.seq, state=state)
    load = room.load_blob(until=state.seq, state=state)
    for place in view.locate(ids):
        rebased = view.segments[place.rank].rebased
        for number, shape in enumerate(_shapes(view, place.rank)):
            present = view.names(place.rank, shape=number)
            rows = _read(view, place, [present[name] for name in columns if name in present])
            rows = rows.filter(pc.equal(rows.column(U_SHAPE), number))
            cells = resolve(named(rows, columns, present), columns, load).select(list(columns))
            for row, row_cells in zip(
                rows.select(_ROW).to_pylist(), cells.to_pylist(), strict=True
            ):
                yield RectifyRow(
                    rank=place.rank,
                    record=row[U_ID],
                    op=row[U_OP],
                    prev=UNTOLD if rebased else row[U_PREV],
                    snap=row[U_SNAP],
                    shape=shape,
                    present=present,
                    cells=row_cells,
                    blobs=row[U_BLOBS],
                    row_hash=row[U_ROW_HASH],
                )


def corrected(row: RectifyRow, changes: Cells, known: Mapping[str, KnownColumn]) -> CorrectedRow:
    """A row with other values in some columns; ``known`` are the columns of its shape's schema."""
    hashes = from_array(pa.array([row.row_hash], pa.binary(16)))
    for name, value in changes.items():
        column = known[name]
        if not column.volatile:
            hashes = hashes - _hash(name, column, row.cells[name]) + _hash(name, column, value)
    codes = {row.present[name]: value for name, value in changes.items()}
    return CorrectedRow(codes, _without(row.blobs, codes), as_array(hashes)[0].as_py(), untold(row))


def unchanged_row(row: RectifyRow) -> CorrectedRow:
    """A row as it is, that is compared anew with the one before it."""
    return CorrectedRow({}, row.blobs, row.row_hash, untold(row))


def untold(row: RectifyRow) -> str | None:
    """What a row says that it replaced, once it or the version before it is another one.

    Of a living record over a living one it is not told any more whether something differs.
    """
    return UNTOLD if row.prev in OVER_ALIVE else row.prev


def known_of(room: OrgVault, table: str, row: RectifyRow) -> Mapping[str, KnownColumn]:
    """The columns by which a row's hash was computed."""
    return room.schemas.known(row.shape.schema, table)


def _hash(name: str, column: KnownColumn, value: str | None) -> Hashes:
    hashed = HashedColumn(name, column.kind)
    return row_hashes([(hashed, pa.array([value], pa.string()))], rows=1)


def _without(blobs: str | None, codes: Collection[str]) -> str | None:
    """The contents that a row names, but for those of these columns."""
    if blobs is None:
        return None
    remaining = {
        code: blob
        for code, blob in decoder_for(BlobCell).decode(blobs).items()
        if code not in codes
    }
    return msgspec.json.encode(remaining).decode() if remaining else None


def _shapes(view: TableView, rank: int) -> Sequence[SegmentShape]:
    """The shapes of a segment; one that was not merged has one."""
    label, present = view.reading.segments.facts(view.segments[rank].entry)
    known = view.reading.schemas.known(label.schema, view.table).values()
    columns = tuple(code for code in (physical(column.code) for column in known) if code in present)
    return label.shapes or (SegmentShape(label.schema, columns, label.tokenizer),)


def _read(view: TableView, place: WantedGroups, columns: Sequence[str]) -> pa.Table:
    rows = view.read(place.rank, place.groups, [*_ROW, *columns])
    return rows.filter(pc.is_in(rows.column(U_ID), value_set=place.ids))
