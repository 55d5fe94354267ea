"""Name the users of a mass change or a loss. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from unlost.model.mass_changes import MassChange, UserShare
from unlost.model.message import Message, message

ALL = "by {user}"
SOME = "({count:,} of them by {user})"
ALL_AT = "by {user}, at {first}"
ALL_BETWEEN = "by {user}, between {first} and {last}"
SOME_AT = "({count:,} of them by {user}, at {first})"
SOME_BETWEEN = "({count:,} of them by {user}, between {first} and {last})"


def who(change: MassChange, *, zone: str = "") -> Message:
    """The user who changed most of the records, the number if it is not all, and the time.

    ``zone``: the time zone of the org; UTC without one.
    """
    share = next((share for share in change.users if share.by), None)
    if share is None:
        return message("", "by an unknown user")
    return message(
        "",
        _template(share, change),
        count=share.count,
        user=share.name or share.by,
        first=_moment(share.first, zone),
        last=_moment(share.last, zone),
    )


def _template(share: UserShare, change: MassChange) -> str:
    whole = share.count == change.count
    if share.first is None or share.last is None:
        return ALL if whole else SOME
    if _minute(share.first) == _minute(share.last):
        return ALL_AT if whole else SOME_AT
    return ALL_BETWEEN if whole else SOME_BETWEEN


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _moment(at: datetime | None, zone: str) -> str:
    if at is None:
        return ""
    if not zone:
        return f"{at:%Y-%m-%d %H:%M} UTC"
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
