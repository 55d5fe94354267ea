"""After writing: what is in the org now, compared column by column with what was wanted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

from unlost.engine.restore.calls import CHANGED_SINCE, refusal
from unlost.engine.restore.changing import gone
from unlost.engine.restore.choose import Remark
from unlost.engine.restore.correlate import each, values
from unlost.engine.restore.entries import Pass
from unlost.engine.restore.outcome import Difference, Ending, RecordOutcome
from unlost.engine.restore.returning import came_along
from unlost.engine.restore.rows import expected
from unlost.engine.restore.session import Session
from unlost.model.plan import Action, PlanStep, RecordKey, Why
from unlost.model.progress import Phase, Progress
from unlost.model.schema import ColumnTrait, Table
from unlost.model.writing import NeverReason, Outcome, OutcomeKind, WriteCapability

OVERWRITTEN = "overwritten"  # the org put something else there: a trigger, a default
NOT_IN_ORG = "not-in-org"  # the column is not there any more
NOT_SET = "not-set"  # the plan did not set it; its notes say why, or it changed after that
LINK_LOST = "link-lost"  # the record referred to did not come back
NOT_MADE = "restore-not-made"
READ_BACK = 2_000  # records that are compared at a time
LONG = 100_000  # characters that a record may have at most to be one of so many

ENDINGS = {
    Action.UNCHANGED: Ending.UNCHANGED,
    Action.UPDATE: Ending.UPDATED,
    Action.UNDELETE: Ending.UNDELETED,
    Action.ADOPT: Ending.ADOPTED,
    Action.CREATE: Ending.CREATED,
    Action.BY_PRODUCT: Ending.BY_PRODUCT,
}


def record_outcomes(session: Session) -> Iterator[RecordOutcome]:
    """The outcome of every record of the plan, differences included, in the plan's order."""
    by_table: dict[str, list[PlanStep]] = {}
    for step in session.plan.steps:
        by_table.setdefault(step.table, []).append(step)
    found: dict[RecordKey, tuple[Difference, ...]] = {}
    for table, steps in by_table.items():
        there = [s for s in steps if _there(session, s)]
        for part in batched(there, _at_once(session.table(table))) if there else ():
            found.update(_differences(session, table, part))
        session.ports.observer.progress(Progress(Phase.READ_BACK, table, rows=len(steps)))
    for step in session.plan.steps:
        yield _outcome(session, step, found.get(step.key))


def _at_once(table: Table) -> int:
    """Records that are held twice, as wanted and as they are; fewer where texts may be long."""
    longest = sum(column.length for column in table.columns)
    return READ_BACK if longest <= LONG else READ_BACK // 4


def _there(session: Session, step: PlanStep) -> bool:
    """True if the record should be live by now."""
    live = step.action is not Action.SKIP and session.links.live(step.key) is not None
    return live and _failure(session, step) is None


def _failure(session: Session, step: PlanStep) -> Outcome | None:
    """What the journal says of a record that did not come back as planned."""
    for stage in Pass:
        outcome = session.log.state.result(stage, step.key)
        if outcome is not None and outcome.kind is OutcomeKind.FAILED:
            return outcome
    return None


def _outcome(
    session: Session, step: PlanStep, differences: tuple[Difference, ...] | None
) -> RecordOutcome:
    """``differences``: None for a record that was not found."""
    live = session.links.live(step.key)
    failed = _failure(session, step)
    if failed is None and differences is None:
        failed = _not_made(step.key) if live is None else gone(step.key)
    if step.action is Action.SKIP:
        return RecordOutcome(
            step.table, step.record, Ending.SKIPPED, live, "restore-skipped", _why(session, step)
        )
    if failed is None:
        ending = _ending(session, step)
        return RecordOutcome(step.table, step.record, ending, live, differences=differences or ())
    ending = Ending.CONFLICT if failed.code == CHANGED_SINCE else Ending.FAILED
    return RecordOutcome(
        step.table,
        step.record,
        ending,
        live,
        failed.code,
        failed.sentence,
        failed.next_step,
    )


def _not_made(key: RecordKey) -> Outcome:
    """The outcome of a by-product that nobody finds in the org."""
    return refusal(
        key,
        NOT_MADE,
        f"The org should have made {key} with the record that it belongs to; it is not there.",
        "See to it that the record it belongs to is there, then run `unlost restore retry`.",
    )


def _ending(session: Session, step: PlanStep) -> Ending:
    if came_along(session, step):
        return Ending.UNDELETED
    return Ending.CREATED if _was_sent(session, step) else ENDINGS[step.action]


def _was_sent(session: Session, step: PlanStep) -> bool:
    """True for what was created: by-products too that the org did not make after all."""
    return session.log.state.result(Pass.CREATE, step.key) is not None


def _why(session: Session, step: PlanStep) -> str:
    """What the plan said about a record that it does not write."""
    held = {(note.code, note.table): note for note in session.plan.notes}
    found = [held.get((code, step.table)) or held.get((code, None)) for code in step.notes]
    told = [note.sentence for note in found if note is not None]
    return " ".join(told) or "The plan does not write this record."


def _differences(
    session: Session, name: str, steps: Sequence[PlanStep]
) -> Mapping[RecordKey, tuple[Difference, ...]]:
    table, capability = session.table(name), session.capability(name)
    wanted = session.wanted.cells(steps)
    session.links.prefetch(table.columns, wanted.values())
    columns = [c.name for c in table.columns if not c.has(ColumnTrait.VOLATILE)]
    readable = [one for one in columns if one != table.id_column]
    fetched = session.ports.writer.fetch(
        table, list(dict.fromkeys(_live(session, step) for step in steps)), columns=readable
    )
    rows = dict(each(fetched))
    return {
        step.key: tuple(_compare(session, table, capability, step, wanted[step.key], rows[live]))
        for step in steps
        if (live := _live(session, step)) in rows
    }


def _live(session: Session, step: PlanStep) -> str:
    return str(session.links.live(step.key))


def _compare(
    session: Session,
    table: Table,
    capability: WriteCapability,
    step: PlanStep,
    wanted: Mapping[str, str | None],
    live: Mapping[str, str | None],
) -> Iterator[Difference]:
    reasons = {never.column: never.reason.value for never in capability.never}
    own = _judged(session, step, table, wanted, tuple(live))
    should = expected(wanted, table, session.links)
    emptied = _emptied(step, table)
    for name in own:
        if name not in should:
            continue
        if name in emptied or (wanted.get(name) is not None and should[name] is None):
            yield Difference(name, LINK_LOST)
        elif live[name] == should[name]:
            continue  # most cells; the rest may be the same in other words
        elif values(table, live, (name,)) != values(table, should, (name,)):
            yield Difference(name, reasons.get(name) or _word(session, step, name))
    for name in should:
        if name not in live and should[name] is not None and table.column(name) is None:
            yield Difference(name, NOT_IN_ORG)


def _emptied(step: PlanStep, table: Table) -> set[str]:
    """References that the plan left empty because their records do not come back."""
    if Remark.PARENT_MISSING.value not in step.notes:
        return set()
    links = {column.name for column in table.columns if column.reference is not None}
    return {name for name, value in step.edits.items() if value is None and name in links}


def _judged(
    session: Session,
    step: PlanStep,
    table: Table,
    wanted: Mapping[str, str | None],
    every: tuple[str, ...],
) -> tuple[str, ...]:
    """The columns that have to be as they were."""
    if step.action not in (Action.UPDATE, Action.UNCHANGED):
        return every
    if step.why is not Why.SELECTED:
        links = _links_into_plan(session, table, wanted)
        return (*step.columns, *(one for one in links if one in every and one not in step.columns))
    return session.plan.selection.columns or every


def _links_into_plan(
    session: Session, table: Table, wanted: Mapping[str, str | None]
) -> Iterator[str]:
    """The references of a related record to records of the plan: that is why it is in it."""
    for column in table.columns:
        value = wanted.get(column.name)
        if column.reference is None or value is None:
            continue
        if any(RecordKey(one, value) in session.links.steps for one in column.reference.tables):
            yield column.name


def _word(session: Session, step: PlanStep, column: str) -> str:
    """Why a column that could be set is otherwise: somebody set it again, or nobody did."""
    if step.action is Action.BY_PRODUCT and not _was_sent(session, step):
        return OVERWRITTEN if column in step.columns else NeverReason.BY_PLATFORM.value
    sent = step.action in (Action.CREATE, Action.BY_PRODUCT) or column in step.columns
    return OVERWRITTEN if sent else NOT_SET
