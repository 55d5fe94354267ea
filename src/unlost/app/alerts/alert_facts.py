"""Gather the facts that alert rules evaluate. Each certificate is read once, when it is new."""

import statistics
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from unlost.alerts.watched import (
    AlertFacts,
    HaltedRestore,
    HourlyFacts,
    LossFacts,
    MassFacts,
    MirrorFacts,
    NightCounts,
    OrgFacts,
    PolicyFacts,
    RunFacts,
    WatchFacts,
)
from unlost.app.alerts.loss_facts import loss_facts
from unlost.app.alerts.mass_facts import mass_facts
from unlost.app.backups.backup_run import PARTLY_READ
from unlost.app.compose import Application
from unlost.app.records.archived.open_archives import found_deleted, without_archived
from unlost.app.storage.stops import storage_stop
from unlost.app.vault.blocked import blocked_org
from unlost.app.vault.mirror import mirror_place
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.archive_policies import saved_policies
from unlost.catalog.orgs.budget import calls_of_the_day
from unlost.catalog.orgs.orgs import ProtectedOrg, serving_orgs
from unlost.catalog.orgs.watches import stored_watches
from unlost.catalog.runs.archive_nights import open_archive_nights
from unlost.catalog.runs.nights import nights_of
from unlost.catalog.runs.open_bypasses import open_bypasses
from unlost.catalog.runs.queued_restores import halted_restores
from unlost.catalog.runs.runs import RunRecord, RunState, list_runs
from unlost.catalog.runs.schedules import schedule_of
from unlost.catalog.vault.checks import last_mirror_check, last_repair, standing_check
from unlost.catalog.vault.keeping import last_forgotten
from unlost.catalog.vault.maintenance import last_maintenance
from unlost.catalog.vault.mirroring import last_mirror
from unlost.catalog.vault.storage import storages
from unlost.engine.storage.forecast import LOOKED_BACK, forecast
from unlost.model.errors import UnlostError
from unlost.model.forecast import Forecast
from unlost.model.message import Message, code_of
from unlost.model.ports.vault import VaultReader
from unlost.model.saved_policy import ArchiveNightState
from unlost.model.source.connector_info import Expiry
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.pending import PendingRemoval
from unlost.model.vault.snapshot import ChangeKind, CommitKind, SnapshotInfo, nights

COMPARED = 29  # nightly backups that the newest one is compared with
RUNS = 15  # their median is the usual duration
COUNTED_EXACTLY = 8  # nights whose hourly backups are counted in; this costs more than other nights
KINDS = (ChangeKind.CREATED, ChangeKind.CHANGED, ChangeKind.DELETED)


@dataclass(frozen=True, slots=True)
class ProvedBackups:
    """The certificates of an org's newest backups.

    ``number`` is the newest backup of all tables, ``before`` the one before it. ``newest`` is the
    newest backup of any kind, made at ``as_of``; if it is hourly, ``part`` is its certificate and
    ``today`` counts all changes since the last nightly one. ``names`` are the names of their
    certificates: a certificate may be replaced.
    """

    number: int
    before: int | None
    proof: Certificate | None
    counts: tuple[NightCounts, ...]
    drift: tuple[str, ...] = ()
    newest: int = 0
    as_of: datetime | None = None
    part: Certificate | None = None
    names: tuple[str | None, ...] = ()
    today: NightCounts | None = None


def _mirror_facts(app: Application) -> MirrorFacts:
    place, now = mirror_place(app), app.clock.now()
    if place is None:
        return MirrorFacts(now, repair=last_repair())
    last = last_mirror(str(place))
    return MirrorFacts(now, str(place), last, last_mirror_check(), last_repair())


@dataclass(slots=True)
class Watcher:
    """Gathers facts, and caches what cannot change; ``seen`` is the last result."""

    seen: AlertFacts = field(default_factory=AlertFacts)
    _proved: dict[str, ProvedBackups] = field(default_factory=dict)
    _waiting: dict[str, tuple[PendingRemoval, ...]] = field(default_factory=dict)
    _mass: dict[str, MassFacts] = field(default_factory=dict)
    _lost: dict[str, tuple[LossFacts, ...]] = field(default_factory=dict)
    _unreadable: Message | None = None

    def gather(self, app: Application) -> AlertFacts:
        """Return the current facts for all rules."""
        self._unreadable = None
        orgs = tuple(self._org(app, org) for org in serving_orgs())
        self.seen = AlertFacts(orgs, standing_check(), self._unreadable, _mirror_facts(app))
        return self.seen

    def _org(self, app: Application, org: ProtectedOrg) -> OrgFacts:
        runs = list_runs(org.name, most=2 * RUNS, hourly=False)
        hours = list_runs(org.name, most=2 * RUNS, hourly=True)
        blocked = self._blocked(app, org)
        before = self._unreadable
        proved = self._read(app, org.oid)
        removals = self._removals(app, org.oid)
        running = (*_running(runs), *_running(hours))
        mass = self._mass_facts(app, org, proved, evaluates=not running)
        if blocked is not None:
            self._unreadable = before  # the disk is well: the alert of the commit says more
        used, limit = calls_of_the_day(org.oid, now=app.clock.now())
        return OrgFacts(
            name=org.name,
            now=app.clock.now(),
            added=org.added_at,
            schedule=schedule_of(org.oid).schedule,
            nights=tuple(nights_of(org.oid, most=2)),
            running=running,
            hours=_hours(hours),
            proof=proved.proof if proved is not None else None,
            counts=proved.counts if proved is not None else (),
            before=proved.before if proved is not None else None,
            part=proved.part if proved is not None else None,
            today=proved.today if proved is not None else None,
            forecasts=_forecasts(app, org),
            storage_stop=storage_stop(app, org),
            calls_used=used,
            calls_limit=limit,
            mass=mass,
            losses=self._losses(app, org.oid, proved),
            drift=proved.drift if proved is not None else (),
            expiries=self._expiries(app, org),
            halted=_halted(org.oid),
            maintenance=last_maintenance(org.oid),
            forgotten=last_forgotten(org.oid),
            removals=removals,
            blocked=blocked,
            accepted=accepted_gaps(org.oid),
            watches=tuple(_watches(org)),
            archives=tuple(_archives(org)),
            newest_as_of=proved.as_of if proved is not None else None,
        )

    def _blocked(self, app: Application, org: ProtectedOrg) -> int | None:
        """Return the number of a commit that blocks the org; None if none does."""
        with suppress(UnlostError):
            app.vault.snapshots(org.oid)
            return None
        with suppress(UnlostError):  # others report a vault that is away or damaged
            blocked = blocked_org(app, org)
            return blocked.commit if blocked is not None else None
        return None

    def _removals(self, app: Application, oid: str) -> tuple[PendingRemoval, ...]:
        """Return the foreign commits that wait, as of the last look if the vault is away."""
        try:
            removals = app.whole_vault.removals(oid).pending(measured=False)
        except UnlostError as error:
            self._unreadable = error.message
            return self._waiting.get(oid, ())
        waiting = tuple(removal for removal in removals if not removal.rejected)
        self._waiting[oid] = waiting
        return waiting

    def _expiries(self, app: Application, org: ProtectedOrg) -> tuple[Expiry, ...]:
        """Return expiry dates of the stored credentials. A lost home key has its own check."""
        try:
            connector = app.connector(org.identity.connector)
            store = app.secrets(org.oid)
            secrets = {secret.name: store.get(secret.name) for secret in connector.secrets(None)}
        except UnlostError:
            return ()
        return tuple(connector.expiries({name: text for name, text in secrets.items() if text}))

    def _read(self, app: Application, oid: str) -> ProvedBackups | None:
        """Return the facts about an org's backups, cached ones if the vault cannot be read."""
        try:
            return self._newest(app, oid)
        except UnlostError as error:
            self._unreadable = error.message
            return self._proved.get(oid)

    def _mass_facts(
        self, app: Application, org: ProtectedOrg, proved: ProvedBackups | None, *, evaluates: bool
    ) -> MassFacts:
        """Return the mass changes of an org's backups, cached ones if the vault cannot be read."""
        oid, zone = org.oid, org.identity.zone
        try:
            facts = mass_facts(app, oid, self._mass.get(oid), evaluates=evaluates, zone=zone)
        except UnlostError as error:
            self._unreadable = self._unreadable or error.message
            return self._mass.get(oid, MassFacts())
        counts = proved.counts if proved is not None else ()
        self._mass[oid] = facts = replace(facts, nights=counts)
        return facts

    def _losses(
        self, app: Application, oid: str, proved: ProvedBackups | None
    ) -> tuple[LossFacts, ...]:
        """Return the large losses of an org, cached ones if the vault cannot be read."""
        newest = proved.as_of if proved is not None else None
        with suppress(UnlostError):  # the mass changes before report a vault that is away
            self._lost[oid] = loss_facts(app, oid, newest_as_of=newest or app.clock.now())
        return self._lost.get(oid, ())

    def _newest(self, app: Application, oid: str) -> ProvedBackups | None:
        every = app.vault.snapshots(oid)
        whole = nights(every)
        if not whole:
            return None
        known = self._proved.get(oid)
        names = tuple(info.certificate for info in every if info.number >= whole[-1].number)
        if known is None or (known.number, known.names[:1]) != (whole[-1].number, names[:1]):
            known = _proved(app, oid, every, whole)
        if names[1:] and (known.newest, known.names) != (every[-1].number, names):
            known = _with_hours(app, oid, every, known)
        self._proved[oid] = known = replace(known, names=names, as_of=every[-1].as_of)
        return known


def _proved(
    app: Application, oid: str, every: Sequence[SnapshotInfo], whole: Sequence[SnapshotInfo]
) -> ProvedBackups:
    """Return the facts of the newest nightly backups, newest first."""
    compared = list(reversed(whole[-COMPARED - 1 :]))
    proofs = [app.vault.at(oid, night.number).certificate() for night in compared]
    for at, night in enumerate(compared[:COUNTED_EXACTLY]):
        proof = proofs[at]
        proofs[at] = without_archived(app, oid, night.number, proof) if proof is not None else None
    counts = tuple(
        _with_day(app, oid, every, night, _counts(proof), exact=at < COUNTED_EXACTLY)
        for at, (night, proof) in enumerate(zip(compared, proofs, strict=True))
        if proof is not None
    )
    before = compared[1].number if len(compared) > 1 else None
    if before is not None and _forgotten_between(app, oid, every, before, compared[0].number):
        before = None  # columns that vanished before then were reported at the time
    drift = drifted(app, oid, before, compared[0].number) if before is not None else ()
    return ProvedBackups(compared[0].number, before, proofs[0], counts, drift, compared[0].number)


def _with_hours(
    app: Application, oid: str, every: Sequence[SnapshotInfo], known: ProvedBackups
) -> ProvedBackups:
    """Return the facts with the hourly backups since the newest night added."""
    hours = [info for info in every if info.number > known.number]
    newest = app.vault.at(oid, hours[-1].number)
    tables = {table for info in hours for table in info.only}
    moved = _moved_by_table(app, oid, tables, after=known.number, until=hours[-1].number)
    states = newest.tables()
    counts = {table: states[table].alive for table in tables}
    created, changed, deleted = (_by_kind(moved, kind) for kind in KINDS)
    today = NightCounts(hours[-1].as_of, counts, created, changed, deleted)
    return replace(known, newest=hours[-1].number, part=newest.certificate(), today=today)


def _with_day(
    app: Application,
    oid: str,
    every: Sequence[SnapshotInfo],
    night: SnapshotInfo,
    counts: NightCounts,
    *,
    exact: bool,
) -> NightCounts:
    """Return a night's counts including the hourly backups before it, each record once.

    The newest nights are counted from the vault; older ones leave such tables out.
    """
    earlier = [info for info in every if info.number < night.number]
    after = max((info.number for info in nights(earlier)), default=0)
    tables = {table for info in earlier if info.number > after for table in info.only}
    if not exact or _forgotten_between(app, oid, every, after, night.number):
        return replace(counts, records={t: n for t, n in counts.records.items() if t not in tables})
    tables &= counts.records.keys()
    moved = _moved_by_table(app, oid, tables, after=after, until=night.number)
    created, changed, deleted = (_by_kind(moved, kind) for kind in KINDS)
    return replace(
        counts,
        created={**counts.created, **created},
        changed={**counts.changed, **{t: n for t, n in changed.items() if t in counts.changed}},
        deleted={**counts.deleted, **deleted},
    )


def _forgotten_between(
    app: Application, oid: str, every: Sequence[SnapshotInfo], after: int, until: int
) -> bool:
    """Return True if backups between two others were forgotten."""
    shown = {info.number for info in every}
    return any(
        info.kind is CommitKind.BACKUP and after < info.number < until and info.number not in shown
        for info in app.vault.commits(oid)
    )


def _moved_by_table(
    app: Application, oid: str, tables: Collection[str], *, after: int, until: int
) -> Mapping[str, Counter[str]]:
    """Count changes by table, without deletions by archives that had not ended."""
    moved = {table: _moved(app.vault, oid, table, after=after, until=until) for table in tables}
    archived = found_deleted(app, oid, after=after, until=until) if tables else {}
    for table in moved.keys() & archived.keys():
        moved[table][ChangeKind.DELETED.value] -= archived[table]
    return moved


def _moved(vault: VaultReader, oid: str, table: str, *, after: int, until: int) -> Counter[str]:
    """Return how many records were created, changed and deleted between two backups."""
    moved: Counter[str] = Counter()
    for rows in vault.changes(oid, table, after=after, until=until):
        moved.update(rows.column("change").to_pylist())
    return moved


def _by_kind(moved: Mapping[str, Counter[str]], kind: ChangeKind) -> dict[str, int]:
    return {table: counts[kind.value] for table, counts in moved.items()}


def drifted(app: Application, oid: str, before: int, now: int) -> tuple[str, ...]:
    """Return the columns that vanished or changed their type between two backups.

    New columns are simply backed up; hidden columns and whole tables are findings of the
    certificate.
    """
    old, new = (app.vault.at(oid, number).schema() for number in (before, now))
    changes: list[str] = []
    for table in old.tables:
        new_table = new.table(table.name)
        for column in table.columns if new_table is not None else ():
            assert new_table is not None
            new_column = new_table.column(column.name)
            if new_column is None and column.name not in new_table.hidden:
                changes.append(f"{table.name}.{column.name} was removed")
            elif new_column is not None and new_column.kind is not column.kind:
                changes.append(f"{table.name}.{column.name} is now {new_column.kind.value}")
    return tuple(changes)


def _counts(proof: Certificate) -> NightCounts:
    """Return a certificate's counts per table that can be compared with other nights.

    A table's first read is left out, as all its records count as created; a full read knows no
    changes.
    """
    known = [line for line in proof.tables if not (line.full and line.created == line.stored)]
    return NightCounts(
        proof.as_of,
        {line.table: line.stored for line in known},
        {line.table: line.created for line in known},
        {line.table: line.changed for line in known if not line.full},
        {line.table: line.deleted for line in known},
    )


def _forecasts(app: Application, org: ProtectedOrg) -> Mapping[str, Forecast]:
    now, stop = app.clock.now(), storage_stop(app, org)
    forecasts = {
        history.name: forecast(history.samples, limit=history.limit, now=now, stop=stop)
        for history in storages(org.oid, since=now - LOOKED_BACK)
    }
    return {name: seen for name, seen in forecasts.items() if seen is not None}


def _halted(oid: str) -> tuple[HaltedRestore, ...]:
    """Return restores that need a person; a bypass that is still on is the reason to show first."""
    reasons = {halted_restore.run: halted_restore.error for halted_restore in halted_restores(oid)}
    reasons |= {left_on.run: left_on.error for left_on in open_bypasses(oid) if left_on.error}
    return tuple(HaltedRestore(run, why) for run, why in reasons.items())


def _hours(runs: Sequence[RunRecord]) -> tuple[HourlyFacts, ...]:
    """Return the newest two hourly backups that ended done or failed; given-up ones are skipped."""
    ended = [
        HourlyFacts(
            run.ended_at,
            run.state is RunState.FAILED or code_of(run.error) == PARTLY_READ,
            run.resume_at is not None or run.state is RunState.DONE,
            run.error,
        )
        for run in runs
        if run.state in (RunState.DONE, RunState.FAILED) and run.ended_at is not None
    ]
    return tuple(ended[:2])


def _watches(org: ProtectedOrg) -> Iterator[WatchFacts]:
    """Yield the watched sets about which backups noticed something."""
    for watch in stored_watches([org.name]):
        if watch.alerts and watch.hits:
            yield WatchFacts(watch.name, watch.hits)


def _archives(org: ProtectedOrg) -> Iterator[PolicyFacts]:
    """Yield the saved archive policies whose schedule needs a person."""
    waiting = {
        night.policy
        for night in open_archive_nights(oid=org.oid)
        if night.state is ArchiveNightState.WAITING
    }
    for saved in saved_policies(org.name):
        if saved.problem is not None or saved.id in waiting:
            waits = saved.id in waiting
            yield PolicyFacts(saved.name, saved.is_on, saved.problem, waits)


def _running(runs: Sequence[RunRecord]) -> tuple[RunFacts, ...]:
    lasted = [
        (run.ended_at - run.started_at).total_seconds()
        for run in runs
        if run.kind is CommitKind.BACKUP and run.state is RunState.DONE and run.ended_at
    ]
    usual = statistics.median(lasted[:RUNS]) if lasted else None
    return tuple(
        RunFacts(run.id, begun, run.moved_at or begun, usual)
        for run in runs
        if run.state is RunState.RUNNING and run.kind is CommitKind.BACKUP
        for begun in [run.went_on_at or run.started_at]
    )
