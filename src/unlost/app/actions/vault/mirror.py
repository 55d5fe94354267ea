"""The mirror, the vault's second copy: set its place, show its state, and update it."""

from dataclasses import dataclass, replace

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.home.home import check_outside_vault, write_mirror
from unlost.app.vault.mirror import (
    LOCK,
    MirrorState,
    check_apart,
    check_separate_store,
    known_place,
    mirror_now,
    mirror_place,
    nothing_at,
    open_place,
    vault_opener,
)
from unlost.catalog.vault.mirroring import begin_mirror, forget_mirror, last_mirror, save_mirror
from unlost.jobs.enqueuing import enqueue_from_outside
from unlost.jobs.slots import worker_runs
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, UnlostError
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.locks import HeldLock
from unlost.model.vault.mirror import MirrorRecord
from unlost.model.vault.store import Store
from unlost.model.written import written
from unlost.vault.mirror.update import MirrorUpdate, update_mirror
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import check_not_locked


@written(not_removed="kept")
@dataclass(frozen=True, slots=True)
class MirrorResult:
    """An update of the mirror. ``damaged`` and ``broken`` were left out.

    See ``MirrorRecord`` for ``strange``. ``not_removed`` were removed from the vault, but not from
    the mirror: other data is damaged in the vault, and they may be all that is left of it; or the
    mirror's credentials may not delete.
    """

    place: str
    objects: int
    bytes: int
    there: int
    removed: int
    removed_bytes: int
    damaged: tuple[str, ...]
    strange: tuple[str, ...]
    not_removed: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MirrorQueued:
    """An update that is queued for the service."""

    job: str


@action("mirror.set", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("place",))
def set_mirror(app: Application, place: StoreAddress) -> MirrorState:
    """Set the place of the mirror. The next update fills it.

    Raises UsageError (``copy-same-place``, ``key-in-vault``), StoreError.
    """
    check_apart(app.home.place, place)
    for key in (app.home.service_key, app.home.home_key):
        check_outside_vault(key, place.folder)
    check_not_locked(place, now=app.clock.now, sleep=app.clock.sleep)
    probe_store(open_place(app, place), entropy=app.entropy)
    check_separate_store(app, place)
    write_mirror(app.home, place)
    return mirror_now(app)


@action("mirror.off", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def end_mirror(app: Application) -> MirrorState:
    """Stop mirroring; the files of the mirror stay. Raises NotFound (``mirror-none``)."""
    known_place(app)
    write_mirror(app.home, None)
    forget_mirror()
    return mirror_now(app)


@action("mirror.show", Right.OPERATE, where=Where.HOME)
def mirror_state(app: Application) -> MirrorState:
    """Show the state of the mirror."""
    return mirror_now(app)


@action("mirror.run", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME)
def run_mirror(app: Application) -> MirrorResult:
    """Update the mirror now; the service does it after each nightly backup.

    Raises NotFound (``mirror-none``), Conflict (``mirror-under-way``, ``copy-other-vault``,
    ``mirror-away``), IntegrityError, StoreError.
    """
    place = known_place(app)
    lock = app.locks.take(LOCK)
    if lock is None:
        raise Conflict(
            "mirror-under-way",
            "The mirror is already being updated.",
            next_step="Wait until the update finishes. `unlost vault mirror show` shows its state.",
        )
    return _update(app, place, lock)


@action("mirror.ask", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME)
def ask_mirror(app: Application) -> MirrorQueued:
    """Have the service update the mirror.

    Raises NotFound (``mirror-none``), Conflict (``service-away``) if no service runs.
    """
    known_place(app)
    if not worker_runs(app.locks, alone=not app.home.database):
        raise Conflict(
            "service-away",
            "The service, which updates the mirror, is not running.",
            next_step="Start it with `unlost up`, or update the mirror on the home's machine "
            "with `unlost vault mirror run`.",
        )
    job = Job(f"mirror:{app.clock.now():%Y-%m-%dT%H:%M}", JobKind.MIRROR, "", "")
    enqueue_from_outside(app.home.queue, job)
    return MirrorQueued(job.id)


def update_mirror_job(app: Application) -> MirrorRecord | None:
    """Update the mirror as a job of the service. Never raises: an alert reports failures.

    Returns None if there is no mirror, or another process is updating it.
    """
    try:
        place = mirror_place(app)
        lock = app.locks.take(LOCK) if place is not None else None
        if place is None or lock is None:
            return None
        _update(app, place, lock)
    except UnlostError:
        pass  # the record stores it
    return last_mirror()


def _update(app: Application, place: StoreAddress, lock: HeldLock) -> MirrorResult:
    """Update the mirror, record the result, and release the lock."""
    before = last_mirror(str(place))
    done_at = before.done_at if before is not None else None
    record = MirrorRecord(str(place), app.clock.now(), done_at)
    begin_mirror(record)
    try:
        _check_not_away(app, place, before)
        done = update_mirror(
            vault_opener(app, witnessed=True)(_vault_store(app)), open_place(app, place)
        )
    except UnlostError as error:
        mirror = replace(record, error=error.message)
        save_mirror(mirror)
        raise
    else:
        save_mirror(_ended(app, record, done))
        return _result(app, place, done)
    finally:
        lock.release()


def _check_not_away(app: Application, place: StoreAddress, before: MirrorRecord | None) -> None:
    """Raise Conflict if the mirror was filled once and its place is empty now.

    Otherwise the mount point of a missing disk would be filled, and data that only the mirror has
    would be forgotten.
    """
    if before is not None and before.done_at is not None and nothing_at(app, place):
        raise Conflict(
            "mirror-away",
            "The mirror in {place} is gone. Nothing was copied.",
            next_step="Mount its disk or network share again. If the mirror is lost for good, "
            "stop mirroring with `unlost vault mirror off`, then set a place for a new mirror.",
            place=place,
        )


def _vault_store(app: Application) -> Store:
    return open_place(app, app.home.place)


def _ended(app: Application, record: MirrorRecord, done: MirrorUpdate) -> MirrorRecord:
    return replace(
        record,
        done_at=app.clock.now(),
        objects=done.objects,
        bytes=done.bytes,
        removed=done.removed,
        damaged=done.damaged,
        strange=done.strange,
        broken=tuple(done.broken.values()),
    )


def _result(app: Application, place: StoreAddress, done: MirrorUpdate) -> MirrorResult:
    names = app.names()
    return MirrorResult(
        place=str(place),
        objects=done.objects,
        bytes=done.bytes,
        there=done.existing,
        removed=done.removed,
        removed_bytes=done.removed_bytes,
        damaged=done.damaged,
        strange=done.strange,
        not_removed=done.not_removed,
        broken=tuple(f"{names.get(oid, oid)}: {why}" for oid, why in done.broken.items()),
    )
