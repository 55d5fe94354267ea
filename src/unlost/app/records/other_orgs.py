"""Copies of this org's records that restores created in other orgs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class OtherOrgRecords:
    """The number of another org's live records that stand for erased or corrected ones."""

    org: str
    records: int


def count_by_org(
    app: Application, records: Sequence[tuple[str, RecordKey]]
) -> tuple[OtherOrgRecords, ...]:
    """Count records of other orgs by the org's name: copies of erased or corrected records."""
    names = app.names()
    counts = Counter(names.get(oid, oid) for oid, _ in records)
    return tuple(OtherOrgRecords(name, count) for name, count in sorted(counts.items()))
