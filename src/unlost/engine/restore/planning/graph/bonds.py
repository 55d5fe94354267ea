"""The record because of which another one is in a plan: both are shown as one group. Pure."""

from collections.abc import Iterator

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts
from unlost.engine.restore.planning.graph.related import PlannedRecordSet
from unlost.model.plan import RecordKey
from unlost.model.source.schema import DeleteRule

_BINDING = (DeleteRule.CASCADE, DeleteRule.RESTRICT)


def because(records: PlannedRecordSet, step: DraftStep) -> RecordKey | None:
    """The record that brought this one into the plan.

    A chosen record that was lost together with another one of the plan belongs to that one: of its
    references, the most binding one decides.
    """
    facts = step.facts
    if step.because is not None or facts.standing is LiveStanding.LIVE:
        return step.because
    bonds = sorted(_bonds(records, facts), key=lambda bond: bond[0])
    return bonds[0][1] if bonds else None


def _bonds(
    records: PlannedRecordSet, facts: RecordFacts
) -> Iterator[tuple[tuple[int, int], RecordKey]]:
    """The records to which a record may belong, each with its rank."""
    for place, column in enumerate(facts.references):
        rule = records.survey.reference(facts.snapshot, facts.key.table, column).rule
        rank = _BINDING.index(rule) if rule in _BINDING else len(_BINDING)
        for target in records.targets(facts, column):
            if _holds(records, facts.key, target, rule):
                yield (rank, place), target


def _holds(records: PlannedRecordSet, key: RecordKey, target: RecordKey, rule: DeleteRule) -> bool:
    """True if a record may belong to the target; a loose reference within a table is no bond."""
    member = records.members.get(target)
    lost = member is not None and member.facts.standing is not LiveStanding.LIVE
    return lost and target != key and (rule in _BINDING or target.table != key.table)
