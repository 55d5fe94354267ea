"""The retention periods of archive runs, and the requests to erase records whose period ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from unlost.catalog.archive_models import ArchivePeriodRow, RemovalRequestRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, Run
from unlost.model.approval import Approval
from unlost.model.archive_retention import ArchivePeriod
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class RemovalRequest:
    """A request to erase the records that were due on ``day``, with the hash of the exact effect."""

    org: str
    day: date
    digest: str
    records: int
    made_at: datetime
    made_by: str
    maker: str
    approval: Approval | None = None


def periods_of(oid: str) -> Mapping[str, ArchivePeriod]:
    """The stored periods of the archives of an org, by run."""
    with returned_connection():
        rows = list(ArchivePeriodRow.objects.filter(oid=oid))
    return {row.run: ArchivePeriod(row.run, row.policy, row.keep_days) for row in rows}


def store_periods(oid: str, periods: Iterable[ArchivePeriod]) -> None:
    """Store periods. A stored one never changes."""
    rows = [
        ArchivePeriodRow(oid=oid, run=period.run, policy=period.policy, keep_days=period.keep_days)
        for period in periods
    ]
    with returned_connection():
        ArchivePeriodRow.objects.bulk_create(rows, ignore_conflicts=True)


def archives_without_period(orgs: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The archive runs in the home whose period is not stored, by oid; ``orgs`` are names."""
    stored = ArchivePeriodRow.objects.values("run")
    with returned_connection():
        rows = Run.objects.filter(org__name__in=list(orgs), kind=CommitKind.ARCHIVE.value)
        pairs = list(rows.exclude(id__in=stored).values_list("org__oid", "id"))
    runs: dict[str, list[str]] = {}
    for oid, run in pairs:
        runs.setdefault(oid, []).append(run)
    return runs


def runs_of_policies(runs: Iterable[str], policies: Iterable[str]) -> frozenset[str]:
    """Those of these runs whose stored period names one of these policies."""
    with returned_connection():
        rows = ArchivePeriodRow.objects.filter(run__in=list(runs), policy__in=list(policies))
        return frozenset(rows.values_list("run", flat=True))


def removal_request(org: str) -> RemovalRequest | None:
    """The open request of an org, or None."""
    with returned_connection():
        row = RemovalRequestRow.objects.filter(org__name=org).first()
    return _value(row, org) if row is not None else None


def store_request(request: RemovalRequest) -> None:
    """Store a request; it replaces an earlier one, whose approval ends with it."""
    with returned_connection():
        RemovalRequestRow.objects.update_or_create(
            org=Org.objects.get(name=request.org),
            defaults={
                "day": request.day,
                "digest": request.digest,
                "records": request.records,
                "made_at": request.made_at,
                "made_by": request.made_by,
                "maker": request.maker,
                "approved_at": None,
                "approved_by": "",
                "approver": "",
            },
        )


def approve_request(request: RemovalRequest, approval: Approval) -> bool:
    """Approve a request; False if another one replaced it, or another person approved it."""
    before = request.approval
    with returned_connection():
        rows = RemovalRequestRow.objects.filter(
            org__name=request.org,
            digest=request.digest,
            made_at=request.made_at,
            approved_at=before.at if before is not None else None,
        )
        return bool(
            rows.update(approved_by=approval.by, approver=approval.person, approved_at=approval.at)
        )


def drop_request(request: RemovalRequest) -> None:
    """Delete a request, with its approval."""
    with returned_connection():
        rows = RemovalRequestRow.objects.filter(org__name=request.org, made_at=request.made_at)
        rows.delete()


def _value(row: RemovalRequestRow, org: str) -> RemovalRequest:
    approval = None
    if row.approved_at is not None:
        approval = Approval(row.approved_by, row.approver, row.approved_at)
    return RemovalRequest(
        org, row.day, row.digest, row.records, row.made_at, row.made_by, row.maker, approval
    )
