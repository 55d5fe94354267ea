"""Stored rows of one record, and their corrected form. Few rows, so plain Python is enough."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.source.schema import WireKind
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
    UNKNOWN_PREV,
    physical,
)
from unlost.vault.format.rowhash import HashedColumn, Hashes, as_array, from_array, row_hashes
from unlost.vault.layout.segment_label import SegmentShape
from unlost.vault.read.big_cells import resolve
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import BlobCell, TableView, WantedGroups, named

type Cells = Mapping[str, str | None]
type VersionPlace = tuple[str, int]
"""Record and commit of a version."""

OVER_ALIVE = ("U", SAME)  # in ``_u_prev``: both versions are live states
_ROW = (U_ID, U_OP, U_PREV, U_SNAP, U_SHAPE, U_ROW_HASH, U_BLOBS)


@dataclass(frozen=True, slots=True)
class OldValueTest:
    """Test for a wrong value: equal in meaning to ``text``, according to ``kind``.

    An empty text means no value.
    """

    text: str
    kind: WireKind

    def matches(self, value: str | None) -> bool:
        """Return true if a cell has this value."""
        if value is None or not self.text:
            return not (value or self.text)
        same_text, other = canonical(pl.Series([value, self.text]), self.kind)
        return bool(same_text == other)


@dataclass(frozen=True, slots=True)
class CorrectedColumns:
    """New values of columns in rows of these ids; ``where`` (column, value) limits the rows."""

    table: str
    ids: pa.Array
    values: Cells
    was: OldValueTest | None = None
    where: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be read."""
        return tuple(dict.fromkeys((*self.values, *((self.where[0],) if self.where else ()))))

    def of(self, row: "RectifyRow") -> Cells:
        """Return the cells of a row that change, by column."""
        if row.op not in WITH_CELLS or (self.where and row.cells[self.where[0]] != self.where[1]):
            return {}
        return {
            name: value
            for name, value in self.values.items()
            if name in row.present
            and row.cells[name] != value
            and (self.was is None or self.was.matches(row.cells[name]))
        }


@dataclass(frozen=True, slots=True)
class RectifyRow:
    """A stored row: rank of its segment, columns of its shape, and the requested cells.

    ``cells`` contains long texts in full; ``blobs`` refers to their contents.
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
    def place(self) -> VersionPlace:
        """Record and commit of the version."""
        return self.record, self.snap


@dataclass(frozen=True, slots=True)
class CorrectedRow:
    """The corrected form of a row: physical cells, contents, hash, and ``_u_prev``."""

    cells: Cells
    blobs: str | None
    row_hash: bytes
    prev: str | None


def rows_of(
    org_vault: OrgVault, state: LiveState, table: str, ids: pa.Array, columns: Sequence[str]
) -> Iterator[RectifyRow]:
    """Read all rows of these ids, including rows that no snapshot shows."""
    view = org_vault.view(table, until=state.seq, state=state)
    load = org_vault.load_blob(until=state.seq, state=state)
    for place in view.locate(ids):
        # After a rebase another commit may lie between, so that ``_u_prev`` cannot be trusted.
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
                    prev=UNKNOWN_PREV if rebased else row[U_PREV],
                    snap=row[U_SNAP],
                    shape=shape,
                    present=present,
                    cells=row_cells,
                    blobs=row[U_BLOBS],
                    row_hash=row[U_ROW_HASH],
                )


def corrected(row: RectifyRow, changes: Cells, known: Mapping[str, KnownColumn]) -> CorrectedRow:
    """Return a row with other values in some columns; ``known``: columns of its shape's schema."""
    hashes = from_array(pa.array([row.row_hash], pa.binary(16)))
    for name, value in changes.items():
        column = known[name]
        if not column.volatile:
            # A row hash is a sum over the columns, so that no other cell must be read
            # (docs/adr/0025).
            hashes = hashes - _hash(name, column, row.cells[name]) + _hash(name, column, value)
    codes = {row.present[name]: value for name, value in changes.items()}
    return CorrectedRow(
        codes, _without(row.blobs, codes), as_array(hashes)[0].as_py(), prev_after_change(row)
    )


def unchanged_row(row: RectifyRow) -> CorrectedRow:
    """Return an unchanged row that must be compared with its predecessor again."""
    return CorrectedRow({}, row.blobs, row.row_hash, prev_after_change(row))


def prev_after_change(row: RectifyRow) -> str | None:
    """Return ``_u_prev`` of a row after the row or its predecessor was changed.

    If both are live states, it is no longer known whether they differ.
    """
    return UNKNOWN_PREV if row.prev in OVER_ALIVE else row.prev


def known_of(org_vault: OrgVault, table: str, row: RectifyRow) -> Mapping[str, KnownColumn]:
    """Return the columns by which the hash of a row was computed."""
    return org_vault.schemas.known(row.shape.schema, table)


def _hash(name: str, column: KnownColumn, value: str | None) -> Hashes:
    hashed = HashedColumn(name, column.kind)
    return row_hashes([(hashed, pa.array([value], pa.string()))], rows=1)


def _without(blobs: str | None, codes: Collection[str]) -> str | None:
    """Return the contents that a row refers to, except in these columns."""
    if blobs is None:
        return None
    remaining = {
        code: blob
        for code, blob in decoder_for(BlobCell).decode(blobs).items()
        if code not in codes
    }
    return msgspec.json.encode(remaining).decode() if remaining else None


def _shapes(view: TableView, rank: int) -> Sequence[SegmentShape]:
    """Return the shapes of a segment; an unmerged segment has one."""
    label, present = view.reading.segments.facts(view.segments[rank].entry)
    known = view.reading.schemas.known(label.schema, view.table).values()
    columns = tuple(code for code in (physical(column.code) for column in known) if code in present)
    return label.all_shapes(columns)


def _read(view: TableView, place: WantedGroups, columns: Sequence[str]) -> pa.Table:
    rows = view.read(place.rank, place.groups, [*_ROW, *columns])
    return rows.filter(pc.is_in(rows.column(U_ID), value_set=place.ids))
