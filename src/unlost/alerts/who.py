"""Name the users of a mass change or a loss. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from unlost.model.mass_changes import MassChange, UserShare
from unlost.model.message import Message, message


def who(change: MassChange, *, zone: str = "") -> Message:
    """The user who changed most of the records, the number if it is not all, and the time.

    ``zone``: the time zone of the org; UTC without one.
    """
    share = next((share for share in change.users if share.by), None)
    if share is None:
        return message("", "by an unknown user")
    user, count, time = share.name or share.by, share.count, _time(share, zone)
    if count == change.count:
        return message("", "by {user}{time}", user=user, time=time)
    return message("", "({count:,} of them by {user}{time})", count=count, user=user, time=time)


def _time(share: UserShare, zone: str) -> Message | str:
    if share.first is None or share.last is None:
        return ""
    if _minute(share.first) == _minute(share.last):
        return message("", ", at {first}", first=_moment(share.first, zone))
    first = _moment(share.first, zone, named=not zone)
    return message("", ", between {first} and {last}", first=first, last=_moment(share.last, zone))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _moment(at: datetime, zone: str, *, named: bool = True) -> str:
    local = at.astimezone(ZoneInfo(zone or "UTC"))
    return f"{local:%Y-%m-%d %H:%M} {zone or 'UTC'}" if named else f"{local:%Y-%m-%d %H:%M}"
