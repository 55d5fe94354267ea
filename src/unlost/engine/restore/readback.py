"""After writing: what is in the org now, compared column by column with what was wanted."""

from collections.abc import Iterator, Mapping, Sequence

from unlost.engine.restore.changing import CHANGED_SINCE
from unlost.engine.restore.correlate import each, values
from unlost.engine.restore.entries import Pass
from unlost.engine.restore.outcome import Difference, Ending, RecordOutcome
from unlost.engine.restore.rows import expected
from unlost.engine.restore.session import Session
from unlost.engine.restore.wanted import READ_ROWS
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.progress import Phase, Progress
from unlost.model.schema import ColumnTrait, Table
from unlost.model.writing import Outcome, OutcomeKind, WriteCapability

OVERWRITTEN = "overwritten"  # the org put something else there: a trigger, a default
NOT_IN_ORG = "not-in-org"  # the column is not there any more
LINK_LOST = "link-lost"  # the record referred to did not come back

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
        written = [s for s in steps if _written(session, s)]
        for at in range(0, len(written), READ_ROWS):
            found.update(_differences(session, table, written[at : at + READ_ROWS]))
        session.ports.observer.progress(Progress(Phase.READ_BACK, table, rows=len(steps)))
    for step in session.plan.steps:
        yield _outcome(session, step, found.get(step.key, ()))


def _written(session: Session, step: PlanStep) -> bool:
    may = step.action not in (Action.SKIP, Action.UNCHANGED)
    return may and session.links.live(step.key) is not None and _failure(session, step) is None


def _failure(session: Session, step: PlanStep) -> Outcome | None:
    for stage in Pass:
        outcome = session.log.state.result(stage, step.key)
        if outcome is not None and outcome.kind is OutcomeKind.FAILED:
            return outcome
    return None


def _outcome(
    session: Session, step: PlanStep, differences: tuple[Difference, ...]
) -> RecordOutcome:
    live = session.links.live(step.key)
    failed = _failure(session, step)
    if step.action is Action.SKIP:
        return RecordOutcome(
            step.table, step.record, Ending.SKIPPED, live, "restore-skipped", _why(session, step)
        )
    if failed is None:
        return RecordOutcome(
            step.table, step.record, ENDINGS[step.action], live, differences=differences
        )
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
    lives = {str(session.links.live(step.key)): step for step in steps}
    rows = session.ports.writer.fetch(table, list(lives), columns=readable)
    return {
        lives[record].key: tuple(
            _compare(session, table, capability, lives[record], wanted[lives[record].key], cells)
        )
        for record, cells in each(rows)
    }


def _compare(
    session: Session,
    table: Table,
    capability: WriteCapability,
    step: PlanStep,
    wanted: Mapping[str, str | None],
    live: Mapping[str, str | None],
) -> Iterator[Difference]:
    reasons = {never.column: never.reason.value for never in capability.never}
    own = step.columns if step.action in (Action.UPDATE, Action.BY_PRODUCT) else tuple(live)
    should = expected(wanted, table, session.links)
    for name in own:
        if name not in should:
            continue
        if wanted.get(name) is not None and should[name] is None:
            yield Difference(name, LINK_LOST)
        elif values(table, live, (name,)) != values(table, should, (name,)):
            yield Difference(name, reasons.get(name, OVERWRITTEN))
    for name in should:
        if name not in live and should[name] is not None and table.column(name) is None:
            yield Difference(name, NOT_IN_ORG)
