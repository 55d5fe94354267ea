"""Copies of this org's records that restores created in other orgs."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class OtherOrgRecords:
    """The number of another org's live records that stand for erased ones."""

    org: str
    records: int


def elsewhere_of(
    app: Application, records: Sequence[tuple[str, RecordKey]]
) -> tuple[OtherOrgRecords, ...]:
    """Count the records of other orgs (by oid) that stand for these records, by org."""
    names, counts = app.names(), dict[str, int]()
    for oid, _ in records:
        counts[names.get(oid, oid)] = counts.get(names.get(oid, oid), 0) + 1
    return tuple(OtherOrgRecords(name, count) for name, count in sorted(counts.items()))
