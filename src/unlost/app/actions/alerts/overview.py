"""The overview of a home: each org's protection, last backup, storage, alerts and active runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from unlost.app.access import action
from unlost.app.actions.backups.snapshots import gaps
from unlost.app.compose import Application
from unlost.app.vault.mirror import MirrorCondition, mirror_now
from unlost.catalog.alerts import list_alerts
from unlost.catalog.losses import open_loss_counts
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.runs import RunRecord, RunState, newest_runs
from unlost.catalog.runs.schedules import StoredSchedule, schedules
from unlost.catalog.vault.storage import StorageHistory, newest_storages
from unlost.engine.schedule import upcoming
from unlost.model.access import Right
from unlost.model.org import OrgKind
from unlost.model.runs.schedule import Schedule
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.snapshot import SnapshotInfo, nights

LATE = timedelta(hours=36)  # a missed backup that was not caught up by the next midday
SAMPLES = timedelta(days=14)
RUNS = 5  # of each org, the newest
GOING = frozenset({RunState.RUNNING, RunState.WAITING, RunState.PARKED})


class Protection(StrEnum):
    """The protection status of an org."""

    PROTECTED = "protected"
    INCOMPLETE = "incomplete"  # the last backup has gaps
    LATE = "late"  # the last backup is too old
    NONE = "none"  # there is no backup yet
    RETIRED = "retired"  # no longer backed up; its backups are kept


@dataclass(frozen=True, slots=True)
class StorageGauge:
    """The fill level of a storage, in bytes, at the newest backup that reported it."""

    name: str
    used: float
    limit: float

    @property
    def share(self) -> float:
        """The used share of the limit; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class OrgState:
    """The state of an org at a glance.

    ``last`` is the newest backup, ``before`` the number of the one before it, ``lost`` how many
    records were deleted between the two. ``gaps`` counts the findings of severity gap. ``going``
    are runs that are active or waiting; ``failed`` is the newest run, if it failed. ``losses``
    counts open losses in the inbox, None where they are not counted.
    """

    name: str
    label: str
    connector: str
    kind: OrgKind
    zone: str
    protection: Protection
    last: SnapshotInfo | None
    before: int | None
    lost: int
    gaps: int
    schedule: Schedule
    next: datetime | None
    gauges: tuple[StorageGauge, ...]
    alerts: int
    going: tuple[RunRecord, ...]
    failed: RunRecord | None
    losses: int | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All orgs that the actor may see, by name, and the number of open alerts.

    ``copy`` is the state of the mirror, for users who may operate the whole vault.
    """

    orgs: tuple[OrgState, ...]
    alerts: int
    copy: MirrorCondition | None = None


@action("home.overview", Right.LOOK)
def overview(app: Application) -> Overview:
    """Show the state of each org.

    The number of database queries does not depend on the number of orgs.
    """
    alerts = Counter(alert.raised.org for alert in list_alerts())
    states = states_of(app, app.orgs(), alerts, losses=open_loss_counts())
    seen = {"", *(state.name for state in states)}
    lasting = sum(count for org, count in alerts.items() if org in seen)
    copy = mirror_now(app).condition if app.actor.may(Right.OPERATE) else None
    return Overview(states, lasting, copy)


def states_of(
    app: Application,
    orgs: Sequence[ProtectedOrg],
    alerts: Mapping[str, int],
    *,
    losses: Mapping[str, int] | None = None,
) -> tuple[OrgState, ...]:
    """Return the states of these orgs.

    ``alerts`` and ``losses`` count open alerts and losses by the name of the org.
    """
    now = app.clock.now()
    noted = _Noted(
        now,
        newest_runs(most=RUNS),
        schedules(),
        newest_storages(since=now - SAMPLES),
        losses,
    )
    return tuple(_state(app, org, noted, alerts.get(org.name, 0)) for org in orgs)


@dataclass(frozen=True, slots=True)
class _Noted:
    """The rows about all orgs, read from the database once."""

    now: datetime
    runs: Mapping[str, Sequence[RunRecord]]
    schedules: Mapping[str, StoredSchedule]
    storages: Mapping[str, Sequence[StorageHistory]]
    losses: Mapping[str, int] | None


def _state(app: Application, org: ProtectedOrg, noted: _Noted, alerts: int) -> OrgState:
    # Hourly backups read a few tables only, and say nothing about the protection of the org.
    whole = nights(app.vault.snapshots(org.oid))
    last = whole[-1] if whole else None
    runs, zone, now = noted.runs.get(org.name, ()), org.identity.zone, noted.now
    schedule = noted.schedules[org.oid].schedule
    missing = _gaps(app, org, last)
    return OrgState(
        name=org.name,
        label=org.identity.label,
        connector=org.identity.connector,
        kind=org.identity.kind,
        zone=zone,
        protection=_protection(org, last, missing, now),
        last=last,
        before=whole[-2].number if len(whole) > 1 else None,
        lost=last.counts.deleted if last is not None and len(whole) > 1 else 0,
        gaps=missing,
        schedule=schedule,
        next=None if org.retired else upcoming(schedule, zone=zone, key=org.oid, now=now),
        gauges=tuple(_gauge(history) for history in noted.storages.get(org.oid, ())),
        alerts=alerts,
        going=tuple(run for run in runs if run.state in GOING),
        failed=runs[0] if runs and runs[0].state is RunState.FAILED else None,
        losses=noted.losses.get(org.name, 0) if noted.losses is not None else None,
    )


def _protection(
    org: ProtectedOrg, last: SnapshotInfo | None, missing: int, now: datetime
) -> Protection:
    if org.retired:
        return Protection.RETIRED
    if last is None:
        return Protection.NONE
    if now - last.finished > LATE:
        return Protection.LATE
    return Protection.INCOMPLETE if missing else Protection.PROTECTED


def _gaps(app: Application, org: ProtectedOrg, last: SnapshotInfo | None) -> int:
    proof = app.vault.at(org.oid, last.number).certificate() if last is not None else None
    if proof is None or proof.verdict is Verdict.COMPLETE:
        return 0
    return len(gaps(proof))


def _gauge(storage: StorageHistory) -> StorageGauge:
    return StorageGauge(storage.name, storage.samples[-1].used, storage.limit)
