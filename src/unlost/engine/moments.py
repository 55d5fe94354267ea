"""Moments: the names by which people refer to a snapshot.

live         the org as it is now
latest       the newest backup
12           the backup of this number
2026-03-04   the last backup before that day's end, in the org's zone
2026-03-04T09:00:00Z (RFC 3339)   the last backup at or before this instant
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from unlost.model.errors import NotFound, UsageError
from unlost.model.vault.snapshot import SnapshotInfo, nights

if TYPE_CHECKING:
    from unlost.model.ports.vault import VaultReader
    from unlost.model.vault.certificate import Certificate

LATEST = "latest"
LIVE = "live"


@dataclass(frozen=True, slots=True)
class LiveMoment:
    """The org as it is now."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest backup."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The backup of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Until:
    """The last backup whose data are no younger than ``instant``; ``words`` is the typed text."""

    instant: datetime
    words: str


type Past = Latest | Numbered | Until
type Moment = LiveMoment | Past


def parse_moment(text: str, *, zone: str) -> Moment:
    """Parse typed text; ``zone`` is the org's. Raises UsageError."""
    word = text.strip()
    if word.lower() == LIVE:
        return LiveMoment()
    if word.lower() == LATEST:
        return Latest()
    if re.fullmatch(r"\d{1,9}", word):
        return Numbered(int(word))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
            return Until(end_of_day(date.fromisoformat(word), zone), word)
        instant = datetime.fromisoformat(word)
        # A time without a zone is ambiguous: it could be the person's or the org's.
        if instant.tzinfo is None:
            raise _unreadable(text)
        return Until(instant.astimezone(UTC), word)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        raise _unreadable(text) from None


def parse_past(text: str, *, zone: str) -> Past:
    """Like ``parse_moment``, but refuses the live org; raises UsageError."""
    moment = parse_moment(text, zone=zone)
    if isinstance(moment, LiveMoment):
        raise UsageError(
            "moment-live",
            "This works only with backups, not with the live org.",
            next_step="Use a backup: latest, a number, or a date.",
        )
    return moment


def resolve(moment: Past, backups: Sequence[SnapshotInfo]) -> SnapshotInfo:
    """The backup that a moment names, among ``backups`` in order; raises NotFound."""
    if not backups:
        raise NotFound(
            "no-backup-yet",
            "This org has no backup yet.",
            next_step="Start a backup with `unlost backup ORG`.",
        )
    if isinstance(moment, Latest):
        return backups[-1]
    if isinstance(moment, Numbered):
        infos = [night for night in backups if night.number == moment.number]
    else:
        infos = [night for night in backups if night.as_of <= moment.instant]
    if not infos:
        raise _unknown(moment, backups)
    return infos[-1]


def backup_at(vault: VaultReader, oid: str, moment: Past) -> SnapshotInfo:
    """The backup of an org that a moment names.

    Raises NotFound (``snapshot-unknown``, ``snapshot-forgotten``, ``no-backup-yet``).
    """
    backups = vault.snapshots(oid)
    if isinstance(moment, Numbered):
        shown = {info.number for info in backups}
        for info in vault.commits(oid):
            if info.number == moment.number and info.number not in shown:
                vault.at(oid, info.number)  # raises NotFound if it was forgotten
    return resolve(moment, backups)


def last_observation(infos: Sequence[SnapshotInfo], *, number: int, table: str) -> datetime | None:
    """The time of a snapshot's knowledge of a table: the last backup that read the table."""
    times = [info.as_of for info in infos if info.number <= number and info.read(table)]
    return times[-1] if times else None


def proof_of_night(vault: VaultReader, oid: str) -> Certificate | None:
    """The certificate of the newest backup of all tables; None if there is none."""
    whole = nights(vault.snapshots(oid))
    return vault.at(oid, whole[-1].number).certificate() if whole else None


def end_of_day(day: date, zone: str) -> datetime:
    """The last instant of a day in this zone."""
    after = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return after.astimezone(UTC) - timedelta(microseconds=1)


def _unreadable(text: str) -> UsageError:
    return UsageError(
        "moment-unreadable",
        "{text!r} is not a backup.",
        next_step="Use latest, live, a number, a date such as 2026-03-04, or an instant with a "
        "zone such as 2026-03-04T09:00:00Z.",
        text=text,
    )


def _unknown(moment: Numbered | Until, backups: Sequence[SnapshotInfo]) -> NotFound:
    first, last = backups[0], backups[-1]
    return NotFound(
        "snapshot-unknown",
        "There is no backup {wanted}."
        if isinstance(moment, Numbered)
        else "There is no backup from {wanted} or earlier.",
        wanted=moment.number if isinstance(moment, Numbered) else moment.words,
        next_step="The oldest backup is {oldest} ({oldest_at} UTC), the newest is {newest} "
        "({newest_at} UTC). See `unlost snapshots ORG`.",
        oldest=first.number,
        oldest_at=f"{first.as_of:%Y-%m-%d %H:%M}",
        newest=last.number,
        newest_at=f"{last.as_of:%Y-%m-%d %H:%M}",
    )
