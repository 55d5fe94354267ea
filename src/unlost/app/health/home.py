"""Health checks of a home and its vault: keys, store, database, copies, service, channels."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from unlost.app.compose import Application
from unlost.app.health.health import RepairableCheck
from unlost.app.health.keys import key_checks
from unlost.app.home.home import read_home_key
from unlost.app.home.home_keys import service_key_of
from unlost.app.home.stores import store_at
from unlost.app.vault.blocked import BlockedOrg, blocked_org
from unlost.app.vault.home_copy import copy_if_due, copy_is_due
from unlost.app.vault.mirror import is_late, mirror_place
from unlost.catalog.alerts import list_alerts, list_channels
from unlost.catalog.home.moving import server_version
from unlost.catalog.orgs.orgs import list_orgs
from unlost.catalog.orgs.secrets import closed_secrets, sealing_key
from unlost.catalog.runs.schedules import schedule_of
from unlost.catalog.vault.checks import standing_check
from unlost.catalog.vault.mirroring import last_mirror
from unlost.jobs.slots import LEAD
from unlost.model.errors import UnlostError
from unlost.model.message import Noun, counted, message
from unlost.model.vault.store import Store
from unlost.vault.keys.founding import vault_format
from unlost.vault.keys.service_key import is_open_to_others
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import check_not_locked

OTHERS = 0o077  # permissions that a key file must not grant
PRIVATE = 0o600
WRITABLE = "{place} accepts new objects and does not overwrite existing ones."
FREE_SHARE = 0.10  # the free share of a disk below which to warn


def home_checks(app: Application) -> Iterator[RepairableCheck]:
    """Yield all checks of a home, ordered so that each depends only on earlier ones."""
    yield from _keys(app)
    yield from _database(app)
    yield from _vault(app)
    yield from key_checks(app)
    yield from _free_space(app)
    yield from _service(app)


def _keys(app: Application) -> Iterator[RepairableCheck]:
    if app.home.home_key.exists():
        yield _private("home key", app.home.home_key)
    service_key = service_key_of(app.home)
    if service_key.exists():
        yield _private("service key", service_key, is_open=is_open_to_others)
    yield from _credentials(app)
    try:
        closed = closed_secrets(sealing_key(read_home_key(app.home)))
    except UnlostError as error:
        yield RepairableCheck.failed("home key", error)
        return
    if closed:
        yield RepairableCheck.bad(
            "secrets",
            "The key of this home does not decrypt some secrets of its orgs: {count}.",
            "Restore the keys/home.key that belongs to this home, or enter the credentials again "
            "with `unlost org add`.",
            count=closed,
        )
    else:
        yield RepairableCheck.good("secrets", "The key of this home decrypts all secrets.")


def _credentials(app: Application) -> Iterator[RepairableCheck]:
    """Check the files with bucket credentials that this user may read."""
    for place in filter(None, (app.home.place, mirror_place(app))):
        for file in filter(None, (place.reach.credentials_file, place.reach.maintenance_file)):
            if os.access(file, os.R_OK):
                yield _private("credentials", file)


def _grants_others(status: os.stat_result) -> bool:
    return bool(status.st_mode & OTHERS)


def _private(
    name: str, file: Path, *, is_open: Callable[[os.stat_result], bool] = _grants_others
) -> RepairableCheck:
    if is_open(file.stat()):
        return RepairableCheck.bad(
            name,
            "Other users of this machine can read {file}.",
            "Restrict its permissions with `chmod 600 {file}`.",
            repair=lambda: file.chmod(PRIVATE),
            file=file,
        )
    return RepairableCheck.good(name, "Only the owner can read {file}.", file=file)


def _database(app: Application) -> Iterator[RepairableCheck]:
    if app.home.database:
        yield RepairableCheck.good(
            "database", "PostgreSQL {version} answers.", version=server_version()
        )
    for file in app.home.files:
        if file.exists():
            quick_check = _quick_check(file)
            if quick_check == "ok":
                yield RepairableCheck.good("database", "{file} is undamaged.", file=file)
            else:
                yield RepairableCheck.bad(
                    "database",
                    "{file} is damaged: {reason}.",
                    "Stop the service. The file of jobs can be moved away. Restore catalog.sqlite "
                    "with `unlost vault rebuild` into another folder.",
                    file=file,
                    reason=quick_check,
                )


def _quick_check(file: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (check_result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return str(check_result)


def _vault(app: Application) -> Iterator[RepairableCheck]:
    try:
        orgs, number = app.vault.orgs(), vault_format(store_at(app.home.place, clock=app.clock))
    except UnlostError as error:
        yield RepairableCheck.failed("vault", error)
        return
    yield RepairableCheck.good(
        "vault", "The service key opens the vault. Orgs in the vault: {count}.", count=len(orgs)
    )
    yield RepairableCheck.good(
        "format", "The vault has format {number}. All later releases can read it.", number=number
    )
    try:
        store = store_at(app.home.place, clock=app.clock)
        may_delete = probe_store(store, entropy=app.entropy)
        check_not_locked(app.home.place, now=app.clock.now, sleep=app.clock.sleep)
    except UnlostError as error:
        yield RepairableCheck.failed("store", error)
    else:
        yield _store(app, store, may_delete=may_delete)
    yield from _copy(app)
    yield from _verified()
    yield from _blocked_orgs(app)
    yield from _removals(app)
    yield _mirror(app)


def _store(app: Application, store: Store, *, may_delete: bool) -> RepairableCheck:
    writable = message("store", WRITABLE, place=app.home.place)
    if not may_delete:
        return RepairableCheck.warning(
            "store",
            "{writable} These credentials cannot delete objects.",
            "This is sufficient for backups. Forgetting, erasing and compacting need the "
            "maintenance credentials: run them on a machine that can read these.",
            writable=writable,
        )
    if store.properties.keeps_deleted:
        return RepairableCheck.warning(
            "store",
            "{writable} The bucket keeps old versions, so deleted objects remain in it.",
            "Use maintenance credentials with an access key, from a file or the environment, and "
            "with the permissions s3:ListBucketVersions and s3:DeleteObjectVersion. Or add a "
            "lifecycle rule to the bucket that removes old versions after a few days. Otherwise "
            "erased and forgotten data remains in the bucket.",
            writable=writable,
        )
    return RepairableCheck.good("store", WRITABLE, place=app.home.place)


def _copy(app: Application) -> Iterator[RepairableCheck]:
    if copy_is_due(app):
        yield RepairableCheck.warning(
            "settings copy",
            "The vault has no copy of the current settings of this home.",
            "The service creates it. To create it now, run `unlost doctor --repair`.",
            repair=lambda: _copied(app),
        )
    else:
        yield RepairableCheck.good(
            "settings copy", "The vault has a copy of the settings of this home."
        )


def _copied(app: Application) -> None:
    copy_if_due(app)


def _verified() -> Iterator[RepairableCheck]:
    check = standing_check()
    if check is not None and check.damages:
        yield RepairableCheck.bad(
            "vault",
            "The last verification of the vault found damage: {damage}",
            "Find all damage with `unlost verify --level full`.",
            damage=check.damages[0],
        )


def _blocked_orgs(app: Application) -> Iterator[RepairableCheck]:
    """Name the orgs that cannot be read because a stranger put an object into their chain."""
    for org in list_orgs():
        with suppress(UnlostError):  # the check of the vault says why it does not open
            if (blocked := blocked_org(app, org)) is not None:
                yield _blocked(blocked)


def _blocked(blocked: BlockedOrg) -> RepairableCheck:
    return RepairableCheck.bad(
        "blocked org",
        "{org} can be neither read nor backed up: {object} does not fit, and this home did "
        "not make it.",
        "If no other home of yours made it, remove it with `unlost vault pending reject "
        "{org} {commit}`. Then find out who can write to the vault.",
        org=blocked.org,
        object=blocked.object,
        commit=blocked.commit,
    )


def _removals(app: Application) -> Iterator[RepairableCheck]:
    for org in list_orgs():
        try:
            removals = app.whole_vault.removals(org.oid).pending()
        except UnlostError as error:
            yield RepairableCheck.failed("removals", error)
            continue
        for removal in removals:
            if not removal.rejected:
                yield RepairableCheck.bad(
                    "removals",
                    "This home did not make commit {number} ({kind}) of {org}. It takes "
                    "{objects} away. Nothing is removed before {day}.",
                    "Confirm or reject it: see `unlost vault pending`.",
                    number=removal.number,
                    kind=removal.kind.value,
                    org=org.name,
                    objects=counted(removal.objects, Noun.OBJECT),
                    day=f"{removal.due:%Y-%m-%d}",
                )


def _mirror(app: Application) -> RepairableCheck:
    place = mirror_place(app)
    if place is None:
        return RepairableCheck.warning(
            "mirror",
            "All backups are in one place, {place}. The vault has no mirror.",
            "Set a place in another building or account with `unlost vault mirror set PLACE`.",
            place=app.home.place,
        )
    last = last_mirror(str(place))
    if last is None or is_late(last, app.clock.now()):
        return RepairableCheck.warning(
            "mirror",
            "The mirror in {place} is not up to date.",
            "The service updates it. To update it now, run `unlost vault mirror run`.",
            place=place,
        )
    if not last.clean:
        return RepairableCheck.bad(
            "mirror",
            "The mirror in {place} is incomplete: some of the vault could not be copied.",
            "See the causes with `unlost vault mirror show`.",
            place=place,
        )
    return RepairableCheck.good("mirror", "The mirror in {place} is up to date.", place=place)


def _free_space(app: Application) -> Iterator[RepairableCheck]:
    if app.home.root.exists():
        yield _disk(app.home.root, "{share} of the disk of the home is free.")
    if app.home.vault is not None and app.home.vault.exists():
        yield _disk(app.home.vault, "{share} of the disk of the vault is free.")


def _disk(folder: Path, template: str) -> RepairableCheck:
    used = shutil.disk_usage(folder)
    share = f"{used.free / used.total:.0%}"
    if used.free >= FREE_SHARE * used.total:
        return RepairableCheck.good("disk", template, share=share)
    next_step = "Free disk space before the next backup needs it."
    return RepairableCheck.warning("disk", template, next_step, share=share)


def _is_taken(app: Application, lock: str) -> bool:
    free_lock = app.locks.take(lock)
    if free_lock is not None:
        free_lock.release()
    return free_lock is None


def _service(app: Application) -> Iterator[RepairableCheck]:
    planned = [o.name for o in list_orgs() if schedule_of(o.oid).schedule.nightly is not None]
    if _is_taken(app, LEAD):
        yield RepairableCheck.good("service", "The service is running.")
    elif planned:
        yield RepairableCheck.warning(
            "service",
            "The service is not running. There are no automatic backups of {orgs}.",
            "Start it with `unlost up`, preferably as a systemd unit.",
            orgs=", ".join(planned),
        )
    if planned and not any(channel.kind.takes_alerts for channel in list_channels()):
        yield RepairableCheck.warning(
            "alerts",
            "Alerts are not sent: no channel receives them.",
            "Add one with `unlost alert channel`.",
        )
    lasting = [alert for alert in list_alerts() if alert.resolved_at is None]
    if lasting:
        yield RepairableCheck.warning(
            "alerts",
            "Open alerts: {count}.",
            "List them with `unlost alert list`.",
            count=len(lasting),
        )
