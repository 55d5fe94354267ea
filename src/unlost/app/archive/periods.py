"""The retention periods of the archives of an org, from their journals and from the home.

An archive's plan, in its journal, names its period. The home stores the period too, because an
erasure removes the journals that name its records. See docs/adr/0057.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import accumulate
from zoneinfo import ZoneInfo

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import RunRecord, find_run
from unlost.catalog.vault.archive_periods import (
    archives_without_period,
    periods_of,
    runs_of_policies,
    store_periods,
)
from unlost.engine.restore.journal.archives import plan_of
from unlost.model.archive import LONGEST_NAME
from unlost.model.archive_retention import ArchiveCommit, ArchivePeriod
from unlost.model.errors import IntegrityError, UnlostError
from unlost.model.plan import RestorePlan
from unlost.model.purge import PURGES
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo


def archives_of(app: Application, org: ProtectedOrg) -> Sequence[ArchiveCommit]:
    """Return the archives of an org with their periods, oldest first; stores unknown periods."""
    zone = ZoneInfo(org.identity.zone)
    # A clock that was behind at an archive does not end its period early.
    so_far = accumulate(app.whole_vault.commits(org.oid), _not_earlier)
    commits = [commit for commit in so_far if commit.kind is CommitKind.ARCHIVE]
    if not commits:
        return ()
    store_new_periods(app, org.oid, [commit.run for commit in commits])
    periods = periods_of(org.oid)
    return [
        ArchiveCommit(
            commit.number,
            commit.run,
            commit.finished.astimezone(zone).date(),
            periods.get(commit.run),
        )
        for commit in commits
    ]


def store_new_periods(app: Application, oid: str, runs: Collection[str]) -> None:
    """Store the periods of archives that the home does not know yet, before a journal goes."""
    stored = periods_of(oid)
    missing = {run for run in runs if run not in stored}
    if not missing:
        return
    vault = app.whole_vault
    plans = ((run, _plan(app, oid, run)) for run in vault.journals(oid) if run in missing)
    store_periods(oid, [period_in(plan, run=run) for run, plan in plans if plan is not None])


def store_periods_before_erasing(app: Application, oid: str) -> None:
    """Store the periods of all archives of an org, whose journals may be erased now."""
    commits = app.whole_vault.commits(oid)
    runs = [commit.run for commit in commits if commit.kind is CommitKind.ARCHIVE]
    store_new_periods(app, oid, runs)


def store_periods_of(app: Application, orgs: Sequence[str]) -> None:
    """Store the periods of all archives that the home knows, open ones too; ``orgs`` are names.

    Periods of a vault that cannot be read stay unknown: for a list of runs they are information.
    """
    for oid, runs in archives_without_period(orgs).items():
        with suppress(UnlostError):
            store_new_periods(app, oid, runs)


def purges_among(app: Application, runs: Iterable[RunRecord]) -> frozenset[str]:
    """Return the ids of those of these runs that are purges."""
    archives = [run for run in runs if run.kind is CommitKind.ARCHIVE]
    if not archives:
        return frozenset()
    store_periods_of(app, sorted({run.org for run in archives}))
    return runs_of_policies([run.id for run in archives], PURGES)


def is_purge_run(app: Application, run: str) -> bool:
    """Return True for the run of a purge whose period the home knows or can read."""
    known = find_run(run)
    return bool(purges_among(app, [known]) if known else runs_of_policies([run], PURGES))


def period_in(plan: RestorePlan, *, run: str) -> ArchivePeriod:
    """Return the period that the plan of an archive names."""
    policy = plan.selection.policy
    if policy is None:
        return ArchivePeriod(run, "", 0)
    return ArchivePeriod(run, policy.name[:LONGEST_NAME], policy.keep_days)


def today_of(app: Application, org: ProtectedOrg) -> date:
    """Return the day in the zone of an org."""
    return app.clock.now().astimezone(ZoneInfo(org.identity.zone)).date()


def _not_earlier(before: SnapshotInfo, commit: SnapshotInfo) -> SnapshotInfo:
    """Return a commit, with the end of the one before it if its own is earlier."""
    return replace(commit, finished=max(before.finished, commit.finished))


def _plan(app: Application, oid: str, run: str) -> RestorePlan | None:
    """Return the plan of an archive; None if its journal is damaged, so that it keeps for ever."""
    try:
        return plan_of(app.whole_vault.journal(oid, run))
    except IntegrityError:
        return None
