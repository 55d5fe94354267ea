"""Name the users of a mass change or a loss. Pure."""

from datetime import datetime

from unlost.model.mass_changes import MassChange
from unlost.model.message import Message, message


def who(change: MassChange) -> Message:
    """The user who changed most of the records, the number if it is not all, and the time."""
    share = next((share for share in change.users if share.by), None)
    if share is None:
        return message("", "by an unknown user")
    return message(
        "",
        "by {user}, between {first} and {last}"
        if share.count == change.count
        else "({count:,} of them by {user}, between {first} and {last})",
        user=share.name or share.by,
        count=share.count,
        first=_moment(share.first),
        last=_moment(share.last),
    )


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "?"
