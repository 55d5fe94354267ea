"""Figures of backups of all tables, for pages that show many days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.conclusion_models import BackupSummaryRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """The figures of a backup of all tables.

    ``certificate`` is the name of the certificate from which they were taken. ``accepted`` of the
    ``gaps`` were accepted then.
    """

    snapshot: int
    certificate: str
    as_of: datetime
    finished: datetime
    gaps: int
    accepted: int
    records: int

    @property
    def open_gaps(self) -> int:
        """The number of open gaps."""
        return self.gaps - self.accepted


_COLUMNS = ("snapshot", "certificate", "as_of", "finished", "gaps", "accepted", "records")


def summaries_of(oid: str, *, since: datetime) -> Sequence[BackupSummary]:
    """The summaries of an org's backups since an instant, oldest first."""
    with returned_connection():
        rows = BackupSummaryRow.objects.filter(org__oid=oid, finished__gte=since)
        return [BackupSummary(*row) for row in rows.order_by("snapshot").values_list(*_COLUMNS)]


def all_summaries(*, since: datetime) -> Mapping[str, Sequence[BackupSummary]]:
    """The summaries of all orgs since an instant, by oid, oldest first."""
    summaries: dict[str, list[BackupSummary]] = {}
    with returned_connection():
        rows = BackupSummaryRow.objects.filter(finished__gte=since).order_by("snapshot")
        for oid, *values in rows.values_list("org__oid", *_COLUMNS):
            summaries.setdefault(oid, []).append(BackupSummary(*values))
    return summaries


def save_summaries(oid: str, summaries: Collection[BackupSummary]) -> None:
    """Record summaries, in place of earlier ones of the same backups."""
    with returned_connection():
        org = Org.objects.get(oid=oid)
        BackupSummaryRow.objects.bulk_create(
            [
                BackupSummaryRow(org=org, **{name: getattr(summary, name) for name in _COLUMNS})
                for summary in summaries
            ],
            update_conflicts=True,
            unique_fields=["org", "snapshot"],
            update_fields=[name for name in _COLUMNS if name != "snapshot"],
        )


def forget_summaries(oid: str, *, before: datetime) -> None:
    """Delete the summaries of old backups."""
    with returned_connection():
        BackupSummaryRow.objects.filter(org__oid=oid, finished__lt=before).delete()
