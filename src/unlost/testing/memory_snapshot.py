"""Snapshots of the memory vault."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from unlost.model.certificate import Certificate
from unlost.model.errors import NotFound
from unlost.model.reading import Op
from unlost.model.retention import HeldThing, Hold
from unlost.model.schema import Schema, WireKind
from unlost.model.snapshot import (
    EVERY_ID,
    Hidden,
    IdSpan,
    SnapshotInfo,
    StoredFile,
    TableState,
    Visibility,
)
from unlost.testing.memory_rows import Cells, Observed, as_table, picked

BATCH = 4


@dataclass(frozen=True, slots=True)
class Night:
    """A committed picture."""

    info: SnapshotInfo
    schema: Schema
    states: Mapping[str, TableState]


@dataclass(slots=True)
class Chain:
    """Everything committed of one org: versions by table and id, files, marks, nights, holds.

    ``forgotten`` are numbers of backups that are shown no more.
    """

    nights: list[Night] = field(default_factory=list)
    rows: dict[str, dict[str, list[Observed]]] = field(default_factory=dict)
    files: list[tuple[int, StoredFile]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    marks: list[tuple[int, str, str, str, Visibility]] = field(default_factory=list)
    holds: dict[HeldThing, Hold] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)

    def newest(self, table: str, key: str, number: int) -> Observed | None:
        """The newest version of a record up to a commit."""
        seen = [row for row in self.rows.get(table, {}).get(key, []) if row.snap <= number]
        return seen[-1] if seen else None

    def last_cells(self, table: str, key: str, number: int) -> Cells:
        """The last known state: that of the D row where there is one, else of the newest U."""
        for row in reversed(self.rows[table][key]):
            if row.snap <= number and row.cells is not None:
                return row.cells
        return {}


class Certified(Protocol):
    """Keeps certificates by run."""

    certificates: dict[str, Certificate]


class MemorySnapshot:
    """The Snapshot port over a chain of dictionaries."""

    def __init__(self, chain: Chain, night: Night, kept: Certified) -> None:
        self._chain, self._night, self._kept = chain, night, kept

    @property
    def info(self) -> SnapshotInfo:
        """Number, times, counts."""
        return self._night.info

    def schema(self) -> Schema:
        """The schema of the snapshot."""
        return self._night.schema

    def tables(self) -> Mapping[str, TableState]:
        """State of each table."""
        return dict(self._night.states)

    def scan(self, table: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Live records by id."""
        return self._reader(table, columns, alive=True)

    def scan_deleted(
        self, table: str, *, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """Last known states of deleted records by id."""
        return self._reader(table, columns, alive=False)

    @property
    def salvaged(self) -> bool:
        """Nothing was: memory loses no column."""
        return False

    def unread(self, table: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:  # noqa: ARG002
        """Nothing: memory loses no column."""
        return {}

    def columns(self, table: str) -> Sequence[str]:
        """The source columns of a table."""
        return self._columns(table)

    def spans(self, table: str, *, rows: int) -> Sequence[IdSpan]:
        """The ids of a table in spans of some records."""
        self._columns(table)
        lows = [row.id for row in self._newest(table)][rows::rows]
        return [IdSpan(*span) for span in zip(["", *lows], [*lows, None], strict=True)]

    def read(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """Live records with these columns."""
        rows = [(row, row.cells or {}, None) for row in self._newest(table) if row.op.alive]
        return self._picked(table, rows, columns, within)

    def versions(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """All versions up to this snapshot."""
        rows: list[tuple[Observed, Cells, int | None]] = []
        for key in sorted(self._chain.rows.get(table, {})):
            every = self._chain.rows[table][key]
            seen = [row for row in every if row.snap <= self.info.number]
            ends = [*(row.snap for row in seen[1:]), None]
            told = zip(seen, ends, strict=False)
            rows += [(row, row.cells or {}, end) for row, end in told]
        return self._picked(table, rows, columns, within)

    def newer(self, table: str, columns: Sequence[str], *, after: int) -> pa.RecordBatchReader:
        """The newest versions that commits behind ``after`` brought."""
        rows = [(row, row.cells or {}, None) for row in self._newest(table) if row.snap > after]
        return self._picked(table, rows, columns, EVERY_ID)

    def _picked(
        self,
        table: str,
        rows: Sequence[tuple[Observed, Cells, int | None]],
        columns: Sequence[str],
        within: IdSpan,
    ) -> pa.RecordBatchReader:
        known = self._columns(table)
        for name in columns:
            if not name.startswith("_u_") and name not in known:
                raise NotFound("column-unknown", f"The snapshot has no column {name}.")
        inside = [
            one
            for one in rows
            if one[0].id >= within.low and (within.high is None or one[0].id < within.high)
        ]
        found = picked(inside, list(columns))
        return pa.RecordBatchReader.from_batches(found.schema, found.to_batches(BATCH))

    def live_ids(self, table: str) -> Iterator[pa.Table]:
        """Live ids in order, a few at a time."""
        live = [row for row in self._newest(table) if row.op.alive]
        for at in range(0, len(live), BATCH):
            found = as_table([(row, {}) for row in live[at : at + BATCH]], [])
            yield found.select(["_u_id", "_u_observed_at", "_u_snap"])

    def get(
        self, table: str, ids: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Newest states of these ids."""
        wanted = set(ids)
        rows = [
            (row, self._chain.last_cells(table, row.id, self.info.number))
            for row in self._newest(table)
            if row.id in wanted
        ]
        return as_table(rows, self._columns(table) if columns is None else list(columns))

    def where(
        self,
        table: str,
        column: str,
        values: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Newest states of the records with one of these values in a column."""
        rows = [
            (row, cells)
            for row in self._newest(table)
            for cells in [self._chain.last_cells(table, row.id, self.info.number)]
            if cells.get(column) in values
        ]
        return as_table(rows, self._columns(table) if columns is None else list(columns))

    def row_bytes(self, table: str) -> int:
        """About how many bytes of text a record has."""
        cells = [row.cells or {} for row in self._newest(table)]
        sizes = [sum(len(text or "") for text in own.values()) for own in cells]
        return sum(sizes) // len(sizes) if sizes else 0

    def hidden(self, table: str | None = None) -> Sequence[Hidden]:
        """What the user stopped seeing."""
        state: dict[tuple[str, str, str], int] = {}
        for number, owner, kind, name, visibility in self._chain.marks:
            if number > self.info.number or table not in (None, owner):
                continue
            if visibility is Visibility.HIDDEN:
                state.setdefault((owner, kind, name), number)
            else:
                state.pop((owner, kind, name), None)
        return [
            Hidden(
                owner,
                name if kind == "record" else None,
                name if kind == "column" else None,
                since,
            )
            for (owner, kind, name), since in sorted(state.items())
        ]

    def files(self, table: str, records: Sequence[str]) -> Sequence[StoredFile]:
        """The newest files of these records."""
        newest: dict[tuple[str, str], StoredFile] = {}
        for number, stored in self._chain.files:
            if number <= self.info.number and stored.table == table and stored.record in records:
                newest[stored.record, stored.column] = stored
        return list(newest.values())

    def certificate(self) -> Certificate | None:
        """The certificate of the run."""
        return self._kept.certificates.get(self.info.certificate or "")

    def _newest(self, table: str) -> list[Observed]:
        known = self._chain.rows.get(table, {})
        found = [self._chain.newest(table, key, self.info.number) for key in sorted(known)]
        return [row for row in found if row is not None]

    def _columns(self, table: str) -> list[str]:
        found = self.schema().table(table)
        if found is None:
            raise NotFound("table-unknown", f"The snapshot has no table {table}.")
        return [column.name for column in found.columns if column.kind is not WireKind.BINARY]

    def _reader(
        self, table: str, columns: Sequence[str] | None, *, alive: bool
    ) -> pa.RecordBatchReader:
        wanted = list(columns) if columns is not None else self._columns(table)
        rows = [
            (row, self._chain.last_cells(table, row.id, self.info.number))
            for row in self._newest(table)
            if row.op.alive is alive and row.op is not Op.ARCHIVED
        ]
        found = as_table(rows, wanted)
        return pa.RecordBatchReader.from_batches(found.schema, found.to_batches(BATCH))
