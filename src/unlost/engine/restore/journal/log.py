"""The journal of one restore and the state derived from it: the only memory of a run.

``RestoreState`` is a fold over the entries: each reader of the journal gets the same state, so a
run can be resumed by another process on another machine, with the vault and a key only.

  RestoreLog.write(entry)
     │  queue; the thread that holds the lock takes all queued entries of other threads, too
     ├─► Journal.append(...)      one durable object in the vault
     └─► RestoreState.apply(...)  only then; a failed append changes no state

``write`` returns when its entry is durable. ``queue_entry`` queues an entry that becomes durable with the
next one: after a crash it may be missing, and its call is then looked for. See docs/adr/0010 and
docs/adr/0019.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from unlost.engine.restore.journal.entries import (
    BypassNoted,
    BypassSwitched,
    CallAnswer,
    CallIntent,
    Entry,
    OutcomesWithoutCall,
    Pass,
    RecordsLinked,
    RecordsRead,
    RowsSaved,
    RunOpened,
    RunResumed,
    RunUndone,
    decode,
    encode,
)
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.errors import Conflict, TransientError
from unlost.model.plan import PlanStep, RecordKey, RestorePlan
from unlost.model.ports.vault import Journal
from unlost.model.source.writing import ID_NOT_KEPT, NOT_IN_BIN, OutcomeKind, RowOutcome, WriteOp

NO_STAGES = (Pass.IMAGES, Pass.POINT, Pass.LINK, Pass.DISCARD)
STAGES = tuple(stage for stage in Pass if stage not in NO_STAGES)
NONE: Mapping[RecordKey, RowOutcome] = {}
RESTORE_UNDONE = "restore-undone"
LOST_TRIES = 4  # calls in a row without an answer before the run stops


@dataclass(slots=True)
class RestoreState:
    """The known state of a run: pure, built by applying the journal's entries in order.

    ``steps`` are those of the plan; ``links`` maps records of the vault to live ids; ``open`` holds
    the calls whose answer is missing, by their number; ``tries`` counts how often a record was sent
    in a pass, until it is deleted or must stay; ``returned``
    are the ids that left the bin through this run; ``undid`` is true once an undelete call has been
    answered. ``deletes_since`` is the time of the first call that deleted a record. ``saved`` are the
    values of rows that the org may have removed with an update, by their ids. ``reopened`` has the values
    that records had before they were made drafts. ``bypass`` is set while the run may have left a
    bypass on; ``noted_bypass`` is true once the run has noted the state of a bypass. ``undo`` is the
    run that ended this one by taking it back. ``not_kept``: tables in which the org gave a record
    another id than the one that the run asked for.
    """

    opened: RunOpened | None = None
    closed: RestoreOutcome | None = None
    steps: dict[RecordKey, PlanStep] = field(default_factory=dict)
    links: dict[RecordKey, str] = field(default_factory=dict)
    results: dict[Pass, dict[RecordKey, RowOutcome]] = field(default_factory=dict)
    open: dict[int, CallIntent] = field(default_factory=dict)
    tries: Counter[tuple[Pass, RecordKey]] = field(default_factory=Counter)
    returned: set[str] = field(default_factory=set)
    saved: dict[RecordKey, Mapping[str, str | None]] = field(default_factory=dict)
    undid: bool = False
    deletes_since: datetime | None = None
    reopened: dict[RecordKey, Mapping[str, str | None]] = field(default_factory=dict)
    calls: int = 0
    bypass: BypassNoted | None = None
    noted_bypass: bool = False
    undo: str = ""
    not_kept: set[str] = field(default_factory=set)

    def apply(self, number: int, entry: Entry) -> None:
        """Apply an entry."""
        match entry:
            case RunOpened():
                self._begin(entry)
            case CallIntent():
                self._announce(number, entry)
            case CallAnswer():
                intent = self.open.pop(entry.intent)
                self.undid |= intent.op is WriteOp.UNDELETE
                self._settle(intent.stage, intent.table, intent.op, entry.outcomes)
                self._note_deletions(intent, entry.outcomes)
            case OutcomesWithoutCall():
                self._settle(entry.stage, entry.table, None, entry.outcomes)
            case RecordsLinked():
                self.links.update({RecordKey(li.table, li.record): li.live for li in entry.links})
            case RecordsRead():
                pass  # only an undo needs it
            case RowsSaved():
                for row in entry.rows:
                    self.saved.setdefault(RecordKey(entry.table, row.record), row.cells)
            case BypassNoted() | BypassSwitched():
                self._bypassed(entry)
            case RunResumed():
                # A person has seen to the cause, so each row gets its tries again.
                self.tries.clear()
            case RunUndone():
                self.undo = entry.undo
            case _:
                self.closed = entry.outcome

    def _begin(self, opened: RunOpened) -> None:
        self.opened = opened
        for step in opened.plan.steps:
            self.steps[step.key] = step
            if step.live is not None:
                self.links[step.key] = step.live

    def _announce(self, number: int, intent: CallIntent) -> None:
        self.open[number] = intent
        self.calls += 1
        keys = [RecordKey(intent.table, row.record) for row in intent.rows]
        self.tries.update((intent.stage, key) for key in keys)
        if intent.stage is Pass.REOPEN:
            rows = zip(keys, intent.rows, strict=True)
            self.reopened.update({key: row.before or {} for key, row in rows})

    def _note_deletions(self, intent: CallIntent, outcomes: Iterable[RowOutcome]) -> None:
        # A refused call deletes nothing: what vanishes while the run waits after it is by others.
        is_deletion = intent.stage in (Pass.DELETE, Pass.DISCARD)
        if is_deletion and any(o.kind is OutcomeKind.DONE for o in outcomes):
            # Lost answers are found in any order.
            self.deletes_since = min(self.deletes_since or intent.at, intent.at)

    def _bypassed(self, entry: BypassNoted | BypassSwitched) -> None:
        """A bypass that was on before the run is not the run's; one that is off needs nothing."""
        if isinstance(entry, BypassNoted):
            self.noted_bypass = True
            self.bypass = entry if not entry.before.on else None
        elif not entry.state.on:
            self.bypass = None

    def _settle(
        self, stage: Pass, table: str, op: WriteOp | None, outcomes: Iterable[RowOutcome]
    ) -> None:
        results = self.results.setdefault(stage, {})
        for outcome in outcomes:
            key = self._key(RecordKey(table, outcome.key))
            results[key] = outcome
            if outcome.code == ID_NOT_KEPT:
                self.not_kept.add(table)
            if stage is Pass.DELETE and not outcome.retry:
                self.tries.pop((stage, key), None)  # it is not sent again
            done = outcome.kind is OutcomeKind.DONE and outcome.id is not None
            if done and op in (WriteOp.CREATE, WriteOp.UNDELETE, None):
                self.links[key] = str(outcome.id)
            if stage is Pass.UNDELETE and done and self.undid:
                self.returned.add(str(outcome.id))
            if stage is Pass.UNDELETE and outcome.kind is OutcomeKind.FAILED:
                self.links.pop(key, None)  # it lies in the bin, where no record can refer to it

    def _key(self, key: RecordKey) -> RecordKey:
        """The same key: that of the plan's step, so that no other one stays in memory."""
        step = self.steps.get(key)
        return step.key if step is not None else key

    def result(self, stage: Pass, key: RecordKey) -> RowOutcome | None:
        """A record's outcome in a pass, if there is one."""
        return self.results.get(stage, NONE).get(key)

    def failure(self, key: RecordKey) -> RowOutcome | None:
        """The outcome of the first pass in which a record failed; images alone are no failure."""
        for stage in STAGES:
            outcome = self.results.get(stage, NONE).get(key)
            if outcome is not None and outcome.kind is OutcomeKind.FAILED:
                return outcome
        return None

    def began(self, stage: Pass) -> bool:
        """True if any record has an outcome in this pass."""
        return bool(self.results.get(stage))

    def pending(self, stage: Pass, key: RecordKey, *, most: int) -> bool:
        """True if the record must (still) be sent; a temporary refusal is tried ``most`` times.

        Raises TransientError (``restore-no-answer``) if answers were lost again and again.
        """
        outcome = self.result(stage, key)
        if outcome is None:
            if self.tries[stage, key] >= LOST_TRIES:
                raise no_answer(key)
            return True
        again = outcome.kind is OutcomeKind.FAILED and outcome.retry
        return again and self.tries[stage, key] < most


@dataclass(slots=True)
class _Ticket:
    """An entry that waits to become durable; then its number, or its error."""

    entry: Entry
    number: int | None = None
    error: BaseException | None = None


class RestoreLog:
    """Writes entries and keeps the state in step with them. Safe for threads that write.

    Entries of other threads that arrive during a write become durable together after it.
    """

    def __init__(self, journal: Journal, *, plan: RestorePlan | None = None) -> None:
        """Read the existing entries. ``plan``: the same one, read before, is not kept twice."""
        self._journal = journal
        self._waiting: list[_Ticket] = []
        self._writing = threading.Lock()
        self._count = 0
        self.state = RestoreState()
        for entry in self.entries():
            self._apply(_with_plan(entry, plan))

    def write(self, entry: Entry) -> int:
        """Write an entry and return its number; durable on return."""
        ticket = _Ticket(entry)
        self._waiting.append(ticket)
        with self._writing:
            # Another thread may have written it while this one waited for the lock.
            if ticket.number is None and ticket.error is None:
                self._write_waiting()
        if ticket.number is None:
            raise ticket.error or AssertionError
        return ticket.number

    def queue_entry(self, entry: Entry) -> None:
        """Queue an entry, to become durable with the next written one, or by ``flush``.

        Until then the state does not include it.
        """
        self._waiting.append(_Ticket(entry))

    def flush(self) -> None:
        """Make queued entries durable."""
        with self._writing:
            waiting = list(self._waiting)
            if waiting:
                self._write_waiting()
        for ticket in waiting:
            if ticket.error is not None:
                raise ticket.error

    def entries(self) -> Iterator[Entry]:
        """Read all durable entries again, in their order."""
        return (entry for payload in self._journal.read() for entry in decode(payload))

    def release(self) -> None:
        """Drop what the state knows of single records; call it once the run is closed."""
        state = self.state
        for by_record in (state.results, state.links, state.steps, state.tries):
            by_record.clear()

    def _write_waiting(self) -> None:
        """Make queued entries durable; called by one thread at a time."""
        # Not ``clear``: other threads append meanwhile, and only ``pop`` and ``append`` are atomic.
        tickets = [self._waiting.pop(0) for _ in range(len(self._waiting))]
        try:
            self._journal.append(encode([waiting_ticket.entry for waiting_ticket in tickets]))
        except BaseException as error:  # noqa: BLE001 each waiting thread raises it
            for ticket in tickets:
                ticket.error = error
            return
        for ticket in tickets:
            ticket.number = self._apply(ticket.entry)

    def _apply(self, entry: Entry) -> int:
        number = self._count
        self.state.apply(number, entry)
        self._count += 1
        return number

    @property
    def opened(self) -> RunOpened:
        """The first entry; raises ValueError for an empty journal."""
        if self.state.opened is None:
            raise ValueError("the journal is empty")
        return self.state.opened

    @property
    def unbinned(self) -> set[RecordKey]:
        """Live ids of records that the run could not take out of the bin; they cannot leave it."""
        lives = {step.key: step.live for step in self.opened.plan.steps}
        return {
            RecordKey(key.table, str(lives[key]))
            for key, outcome in self.state.results.get(Pass.UNDELETE, NONE).items()
            if outcome.code == NOT_IN_BIN
        }


def _with_plan(entry: Entry, plan: RestorePlan | None) -> Entry:
    """The entry with this plan in place of an equal one."""
    if plan is None or not isinstance(entry, RunOpened) or entry.plan.digest != plan.digest:
        return entry
    return RunOpened(entry.run, plan, entry.at)


def no_answer(key: RecordKey) -> TransientError:
    """The error for a record whose answers were lost too often to go on."""
    return TransientError(
        "restore-no-answer",
        "The org did not answer {lost_tries} calls to write {key}, and did not write it.",
        next_step="Check whether the org is available, then resume with `unlost restore resume RUN`.",
        lost_tries=LOST_TRIES,
        key=key,
    )


def check_not_undone(state: RestoreState) -> None:
    """Raise Conflict (``restore-undone``) if the run was ended by its undo."""
    if state.undo and state.opened is not None:
        raise Conflict(
            RESTORE_UNDONE,
            "The undo {undo} ended the run {run}. The run cannot continue.",
            next_step="Make a new plan with `unlost restore plan ORG`.",
            run=state.opened.run,
            undo=state.undo,
        )


def same_plan(state: RestoreState, plan: RestorePlan) -> None:
    """Raise Conflict (``restore-other-plan``) if the run began with another plan."""
    if state.opened is not None and state.opened.plan.digest != plan.digest:
        raise Conflict(
            "restore-other-plan",
            "The run {run} was started with another plan of the same name.",
            next_step="Make a new plan with `unlost restore plan ORG`.",
            run=state.opened.run,
        )
