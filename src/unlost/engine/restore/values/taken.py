"""Values that a plan takes from other backups than that of a record's wanted state.

  Contact/003A as in backup 9, but Phone as in backup 4:
  PlanStep(Contact/003A, snapshot=9, taken={"Phone": 4}, taken_digest=hash of that Phone)

The plan names the backups, and the run reads the values from the vault. See docs/adr/0046.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from shlex import quote

from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.edits import Backups, column_unknown
from unlost.model.errors import NotFound
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table

type Cells = Mapping[str, str | None]
type Snapshots = Callable[[int], Snapshot]
"""Returns the snapshot with a number; raises NotFound."""


def taken_cells(
    snapshots: Snapshots, table: str, taken: Mapping[str, Backups]
) -> dict[str, dict[str, str | None]]:
    """The values of records of a table, by id; ``taken``: the backup of each of their columns.

    Raises NotFound (``restore-not-alive``) for a record that a backup does not have, UsageError
    (``edit-column-unknown``) for a column that it does not have.
    """
    by_backup: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record, backups in taken.items():
        for column, number in backups.items():
            by_backup[number][record].append(column)
    cells: dict[str, dict[str, str | None]] = {record: {} for record in taken}
    for number, columns in by_backup.items():
        rows = _alive(snapshots(number), table, columns)
        for record, names in columns.items():
            if record not in rows:
                raise not_alive(RecordKey(table, record), number)
            cells[record].update({name: rows[record][name] for name in names})
    return cells


def cells_of_steps(snapshots: Snapshots, steps: Iterable[PlanStep]) -> dict[RecordKey, Cells]:
    """The taken values of planned records, without records that take none; raises as above."""
    by_table: dict[str, dict[str, Backups]] = defaultdict(dict)
    for step in steps:
        if step.taken:
            by_table[step.table][step.record] = step.taken
    return {
        RecordKey(table, record): cells
        for table, taken in by_table.items()
        for record, cells in taken_cells(snapshots, table, taken).items()
    }


def taken_digest(table: Table, cells: Cells) -> str:
    """The hash of taken values; empty for none."""
    return digest(table, cells) if cells else ""


def not_alive(key: RecordKey, number: int) -> NotFound:
    """The error for a record that a backup does not have as a live one."""
    return NotFound(
        "restore-not-alive",
        "{key} did not exist in backup {at}.",
        next_step="See its history with `unlost history ORG {record}`, then choose another backup.",
        key=key,
        at=number,
        record=quote(str(key)),
    )


def _alive(
    snapshot: Snapshot, table: str, columns: Mapping[str, Sequence[str]]
) -> dict[str, Cells]:
    """The records that are alive in a snapshot; raises for a column that it does not have."""
    shape = snapshot.schema().table(table) if table in snapshot.tables() else None
    if shape is None:
        return {}
    names = sorted({name for wanted in columns.values() for name in wanted})
    for name in names:
        if shape.column(name) is None:
            raise column_unknown(table, name)
    rows = snapshot.get(table, list(columns), columns=names)
    dicts = zip(rows["_u_op"].to_pylist(), rows["_u_id"].to_pylist(), rows.to_pylist(), strict=True)
    return {record: row for op, record, row in dicts if op == Op.STATE.value}
