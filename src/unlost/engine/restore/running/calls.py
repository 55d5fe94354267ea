"""One call that writes: its intent in the journal, the call, its answer in the journal.

See docs/adr/0010.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from unlost.engine.parallel import run_queues
from unlost.engine.restore.journal.entries import (
    CallAnswer,
    CallIntent,
    OutcomesWithoutCall,
    Pass,
    SentRow,
)
from unlost.engine.restore.running.correlate import resolve
from unlost.engine.restore.running.kept_ids import with_other_ids
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome_text import LOCKED, PUBLISHED, OutcomeText, outcome_of
from unlost.model.errors import LimitReached, UnlostError
from unlost.model.plan import RecordKey
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.writing import (
    ID_NOT_KEPT,
    RECORD_LOCKED,
    WRITE_REFUSED,
    OutcomeKind,
    RowOutcome,
    WriteOp,
    WriteRow,
)

STORAGE_FULL = "write-storage-full"
TRIES = 3  # number of times that a temporarily refused row is sent

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A row that is ready to be sent.

    ``before``: values that an update replaces. ``proof``: columns that identify its file.
    ``digest`` is the hash of the row's cells, if it is known.
    """

    row: WriteRow
    before: dict[str, str | None] | None = None
    proof: Cells = field(default_factory=dict)
    digest: str = ""

    @property
    def alike(self) -> WriteRow:
        """The cells that a record created from this row would have."""
        return WriteRow(self.row.key, self.row.id, {**self.row.cells, **self.proof})


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """A call whose intent has this ``number`` in the journal, and its outcomes."""

    number: int
    rows: Sequence[PreparedRow]
    outcomes: Sequence[RowOutcome]

    @property
    def lost(self) -> list[WriteRow]:
        """The rows that may have been written: their outcome is unknown."""
        unknown = {outcome.key for outcome in self.outcomes if outcome.kind is OutcomeKind.UNKNOWN}
        return [row.alike for row in self.rows if row.row.key in unknown]

    @property
    def created_ids(self) -> set[str]:
        """The live ids of the rows that were written."""
        done = (outcome for outcome in self.outcomes if outcome.kind is OutcomeKind.DONE)
        return {outcome.id for outcome in done if outcome.id is not None}


def send(
    session: RestoreSession, stage: Pass, op: WriteOp, table: str, rows: Sequence[PreparedRow]
) -> Sequence[RowOutcome]:
    """Make one call with these rows; every outcome is in the journal on return.

    Raises the errors of the writer if nothing was written, Conflict (``restore-uncertain``) if the
    outcome cannot be determined, LimitReached (``restore-storage-full``) when the org's storage is
    full, except in the pass of images.
    """
    return answer(session, _call(session, stage, op, table, rows))


def send_in_queue(
    session: RestoreSession, stage: Pass, op: WriteOp, table: str, rows: Sequence[PreparedRow]
) -> CallOutcome | None:
    """Make a call that runs beside others; like ``send``.

    An answer without a fault becomes durable with the next written entry: at the latest with the
    queue's next intent. An unclear outcome is returned, since it can be resolved only when no
    call runs.
    """
    called = _call(session, stage, op, table, rows)
    if called.lost:
        return called
    if all(_is_as_sent(outcome) for outcome in called.outcomes):
        session.log.queue_entry(CallAnswer(called.number, tuple(called.outcomes)))
        done = len(called.outcomes)
        session.ports.observer.progress(Progress(Phase.RESTORE, table, rows=done, calls=1))
    else:
        answer(session, called)
    return None


def _is_as_sent(outcome: RowOutcome) -> bool:
    """True if the row was written, also with the id that it asked for."""
    return outcome.kind is OutcomeKind.DONE and outcome.code != ID_NOT_KEPT


def send_queues(
    session: RestoreSession, queues: Sequence[Iterator[Callable[[], CallOutcome | None]]]
) -> None:
    """Make the calls of all queues; every outcome is in the journal on return.

    Raises as ``send`` does.
    """
    try:
        outcomes = list(run_queues(lambda call: call(), queues))
    finally:
        # Also after an error: outcomes that came back must not have to be looked for.
        session.log.flush()
    _resolve_unclear(session, [outcome for outcome in outcomes if outcome is not None])


def _resolve_unclear(session: RestoreSession, unclear: Sequence[CallOutcome]) -> None:
    """Resolve the outcomes of these calls, now that none is running."""
    created_ids: dict[str, set[str]] = defaultdict(set)
    for outcome in unclear:
        created_ids[session.log.state.open[outcome.number].table] |= outcome.created_ids
    for at, outcome in enumerate(unclear):
        table = session.log.state.open[outcome.number].table
        beside = [
            row
            for other in unclear[at + 1 :]
            if session.log.state.open[other.number].table == table
            for row in other.lost
        ]
        answer(session, outcome, beside=beside, created_ids=created_ids[table])


def _call(
    session: RestoreSession, stage: Pass, op: WriteOp, table: str, rows: Sequence[PreparedRow]
) -> CallOutcome:
    number, token = write_intent(session, stage, op, table, rows)
    described = session.table(table)
    sent = [row.row for row in rows]
    try:
        outcomes = session.ports.writer.write(op, described, sent, token=token)
    except UnlostError:
        session.log.write(CallAnswer(number))
        raise
    return CallOutcome(number, rows, _compared(session, number, outcomes))


def _compared(
    session: RestoreSession, number: int, outcomes: Iterable[RowOutcome]
) -> Sequence[RowOutcome]:
    return list(with_other_ids(session.log.state.open[number], outcomes))


def upload(
    session: RestoreSession, table: str, row: WriteRow, body: BinaryIO, *, proof: Cells
) -> RowOutcome:
    """Create one record with its file, like ``send``. ``proof``: columns that identify the file."""
    ready = PreparedRow(row, proof=proof)
    number, token = write_intent(session, Pass.CREATE, WriteOp.CREATE, table, [ready])
    try:
        outcome = session.ports.writer.upload(session.table(table), row, body, token=token)
    except UnlostError:
        session.log.write(CallAnswer(number))
        raise
    compared = _compared(session, number, [outcome])
    outcomes = answer(session, CallOutcome(number, [ready], compared))
    return outcomes[0] if outcomes else outcome


def write_intent(
    session: RestoreSession, stage: Pass, op: WriteOp, table: str, rows: Sequence[PreparedRow]
) -> tuple[int, str]:
    """Write the intent of a call; returns its number, and the token of its call."""
    described = session.table(table)
    sent = tuple(
        SentRow(
            row.row.key,
            row.row.id,
            row.digest or digest(described, row.row.cells),
            row.before,
        )
        for row in rows
    )
    # For writers with idempotency keys, which not every SaaS has (docs/adr/0010).
    token = f"{session.plan.id}/{session.log.state.calls}"
    at = session.ports.writer.server_time()
    return session.log.write(CallIntent(stage, op, table, at, token, sent)), token


def answer(
    session: RestoreSession,
    called: CallOutcome,
    *,
    beside: Sequence[WriteRow] = (),
    created_ids: AbstractSet[str] = frozenset(),
) -> Sequence[RowOutcome]:
    """Resolve unknown outcomes, write the answer, and stop if the org's storage is full.

    ``beside``: rows of other calls whose answer is missing too. ``created_ids``: live ids of the
    answered rows of these calls: no other row can be one of these records.
    """
    intent = session.log.state.open[called.number]
    known = [outcome for outcome in called.outcomes if outcome.kind is not OutcomeKind.UNKNOWN]
    if lost := called.lost:
        keys = {row.key for row in lost}
        resolved = resolve(
            session, intent, lost, beside=beside, created_ids=created_ids | called.created_ids
        )
        known += [outcome for outcome in resolved if outcome.key in keys]
    known = [_in_our_words(session, intent.table, outcome) for outcome in known]
    session.log.write(CallAnswer(called.number, tuple(known)))
    done = sum(outcome.kind is OutcomeKind.DONE for outcome in known)
    session.ports.observer.progress(Progress(Phase.RESTORE, intent.table, rows=done, calls=1))
    if intent.stage is not Pass.IMAGES:  # the records are there without their images
        _stop_where_full(known)
    return known


def _in_our_words(session: RestoreSession, table: str, outcome: RowOutcome) -> RowOutcome:
    """The outcome of a locked record in a text that consoles translate; others as they are.

    Salesforce has no error code for published articles. The plan knows which ones are.
    """
    key = RecordKey(table, outcome.key)
    if outcome.code == RECORD_LOCKED:
        text = outcome_of(LOCKED, key)
    elif outcome.code == WRITE_REFUSED and key in session.published:
        text = outcome_of(PUBLISHED, key)
    else:
        return outcome
    return replace(outcome, code=text.code, sentence=text.sentence, next_step=text.next_step)


def _stop_where_full(outcomes: Sequence[RowOutcome]) -> None:
    full = [outcome for outcome in outcomes if outcome.code == STORAGE_FULL]
    if full:
        raise LimitReached(
            "restore-storage-full",
            "The org has no free storage: {sentence}",
            next_step="Free or buy storage, then resume with `unlost restore resume RUN`.",
            sentence=full[0].sentence,
        )


def record_without_call(
    session: RestoreSession, stage: Pass, table: str, outcomes: Sequence[RowOutcome]
) -> None:
    """Write outcomes that needed no call."""
    if outcomes:
        session.log.write(OutcomesWithoutCall(stage, table, tuple(outcomes)))


def refusal(key: RecordKey, code: str, sentence: str, next_step: str = "") -> RowOutcome:
    """The outcome of a record that was not sent."""
    return RowOutcome(
        key.record, OutcomeKind.FAILED, code=code, sentence=sentence, next_step=next_step
    )


def refused(key: RecordKey, text: OutcomeText) -> RowOutcome:
    """The outcome of a record that was not sent, in a text that names only the record."""
    known = outcome_of(text, key)
    return refusal(key, known.code, known.sentence, known.next_step)
