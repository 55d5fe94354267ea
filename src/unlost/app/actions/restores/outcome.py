"""The outcome of a restore: counts, failures by cause, and differences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from unlost.app.access import Where, action, run_unknown
from unlost.app.actions.restores.purge import is_purge
from unlost.app.actions.restores.restore_plan import org_of
from unlost.app.actions.restores.restore_run import (
    EndingCount,
    PlanDeviation,
    RestoreResult,
    deviations,
    journal_of,
    result_of,
)
from unlost.app.archive.freed import figures_by_run
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.record_links import RecordLinks, record_links
from unlost.app.records.record_names import connector_names
from unlost.app.records.table_words import TableWords
from unlost.app.restores.group_lines import GroupLine, group_lines
from unlost.catalog.runs.runs import RunState, find_run
from unlost.engine.restore.planning.shown.groups import PlanGroup, plan_groups
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.freed import FreedFigure
from unlost.model.plan import Choices, RecordKey, RestorePlan
from unlost.model.ports.vault import Snapshot

SHOWN = 50  # listed records of each cause and each table
GROUPS = 20  # listed groups of restored records
PAGE = 200  # restored records of a page


@dataclass(frozen=True, slots=True)
class RecordEnding:
    """A record of a restore. ``live`` is its id in the org now, if it has one.

    ``address`` is its page in the org, empty if it has none.
    """

    table: str
    record: str
    name: str
    live: str | None
    sentence: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class CauseField:
    """A column for which a value can be typed before these records are retried."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class FailureCause:
    """The records of one table that failed for the same reason.

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
    """A column that was not restored to its old value, with the reason and number of records."""

    table: str
    label: str
    column: str
    reason: str
    count: int
    column_label: str = ""


@dataclass(frozen=True, slots=True)
class RestoredRecord:
    """The restored records of a table: the first of ``count``."""

    table: str
    label: str
    count: int
    records: tuple[RecordEnding, ...]


@dataclass(frozen=True, slots=True)
class EmptiedRecord:
    """A reference of a record that stays empty: it should refer to the record ``target``."""

    table: str
    record: str
    name: str
    column: str
    target: str
    column_label: str = ""


@dataclass(frozen=True, slots=True)
class RestoredGroup:
    """Restored records that belong together; ``address`` is the page of the first one in the org."""

    line: GroupLine
    address: str = ""


@dataclass(frozen=True, slots=True)
class RestoredRecords:
    """Restored records of a table, beginning with number ``start`` of ``total``."""

    run: str
    org: str
    table: str
    label: str
    product: str
    start: int
    total: int
    records: tuple[RecordEnding, ...]


@dataclass(frozen=True, slots=True)
class OutcomeResult:
    """The outcome of a restore. ``wanted`` is the number of the backup that was restored.

    ``failed`` counts the records that are missing in the org. ``otherwise`` came back in another
    way than planned. ``empty_count`` references stay empty, ``empty`` are the first of them.
    ``unplanned`` counts lost records of tables that the org no longer has. ``groups`` are the first
    of ``group_count`` groups of restored records; ``product`` names the SaaS that their addresses
    lead to. ``undone``: the run that an undo took back. ``freed``: for an archive, the bytes of each
    storage that its records needed, and the org's figures since. ``purge``: a person named the
    records of this archive, or a mail loop.
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
    whole: bool = True
    otherwise: tuple[PlanDeviation, ...] = ()
    empty_count: int = 0
    empty: tuple[EmptiedRecord, ...] = ()
    unplanned: int = 0
    groups: tuple[RestoredGroup, ...] = ()
    group_count: int = 0
    product: str = ""
    undone: str = ""
    freed: tuple[FreedFigure, ...] = ()
    purge: bool = False


@action("run.outcome", Right.READ, trace=Trace.READ, where=Where.RUN, subject=("run",))
def outcome(app: Application, run: str) -> OutcomeResult | None:
    """Show the outcome of a restore, None while it is not finished.

    Raises NotFound (``run-unknown``, ``journal-gone``).
    """
    journal = journal_of(app, run)
    if journal is None:
        raise _nothing(run)
    log, oid = journal
    closed = log.state.closed
    if closed is None:
        return None
    plan = log.opened.plan
    snapshot = app.vault.at(oid, plan.snapshot, forgotten=True)
    describer = _describer(app, oid, plan, snapshot)
    bad = [record for record in closed.records if not record.ending.good]
    written = [record for record in closed.records if record.ending.good]
    there = [record for record in written if record.is_there]
    changed = [record for record in written if record.ending is not Ending.UNCHANGED]
    groups = plan_groups(plan, counted={record.key for record in changed})
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
        causes=tuple(describer.causes(bad)),
        differing=tuple(describer.differing(closed.records)),
        returned=tuple(describer.returned(there)),
        whole=closed.whole,
        otherwise=deviations(closed.records),
        empty_count=sum(bool(d.target) for record in written for d in record.differences),
        empty=tuple(describer.emptied(written)),
        unplanned=closed.unplanned,
        groups=tuple(describer.groups(snapshot, groups[:GROUPS], changed)),
        group_count=len(groups),
        product=describer.links.product,
        undone=plan.selection.run,
        freed=_freed(app, oid, run),
        purge=is_purge(plan),
    )


def _freed(app: Application, oid: str, run: str) -> tuple[FreedFigure, ...]:
    """Return the figures of an archive run; none for other runs, and if the org was removed."""
    known = next((org for org in app.orgs() if org.oid == oid), None)
    return figures_by_run(known).get(run, ()) if known is not None else ()


@action("run.restored", Right.READ, trace=Trace.READ, where=Where.RUN, subject=("run", "table"))
def restored_records(
    app: Application, run: str, table: str, *, start: int = 0, most: int = PAGE
) -> RestoredRecords:
    """List the restored records of a table of a finished restore.

    Raises NotFound (``run-unknown``, ``journal-gone``), UsageError (``page-invalid``).
    """
    check_page(start=start, most=most)
    journal = journal_of(app, run)
    if journal is None or journal[0].state.closed is None:
        raise _nothing(run)
    log, oid = journal
    plan = log.opened.plan
    describer = _describer(app, oid, plan, app.vault.at(oid, plan.snapshot, forgotten=True))
    records = [
        record
        for record in (log.state.closed.records if log.state.closed is not None else ())
        if record.table == table and record.is_there
    ]
    return RestoredRecords(
        run,
        app.names().get(oid, ""),
        table,
        describer.words.label(table, count=len(records)),
        describer.links.product,
        start,
        len(records),
        describer.endings(table, records[start : start + most]),
    )


def _describer(
    app: Application, oid: str, plan: RestorePlan, snapshot: Snapshot
) -> "_OutcomeDescriber":
    links = record_links(app, oid, snapshot.schema())
    return _OutcomeDescriber(snapshot, plan.choices, links, hidden=oid in app.hidden)


def _nothing(run: str) -> NotFound:
    """Return the error for a run without a journal, which a finished restore once had."""
    known = find_run(run)
    if known is None or not known.kind.has_plan or known.state is not RunState.DONE:
        return run_unknown(run)
    return NotFound(
        "journal-gone",
        "The outcome of {run} is no longer known: its journal was erased, or was lost and "
        "given up.",
        next_step="Check the current state of the org, and create a new plan for the remaining "
        "records.",
        run=run,
    )


@action("restore.result", Right.READ, trace=Trace.READ, where=Where.RUN, subject=("run",))
def restore_result(app: Application, run: str) -> RestoreResult | None:
    """Show the result of a restore as its command prints it, None while it is not finished.

    Raises NotFound (``run-unknown``, ``journal-gone``). The org's own messages are left out for an
    actor who may not see every column.
    """
    journal = journal_of(app, run)
    if journal is None:
        raise _nothing(run)
    log, oid = journal
    closed = log.state.closed
    if closed is None:
        return None
    result = result_of(org_of(app, oid), closed, plan=log.opened.plan)
    # The org's messages may quote values of hidden columns.
    if oid not in app.hidden:
        return result
    return replace(
        result,
        records=tuple(replace(record, sentence="", next_step="") for record in result.records),
    )


class _OutcomeDescriber:
    """Describes outcomes for people, with names of records as of the restored backup.

    The org's message about a record may contain values, so it is left out if columns are hidden.
    """

    def __init__(
        self, snapshot: Snapshot, choices: Choices, links: RecordLinks, *, hidden: bool
    ) -> None:
        self.words, self.links = TableWords(snapshot.schema()), links
        self._names = connector_names(links.connector, snapshot)
        self._settable = {settable.table: settable.columns for settable in choices.settable}
        self._hidden = hidden

    def causes(self, records: Iterable[RecordOutcome]) -> Iterable[FailureCause]:
        """Yield the causes of failure, the most frequent one first."""
        groups: dict[tuple[str, Ending, str], list[RecordOutcome]] = {}
        for record in records:
            groups.setdefault((record.table, record.ending, record.code), []).append(record)
        for (table, ending, code), outcomes in sorted(
            groups.items(), key=lambda item: -len(item[1])
        ):
            first = outcomes[0]
            yield FailureCause(
                table,
                self.words.label(table, count=len(outcomes)),
                ending,
                code,
                self._said(first.sentence),
                self._said(first.next_step),
                len(outcomes),
                self._first(table, outcomes),
                tuple(sorted(self._fields(table), key=lambda field: field.label.casefold())),
            )

    def differing(self, records: Iterable[RecordOutcome]) -> Iterable[DifferingRecord]:
        """Yield the columns that were not restored to their old value, the most frequent first."""
        counts: dict[tuple[str, str, str], int] = {}
        for record in records:
            for difference in record.differences:
                key = (record.table, difference.column, difference.reason)
                counts[key] = counts.get(key, 0) + 1
        for (table, column, reason), count in sorted(counts.items(), key=lambda item: -item[1]):
            label = self.words.column(table, column)
            shown = self.words.label(table, count=count)
            yield DifferingRecord(table, shown, column, reason, count, label)

    def returned(self, records: Iterable[RecordOutcome]) -> Iterable[RestoredRecord]:
        """Yield the records that are in the org now, by table."""
        groups: dict[str, list[RecordOutcome]] = {}
        for record in records:
            groups.setdefault(record.table, []).append(record)
        for table, outcomes in sorted(groups.items()):
            label = self.words.label(table, count=len(outcomes))
            yield RestoredRecord(table, label, len(outcomes), self._first(table, outcomes))

    def groups(
        self, snapshot: Snapshot, groups: Sequence[PlanGroup], records: Iterable[RecordOutcome]
    ) -> Iterator[RestoredGroup]:
        """Yield groups of restored records, with the page of the first record of each."""
        lives = {record.key: record.live for record in records}
        for line in group_lines(snapshot, groups, names=self._names):
            live = lives.get(RecordKey(line.table, line.record))
            yield RestoredGroup(line, self.links.of(line.table, live))

    def emptied(self, records: Iterable[RecordOutcome]) -> Iterator[EmptiedRecord]:
        """Yield the first references that stay empty, with the records that they should mean."""
        empty = ((r, d) for r in records for d in r.differences if d.target)
        shown = list(islice(empty, SHOWN))
        tables = sorted({record.table for record, _ in shown})
        names = self._names.of(tables, [record.record for record, _ in shown])
        for record, difference in shown:
            yield EmptiedRecord(
                record.table,
                record.record,
                names.get(record.record, ""),
                difference.column,
                difference.target,
                self.words.column(record.table, difference.column),
            )

    def _first(self, table: str, outcomes: Sequence[RecordOutcome]) -> tuple[RecordEnding, ...]:
        return self.endings(table, outcomes[:SHOWN])

    def endings(self, table: str, some: Sequence[RecordOutcome]) -> tuple[RecordEnding, ...]:
        """Return records of a table with their names, and their pages in the org."""
        names: Mapping[str, str] = self._names.of([table], [record.record for record in some])
        return tuple(
            RecordEnding(
                table,
                record.record,
                names.get(record.record, ""),
                record.live,
                self._said(record.sentence),
                self.links.of(table, record.live),
            )
            for record in some
        )

    def _fields(self, table: str) -> Iterator[CauseField]:
        """Yield the columns of a table that can be set, by label; none if columns are hidden."""
        for name in self._settable.get(table, ()) if not self._hidden else ():
            yield CauseField(name, self.words.column(table, name))

    def _said(self, sentence: str) -> str:
        return "" if self._hidden else sentence
