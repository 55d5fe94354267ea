"""Records that need a step of their own: in an approval, published, or activated.

The plan keeps their steps, since a person can take the other step before the run. The run leaves
alone what is still locked then, with an outcome that names the lock.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unlost.engine.restore.planning.notes.predict import NAMED, WORDS, NoteText, listed_names
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.message import Message
from unlost.model.plan import Action, NoteWeight, PlanNote, PlanStep, RecordKey
from unlost.model.source.locks import NO_LOCKS, LockKind, LockList, RecordLock

LOCKS_UNLISTED = "locks-unlisted"
CODES = {LockKind.APPROVAL: NoteCode.IN_APPROVAL, LockKind.PUBLISHED: NoteCode.PUBLISHED}
OVERRULED = NoteText(
    NoteWeight.NOTE,
    "An approval process locks {records} of {table}: {named}. The write user may change them, and the "
    "approval goes on with the new values.",
)
CANNOT_LIST = {
    LockKind.APPROVAL: NoteText(
        NoteWeight.NOTE,
        "The org does not show which records an approval process locks.",
        "Give the write user the right to see all data, then plan again.",
    ),
    LockKind.PUBLISHED: NoteText(
        NoteWeight.NOTE,
        "The org does not show which articles are published.",
        "Give the write user the right to see articles, then plan again.",
    ),
}


@dataclass(frozen=True, slots=True)
class MarkedSteps:
    """The steps of a plan with marks on those of locked records, and the notes about these."""

    steps: tuple[PlanStep, ...]
    notes: tuple[PlanNote, ...] = ()


def mark_locked(survey: RestoreSurvey, steps: Sequence[PlanStep]) -> MarkedSteps:
    """Look up which records of these steps the org refuses to change."""
    listed = _locks(survey, steps)
    actions = {RecordKey(s.table, s.live or s.record): s.action for s in steps}
    locks = [lock for lock in listed.locks if _matters(lock, actions)]
    marks: dict[RecordKey, list[str]] = defaultdict(list)
    for lock in locks:
        if lock.kind not in listed.overruled:
            marks[RecordKey(lock.table, lock.record)].append(CODES[lock.kind].value)
    return MarkedSteps(
        tuple(_marked(step, marks) for step in steps) if marks else tuple(steps),
        (*_notes(replace(listed, locks=tuple(locks))),),
    )


def _locks(survey: RestoreSurvey, steps: Sequence[PlanStep]) -> LockList:
    records: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        if step.live is not None and step.action in (Action.UPDATE, Action.ADOPT, Action.DELETE):
            records[step.table].append(step.live)
    if not records:
        return NO_LOCKS
    return survey.ports.writer.locks({table: tuple(ids) for table, ids in records.items()})


def _matters(lock: RecordLock, actions: Mapping[RecordKey, Action]) -> bool:
    """False for the deletion of a published article, which the org allows."""
    action = actions[RecordKey(lock.table, lock.record)]
    return lock.kind is not LockKind.PUBLISHED or action is not Action.DELETE


def _marked(step: PlanStep, marks: Mapping[RecordKey, Sequence[str]]) -> PlanStep:
    codes = marks.get(RecordKey(step.table, step.live or ""), ())
    return replace(step, notes=(*step.notes, *codes)) if codes else step


def _notes(listed: LockList) -> Iterator[PlanNote]:
    names: dict[tuple[LockKind, str], list[str]] = defaultdict(list)
    for lock in listed.locks:
        names[lock.kind, lock.table].append(_name(lock))
    for (kind, table), some in sorted(names.items()):
        words = OVERRULED if kind in listed.overruled else WORDS[CODES[kind]]
        yield PlanNote.of(
            CODES[kind].value,
            words.weight,
            words.template,
            words.next_step,
            table,
            count=len(some),
            named=listed_names(sorted(some)),
        )
    for kind in listed.unlisted:
        words = CANNOT_LIST[kind]
        yield PlanNote.of(LOCKS_UNLISTED, words.weight, words.template, words.next_step)


def _name(lock: RecordLock) -> str:
    name = lock.name or lock.record
    return f"{name} ({lock.process})" if lock.process else name


def live_names(survey: RestoreSurvey, table: str, ids: Sequence[str]) -> str | Message:
    """The names of live records for a note: the first of them as the org has them, else their ids."""
    column = survey.table(table).name_column
    first = sorted(ids)[:NAMED]
    names: dict[str, str | None] = {}
    if column is not None:
        rows = survey.ports.writer.fetch(survey.table(table), first, columns=[column])
        cells = rows.cells.column(column).to_pylist() if rows.cells is not None else []
        names = dict(zip(rows.ids.to_pylist(), cells, strict=True))
    return listed_names([names.get(key) or key for key in first] + sorted(ids)[NAMED:])
