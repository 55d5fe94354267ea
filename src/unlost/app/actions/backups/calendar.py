"""The calendar of an org's backups, a month at a time."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from unlost.app.access import action
from unlost.app.backups.backup_calendar import (
    CalendarDay,
    calendar_backups,
    days_of,
    month_of,
    parse_month,
)
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import nights_due
from unlost.catalog.runs.runs import backups_begun
from unlost.model.access import Right
from unlost.model.instants import in_zone
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class BackupCalendar:
    """The backups of an org in a month, by day of its time zone.

    ``previous`` and ``following`` are the months beside it that may have backups, None if none can.
    """

    org: str
    zone: str
    month: str
    today: date
    previous: str | None
    following: str | None
    days: tuple[CalendarDay, ...]


@action("backup.calendar", Right.LOOK)
def calendar(app: Application, org: str, *, month: str | None = None) -> BackupCalendar:
    """Show the backups of an org in a month such as 2026-11; the default is the newest one.

    Reads no backup: the list of backups is in memory, failed ones are in the home. Raises
    UsageError (``month-invalid``), NotFound for an unknown org.
    """
    known = get_org(org)
    zone = ZoneInfo(known.identity.zone)
    stored = [info for info in app.vault.commits(known.oid) if info.kind is CommitKind.BACKUP]
    shown = app.vault.snapshots(known.oid)
    today = in_zone(app.clock.now(), zone).date()
    # A sandbox or a simulator may have another date than this machine.
    newest = max((in_zone(info.as_of, zone).date() for info in shown), default=today)
    oldest = min((in_zone(info.as_of, zone).date() for info in stored), default=today)
    since = min(oldest, in_zone(known.added_at, zone).date())
    month_shown = parse_month(month) if month else month_of(newest)
    begin, end = month_shown.span(zone)
    backups = calendar_backups(
        stored,
        shown,
        backups_begun(known.oid, since=begin, until=end),
        nights_due(known.oid, since=begin, until=end),
    )
    expected_until = since if known.retired else today
    last = max(newest, today)
    return BackupCalendar(
        org=known.name,
        zone=known.identity.zone,
        month=str(month_shown),
        today=today,
        previous=str(month_shown.previous) if month_shown.first > since else None,
        following=str(month_shown.following) if month_shown.following.first <= last else None,
        days=days_of(month_shown, backups, zone=zone, since=since, today=expected_until),
    )
