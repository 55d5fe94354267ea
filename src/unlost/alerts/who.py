"""Name the users of a mass change or a loss. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from unlost.model.instants import in_zone
from unlost.model.mass_changes import MassChange
from unlost.model.message import Message, message


def who(change: MassChange, *, zone: str = "") -> Message:
    """The user who changed most of the records, the number if it is not all, and the time.

    ``zone``: the time zone of the text, whose readers know it; without one, times are in UTC.
    """
    share = next((share for share in change.users if share.by), None)
    if share is None:
        return message("", "by an unknown user")
    every = share.count == change.count
    user, count = share.name or share.by, share.count
    if share.first is None or share.last is None:
        return message(
            "",
            "by {user}" if every else "({count:,} of them by {user})",
            user=user,
            count=count,
        )
    first, last = _moment(share.first, zone), _moment(share.last, zone)
    if first == last:
        return message(
            "",
            "by {user}, {first}" if every else "({count:,} of them by {user}, {first})",
            user=user,
            count=count,
            first=first,
        )
    return message(
        "",
        "by {user}, between {first} and {last}"
        if every
        else "({count:,} of them by {user}, between {first} and {last})",
        user=user,
        count=count,
        first=first,
        last=last,
    )


def _moment(at: datetime, zone: str) -> str:
    return f"{in_zone(at, ZoneInfo(zone)):%Y-%m-%d %H:%M}" if zone else f"{at:%Y-%m-%d %H:%M} UTC"
