"""After writing: read the records from the org, and compare them column by column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import batched

import pyarrow as pa

from unlost.engine.prefetch import prefetch
from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.after_images import after_images, brought
from unlost.engine.restore.running.calls import refused
from unlost.engine.restore.running.compared import compared, was_sent
from unlost.engine.restore.running.passes.changing import gone
from unlost.engine.restore.running.passes.returning import CAME_ALONG, came_along
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory, taken
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.outcome import Difference, Ending, RecordOutcome
from unlost.engine.restore.values.outcome_text import CHANGED_SINCE
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.reading import Rows
from unlost.model.source.schema import ColumnTrait
from unlost.model.source.writing import ID_NOT_KEPT, OutcomeKind, RecordQuery, RowOutcome

NOT_MADE = "restore-not-made"
CREATED_APART = "restore-created-apart"
OVERWRITE = "To overwrite the live record with the backup: `unlost restore retry RUN --adopt`."
CELLS = 1_200_000  # in memory at a time, in fetched bundles and the compared one
FETCHED_AHEAD = 2  # bundles that may be requested while one is compared

type Part = tuple[PlanStep, ...]
"""Records of one table that are read and compared together."""

ENDINGS = {
    Action.UNCHANGED: Ending.UNCHANGED,
    Action.UPDATE: Ending.UPDATED,
    Action.UNDELETE: Ending.UNDELETED,
    Action.ADOPT: Ending.ADOPTED,
    Action.CREATE: Ending.CREATED,
    Action.RECREATE: Ending.RECREATED,
    Action.BY_PRODUCT: Ending.BY_PRODUCT,
    Action.DELETE: Ending.DELETED,
}


def record_outcomes(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcome of every record of the plan, including differences, in the plan's order.

    A record that a person left out has none.
    """
    by_table: dict[str, list[PlanStep]] = {}
    for step in session.plan.steps:
        by_table.setdefault(step.table, []).append(step)
    differences: dict[RecordKey, tuple[Difference, ...]] = {}
    deep = min((session.capability(t).calls_at_once for t in by_table), default=1)
    deep = min(deep, FETCHED_AHEAD)
    # All bundles exist before the first is fetched: a writer may be limited to one thread at a
    # time.
    bundles = list(_bundles(session, _parts(session, by_table), cells=CELLS // (deep + 1)))
    for parts, fetched in prefetch(partial(_fetched, session), bundles, depth=deep):
        for part, rows in zip(parts, fetched, strict=True):
            differences.update(_differences(session, part, rows))
            session.log.write(after_images(session, part, rows))
            _report(session, part[0].table)
    for step in session.plan.steps:
        if not step.is_left_out:
            yield _outcome(session, step, differences.get(step.key))


def _parts(session: RestoreSession, by_table: Mapping[str, list[PlanStep]]) -> Iterator[Part]:
    """The records that are read, some of one table at a time."""
    for table, steps in by_table.items():
        there = [step for step in steps if _is_read(session, step)]
        unwritten = sum(not _should_be_live(session, step) for step in steps)
        _report(session, table, unwritten=unwritten)
        if there:
            session.capability(table)  # comparing needs it, possibly in another thread
            yield from batched(there, rows_in_memory(session.table(table)))


def _bundles(
    session: RestoreSession, parts: Iterable[Part], *, cells: int
) -> Iterator[tuple[Part, ...]]:
    """Parts that are requested together; several parts have at most this many cells."""
    steps: list[Part] = []
    taken = 0
    for part in parts:
        cell_count = len(part) * len(session.table(part[0].table).columns)
        if steps and taken + cell_count > cells:
            yield tuple(steps)
            steps, taken = [], 0
        steps.append(part)
        taken += cell_count
    if steps:
        yield tuple(steps)


def _report(session: RestoreSession, table: str, *, unwritten: int = 0) -> None:
    """Report progress; what was written is counted already."""
    session.ports.observer.progress(Progress(Phase.READ_BACK, table, rows=unwritten))


def _fetched(session: RestoreSession, parts: Sequence[Part]) -> Sequence[Rows]:
    return session.ports.writer.fetch_several([_query_of(session, part) for part in parts])


def _query_of(session: RestoreSession, steps: Part) -> RecordQuery:
    table = session.table(steps[0].table)
    columns = [c.name for c in table.columns if not c.has(ColumnTrait.VOLATILE)]
    readable = [column for column in columns if column != table.id_column]
    # Two records of the plan may be one live record by now.
    return RecordQuery(table, list(dict.fromkeys(_live(session, step) for step in steps)), readable)


def _should_be_live(session: RestoreSession, step: PlanStep) -> bool:
    """True if the record should be live by now."""
    away = step.action in (Action.SKIP, Action.DELETE)
    live = not away and session.links.live(step.key) is not None
    return live and session.log.state.failure(step.key) is None


def _is_read(session: RestoreSession, step: PlanStep) -> bool:
    """True also for a record that the run brought or changed before a later call failed.

    An undo tells by the values read whether people edited it since.
    """
    if _should_be_live(session, step):
        return True
    if step.action in (Action.SKIP, Action.DELETE) or session.links.live(step.key) is None:
        return False
    updated = session.log.state.result(Pass.UPDATE, step.key)
    return brought(session, step) or (updated is not None and updated.kind is OutcomeKind.DONE)


def _outcome(
    session: RestoreSession, step: PlanStep, differences: tuple[Difference, ...] | None
) -> RecordOutcome:
    """The outcome of a record; ``differences`` is None if it was not found."""
    live = step.record if step.copied else session.links.live(step.key)
    failed = session.log.state.failure(step.key)
    if session.is_archive and session.log.state.result(Pass.DELETE, step.key) is None:
        failed = failed or _not_deleted(step.key)
    deleted = step.action is Action.DELETE and failed is None
    if deleted:
        live, differences = None, ()
    if failed is None and differences is None:
        failed = _not_created(step.key) if live is None else gone(step.key)
    if step.action is Action.SKIP:
        return RecordOutcome(
            step.table,
            step.record,
            Ending.SKIPPED,
            live,
            "restore-skipped",
            _why(session, step),
            OVERWRITE if step.key in session.twins else "",
        )
    if failed is None:
        ending = _ending(session, step)
        text = _explanation(session, step, ending)
        return RecordOutcome(
            step.table, step.record, ending, live, *text, differences=differences or ()
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


def _not_created(key: RecordKey) -> RowOutcome:
    """The outcome of a by-product that is not in the org."""
    return refused(key, outcome_text.NOT_CREATED)


def _not_deleted(key: RecordKey) -> RowOutcome:
    """The outcome of a record of an archive that no call named: it is never taken for a deleted one."""
    return refused(key, outcome_text.NOT_DELETED)


def _ending(session: RestoreSession, step: PlanStep) -> Ending:
    if came_along(session, step):
        return Ending.UNDELETED
    if session.is_archive:
        return Ending.ARCHIVED
    if step.action is Action.RECREATE and session.links.live(step.key) == step.record:
        return Ending.RECREATED
    return Ending.CREATED if was_sent(session, step) else ENDINGS[step.action]


def _explanation(session: RestoreSession, step: PlanStep, ending: Ending) -> tuple[str, str, str]:
    """Code, sentence and next step for a record that came back in another way than planned."""
    if ending in (ENDINGS[step.action], Ending.ARCHIVED):
        return "", "", ""
    if ending is Ending.UNDELETED:
        text = f"{step.key} left the recycle bin with the record that it belongs to."
        return CAME_ALONG, text, ""
    created = session.log.state.result(Pass.CREATE, step.key)
    if created is not None and created.code == ID_NOT_KEPT:
        return created.code, created.sentence, created.next_step
    text = "The org did not create {} with the record that it belongs to, so it was written."
    return CREATED_APART, text.format(step.key), ""


def _why(session: RestoreSession, step: PlanStep) -> str:
    """The plan's reasons for not writing a record."""
    notes = {(note.code, note.table): note for note in session.plan.notes}
    plan_notes = [notes.get((code, step.table)) or notes.get((code, None)) for code in step.notes]
    sentences = [note.sentence for note in plan_notes if note is not None]
    if twin := session.twins.get(step.key):
        sentences.append(f"The live record is {step.table}/{twin}.")
    return " ".join(sentences) or "The plan does not write this record."


def _differences(
    session: RestoreSession, steps: Part, fetched: Rows
) -> Iterator[tuple[RecordKey, tuple[Difference, ...]]]:
    """The differences of the records that exist."""
    table = session.table(steps[0].table)
    row_of = {record: row for row, record in enumerate(fetched.ids.to_pylist())}
    whole = [step for step in steps if _should_be_live(session, step)]
    there = [step for step in whole if _live(session, step) in row_of]
    cells = pa.table({}) if fetched.cells is None else pa.Table.from_batches([fetched.cells])
    for states in session.wanted.states(there):
        rows = [row_of[_live(session, step)] for step in states.steps]
        yield from compared(session, table, states, taken(cells, rows))


def _live(session: RestoreSession, step: PlanStep) -> str:
    return str(session.links.live(step.key))
