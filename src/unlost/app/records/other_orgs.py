"""Records of other orgs that stand for records of this one, since a restore brought those there."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class OtherOrgRecords:
    """How many live records of another org stand for what is erased."""

    org: str
    records: int


def elsewhere_of(
    app: Application, records: Sequence[tuple[str, RecordKey]]
) -> tuple[OtherOrgRecords, ...]:
    """Live records of other orgs (by oid) that stand for records, counted by org."""
    names, counts = app.names(), dict[str, int]()
    for oid, _ in records:
        counts[names.get(oid, oid)] = counts.get(names.get(oid, oid), 0) + 1
    return tuple(OtherOrgRecords(name, count) for name, count in sorted(counts.items()))
