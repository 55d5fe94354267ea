"""Choices that a plan offers to people: values to type, people to replace. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.facts import LiveStanding
from unlost.engine.restore.planning.graph.related import PlannedRecordSet
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.values.edits import people_of, settable, swappable
from unlost.model.plan import Action, ActionReason, Choices, Holder, RecordKey, Settable

MOST_HOLDERS = 500  # people that a plan names; the console asks for no more


def choices(records: PlannedRecordSet, drafts: Sequence[DraftStep]) -> Choices:
    """The columns of the plan's tables that can be set, and the people that its records name."""
    names = sorted({draft.key.table for draft in drafts})
    return Choices(
        tuple(_settable(records.survey, name) for name in names),
        tuple(_holders(records, drafts)),
    )


def _settable(survey: RestoreSurvey, name: str) -> Settable:
    return Settable(name, tuple(settable(survey.table(name), survey.capability(name))))


def _holders(records: PlannedRecordSet, drafts: Sequence[DraftStep]) -> Iterator[Holder]:
    """The people named by records, the most frequent first."""
    survey = records.survey
    people = frozenset().union(*(people_of(table) for table in survey.schema.tables))
    counts: Counter[RecordKey] = Counter()
    columns: dict[str, frozenset[str]] = {}
    for draft in drafts:
        table = draft.key.table
        if table not in columns:
            columns[table] = swappable(survey.table(table), survey.capability(table))
        counts.update(_named(records, draft, columns[table], people))
    for key, count in counts.most_common(MOST_HOLDERS):
        yield Holder(key.table, key.record, count)


def _named(
    records: PlannedRecordSet, step: DraftStep, columns: frozenset[str], people: frozenset[str]
) -> Iterator[RecordKey]:
    """The people that a created, undeleted or corrected record would name."""
    left_alone = step.facts.standing is LiveStanding.LIVE and step.why is not ActionReason.SELECTED
    if left_alone or step.action is Action.SKIP:
        return
    for column in step.facts.references.keys() & columns:
        reference = records.survey.reference(step.facts.snapshot, step.key.table, column)
        if people & {*reference.tables}:
            targets = records.targets(step.facts, column)
            yield from (target for target in targets if target.table in people)
