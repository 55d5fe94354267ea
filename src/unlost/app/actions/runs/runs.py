"""The list of runs: backups, restores, archives and purges of all orgs that the actor may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from unlost.app.access import action
from unlost.app.archive.periods import store_new_periods, store_periods_of
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.nights import open_nights
from unlost.catalog.runs.runs import RunRecord, RunState, known_runs, page_runs
from unlost.catalog.vault.archive_periods import runs_of_policies
from unlost.jobs.slots import worker_runs
from unlost.model.access import Right
from unlost.model.purge import PURGES
from unlost.model.runs.night import NightRecord
from unlost.model.vault.snapshot import CommitKind
from unlost.model.written import written

MOST = 100


class ListedKind(StrEnum):
    """Kinds of runs, for filters. A purge is stored as an archive; this filter separates them."""

    BACKUP = "backup"
    RESTORE = "restore"
    ARCHIVE = "archive"
    PURGE = "purge"

    @property
    def commit(self) -> CommitKind:
        """The kind that its runs are stored with."""
        return CommitKind.ARCHIVE if self is ListedKind.PURGE else CommitKind(self)

    @property
    def purge(self) -> bool | None:
        """True for purges, False for archives, None for the other kinds."""
        return self is ListedKind.PURGE if self.commit is CommitKind.ARCHIVE else None


class RunGroup(StrEnum):
    """Groups of run states, for filters."""

    OPEN = "open"  # active or waiting
    FAILED = "failed"
    DONE = "done"
    GIVEN_UP = "given-up"


STATES = {
    RunGroup.OPEN: (RunState.RUNNING, RunState.WAITING, RunState.PARKED),
    RunGroup.FAILED: (RunState.FAILED,),
    RunGroup.DONE: (RunState.DONE,),
    RunGroup.GIVEN_UP: (RunState.ABANDONED,),
}


@written(requested="asked", vault_only="forgotten")
@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, newest first. ``more``: pass it as ``before`` for older ones; None if there are none.

    ``requested`` are backups that wait for the service, or that it is starting. ``vault_only`` are
    restores, archives and purges that only the vault knows, with their orgs: the home's database is
    newer than they are. ``purges``: the ids of the purges among both. ``served``: a service or worker
    is running.
    """

    runs: tuple[RunRecord, ...]
    more: str | None
    requested: tuple[NightRecord, ...]
    vault_only: tuple[tuple[str, str], ...]
    served: bool = True
    purges: tuple[str, ...] = ()

    @property
    def going(self) -> bool:
        """True while a run is active or about to start."""
        busy = (RunState.RUNNING, RunState.WAITING)
        return bool(self.requested) or any(run.state in busy for run in self.runs)


@action("run.page", Right.LOOK)
def list_page(
    app: Application,
    *,
    org: str | None = None,
    kind: ListedKind | None = None,
    group: RunGroup | None = None,
    before: str | None = None,
    most: int = MOST,
) -> RunsPage:
    """List a page of runs, filtered by org, kind and group of states.

    ``before`` is the last run of the previous page. Raises UsageError (``page-invalid``).
    """
    check_page(most=most)
    orgs = [org_row for org_row in app.orgs() if org in (None, org_row.name)]
    states = STATES[group] if group is not None else ()
    names = [org_row.name for org_row in orgs]
    first = before is None
    nights = first and kind in (None, ListedKind.BACKUP) and group in (None, RunGroup.OPEN)
    # Read before the runs: a backup that begins in between is then in both, never in neither.
    requested = tuple(_requested_nights(orgs)) if nights else ()
    if kind is None or kind.commit is CommitKind.ARCHIVE:
        store_periods_of(app, names)
    runs = page_runs(
        names,
        kind=kind.commit if kind is not None else None,
        purge=kind.purge if kind is not None else None,
        states=states,
        before=before,
        most=most + 1,
    )
    lost = first and (kind is None or kind.commit.has_plan) and group is None
    vault_only, lost_purges = _vault_only(app, orgs, kind=kind) if lost else ((), frozenset[str]())
    return RunsPage(
        runs=tuple(runs[:most]),
        more=runs[most - 1].id if len(runs) > most else None,
        requested=requested,
        vault_only=tuple(vault_only),
        served=worker_runs(app.locks, alone=not app.home.database),
        purges=tuple(sorted(lost_purges | runs_of_policies([run.id for run in runs], PURGES))),
    )


def _requested_nights(orgs: Sequence[ProtectedOrg]) -> Sequence[NightRecord]:
    oids = {org.oid for org in orgs}
    mine = [night for night in open_nights() if night.oid in oids]
    begun = known_runs(night.run for night in mine)
    return [night for night in mine if night.run not in begun]


def _vault_only(
    app: Application, orgs: Sequence[ProtectedOrg], *, kind: ListedKind | None
) -> tuple[Sequence[tuple[str, str]], frozenset[str]]:
    """Return the runs that only the vault knows, with their orgs, and which of them are purges."""
    identities = app.vault.orgs()
    journal_runs = [
        (run, org)
        for org in orgs
        if org.oid in identities
        for run in app.vault.journals(org.oid)
        if kind is None or run.startswith(kind.commit)  # a run is named after its kind
    ]
    known = known_runs(run for run, _ in journal_runs)
    lost = [(run, org) for run, org in journal_runs if run not in known]
    archives: dict[str, list[str]] = {}
    for run, org in lost:
        if run.startswith(CommitKind.ARCHIVE):
            archives.setdefault(org.oid, []).append(run)
    for oid, missing in archives.items():
        store_new_periods(app, oid, missing)
    purges = runs_of_policies([run for run, _ in lost], PURGES)
    purge = kind.purge if kind is not None else None
    runs = [(run, org.name) for run, org in lost if purge is None or (run in purges) is purge]
    return runs, purges
