"""How an org's storages fill: what they hold, how they grow, when they will be full."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.app.access import action
from unlost.app.actions.storage_use import StorageUse, loops, storage_use
from unlost.app.compose import Application
from unlost.catalog.orgs import get_org
from unlost.catalog.storage import storages
from unlost.engine.forecast import LOOKED_BACK, STOP, forecast
from unlost.model.access import Right
from unlost.model.errors import NotFound, UsageError
from unlost.model.forecast import Forecast, Sample
from unlost.model.storage import Loop

SHOWN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class StorageLine:
    """One storage: its newest sample, those before it, and where they lead (None: too few days)."""

    name: str
    used: float
    limit: float
    samples: tuple[Sample, ...]
    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The storages of an org, as of its backups, and what fills them.

    ``loops`` are those of automatic mails, where they were asked for.
    """

    org: str
    zone: str
    at: datetime
    storages: tuple[StorageLine, ...]
    use: StorageUse
    loops: tuple[Loop, ...] | None = None


@action("storage.show", Right.LOOK)
def storage(
    app: Application, org: str, *, stop: float = STOP, with_loops: bool = False
) -> StorageReport:
    """How an org's storages fill, and with what; ``stop`` is the share that must not be reached.

    Raises UsageError (``stop-invalid``), NotFound (``storage-unknown``) if no backup told anything.
    """
    if not 0 < stop <= 10:
        raise UsageError(
            "stop-invalid",
            f"{stop:.0%} is no share of a storage.",
            next_step="Give a percentage such as 105.",
        )
    known, now = get_org(org), app.clock.now()
    lines = [
        StorageLine(
            one.name,
            one.samples[-1].used,
            one.limit,
            one.samples,
            forecast(_recent(one.samples, now), limit=one.limit, now=now, stop=stop),
        )
        for one in storages(known.oid, since=now - SHOWN)
    ]
    if not lines:
        raise NotFound(
            "storage-unknown",
            f"No backup of {org} has told yet how full its storages are.",
            next_step=f"Make one with `unlost backup {org}`; the user needs to see the org's limits.",
        )
    found = tuple(loops(app, org)) if with_loops else None
    use = storage_use(app, org)
    return StorageReport(known.name, known.identity.zone, now, tuple(lines), use, found)


def _recent(samples: tuple[Sample, ...], now: datetime) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if sample.at >= now - LOOKED_BACK)
