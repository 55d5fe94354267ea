"""How a restore ended, for people: counts, what failed by its cause, and what differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.access import Where, action, run_unknown
from unlost.app.actions.restores.restore_plan import org_of
from unlost.app.actions.restores.restore_run import (
    EndingCount,
    RestoreResult,
    journal_of,
    result_of,
)
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames
from unlost.catalog.runs import RunState, find_run
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.plan import Choices
from unlost.model.ports.vault import Snapshot
from unlost.model.snapshot import CommitKind

SHOWN = 50  # records of a cause, or of a table


@dataclass(frozen=True, slots=True)
class RecordEnding:
    """A record of a restore. ``live`` is its id in the org now, where it has one."""

    table: str
    record: str
    name: str
    live: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class CauseField:
    """A column that a value can be typed for before these records are tried again."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why records did not come back: all of one table that failed for the same reason.

    ``records`` are the first of ``count``. ``fields`` can be set for all of them.
    """

    table: str
    label: str
    ending: Ending
    code: str
    sentence: str
    next_step: str
    count: int
    records: tuple[RecordEnding, ...]
    fields: tuple[CauseField, ...] = ()


@dataclass(frozen=True, slots=True)
class DifferingRecord:
    """A column that did not come back as it was, and why, in so many records."""

    table: str
    label: str
    column: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class RestoredRecord:
    """What came back of a table: the first of ``count`` records."""

    table: str
    label: str
    count: int
    records: tuple[RecordEnding, ...]


@dataclass(frozen=True, slots=True)
class OutcomeResult:
    """How a restore ended. ``wanted`` is the number of the backup whose state was wanted.

    ``failed`` counts the records that are not there now.
    """

    run: str
    plan: str
    wanted: int
    finished: datetime
    calls: int
    endings: tuple[EndingCount, ...]
    failed: int
    causes: tuple[FailureCause, ...]
    differing: tuple[DifferingRecord, ...]
    returned: tuple[RestoredRecord, ...]


@action("run.outcome", Right.READ, trace=Trace.READ, where=Where.RUN, subject=("run",))
def outcome(app: Application, run: str) -> OutcomeResult | None:
    """How a restore ended, None while it has not; raises NotFound (``run-unknown``, ``journal-gone``)."""
    journal = journal_of(app, run)
    if journal is None:
        raise _nothing(run)
    log, oid = journal
    closed = log.state.closed
    if closed is None:
        return None
    plan = log.opened.plan
    wanted = app.vault.at(oid, plan.snapshot, forgotten=True)
    telling = _Telling(wanted, plan.choices, hidden=oid in app.hidden)
    bad = [record for record in closed.records if not record.ending.good]
    written = [record for record in closed.records if record.ending.good]
    return OutcomeResult(
        run=run,
        plan=plan.id,
        wanted=plan.snapshot,
        finished=closed.finished,
        calls=closed.calls,
        endings=tuple(
            EndingCount(ending, closed.counts[ending]) for ending in Ending if closed.counts[ending]
        ),
        failed=len(bad),
        causes=tuple(telling.causes(bad)),
        differing=tuple(telling.differing(closed.records)),
        returned=tuple(telling.returned(written)),
    )


def _nothing(run: str) -> NotFound:
    """The error for a run of which the vault has no journal; one that was done had one."""
    known = find_run(run)
    if known is None or known.kind is not CommitKind.RESTORE or known.state is not RunState.DONE:
        return run_unknown(run)
    return NotFound(
        "journal-gone",
        f"What {run} did is not known any more: its journal was erased, or was lost and given up.",
        next_step="See what the org has now, and make a new plan for what is left to do.",
    )


@action("restore.result", Right.READ, trace=Trace.READ, where=Where.RUN, subject=("run",))
def restore_result(app: Application, run: str) -> RestoreResult | None:
    """How a restore ended, as who runs it at a terminal reads it; None while it has not.

    Raises NotFound (``run-unknown``, ``journal-gone``). The org's own words are told to who sees every column.
    """
    journal = journal_of(app, run)
    if journal is None:
        raise _nothing(run)
    log, oid = journal
    closed = log.state.closed
    if closed is None:
        return None
    result = result_of(org_of(app, oid), closed)
    if oid not in app.hidden:
        return result
    return replace(
        result,
        records=tuple(replace(record, sentence="", next_step="") for record in result.records),
    )


class _Telling:
    """Puts outcomes in words: names of records as of the backup that was wanted.

    What the org said of a record may hold values; who does not see all columns is not told it.
    """

    def __init__(self, wanted: Snapshot, choices: Choices, *, hidden: bool) -> None:
        self._names = RecordNames(wanted)
        self._tables = {table.name: table for table in wanted.schema().tables}
        self._settable = {settable.table: settable.columns for settable in choices.settable}
        self._hidden = hidden

    def causes(self, records: Iterable[RecordOutcome]) -> Iterable[FailureCause]:
        """Records that failed, the most frequent cause first."""
        groups: dict[tuple[str, Ending, str], list[RecordOutcome]] = {}
        for record in records:
            groups.setdefault((record.table, record.ending, record.code), []).append(record)
        for (table, ending, code), outcomes in sorted(
            groups.items(), key=lambda item: -len(item[1])
        ):
            first = outcomes[0]
            yield FailureCause(
                table,
                self._label(table),
                ending,
                code,
                self._said(first.sentence),
                self._said(first.next_step),
                len(outcomes),
                self._first(table, outcomes),
                tuple(sorted(self._fields(table), key=lambda field: field.label.casefold())),
            )

    def differing(self, records: Iterable[RecordOutcome]) -> Iterable[DifferingRecord]:
        """Columns that did not come back as they were, the most frequent first."""
        counts: dict[tuple[str, str, str], int] = {}
        for record in records:
            for difference in record.differences:
                key = (record.table, difference.column, difference.reason)
                counts[key] = counts.get(key, 0) + 1
        for (table, column, reason), count in sorted(counts.items(), key=lambda item: -item[1]):
            yield DifferingRecord(table, self._label(table), column, reason, count)

    def returned(self, records: Iterable[RecordOutcome]) -> Iterable[RestoredRecord]:
        """Records that are there now, by tables."""
        groups: dict[str, list[RecordOutcome]] = {}
        for record in records:
            groups.setdefault(record.table, []).append(record)
        for table, outcomes in sorted(groups.items()):
            yield RestoredRecord(
                table, self._label(table), len(outcomes), self._first(table, outcomes)
            )

    def _first(self, table: str, outcomes: Sequence[RecordOutcome]) -> tuple[RecordEnding, ...]:
        some = outcomes[:SHOWN]
        names: Mapping[str, str] = self._names.of([table], [record.record for record in some])
        return tuple(
            RecordEnding(
                table,
                record.record,
                names.get(record.record, ""),
                record.live,
                self._said(record.sentence),
            )
            for record in some
        )

    def _label(self, table: str) -> str:
        described = self._tables.get(table)
        return described.label or table if described is not None else table

    def _fields(self, table: str) -> Iterator[CauseField]:
        """The columns of a table that can be set, by their labels; none for who sees but a part."""
        described = self._tables.get(table)
        for name in self._settable.get(table, ()) if not self._hidden else ():
            column = described.column(name) if described is not None else None
            yield CauseField(name, column.label or name if column is not None else name)

    def _said(self, sentence: str) -> str:
        return "" if self._hidden else sentence
