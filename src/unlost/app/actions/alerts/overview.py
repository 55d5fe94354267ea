"""The overview of a home: each org's status, backups, growth, alerts and active runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.archive.periods import purges_among
from unlost.app.backups.summaries import summary_of
from unlost.app.compose import Application
from unlost.app.health.changed import NoticedChanges, noticed_changes
from unlost.app.health.days import SHOWN, DayCell, clock_difference, day_cells, record_samples
from unlost.app.health.going import GoingRun, TablesRead, going_run
from unlost.app.health.status import StatusFacts, alerts_about, status_of
from unlost.app.records.archived.open_archives import counts_without_archived
from unlost.app.vault.mirror import MirrorCondition, mirror_now
from unlost.catalog.alerts import AlertRecord, list_alerts
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.mass_changes import newest_changes
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.runs.observer import RunRows, rows_of_runs
from unlost.catalog.runs.plans import summaries_of_runs
from unlost.catalog.runs.runs import RunRecord, RunState, recent_runs
from unlost.catalog.runs.schedules import OrgSetup, setups
from unlost.catalog.vault.storage import StorageHistory, all_storages
from unlost.catalog.vault.summaries import BackupSummary, all_summaries
from unlost.engine.restore.planning.shown.summary import PlanSummary, written_by_table
from unlost.engine.schedule import upcoming
from unlost.model.access import Right
from unlost.model.decoders import decoder_for
from unlost.model.forecast import Sample
from unlost.model.message import Message, code_of
from unlost.model.org import OrgKind
from unlost.model.runs.jobs import CANCELLED, PAUSED
from unlost.model.runs.schedule import Schedule
from unlost.model.source.reading import Json
from unlost.model.status import OrgStatus, StatusReason
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, nights

GOING = frozenset({RunState.RUNNING, RunState.WAITING, RunState.PARKED})
BROKEN = frozenset({RunState.FAILED, RunState.ABANDONED})
WANTED = frozenset({CANCELLED, PAUSED})  # people stopped the run: it did not fail


@dataclass(frozen=True, slots=True)
class StorageGauge:
    """The fill level of a storage, in bytes, at the newest backup that reported it.

    ``samples`` are those of the last 30 days, oldest first.
    """

    name: str
    used: float
    limit: float
    samples: tuple[Sample, ...] = ()

    @property
    def share(self) -> float:
        """The used share of the limit; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class OrgState:
    """The state of an org at a glance.

    ``reasons`` explain its status, each with a next step. ``last`` is the newest backup, ``before``
    the number of the one before it, ``lost`` how many records were deleted between the two.
    ``gaps`` counts open gaps, ``accepted`` accepted ones. ``going`` are runs that are active or
    waiting; ``failed`` is the newest run, if it failed. ``losses`` counts open losses in the inbox,
    None where they are not counted. ``compared``: whether the newest backup was compared with the one
    before, from which losses and mass changes follow. ``days`` and ``records`` are the last 30 days,
    oldest first.
    ``writer``: it has a write user. ``changed`` are the mass changes that the newest backup found.
    """

    name: str
    label: str
    connector: str
    kind: OrgKind
    zone: str
    status: OrgStatus
    reasons: tuple[StatusReason, ...]
    last: SnapshotInfo | None
    before: int | None
    lost: int
    gaps: int
    accepted: int
    schedule: Schedule
    next: datetime | None
    gauges: tuple[StorageGauge, ...]
    alerts: int
    going: tuple[GoingRun, ...]
    failed: RunRecord | None
    losses: int | None = None
    compared: bool = True
    days: tuple[DayCell, ...] = ()
    records: tuple[Sample, ...] = ()
    writer: bool = False
    changed: NoticedChanges | None = None


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
    alerts = list_alerts()
    orgs = app.orgs()
    changed = _changed(app, orgs)
    states = states_of(app, orgs, alerts, changed=changed)
    seen = {"", *(state.name for state in states)}
    lasting = sum(alert.raised.org in seen for alert in alerts)
    copy = mirror_now(app).condition if app.actor.may(Right.OPERATE) else None
    return Overview(states, lasting, copy)


def _changed(app: Application, orgs: Sequence[ProtectedOrg]) -> Mapping[str, NoticedChanges]:
    """Return the mass changes of the newest backup of each org, once it was compared."""
    newest = newest_changes()
    changed: dict[str, NoticedChanges] = {}
    for org in orgs:
        known, whole = newest.get(org.oid), nights(app.vault.snapshots(org.oid))
        if known is not None and whole and known.backup.number >= whole[-1].number:
            changed[org.oid] = noticed_changes(app, org.oid, known.backup, known.silences)
    return changed


def states_of(
    app: Application,
    orgs: Sequence[ProtectedOrg],
    alerts: Sequence[AlertRecord],
    *,
    changed: Mapping[str, NoticedChanges] | None = None,
) -> tuple[OrgState, ...]:
    """Return the states of these orgs.

    ``alerts`` are all open alerts. ``changed`` are the mass changes by the oid of the org, of each
    org whose newest backup was compared; without them, losses are not counted either.
    """
    now = app.clock.now()
    noted = _Noted(
        now,
        recent_runs(since=now - SHOWN),
        setups(),
        all_storages(since=now - SHOWN),
        all_summaries(since=now - SHOWN),
        alerts,
        changed,
    )
    progress = _progress(app, (run for org in orgs for run in noted.runs.get(org.name, ())))
    return tuple(_state(app, org, noted, progress) for org in orgs)


@dataclass(frozen=True, slots=True)
class _Noted:
    """The rows about all orgs, read from the database once."""

    now: datetime
    runs: Mapping[str, Sequence[RunRecord]]
    setups: Mapping[str, OrgSetup]
    storages: Mapping[str, Sequence[StorageHistory]]
    summaries: Mapping[str, Sequence[BackupSummary]]
    alerts: Sequence[AlertRecord]
    changed: Mapping[str, NoticedChanges] | None


@dataclass(frozen=True, slots=True)
class _Progress:
    """The processed rows of going runs by table, the plans of going restores, and purges."""

    rows: Mapping[str, RunRows]
    plans: Mapping[str, Mapping[str, Json]]
    purges: frozenset[str]


def _progress(app: Application, runs: Iterable[RunRecord]) -> _Progress:
    going = [run for run in runs if run.state in GOING]
    restores = [run.id for run in going if run.kind.has_plan]
    return _Progress(
        rows_of_runs([run.id for run in going]) if going else {},
        summaries_of_runs(restores) if restores else {},
        purges_among(app, going),
    )


def _state(app: Application, org: ProtectedOrg, noted: _Noted, progress: _Progress) -> OrgState:
    # Hourly backups read a few tables only, and say nothing about the protection of the org.
    whole = nights(app.vault.snapshots(org.oid))
    last = counts_without_archived(app, whole[-1]) if whole else None
    runs, zone, now = noted.runs.get(org.name, ()), org.identity.zone, noted.now
    setup = noted.setups[org.oid]
    schedule = setup.schedule.schedule
    summaries = noted.summaries.get(org.oid, ())
    newest = _newest_summary(app, org, last, summaries)
    behind = clock_difference(last)
    compared, losses = _comparison(org, noted, whole)
    judged = status_of(_facts(org, noted, last, newest))
    return OrgState(
        name=org.name,
        label=org.identity.label,
        connector=org.identity.connector,
        kind=org.identity.kind,
        zone=zone,
        status=judged.status,
        reasons=judged.reasons,
        last=last,
        before=whole[-2].number if len(whole) > 1 else None,
        lost=last.counts.deleted if last is not None and len(whole) > 1 else 0,
        gaps=newest.open_gaps if newest is not None else 0,
        accepted=newest.accepted if newest is not None else 0,
        schedule=schedule,
        next=None if org.retired else upcoming(schedule, zone=zone, key=org.oid, now=now),
        gauges=tuple(_gauge(history, behind) for history in noted.storages.get(org.oid, ())),
        alerts=sum(alert.raised.org == org.name for alert in noted.alerts),
        going=tuple(_going(run, runs, newest, progress, now) for run in runs if run.state in GOING),
        failed=runs[0] if runs and runs[0].state is RunState.FAILED else None,
        losses=losses,
        compared=compared,
        days=day_cells(
            now=now - behind,
            zone=zone,
            summaries=summaries,
            backups=whole,
            failures=[run.started_at - behind for run in runs if _failure(run) is not None],
        ),
        records=record_samples(summaries),
        writer=setup.writer,
        changed=(noted.changed or {}).get(org.oid),
    )


def _comparison(
    org: ProtectedOrg, noted: _Noted, whole: Sequence[SnapshotInfo]
) -> tuple[bool, int | None]:
    """Return whether the newest backup was compared, and the number of open losses if known then.

    The mass changes alone do not tell: the service may count them while the process that made the
    backup still searches losses.
    """
    setup = noted.setups[org.oid]
    if noted.changed is None:
        return True, None
    if len(whole) < 2:
        return True, setup.losses
    searched = setup.mark.snapshot >= whole[-1].number
    compared = org.oid in noted.changed and (searched or setup.mark.error is not None)
    return compared, setup.losses if compared and searched else None


def _newest_summary(
    app: Application,
    org: ProtectedOrg,
    last: SnapshotInfo | None,
    summaries: Sequence[BackupSummary],
) -> BackupSummary | None:
    """Return the figures of the newest backup, from its certificate if the catalog lacks them."""
    if last is None or last.certificate is None:
        return None
    for summary in reversed(summaries):
        if (summary.snapshot, summary.certificate) == (last.number, last.certificate):
            return summary
    proof = app.vault.at(org.oid, last.number).certificate()
    return summary_of(last, proof, accepted_gaps(org.oid)) if proof is not None else None


def _facts(
    org: ProtectedOrg, noted: _Noted, last: SnapshotInfo | None, newest: BackupSummary | None
) -> StatusFacts:
    backups = (run for run in noted.runs.get(org.name, ()) if _is_nightly(run))
    finished = last.finished if last is not None else None
    before = next((run for run in backups if run.state not in GOING), None)
    return StatusFacts(
        org=org.name,
        now=noted.now,
        added=org.added_at,
        retired=org.retired,
        scheduled=noted.setups[org.oid].schedule.schedule.nightly is not None,
        last=finished,
        failure=_failure(before) if before is not None else None,
        gaps=newest.open_gaps if newest is not None else 0,
        accepted=newest.accepted if newest is not None else 0,
        alerts=alerts_about(org.name, noted.alerts, last=finished),
    )


def _is_nightly(run: RunRecord) -> bool:
    return run.kind is CommitKind.BACKUP and not run.hourly


def _failure(run: RunRecord) -> Message | None:
    """Return why a nightly backup failed; None if it did not, or if people stopped it."""
    failed = _is_nightly(run) and run.state in BROKEN and run.error is not None
    return run.error if failed and code_of(run.error) not in WANTED else None


def _going(
    run: RunRecord,
    runs: Sequence[RunRecord],
    newest: BackupSummary | None,
    progress: _Progress,
    now: datetime,
) -> GoingRun:
    read, done, total = progress.rows.get(run.id, RunRows()), 0, None
    if run.id in progress.plans:
        summary = decoder_for(PlanSummary).convert(progress.plans[run.id])
        totals = written_by_table(summary)
        # A record that is written twice is counted twice.
        done = sum(min(read.by_table.get(table, 0), count) for table, count in totals.items())
        total = sum(totals.values())
    elif run.full and newest is not None:
        done, total = sum(read.by_table.values()), newest.records
    tables = TablesRead(read.done, len(read.by_table))
    purge = run.id in progress.purges
    return going_run(run, now=now, done=done, total=total, before=runs, tables=tables, purge=purge)


def _gauge(storage: StorageHistory, behind: timedelta) -> StorageGauge:
    samples = tuple(replace(sample, at=sample.at - behind) for sample in storage.samples)
    return StorageGauge(storage.name, samples[-1].used, storage.limit, samples)
