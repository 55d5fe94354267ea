"""Compute which backup is due, in the org's own zone and correctly over clock changes. Pure.

An org's next backup is computed here instead of by cron: where clocks are set back, cron would
start a backup twice, and where they are set forward it may start none. After a standstill only the
newest backup is made up for; the missed ones are named. See docs/adr/0005.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from blake3 import blake3

from unlost.model.runs.schedule import DueBackup, Schedule

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
HOUR_MINUTES = 60
DAY = timedelta(days=1)
HOURS = 24
NAMED = 60  # missed backups that are named, the newest of a long standstill


def due(
    schedule: Schedule, *, zone: str, key: str, after: str | None, since: datetime, now: datetime
) -> DueBackup | None:
    """The backup that must begin now, or None.

    ``key`` spreads orgs over the window, ``after`` is the name of the last backup that was begun or
    given up, ``since`` the instant from which due times count. The newest due backup makes up for
    all before it.
    """
    local = now.astimezone(ZoneInfo(zone))
    if schedule.nightly is None or schedule.forbids(local.time()):
        return None
    nights = _nights(schedule, zone, key, last=local.date(), after=after, since=since, now=now)
    if not nights:
        return None
    (name, begins), missed = nights[0], nights[1:]
    return DueBackup(name, begins, tuple(name for name, _ in reversed(missed)))


def upcoming(schedule: Schedule, *, zone: str, key: str, now: datetime) -> datetime | None:
    """The time of the next scheduled backup; None if there is none."""
    if schedule.nightly is None:
        return None
    day = now.astimezone(ZoneInfo(zone)).date() - DAY
    while (begins := begin_of(schedule, zone=zone, key=key, day=day)) <= now:
        day += DAY
    return begins


def due_hour(schedule: Schedule, *, zone: str, key: str, now: datetime) -> str | None:
    """The name of the hour whose tables are to be read now, or None.

    A past hour is not made up for: the next one reads its changes.
    """
    if not schedule.hourly or schedule.forbids(now.astimezone(ZoneInfo(zone)).time()):
        return None
    begins = _begin_in_hour(schedule, key, now)
    return name_of_hour(begins) if begins <= now else None


def upcoming_hour(schedule: Schedule, *, zone: str, key: str, now: datetime) -> datetime | None:
    """The next time at which chosen tables are read; None if there are none, or no free hour."""
    if not schedule.hourly:
        return None
    place, begins = ZoneInfo(zone), _begin_in_hour(schedule, key, now)
    coming = (begins + number * HOUR for number in range(2 * HOURS))
    fit = (at for at in coming if at > now and not schedule.forbids(at.astimezone(place).time()))
    return next(fit, None)


def name_of_hour(at: datetime) -> str:
    """The name of an hour in UTC: clock changes neither double nor skip one."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%HZ}"


def _begin_in_hour(schedule: Schedule, key: str, now: datetime) -> datetime:
    """The instant within the hour of ``now`` at which an org has its turn."""
    begins = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return begins + spread(key, min(schedule.window, HOUR_MINUTES))


def begin_of(schedule: Schedule, *, zone: str, key: str, day: date) -> datetime:
    """The instant at which a day's backup begins: inside the window, and outside blackout hours."""
    assert schedule.nightly is not None
    wall = datetime.combine(day, schedule.nightly) + spread(key, schedule.window)
    begins = instant(wall, zone)
    place = ZoneInfo(zone)
    while schedule.forbids(begins.astimezone(place).time()):
        begins += MINUTE
    return begins


def name_of(schedule: Schedule, day: date) -> str:
    """The name of a backup: its day, and the scheduled time."""
    assert schedule.nightly is not None
    return f"{day:%Y-%m-%d}T{schedule.nightly:%H:%M}"


def spread(key: str, window: int) -> timedelta:
    """An org's offset within the window: always the same minute."""
    # Python's own ``hash`` differs between processes.
    place = int.from_bytes(blake3(key.encode()).digest(8), "big")
    return timedelta(minutes=place % window if window else 0)


def instant(wall: datetime, zone: str) -> datetime:
    """The instant of a wall-clock time: the first of two, or the first minute after a gap."""
    place = ZoneInfo(zone)
    astimezone = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    if astimezone.astimezone(place).replace(tzinfo=None) == wall:
        return astimezone
    before, after = wall.replace(tzinfo=place, fold=1).astimezone(UTC), astimezone
    offset = before.astimezone(place).utcoffset()
    # Binary search for the clock change itself: ``zoneinfo`` does not expose it.
    while after - before > MINUTE:
        middle = before + (after - before) // 2
        same = middle.astimezone(place).utcoffset() == offset
        before, after = (middle, after) if same else (before, middle)
    return after.replace(second=0, microsecond=0)


def _nights(
    schedule: Schedule,
    zone: str,
    key: str,
    *,
    last: date,
    after: str | None,
    since: datetime,
    now: datetime,
) -> list[tuple[str, datetime]]:
    """The due backups that were not begun, newest first."""
    nights: list[tuple[str, datetime]] = []
    day = last
    while len(nights) <= NAMED:
        name, begins = name_of(schedule, day), begin_of(schedule, zone=zone, key=key, day=day)
        if begins < since or (after is not None and name <= after):
            break
        if begins <= now:
            nights.append((name, begins))
        day -= DAY
    return nights
