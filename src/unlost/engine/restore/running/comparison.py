"""Compare records of an archive with their copies, right before they are deleted."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import States, taken
from unlost.engine.sameness import differs
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.source.writing import OutcomeKind, WriteCapability

type Mask = NDArray[np.bool_]


def absent(states: States, fetched: Rows) -> Iterator[RecordKey]:
    """The records that the org does not have any more."""
    live = set(fetched.ids.to_pylist())
    return (step.key for step in states.steps if step.record not in live)


def different(
    session: RestoreSession, table: Table, states: States, fetched: Rows
) -> Iterator[RecordKey]:
    """The live records whose values are not those of their copies, or cannot be proved to be."""
    row_of = {record: row for row, record in enumerate(fetched.ids.to_pylist())}
    places = [at for at, step in enumerate(states.steps) if step.record in row_of]
    if not places:
        return
    steps = [states.steps[at] for at in places]
    assert fetched.cells is not None
    now = taken(pa.Table.from_batches([fetched.cells]), [row_of[step.record] for step in steps])
    then = taken(states.rows, places)
    for step, differs_now in zip(steps, _mask(session, table, steps, then, now), strict=True):
        if differs_now:
            yield step.key


def value_columns(table: Table) -> list[str]:
    """The columns with values that people and programs set."""
    return [column.name for column in _values(table)]


def compared_columns(table: Table) -> list[str]:
    """The columns to fetch for a comparison."""
    names = value_columns(table)
    return [*names, *(name for name in _stamps(table) if name not in names)]


def _mask(
    session: RestoreSession, table: Table, steps: Sequence[PlanStep], then: pa.Table, now: pa.Table
) -> Mask:
    excused = np.array([bool(step.columns) for step in steps])
    if excused.any():
        excused = _emptied(session, table, steps, then, now)
    drafts = np.array([step.key in session.log.state.reopened for step in steps])
    written = checked_columns(table, session.capability(table.name)) if drafts.any() else ()
    mask = np.zeros(len(steps), dtype=np.bool_)
    unseen = False
    for column in _values(table):
        if column.name not in now.column_names:
            unseen = True
            continue
        other = _differs(column, then, now)
        circular = np.array([column.name in step.columns for step in steps])
        # With its status the org changes columns that nobody else writes, such as a time.
        by_status = [column.name in step.late or column.name not in written for step in steps]
        mask |= other & ~(circular & excused) & ~(drafts & np.array(by_status))
    if unseen or any(file.checksum_column is None for file in table.files):
        mask |= _moved(table, then, now) & ~excused & ~drafts
    return mask


def _differs(column: Column, then: pa.Table, now: pa.Table) -> Mask:
    old, new = (rows[column.name].combine_chunks().cast(pa.string()) for rows in (then, now))
    mask: Mask = differs(column.kind, old, new).to_numpy(zero_copy_only=False)
    return mask


def _moved(table: Table, then: pa.Table, now: pa.Table) -> Mask:
    """True for records with another time of change; for all if the org does not report it."""
    columns = [table.column(name) for name in _stamps(table)]
    known = [
        column
        for column in columns
        if column is not None
        and column.name in then.column_names
        and column.name in now.column_names
    ]
    if not known:
        return np.ones(len(then), dtype=np.bool_)
    moved: Mask = np.logical_or.reduce([_differs(column, then, now) for column in known])
    return moved


def _emptied(
    session: RestoreSession, table: Table, steps: Sequence[PlanStep], then: pa.Table, now: pa.Table
) -> Mask:
    """True for records of which this run emptied references, by deleting the records they named."""
    done = session.log.state.results.get(Pass.DELETE, {})
    mask = np.zeros(len(steps), dtype=np.bool_)
    for at, step in enumerate(steps):
        mask[at] = bool(step.columns) and all(
            now[name][at].as_py() is None
            and any(
                (result := done.get(RecordKey(owner, then[name][at].as_py()))) is not None
                and result.kind is OutcomeKind.DONE
                for owner in _targets(table, name)
            )
            for name in step.columns
            if then[name][at].as_py() != now[name][at].as_py()
        )
    return mask


def _targets(table: Table, name: str) -> Sequence[str]:
    column = table.column(name)
    return column.reference.tables if column is not None and column.reference is not None else ()


def _values(table: Table) -> list[Column]:
    """The columns with values that people and programs set."""
    stamps = _stamps(table)
    return [
        column
        for column in table.columns
        if column.kind is not WireKind.BINARY
        and not {ColumnTrait.VOLATILE, ColumnTrait.CALCULATED} & column.traits
        and column.name not in (*stamps, table.id_column)
    ]


def _stamps(table: Table) -> list[str]:
    """Columns that change with each change, also with those of roll-ups."""
    names = (table.stamp_column, table.modified_column, table.modified_by_column)
    return [name for name in dict.fromkeys(names) if name is not None]


def checked_columns(table: Table, capability: WriteCapability) -> tuple[str, ...]:
    """The columns by which a person can have changed a record that a run brought.

    Size and checksum show that its file was replaced.
    """
    known = {column.name for column in table.columns}
    of_files = {name for file in table.files for name in (file.size_column, file.checksum_column)}
    written = capability.settable | capability.changeable
    return tuple(sorted(name for name in known if name in written or name in of_files))
