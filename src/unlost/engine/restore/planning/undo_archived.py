"""The records of an archive that its undo leaves as they are: checked, and named in notes.

Records that a person leaves out:

archived, in the bin, its master is undeleted    it comes along: the org undeletes both together
archived                                         it stays away
related, and lost too                            it stays away
changed only, such as a parent with a number     its values stay
any other id                                     refused: it may be mistyped

Records that came back otherwise keep the values that they have now.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unlost.engine.restore.planning.graph.related import RelatedPolicy, collect_related
from unlost.engine.restore.planning.left_out import LeftOut, left_out_notes
from unlost.engine.restore.planning.notes.predict import WORDS
from unlost.engine.restore.planning.selection import select
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.cells import digest_of
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import NotFound
from unlost.model.named_records import possible_keys, read_columns
from unlost.model.plan import (
    Action,
    PlanNote,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.model.source.schema import Column, DeleteRule, Table


@dataclass(frozen=True, slots=True)
class RecordsOfArchive:
    """The records that an archive took away.

    ``changed``: records that it only updated. ``calls``: for each record the one with which the org
    deleted it, or itself; None if the journal is gone. ``copied_from``: the number of the backup
    with the copies; None if it is unknown.
    """

    run: str
    records: tuple[RecordKey, ...]
    changed: Collection[RecordKey] = ()
    calls: Mapping[RecordKey, RecordKey] | None = None
    copied_from: int | None = None

    def backup(self, survey: RestoreSurvey) -> int | None:
        """The backup with the copies, unless it was forgotten."""
        numbers = {backup.number for backup in survey.backups}
        return self.copied_from if self.copied_from in numbers else None


def check_archived(survey: RestoreSurvey, archived: RecordsOfArchive, left_out: LeftOut) -> None:
    """Raise NotFound (``undo-record-unknown``) for a record that the undo would not bring back.

    A mistyped id would leave nothing out, and the record that was meant would come back.
    """
    known = {*archived.records, *archived.changed}
    named = {key for key in left_out.records if key.table not in left_out.tables}
    unknown = named - known
    if unknown:
        unknown -= _related(survey, archived, left_out)
    if unknown:
        raise NotFound(
            "undo-record-unknown",
            "The undo of {run} does not bring back {record}, so it cannot leave it out.",
            next_step="Use TABLE/ID, with the id that the record has in the backups.",
            run=archived.run,
            record=min(map(str, unknown)),
        )


def _related(
    survey: RestoreSurvey, archived: RecordsOfArchive, left_out: LeftOut
) -> set[RecordKey]:
    """All records of the undo, as if no single record was left out."""
    chosen = Selection(SelectionKind.RECORDS, tuple(archived.records))
    picked = select(survey, chosen, at=archived.backup(survey))
    tables = LeftOut(left_out.tables)
    every = collect_related(survey, picked.picks, related=RelatedPolicy.ALL, left_out=tables)
    return set(every.members)


def archived_notes(
    survey: RestoreSurvey, plan: RestorePlan, archived: RecordsOfArchive, left_out: LeftOut
) -> Iterator[PlanNote]:
    """Yield notes about archived records that are left out: those that come all the same, apart."""
    named = [key for key in archived.records if key in left_out]
    comes = _coming(survey, plan, archived, named)
    yield from left_out_notes(key for key in named if key not in comes)
    for table, count in sorted(Counter(key.table for key in comes).items()):
        yield _note(NoteCode.LEFT_OUT_COMES, table, count)


def keep_newer(survey: RestoreSurvey, plan: RestorePlan, archived: RecordsOfArchive) -> RestorePlan:
    """Keep the values of archived records that came back otherwise, by people or by a restore.

    Only references that are empty are set.
    """
    newer = {step.key: columns for step, columns in _newer(survey, plan, archived)}
    if not newer:
        return plan
    steps = tuple(_without(step, newer.get(step.key, frozenset())) for step in plan.steps)
    counts = sorted(Counter(key.table for key in newer).items())
    notes = (_note(NoteCode.CHANGED_SINCE, table, count) for table, count in counts)
    return replace(plan, steps=steps, notes=(*plan.notes, *notes))


def _newer(
    survey: RestoreSurvey, plan: RestorePlan, archived: RecordsOfArchive
) -> Iterator[tuple[PlanStep, Collection[str]]]:
    """The records with newer values, and the columns that have them."""
    every = {*archived.records}
    live = [s for s in plan.steps if s.action is Action.UPDATE and s.live and s.key in every]
    for name in sorted({step.table for step in live}):
        table = survey.table(name)
        of_table = [step for step in live if step.table == name]
        columns = sorted({column for step in of_table for column in step.columns})
        rows = survey.rows(name, [str(step.live) for step in of_table], columns=columns)
        for step in of_table:
            cells = rows[str(step.live)].cells
            emptied = {c for c in step.columns if not cells.get(c) and is_reference(table, c)}
            if emptied != {*step.columns}:
                yield step, {*step.columns} - emptied


def is_reference(table: Table, name: str) -> bool:
    """True for a column that refers to records."""
    column = table.column(name)
    return column is not None and column.reference is not None


def _without(step: PlanStep, newer: Collection[str]) -> PlanStep:
    if not newer:
        return step
    columns = tuple(column for column in step.columns if column not in newer)
    action, expect = (step.action, digest_of({})) if columns else (Action.UNCHANGED, None)
    notes = tuple(dict.fromkeys((*step.notes, NoteCode.CHANGED_SINCE.value)))
    return replace(step, action=action, columns=columns, expect=expect, notes=notes)


def _note(code: NoteCode, table: str, count: int) -> PlanNote:
    words = WORDS[code]
    return PlanNote.of(
        code.value, words.weight, words.template, words.next_step, table, count=count
    )


def _coming(
    survey: RestoreSurvey,
    plan: RestorePlan,
    archived: RecordsOfArchive,
    named: Sequence[RecordKey],
) -> set[RecordKey]:
    """Those of these records that the org takes out of the bin together with their masters."""
    undeleted = {
        RecordKey(step.table, step.live or step.record)
        for step in plan.steps
        if step.action is Action.UNDELETE
    }
    masters = dict(_masters(survey, archived, named)) if undeleted else {}
    coming: set[RecordKey] = set()
    for _ in masters:  # a detail of a detail comes along, too
        back = undeleted | coming
        more = {key for key, owners in masters.items() if owners <= back}
        if more == coming:
            break
        coming = more
    return coming


def _masters(
    survey: RestoreSurvey, archived: RecordsOfArchive, named: Sequence[RecordKey]
) -> Iterator[tuple[RecordKey, set[RecordKey]]]:
    """Records of the bin, each with the archived masters with which the org deleted it."""
    every = {*archived.records}
    for name in sorted({key.table for key in named} & survey.tables.keys()):
        table = survey.table(name)
        columns = _cascades(table)
        ids = [key.record for key in named if key.table == name]
        read = sorted(read_columns(table, columns))
        rows = survey.rows(name, ids, columns=read) if columns else {}
        for record, row in rows.items():
            key = RecordKey(name, record)
            owners = {key for c in columns for key in possible_keys(c, row.cells)} & every
            if row.deleted and owners and _in_same_call(archived, key, owners):
                yield key, owners


def _cascades(table: Table) -> Sequence[Column]:
    """The columns that refer to masters."""
    return [
        column
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
    ]


def _in_same_call(
    archived: RecordsOfArchive, key: RecordKey, owners: Collection[RecordKey]
) -> bool:
    """True unless it was deleted before its master: then it stays in the bin."""
    calls = archived.calls
    return calls is None or all(calls.get(o, o) == calls.get(key, key) for o in owners)
