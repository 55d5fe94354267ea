"""Reading JSON that nothing has proved yet: anyone who can write to the store can write it."""

import json
from typing import Any


def unproved(data: bytes) -> dict[str, Any]:
    """The members of a JSON object; empty if the data is not one.

    Also empty if brackets are nested deeper than the interpreter can follow.
    """
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
