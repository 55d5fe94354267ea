"""The records that a person leaves out of the undo of an archive: checked, and named in notes.

archived, in the bin, its master is undeleted    it comes along: the org undeletes both together
archived                                         it stays away
related, and lost too                            it stays away
changed only, such as a parent with a number     its values stay
any other id                                     refused: it may be mistyped
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.graph.related import RelatedPolicy, collect_related
from unlost.engine.restore.planning.left_out import LeftOut, left_out_notes
from unlost.engine.restore.planning.notes.predict import WORDS
from unlost.engine.restore.planning.selection import select
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import NotFound
from unlost.model.plan import (
    Action,
    PlanNote,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.model.source.schema import DeleteRule, Table


@dataclass(frozen=True, slots=True)
class RecordsOfArchive:
    """The records that an archive took away.

    ``changed``: records that it only updated. ``calls``: for each record the one with which the org
    deleted it, or itself; None if the journal is gone.
    """

    run: str
    records: tuple[RecordKey, ...]
    changed: Collection[RecordKey] = ()
    calls: Mapping[RecordKey, RecordKey] | None = None


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
    picked = select(survey, Selection(SelectionKind.RECORDS, tuple(archived.records)), at=None)
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
    words = WORDS[NoteCode.LEFT_OUT_COMES]
    for table, count in sorted(Counter(key.table for key in comes).items()):
        yield PlanNote.of(
            NoteCode.LEFT_OUT_COMES.value,
            words.weight,
            words.template,
            words.next_step,
            table,
            count=count,
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
        rows = survey.rows(name, ids, columns=sorted(columns)) if columns else {}
        for record, row in rows.items():
            key = RecordKey(name, record)
            owners = {
                RecordKey(owner, row.cells.get(column) or "")
                for column, tables in columns.items()
                for owner in tables
            } & every
            if row.deleted and owners and _in_same_call(archived, key, owners):
                yield key, owners


def _cascades(table: Table) -> Mapping[str, Sequence[str]]:
    """The columns that refer to masters, and the tables of these."""
    return {
        column.name: column.reference.tables
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
    }


def _in_same_call(
    archived: RecordsOfArchive, key: RecordKey, owners: Collection[RecordKey]
) -> bool:
    """True unless it was deleted before its master: then it stays in the bin."""
    calls = archived.calls
    return calls is None or all(calls.get(o, o) == calls.get(key, key) for o in owners)
