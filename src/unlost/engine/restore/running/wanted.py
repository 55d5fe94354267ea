"""The wanted state of records: read from the vault when it is needed, never stored in a plan."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from unlost.engine.restore.values.cells import digests
from unlost.engine.restore.values.taken import cells_of_steps, taken_digest
from unlost.model.errors import IntegrityError
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.source.schema import Column, Table
from unlost.model.source.writing import Gather
from unlost.model.vault.snapshot import StoredFile

READ_ROWS = 2_000  # records of one table that are read at a time
LONG = 100_000  # characters of a record; fewer records are read at a time if they may be longer
KEPT_BYTES = 64 << 20  # of cached records that may be requested again
ROW_BYTES = 300  # of a cached record beside its cells: its id and its hash

type Cells = dict[str, str | None]
type SnapshotTable = tuple[int, str]
"""A snapshot's number and a table: where a record is read."""


@dataclass(frozen=True, slots=True)
class States:
    """Wanted states of records of one table, all with the same columns: a row for each step."""

    steps: Sequence[PlanStep]
    rows: pa.Table

    def texts(self, name: str) -> list[str | None]:
        """The cells of a column; nulls if it is unknown."""
        if name not in self.rows.column_names:
            return [None] * len(self.steps)
        column_texts: list[str | None] = self.rows.column(name).to_pylist()
        return column_texts

    def cells(self, row: int, column: Column) -> Cells:
        """The cells of a row that say which records its column names."""
        reference = column.reference
        read = (column.name, reference.table_column) if reference is not None else ()
        names = [name for name in read if name in self.rows.column_names]
        return {str(name): self.rows.column(name)[row].as_py() for name in names}


@dataclass(frozen=True, slots=True)
class _Window:
    """Neighbours in the plan, as the vault has them. ``row_of`` finds their rows."""

    rows: pa.Table
    digests: Sequence[str]
    row_of: Mapping[str, int]
    size: int


class WantedReader:
    """Reads wanted cells and files of the plan's records.

    Neighbours in the plan are needed together: they are read together, and the last ones are
    cached. Safe for threads.
    """

    def __init__(self, vault: Vault, org: str, steps: Iterable[PlanStep]) -> None:
        self._vault = vault
        self._org = org
        self._schemas: dict[SnapshotTable, Table] = {}
        self._windows: OrderedDict[tuple[SnapshotTable, int], _Window] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()
        self._numbers: dict[SnapshotTable, dict[str, int]] = defaultdict(dict)
        for step in steps:
            numbers = self._numbers[_place(step)]
            numbers[step.record] = len(numbers)

    def brought_as(self, step: PlanStep) -> str:
        """The id in the vault of a record that a run brought."""
        return step.record

    def cells(self, steps: Sequence[PlanStep]) -> dict[RecordKey, Cells]:
        """The wanted cells of these records, including typed values and those of other backups.

        Raises IntegrityError (``restore-version-moved``) if the vault's version is not the one that
        the plan was made for.
        """
        by_record: dict[RecordKey, Cells] = {}
        for states in self._unedited(steps):
            pairs = zip(states.steps, states.rows.to_pylist(), strict=True)
            chosen = self._chosen(states.steps)
            by_record.update({step.key: {**cells, **chosen[step.key]} for step, cells in pairs})
        return by_record

    def states(self, steps: Sequence[PlanStep]) -> Iterator[States]:
        """The wanted states by column; in parts, each of records that have the same columns."""
        for part in self._unedited(steps):
            chosen = self._chosen(part.steps)
            if not any(chosen.values()):
                yield part
                continue
            groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for at, step in enumerate(part.steps):
                groups[tuple(sorted(chosen[step.key]))].append(at)
            for names, positions in groups.items():
                steps_of_group = [part.steps[at] for at in positions]
                cells = [chosen[step.key] for step in steps_of_group]
                yield States(steps_of_group, _edited(cells, part.rows.take(positions), names))

    def _chosen(self, steps: Sequence[PlanStep]) -> dict[RecordKey, Mapping[str, str | None]]:
        """The values that differ from the wanted versions: those of other backups, and typed ones.

        Raises IntegrityError (``restore-version-moved``).
        """
        taken = cells_of_steps(self._snapshot, steps)
        for step in steps:
            cells = taken.get(step.key)
            if cells and step.taken_digest != taken_digest(self._schema(_place(step)), cells):
                raise moved(step.key)
        return {step.key: {**taken.get(step.key, {}), **step.edits} for step in steps}

    def _snapshot(self, number: int) -> Snapshot:
        return self._vault.at(self._org, number, forgotten=True)

    def _unedited(self, steps: Sequence[PlanStep]) -> Iterator[States]:
        groups: dict[SnapshotTable, list[PlanStep]] = defaultdict(list)
        for step in steps:
            groups[_place(step)].append(step)
        for place, plan_steps in groups.items():
            windows: dict[int, list[PlanStep]] = defaultdict(list)
            size, numbers = rows_in_memory(self._schema(place)), self._numbers[place]
            for step in plan_steps:
                windows[numbers[step.record] // size].append(step)
            for number, inside in windows.items():
                window = self._window(place, number, size)
                yield States(inside, taken(window.rows, _rows_of_steps(inside, window)))

    def _window(self, place: SnapshotTable, number: int, size: int) -> _Window:
        with self._lock:
            # Threads want the same windows: under the lock each is read once.
            return self._kept(place, number, size)

    def _kept(self, place: SnapshotTable, number: int, size: int) -> _Window:
        if (place, number) in self._windows:
            self._windows.move_to_end((place, number))
            return self._windows[place, number]
        records = list(islice(self._numbers[place], number * size, (number + 1) * size))
        read = self._windows[place, number] = self._read(place, records)
        self._held += read.size
        # The newest window stays, however large: it is in use.
        while len(self._windows) > 1 and self._held > KEPT_BYTES:
            self._held -= self._windows.popitem(last=False)[1].size
        return read

    def release(self) -> None:
        """Drop the cached records, apart from the last ones of each table: more may follow these."""
        with self._lock:
            last = dict(self._windows.keys())  # of each table the number that was used last
            self._windows = OrderedDict(
                ((place, number), window)
                for (place, number), window in self._windows.items()
                if last[place] == number
            )
            self._held = sum(window.size for window in self._windows.values())

    def _schema(self, place: SnapshotTable) -> Table:
        if place not in self._schemas:
            night, name = place
            schema = self._snapshot(night).schema().table(name)
            if schema is None:
                raise moved(RecordKey(name, next(iter(self._numbers[place]))))
            self._schemas[place] = schema
        return self._schemas[place]

    def _read(self, place: SnapshotTable, records: Sequence[str]) -> _Window:
        night, name = place
        schema = self._schema(place)
        rows = self._snapshot(night).get(name, records)
        columns = [column.name for column in schema.columns if column.name in rows.column_names]
        row_of = {record: row for row, record in enumerate(rows["_u_id"].to_pylist())}
        row_digests = digests(schema, rows, columns)
        size = int(rows.nbytes) + len(rows) * ROW_BYTES
        return _Window(rows.select(columns), row_digests, row_of, size)

    def file(self, step: PlanStep) -> StoredFile | None:
        """The newest file of the record in the wanted state."""
        return self.files([step]).get(step.key)

    def files(self, steps: Sequence[PlanStep]) -> dict[RecordKey, StoredFile]:
        """The newest file of each record that has one in the wanted state."""
        groups: dict[SnapshotTable, list[PlanStep]] = defaultdict(list)
        for step in steps:
            groups[_place(step)].append(step)
        by_record: dict[RecordKey, StoredFile] = {}
        for (night, table), plan_steps in groups.items():
            stored = self._snapshot(night).files(
                table, [plan_step.record for plan_step in plan_steps]
            )
            for file in stored:
                if not file.is_image:
                    by_record.setdefault(RecordKey(table, file.record), file)
        return by_record

    def gathered(
        self, gather: Gather, rows: Sequence[PlanStep]
    ) -> Mapping[str, Sequence[tuple[RecordKey, str]]]:
        """By parent: the gathered rows and their references."""
        cells = self.cells(rows)
        by_parent: dict[str, list[tuple[RecordKey, str]]] = defaultdict(list)
        for key, record_cells in cells.items():
            parent, value = (
                record_cells.get(gather.parent_column),
                record_cells.get(gather.value_column),
            )
            fits = all(record_cells.get(column) == text for column, text in gather.where)
            if fits and parent is not None and value is not None:
                by_parent[parent].append((key, value))
        return by_parent


def rows_in_memory(table: Table) -> int:
    """Records of a table that may be in memory together; fewer if texts may be long."""
    longest = sum(column.length for column in table.columns)
    return READ_ROWS if longest <= LONG else READ_ROWS // 4


def taken(rows: pa.Table, places: Sequence[int]) -> pa.Table:
    """These rows; adjacent ones, which are the rule, are not copied."""
    first, count = places[0], len(places)
    if list(places) == list(range(first, first + count)):
        return rows.slice(first, count)
    return rows.take(places)


def _place(step: PlanStep) -> SnapshotTable:
    """The snapshot to read from: a few of them cover many versions."""
    return step.snapshot or step.version, step.table


def _rows_of_steps(steps: Sequence[PlanStep], window: _Window) -> list[int]:
    """The rows of the steps; raises if the vault lacks one or has another version."""
    rows = [window.row_of.get(step.record) for step in steps]
    present = [row for row in rows if row is not None]
    for step, row in zip(steps, rows, strict=True):
        if row is None or window.digests[row] != step.digest:
            raise moved(step.key)
    return present


def _edited(
    cells: Sequence[Mapping[str, str | None]], rows: pa.Table, names: Sequence[str]
) -> pa.Table:
    """The rows with these columns set to their cells."""
    for name in names:
        typed = pa.array([record_cells[name] for record_cells in cells], pa.string())
        at = rows.column_names.index(name) if name in rows.column_names else None
        rows = rows.append_column(name, typed) if at is None else rows.set_column(at, name, typed)
    return rows


def moved(key: RecordKey) -> IntegrityError:
    """The error for a record whose version is not the one that the plan was made for."""
    return IntegrityError(
        "restore-version-moved",
        "The version of {key} in the vault is not the version that the plan was made for.",
        next_step="Run `unlost verify --level full`, then make a new plan.",
        key=key,
    )
