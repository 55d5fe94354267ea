"""API versions of the org, and their labels.

Source: Salesforce's API end-of-life page as of Winter '27: 31.0 to 68.0 answer, older ones are
retired.
"""

from __future__ import annotations

import re

OLDEST = 31
NEWEST = 68
FIRST_EVER = 7
_SEASONS = ("Summer", "Winter", "Spring")


def parse(segment: str) -> int | None:
    """Return the number of a path part (``v66.0``); ``None`` if it does not have that form."""
    match = re.fullmatch(r"v(\d{1,3})\.0", segment, re.IGNORECASE)
    return int(match.group(1)) if match else None


def label(version: int) -> str:
    """Return the release name (``Summer '26``); one was published with a curly apostrophe."""
    steps = version - OLDEST
    season = _SEASONS[steps % 3]
    year = 14 + (steps + 2) // 3
    return f"{season} ’{year}" if version == 42 else f"{season} '{year}"


def listing() -> list[dict[str, str]]:
    """Give the answer of ``/services/data``, oldest first."""
    return [
        {"label": label(each), "url": f"/services/data/v{each}.0", "version": f"{each}.0"}
        for each in range(OLDEST, NEWEST + 1)
    ]
