"""Storage usage of an org: current values, growth, and forecasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import action, check_org
from unlost.app.actions.storage.storage_use import StorageUse, loops_with_created, storage_use
from unlost.app.compose import Application
from unlost.app.storage.stops import storage_stop
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.storage import StorageHistory, storages
from unlost.engine.storage.forecast import LOOKED_BACK, forecast
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.forecast import Forecast, Sample
from unlost.model.storage import MailLoop

SHOWN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class StorageLine:
    """One storage: its newest sample, the earlier ones, and forecasts (None: too few days).

    ``forecast`` is for reaching the given share, ``full`` for the limit.
    """

    name: str
    used: float
    limit: float
    samples: tuple[Sample, ...]
    forecast: Forecast | None
    full: Forecast | None = None

    @property
    def share(self) -> float:
        """The used share of the limit; 0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class StorageTrend:
    """The storages of an org with forecasts; empty if no backup reported any."""

    org: str
    zone: str
    at: datetime
    stop: float
    storages: tuple[StorageLine, ...]


@dataclass(frozen=True, slots=True)
class StorageLoops:
    """Loops of automatic mails in the newest backup of an org, the largest first."""

    org: str
    zone: str
    loops: tuple[MailLoop, ...]


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The storages of an org as of its backups, and their usage.

    ``loops`` are loops of automatic mails, if requested.
    """

    org: str
    zone: str
    at: datetime
    storages: tuple[StorageLine, ...]
    use: StorageUse
    loops: tuple[MailLoop, ...] | None = None


@action("storage.trend", Right.LOOK)
def trend(app: Application, org: str, *, stop: float | None = None) -> StorageTrend:
    """Show how an org's storages grow, and when they reach the share ``stop``.

    Without it, the share at which the org accepts no new records. Raises UsageError
    (``stop-invalid``).
    """
    known, now = get_org(org), app.clock.now()
    stop = storage_stop(app, known) if stop is None else stop
    if not 0 < stop <= 10:
        raise UsageError(
            "stop-invalid",
            "{stop} is not a valid share of a storage limit.",
            next_step="Use a percentage such as 105.",
            stop=f"{stop:.0%}",
        )
    lines = tuple(_line(history, now, stop) for history in storages(known.oid, since=now - SHOWN))
    return StorageTrend(known.name, known.identity.zone, now, stop, lines)


@action("storage.use", Right.LOOK, trace=Trace.READ)
def use(app: Application, org: str) -> StorageUse:
    """Show what uses an org's storages, by reading its newest backup, which may take a while.

    Owners and threads are included for an actor who may read records. Raises NotFound
    (``no-backup-yet``).
    """
    return storage_use(app, org)


@action("storage.loops", Right.READ, trace=Trace.READ)
def storage_loops(app: Application, org: str) -> StorageLoops:
    """List loops of automatic mails; raises NotFound (``no-backup-yet``)."""
    known = get_org(org)
    mail_loops = sorted(loops_with_created(app, org), key=lambda loop: -loop.bytes)
    return StorageLoops(known.name, known.identity.zone, tuple(mail_loops))


@action("storage.show", Right.LOOK, trace=Trace.READ)
def storage(
    app: Application, org: str, *, stop: float | None = None, with_loops: bool = False
) -> StorageReport:
    """Show how an org's storages grow and what uses them; ``stop`` is the share to forecast.

    Raises UsageError (``stop-invalid``), NotFound (``storage-unknown``) if no backup reported any
    storage, NotFound (``no-backup-yet``), NotAllowed (``not-permitted``) for loops, which need the
    right to read records.
    """
    seen = trend(app, org, stop=stop)
    if not seen.storages:
        raise NotFound(
            "storage-unknown",
            "No backup of {org} has recorded its storage use yet.",
            next_step="Create a backup with `unlost backup {org}`. The backup user needs "
            "permission to see the storage limits of the org.",
            org=org,
        )
    if with_loops:
        check_org(app, Right.READ, org)
    mail_loops = tuple(loops_with_created(app, org)) if with_loops else None
    return StorageReport(
        seen.org, seen.zone, seen.at, seen.storages, storage_use(app, org), mail_loops
    )


def _line(history: StorageHistory, now: datetime, stop: float) -> StorageLine:
    recent = _recent(history.samples, now)
    return StorageLine(
        history.name,
        history.samples[-1].used,
        history.limit,
        history.samples,
        forecast(recent, limit=history.limit, now=now, stop=stop),
        forecast(recent, limit=history.limit, now=now, stop=1.0),
    )


def _recent(samples: tuple[Sample, ...], now: datetime) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if sample.at >= now - LOOKED_BACK)
