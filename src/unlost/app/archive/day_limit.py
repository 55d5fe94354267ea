"""The number of records that a policy archived today, over all its runs.

The journals in the vault are asked, also those of runs that this home does not know.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import RunState, find_run, list_runs
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.values.outcome import Ending
from unlost.model.vault.snapshot import CommitKind

ARCHIVE = "archive-"  # begins the ids of runs, before the day of their plan


def archived_today(app: Application, org: ProtectedOrg, policy: str) -> int:
    """Return how many records the runs of a policy archived today, or may still archive.

    Today is the day in the zone of the org.
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
        if run.kind is CommitKind.ARCHIVE and (run.ended_at is None or run.ended_at >= since)
    }
    day = f"{ARCHIVE}{since - timedelta(days=1):%Y%m%d}"
    for run in journals:
        if run in known or (run.startswith(ARCHIVE) and run >= day):
            yield run


def _archived(
    app: Application, org: ProtectedOrg, run: str, policy: str, *, since: datetime
) -> int:
    state = RestoreLog(app.whole_vault.journal(org.oid, run)).state
    if state.opened is None:
        return 0
    selected_by = state.opened.plan.selection.policy
    if selected_by is None or selected_by.name != policy:
        return 0
    if state.closed is None:
        known = find_run(run)
        gave_up = known is not None and known.state is RunState.ABANDONED and not state.calls
        return 0 if gave_up else len(state.opened.plan.steps)
    if state.closed.finished < since:
        return 0
    return sum(record.ending is Ending.ARCHIVED for record in state.closed.records)
