"""Gathers what the rules of alerts look at. What a backup proved is read once, when it is new."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from unlost.alerts.watched import HaltedRestore, NightCounts, Running, Watched, WatchedOrg
from unlost.app.compose import Application
from unlost.catalog.budget import calls_of_the_day
from unlost.catalog.checks import last_check
from unlost.catalog.errands import halted_errands
from unlost.catalog.nights import nights_of
from unlost.catalog.orgs import ProtectedOrg, serving_orgs
from unlost.catalog.runs import RunRecord, RunState, list_runs
from unlost.catalog.schedules import schedule_of
from unlost.catalog.storage import storages
from unlost.engine.forecast import LOOKED_BACK, forecast
from unlost.model.certificate import Certificate
from unlost.model.errors import UnlostError
from unlost.model.forecast import Forecast
from unlost.model.knowledge import Expiry
from unlost.model.snapshot import CommitKind

COMPARED = 29  # nights that the newest one is compared with
RUNS = 15  # of which the middle one is the usual time


@dataclass(frozen=True, slots=True)
class Proved:
    """What the newest backups of an org proved; ``number`` is that of the newest, ``before`` of the
    one before.
    """

    number: int
    before: int | None
    proof: Certificate | None
    counts: tuple[NightCounts, ...]
    drift: tuple[str, ...] = ()


@dataclass(slots=True)
class Watcher:
    """Gathers, and remembers between two gatherings what cannot change; ``seen`` is the last one."""

    seen: Watched = field(default_factory=Watched)
    _proved: dict[str, Proved] = field(default_factory=dict)
    _unreadable: str = ""

    def gather(self, app: Application) -> Watched:
        """All that is watched now."""
        self._unreadable = ""
        orgs = tuple(self._org(app, org) for org in serving_orgs())
        self.seen = Watched(orgs, last_check(), self._unreadable)
        return self.seen

    def _org(self, app: Application, org: ProtectedOrg) -> WatchedOrg:
        runs = list_runs(org.name, most=2 * RUNS)
        proved = self._read(app, org.oid)
        used, limit = calls_of_the_day(org.oid, now=app.clock.now())
        return WatchedOrg(
            name=org.name,
            now=app.clock.now(),
            added=org.added_at,
            schedule=schedule_of(org.oid).schedule,
            nights=tuple(nights_of(org.oid, most=2)),
            running=_running(runs),
            proof=proved.proof if proved is not None else None,
            counts=proved.counts if proved is not None else (),
            before=proved.before if proved is not None else None,
            forecasts=_forecasts(org.oid, now=app.clock.now()),
            calls_used=used,
            calls_limit=limit,
            drift=proved.drift if proved is not None else (),
            expiries=self._expiries(app, org),
            halted=tuple(HaltedRestore(one.run, one.sentence) for one in halted_errands(org.oid)),
        )

    def _expiries(self, app: Application, org: ProtectedOrg) -> tuple[Expiry, ...]:
        """What ends, of the credentials that are kept; a home whose key is lost tells that itself."""
        try:
            connector = app.connector(org.identity.connector)
            store = app.secrets(org.oid)
            held = {one.name: store.get(one.name) for one in connector.secrets(None)}
        except UnlostError:
            return ()
        return tuple(connector.expiries({name: text for name, text in held.items() if text}))

    def _read(self, app: Application, oid: str) -> Proved | None:
        """What is known of an org's backups, though the vault may not be readable now."""
        try:
            return self._newest(app, oid)
        except UnlostError as error:
            self._unreadable = error.sentence
            return self._proved.get(oid)

    def _newest(self, app: Application, oid: str) -> Proved | None:
        infos = app.vault.snapshots(oid)
        if not infos:
            return None
        known = self._proved.get(oid)
        if known is None or known.number != infos[-1].number:
            numbers = [info.number for info in infos[-COMPARED - 1 :]]
            proofs = [app.vault.at(oid, number).certificate() for number in reversed(numbers)]
            counts = tuple(_counts(proof) for proof in proofs if proof is not None)
            before = numbers[-2] if len(numbers) > 1 else None
            drift = drifted(app, oid, before, infos[-1].number) if before is not None else ()
            known = Proved(infos[-1].number, before, proofs[0], counts, drift)
            self._proved[oid] = known
        return known


def drifted(app: Application, oid: str, before: int, now: int) -> tuple[str, ...]:
    """Columns that vanished or changed their type between two backups.

    New ones are backed up and no news; hidden ones are findings of the certificate, and what became
    of whole tables is told by it too.
    """
    old, new = (app.vault.at(oid, number).schema() for number in (before, now))
    told: list[str] = []
    for table in old.tables:
        present = new.table(table.name)
        for column in table.columns if present is not None else ():
            assert present is not None
            held = present.column(column.name)
            if held is None and column.name not in present.hidden:
                told.append(f"{table.name}.{column.name} is gone")
            elif held is not None and held.kind is not column.kind:
                told.append(f"{table.name}.{column.name} is {held.kind.value} now")
    return tuple(told)


def _counts(proof: Certificate) -> NightCounts:
    """A first read brings what was there before; what is read in full tells no changes apart."""
    known = [line for line in proof.tables if not (line.full and line.created == line.held)]
    return NightCounts(
        proof.as_of,
        {line.table: line.held for line in known},
        {line.table: line.created for line in known},
        {line.table: line.changed for line in known if not line.full},
        {line.table: line.deleted for line in known},
    )


def _forecasts(oid: str, *, now: datetime) -> Mapping[str, Forecast]:
    held = storages(oid, since=now - LOOKED_BACK)
    found = {one.name: forecast(one.samples, limit=one.limit, now=now) for one in held}
    return {name: seen for name, seen in found.items() if seen is not None}


def _running(runs: Sequence[RunRecord]) -> tuple[Running, ...]:
    lasted = [
        (run.ended_at - run.started_at).total_seconds()
        for run in runs
        if run.kind is CommitKind.BACKUP and run.state is RunState.DONE and run.ended_at
    ]
    usual = statistics.median(lasted[:RUNS]) if lasted else None
    return tuple(
        Running(run.id, begun, run.moved_at or begun, usual)
        for run in runs
        if run.state is RunState.RUNNING and run.kind is CommitKind.BACKUP
        for begun in [run.went_on_at or run.started_at]
    )
