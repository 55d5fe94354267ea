"""The number of records that a policy archived today, over all its runs.

The journals in the vault are read, also those of runs that this home does not know.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import find_run, list_runs
from unlost.engine.restore.journal.deleted import deletions_of
from unlost.model.vault.snapshot import CommitKind

ARCHIVE = "archive-"  # begins the ids of runs, before the day of their plan


def archived_today(app: Application, org: ProtectedOrg, policy: str) -> int:
    """Return how many records the runs of a policy archived today, or may still archive.

    Today is the day in the zone of the org. A run that has not ended counts with all its records:
    it may go on today.
    """
    zone = ZoneInfo(org.identity.zone)
    today = datetime.combine(app.clock.now().astimezone(zone).date(), time(), tzinfo=zone)
    counts = (_archived(app, org, run, policy, since=today) for run in _runs(app, org, today))
    return sum(counts)


def _runs(app: Application, org: ProtectedOrg, since: datetime) -> Iterator[str]:
    """Yield the archives that may have run since a moment: by the home, or by the day of their plan."""
    journals = app.whole_vault.journals(org.oid)
    known = {
        run.id
        for run in list_runs(org.name)
        if run.kind is CommitKind.ARCHIVE
        and (not run.state.over or run.ended_at is None or run.ended_at >= since)
    }
    day = f"{ARCHIVE}{since - timedelta(days=1):%Y%m%d}"
    for run in journals:
        if run in known or (run.startswith(ARCHIVE) and run >= day):
            yield run


def _archived(
    app: Application, org: ProtectedOrg, run: str, policy: str, *, since: datetime
) -> int:
    deletions = deletions_of(app.whole_vault.journal(org.oid, run), since=since)
    selected_by = deletions.plan.selection.policy if deletions is not None else None
    if deletions is None or selected_by is None or selected_by.name != policy:
        return 0
    known = find_run(run)
    # A run that the home does not have was never queued, or its home was lost: it does not go on.
    goes_on = known is not None and not known.state.over
    return len(deletions.records | deletions.pending if goes_on else deletions.records)
