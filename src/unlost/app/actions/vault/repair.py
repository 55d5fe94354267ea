"""Repair the vault from its mirror or another copy, and the mirror from the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.vault.mirror import (
    LOCK,
    check_apart,
    known_place,
    mirror_place,
    nothing_at,
    open_place,
    vault_opener,
)
from unlost.catalog.vault.checks import last_try_to_repair, save_check
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.snapshot import Damage, VerifyLevel, VerifyPart
from unlost.model.written import written
from unlost.vault.mirror.repair import RepairResult, repair_from
from unlost.vault.stores.address import StoreAddress

TRY_AGAIN = timedelta(days=7)


@written(still_damaged="left")
@dataclass(frozen=True, slots=True)
class RepairReport:
    """The objects restored from ``place``, and the remaining damage."""

    place: str
    objects: tuple[str, ...]
    bytes: int
    still_damaged: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """True if no damage remains."""
        return not self.still_damaged


@action("vault.repair", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def repair(app: Application, place: StoreAddress | None = None) -> RepairReport:
    """Restore missing or damaged objects of the vault from its mirror or another copy.

    Only verified objects replace others. Raises NotFound (``mirror-none``, ``copy-away``),
    UsageError (``copy-same-place``), NotAllowed, IntegrityError, StoreError.
    """
    there = place or known_place(app)
    check_apart(app.home.place, there)
    _check_there(app, there)
    done = _repaired(app, app.home.place, there, witnessed=True)
    save_check(_check_record(app, done, mirror=False))
    return RepairReport(str(there), done.objects, done.bytes, done.still_damaged)


def _check_there(app: Application, place: StoreAddress) -> None:
    """Raise NotFound if the place is empty: an unmounted disk must not count as a copy."""
    if nothing_at(app, place):
        raise NotFound(
            "copy-away",
            "There is no copy of the vault in {place}. Nothing was changed.",
            next_step="Mount its disk or network share, or choose another copy.",
            place=place,
        )


def heal_vault(app: Application, damages: Sequence[Damage]) -> RepairResult | None:
    """Repair damage that the service found, from the mirror.

    Returns None if there is no mirror, it is empty, or the same damage was tried within a week: a
    repair reads the whole vault.
    """
    place = mirror_place(app)
    if place is None or _was_tried(app, damages) or nothing_at(app, place):
        return None
    done = _repaired(app, app.home.place, place, witnessed=True)
    save_check(_check_record(app, done, mirror=False))
    return done


def verify_mirror_part(app: Application, *, part: VerifyPart | None) -> CheckRecord | None:
    """Verify a part of the mirror, and repair it from the vault if it is damaged.

    Returns None if there is no mirror, it was never filled, or it is being updated. Raises errors
    of the store.
    """
    place = mirror_place(app)
    if place is None or not any(open_place(app, place).list("vault.json")):
        return None
    lock = app.locks.take(LOCK)
    if lock is None:
        return None
    try:
        return _verified(app, place, part)
    finally:
        lock.release()


def _verified(app: Application, place: StoreAddress, part: VerifyPart | None) -> CheckRecord:
    opened = vault_opener(app, witnessed=False)
    report = opened(open_place(app, place)).verify(VerifyLevel.FULL, part=part)
    check = CheckRecord(
        app.clock.now(), VerifyLevel.FULL.value, report.objects, report.bytes, (), part, mirror=True
    )
    if report.damages:
        check = _check_record(
            app, _repaired(app, place, app.home.place, witnessed=False), mirror=True
        )
    save_check(check)
    return check


def _was_tried(app: Application, damages: Sequence[Damage]) -> bool:
    last = last_try_to_repair()
    if last is None or app.clock.now() - last.at > TRY_AGAIN:
        return False
    return {damage.text for damage in damages} <= set(last.damages)


def _repaired(
    app: Application, damaged: StoreAddress, source: StoreAddress, *, witnessed: bool
) -> RepairResult:
    opened = vault_opener(app, witnessed=witnessed)
    return repair_from(open_place(app, damaged), open_place(app, source), opened=opened)


def _check_record(app: Application, done: RepairResult, *, mirror: bool) -> CheckRecord:
    damages = tuple(damage.text for damage in done.still_damaged)
    return CheckRecord(
        app.clock.now(),
        VerifyLevel.FULL.value,
        done.verified,
        done.bytes,
        damages,
        mirror=mirror,
        repaired=done.objects,
        tried=True,
    )
