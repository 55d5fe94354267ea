"""The text of a search as people type it: words, and the user who deleted a record.

"Sonnenschein deleted by Sabine"  ->  words "Sonnenschein", deleted by "Sabine"
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_DELETED_BY = re.compile(r"(?:^|\s)deleted\s+by\s+(?P<name>\S.*)$", re.IGNORECASE | re.DOTALL)
MOST_NAME_WORDS = 5


@dataclass(frozen=True, slots=True)
class TypedSearch:
    """A search text. ``deleted_by``: the name of a user, possibly a part; empty for any user."""

    words: str
    deleted_by: str = ""

    def readings(self) -> Iterator["TypedSearch"]:
        """Yield the ways to read it: words after the name may be part of it, or of the search.

        The longest name comes first.
        """
        parts = self.deleted_by.split()
        for count in range(min(len(parts), MOST_NAME_WORDS), 0, -1):
            words = " ".join(filter(None, (self.words, *parts[count:])))
            yield TypedSearch(words, " ".join(parts[:count]))


def typed_search(text: str) -> TypedSearch:
    """Split a text into its words and the name after “deleted by”."""
    match = _DELETED_BY.search(text)
    if match is None:
        return TypedSearch(text)
    return TypedSearch(text[: match.start()].strip(), match["name"].strip())


def best_reading(typed: TypedSearch, users: Callable[[str], Sequence[object]]) -> TypedSearch:
    """Return the reading with the longest name that ``users`` knows; the first if it knows none."""
    readings = list(typed.readings())
    known = (reading for reading in readings if users(reading.deleted_by))
    return next(known, readings[0] if readings else typed)
