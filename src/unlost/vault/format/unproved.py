"""What a text claims before anything proves it: whoever can write into the store can write it."""

import json
from typing import Any


def unproved(data: bytes) -> dict[str, Any]:
    """The members of a JSON object; empty where it is none, however strange it is.

    Brackets nested deeper than the interpreter follows make none either.
    """
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
