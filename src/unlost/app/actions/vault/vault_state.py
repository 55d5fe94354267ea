"""The state of the vault: its content by org, verifications, and keys."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.home.home_keys import open_keys
from unlost.app.home.stores import store_at
from unlost.app.vault.mirror import MirrorState, mirror_now
from unlost.catalog.home.copying import NewestCopy, last_copy
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.vault.checks import newest_checks
from unlost.catalog.vault.maintenance import last_maintenance
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import worker_runs
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, IntegrityError, NotFound, UnlostError
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.maintenance_results import MaintenanceRecord
from unlost.model.vault.snapshot import VerifyLevel, nights
from unlost.model.written import written
from unlost.vault.keys.founding import vault_format
from unlost.vault.keys.key_slots import list_slots

CHECKS = 10
HEAD_DIGITS = 12


@written(maintenance="upkeep")
@dataclass(frozen=True, slots=True)
class StoredOrg:
    """The vault's content of an org.

    ``backups`` counts the nightly backups. ``number``, ``newest`` (when it was finished) and
    ``head`` (the first 12 digits of its hash) describe the newest of them; None if there is none.
    ``bytes`` is the size of the data of all backups.
    ``maintenance`` is the last compaction, None if never. ``earlier`` bytes are still sealed under an
    earlier key.
    """

    org: str
    zone: str
    backups: int
    bytes: int
    number: int | None
    head: str | None
    newest: datetime | None
    maintenance: MaintenanceRecord | None
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Custody:
    """The vault's place and keys, for users who manage the home.

    ``slots`` open the vault; ``copies`` counts the copies of this home's settings in it, ``copied``
    is the newest one. ``free`` and ``total`` are bytes of its disk, None without a disk.
    """

    address: str
    service_key: str
    slots: tuple[str, ...]
    copies: int
    copied: NewestCopy | None
    free: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class VaultState:
    """The vault at a glance; ``checks`` are the newest verifications, newest first.

    ``mirror`` is the state of the mirror, for users who may operate the whole vault. ``format`` is
    the number of the vault's format, None if it cannot be read.
    """

    orgs: tuple[StoredOrg, ...]
    checks: tuple[CheckRecord, ...]
    custody: Custody | None
    mirror: MirrorState | None = None
    format: int | None = None

    @property
    def bytes(self) -> int:
        """The total size of the orgs shown."""
        return sum(org.bytes for org in self.orgs)


@dataclass(frozen=True, slots=True)
class VerifyQueued:
    """A verification that is queued for the service."""

    level: VerifyLevel
    job: str


@action("vault.show", Right.LOOK)
def vault_state(app: Application) -> VaultState:
    """Show the vault's content by org, its verifications, and for managers its place."""
    orgs = [_stored_org(app, org) for org in app.orgs()]
    custody = _custody(app) if app.actor.may(Right.MANAGE) else None
    mirror = mirror_now(app) if app.actor.may(Right.OPERATE) else None
    known = tuple(org for org in orgs if org is not None)
    checks = tuple(newest_checks(most=CHECKS))
    return VaultState(known, checks, custody, mirror, _format(app))


@action("vault.verify-later", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME)
def verify_later(app: Application, level: VerifyLevel) -> VerifyQueued:
    """Have the service verify the vault, for levels that take long.

    The result is stored like any other. Raises Conflict (``service-away``) if no service runs.
    """
    if not worker_runs(app.locks, alone=not app.home.database):
        raise Conflict(
            "service-away",
            "The service, which verifies the vault, is not running.",
            next_step="Start it with `unlost up`, or verify the vault on the home's machine "
            "with `unlost verify --level {level}`.",
            level=level.value,
        )
    job = Job(
        f"verify:{level.value}:{app.clock.now():%Y-%m-%dT%H:%M}", JobKind.VERIFY, "", level.value
    )
    enqueue_from_outside(app.home.queue, job)
    return VerifyQueued(level, job.id)


def _stored_org(app: Application, org: ProtectedOrg) -> StoredOrg | None:
    if not app.vault.commits(org.oid):
        return None
    backups, usage = nights(app.vault.snapshots(org.oid)), app.whole_vault.usage(org.oid)
    newest = backups[-1] if backups else None
    return StoredOrg(
        org.name,
        org.identity.zone,
        len(backups),
        usage.bytes,
        newest.number if newest else None,
        newest.head[:HEAD_DIGITS] if newest else None,
        newest.finished if newest else None,
        last_maintenance(org.oid),
        usage.earlier_keys.bytes,
    )


def _format(app: Application) -> int | None:
    """Return the format number; None if it is lost or damaged, which ``verify`` reports."""
    try:
        return vault_format(store_at(app.home.place, clock=app.clock))
    except (IntegrityError, NotFound):
        return None


def _custody(app: Application) -> Custody:
    home = app.home
    folder = home.vault
    disk = shutil.disk_usage(folder) if folder is not None and folder.exists() else None
    return Custody(
        str(home.place),
        str(home.service_key),
        tuple(_slots(app)),
        len(app.whole_vault.homes.numbers()),
        last_copy(),
        disk.free if disk is not None else None,
        disk.total if disk is not None else None,
    )


def _slots(app: Application) -> Sequence[str]:
    folder = app.home.vault
    if folder is not None and not folder.exists():
        return ()
    with suppress(UnlostError):  # verification reports a damaged register
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
        return [slot_state.slot for slot_state in list_slots(opened.store, opened.keys)]
    return ()
