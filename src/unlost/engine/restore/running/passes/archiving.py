"""The pass of an archive: verify, compare, delete, and look what else vanished.

  groups 1-40    read the copies from the vault and the records from the org: equal?
                 read the org's changes: did a record come that refers to one of them?
                 delete, details with their masters
  groups 41-90   read the org's changes: did more vanish than was planned? Then stop.
                 …

Records of a group refer to each other. If one of them changed, is gone, or is named by a record that
the vault does not have, the whole group stays. The first groups are few, so that a surprise costs
little. See docs/adr/0051.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import batched

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    CHANGED_SINCE,
    TRIES,
    record_without_call,
    refusal,
)
from unlost.engine.restore.running.copies import faulty_copies
from unlost.engine.restore.running.org_watch import OrgWatch, WatchPorts, gaps_of
from unlost.engine.restore.running.passes.deleting import delete_steps, readable
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import States, rows_in_memory, taken
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.engine.sameness import differs
from unlost.model.errors import UsageError
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.schema import ColumnTrait, Table, WireKind
from unlost.model.source.writing import RowOutcome
from unlost.model.vault.snapshot import nights

NO_COPY = "archive-no-copy"
FEW, MANY = 200, 10_000  # records of the first groups, and of later ones, that are deleted together
VANISHED = "archive-vanished"
STOPPED = "archive-stopped"
NAMED = "archive-named"
GONE = "archive-gone"
TOGETHER = "archive-together"

type Mask = NDArray[np.bool_]


def archive(session: RestoreSession) -> None:
    """Delete the records of the plan, some groups at a time."""
    turns = list(_turns(session.plan.steps))
    watch = _watch(session)
    for turn in turns:
        if not _is_open(session, turn):
            continue
        if not _look(session, watch, turn):
            break
        delete_steps(session, [step for step in turn if _pending(session, step)])
    _look(session, watch, ())


def vanished(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcomes of records that are gone although the plan does not name them."""
    for key, outcome in session.log.state.results.get(Pass.DELETE, {}).items():
        if outcome.code == VANISHED:
            yield RecordOutcome(
                key.table,
                key.record,
                Ending.FAILED,
                code=VANISHED,
                sentence=outcome.sentence,
                next_step=outcome.next_step,
            )


def _turns(steps: Sequence[PlanStep]) -> Iterator[list[PlanStep]]:
    """Steps that are deleted together: whole groups, at first a few records."""
    groups: dict[int, list[PlanStep]] = defaultdict(list)
    for step in steps:
        groups[step.group].append(step)
    turn: list[PlanStep] = []
    size = FEW
    for group in groups.values():
        if turn and len(turn) + len(group) > size:
            yield turn
            turn, size = [], MANY
        turn += group
    if turn:
        yield turn


def _watch(session: RestoreSession) -> OrgWatch:
    ports, plan = session.ports, session.plan
    if ports.source is None:
        raise UsageError(
            "archive-source",
            "An archive reads the org while it runs, and this program cannot read it.",
            next_step="Run the plan with `unlost restore run`.",
        )
    planned: dict[str, list[str]] = defaultdict(list)
    for step in plan.steps:
        planned[step.table].append(step.record)
    links = frozenset(kind.links for kind in ports.shared) | gaps_of(ports.vault, plan.org).keys()
    until = plan.selection.until or plan.snapshot
    backups = [info for info in nights(ports.vault.snapshots(plan.org)) if info.number <= until]
    return OrgWatch(
        WatchPorts(source=ports.source, access=ports.writer, clock=ports.clock, links=links),
        ports.vault.at(plan.org, until, forgotten=True),
        ports.source.discover(),  # also tables that came after the backup
        planned,
        since=backups[-1].as_of,
        began=session.log.opened.at,
    )


# --- before a call --------------------------------------------------------------------------------


def _is_open(session: RestoreSession, steps: Sequence[PlanStep]) -> bool:
    return any(_pending(session, step) for step in steps)


def _pending(session: RestoreSession, step: PlanStep) -> bool:
    return session.log.state.pending(Pass.DELETE, step.key, most=TRIES)


def _look(session: RestoreSession, watch: OrgWatch, turn: Sequence[PlanStep]) -> bool:
    """Keep groups that are not as the plan saw them; false if more vanished than was planned."""
    pending = [step for step in turn if _pending(session, step)]
    causes = dict(_differing(session, pending))
    # Last, because the org goes on changing while the copies are verified.
    changes = watch.read()
    if changes.vanished:
        _stop(session, changes.vanished)
        return False
    planned: dict[str, list[str]] = defaultdict(list)
    for step in pending:
        planned[step.table].append(step.record)
    strangers, closed = watch.strangers(planned)
    for key in changes.named | strangers:
        causes.setdefault(key, _is_named(key))
    closed |= changes.unread
    if closed:
        causes |= {step.key: _unlooked(step.key, closed) for step in pending}
    _keep_groups(session, pending, causes)
    return True


def _differing(
    session: RestoreSession, steps: Sequence[PlanStep]
) -> Iterator[tuple[RecordKey, RowOutcome]]:
    """The records that are gone, changed since the copy, or have no complete copy."""
    by_table: dict[str, list[PlanStep]] = defaultdict(list)
    for step in steps:
        by_table[step.table].append(step)
    for name, records in by_table.items():
        table = session.table(name)
        for part in batched(records, rows_in_memory(table)):
            for states in session.wanted.states(part):
                yield from _without_copy(session, table, states)
                yield from _changed(session, table, states)


def _without_copy(
    session: RestoreSession, table: Table, states: States
) -> Iterator[tuple[RecordKey, RowOutcome]]:
    assert session.ports.source is not None
    snapshot = session.ports.vault.at(session.plan.org, states.steps[0].snapshot, forgotten=True)
    faulty = faulty_copies(session.ports.vault, snapshot, session.ports.source, table, states)
    for record, sentence in faulty:
        key = RecordKey(table.name, record)
        yield key, refusal(key, NO_COPY, f"{key} stays in the org. {sentence}")


def _changed(
    session: RestoreSession, table: Table, states: States
) -> Iterator[tuple[RecordKey, RowOutcome]]:
    ids = [step.record for step in states.steps]
    fetched = session.ports.writer.fetch(table, ids, columns=readable(table))
    row_of = {record: row for row, record in enumerate(fetched.ids.to_pylist())}
    places = [at for at, record in enumerate(ids) if record in row_of]
    for step in states.steps:
        if step.record not in row_of:
            yield step.key, _is_gone(step.key)
    if not places:
        return
    there = [states.steps[at] for at in places]
    assert fetched.cells is not None
    now = taken(pa.Table.from_batches([fetched.cells]), [row_of[step.record] for step in there])
    mask = _different(table, there, taken(states.rows, places), now)
    for step, differs_now in zip(there, mask, strict=True):
        if differs_now:
            yield step.key, _is_changed(step.key)


def _different(table: Table, steps: Sequence[PlanStep], then: pa.Table, now: pa.Table) -> Mask:
    """True for each record whose values differ from its copy.

    Columns that the run itself has set or emptied before the delete do not count.
    """
    mask = np.zeros(len(steps), dtype=np.bool_)
    touched = np.array([bool(step.columns or step.late) for step in steps])
    stamps = {table.stamp_column, table.modified_column, table.modified_by_column}
    for name in _compared(table, then, now):
        column = table.column(name)
        assert column is not None
        old, new = (rows[name].combine_chunks().cast(pa.string()) for rows in (then, now))
        other = differs(column.kind, old, new).to_numpy(zero_copy_only=False)
        if name in stamps:
            other &= ~touched
        else:
            other &= ~np.array([name in step.columns or name in step.late for step in steps])
        mask |= other
    return mask


def _compared(table: Table, then: pa.Table, now: pa.Table) -> Iterator[str]:
    """The columns whose values are compared.

    Times of changes count only where values cannot show everything: roll-ups change them too.
    """
    stamps = {table.stamp_column, table.modified_column, table.modified_by_column}
    values = [
        column.name
        for column in table.columns
        if column.kind is not WireKind.BINARY
        and not {ColumnTrait.VOLATILE, ColumnTrait.CALCULATED} & column.traits
        and column.name in then.column_names
        and column.name not in (*stamps, table.id_column)
    ]
    visible = [name for name in values if name in now.column_names]
    unproved = any(file.checksum_column is None for file in table.files)
    if unproved or len(visible) < len(values):
        both = {*then.column_names} & {*now.column_names}
        yield from sorted(name for name in stamps if name is not None and name in both)
    yield from visible


# --- records that stay ----------------------------------------------------------------------------


def _keep_groups(
    session: RestoreSession,
    steps: Sequence[PlanStep],
    causes: Mapping[RecordKey, RowOutcome],
) -> None:
    """Keep all records of a group of which one must stay."""
    groups = {step.group for step in steps if step.key in causes}
    staying: dict[str, list[RowOutcome]] = defaultdict(list)
    for step in steps:
        if step.group in groups:
            staying[step.table].append(causes.get(step.key) or _stays_too(step.key))
    for name, outcomes in staying.items():
        record_without_call(session, Pass.DELETE, name, outcomes)


def _stop(session: RestoreSession, keys: Collection[RecordKey]) -> None:
    """Note the records that vanished, and keep all that the run has not deleted yet."""
    noted: dict[str, list[RowOutcome]] = defaultdict(list)
    for key in sorted(keys, key=str):
        noted[key.table].append(_vanished(key))
    for step in session.plan.steps:
        if _pending(session, step):
            noted[step.table].append(_stopped(step.key))
    for name, outcomes in noted.items():
        record_without_call(session, Pass.DELETE, name, outcomes)


def _is_changed(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        CHANGED_SINCE,
        f"{key} was changed in the org after the backup. It stays there.",
        "The next archive includes it, once a backup has the change.",
    )


def _is_gone(key: RecordKey) -> RowOutcome:
    return refusal(key, GONE, f"{key} is not in the org any more: another user deleted it.")


def _is_named(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        NAMED,
        f"A record that came after the backup refers to {key}, so it stays in the org.",
        "The next archive decides again, once a backup has that record.",
    )


def _unlooked(key: RecordKey, tables: Collection[str]) -> RowOutcome:
    return refusal(
        key,
        NAMED,
        f"It is not known whether records of {', '.join(sorted(tables))} belong to {key}. It stays "
        "in the org.",
        "Give the write user the right to read these tables.",
    )


def _stays_too(key: RecordKey) -> RowOutcome:
    return refusal(key, TOGETHER, f"{key} stays in the org with a record that it belongs to.")


def _stopped(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        STOPPED,
        f"The archive stopped before {key}, because other records vanished from the org.",
        "See which records vanished. Then plan the archive again.",
    )


def _vanished(key: RecordKey) -> RowOutcome:
    return refusal(
        key,
        VANISHED,
        f"{key} vanished from the org while the archive ran, although the plan does not name it.",
        "Check whether a trigger deletes it. The backup has it: restore it from there.",
    )
