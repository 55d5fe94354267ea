"""Addresses of records within texts, such as links and images of rich text. Pure.

A record that comes back with a new id has a new address. In columns that the org names
(``TextLinks``), its old id is replaced in addresses:

  <a href="/lightning/r/Account/001A/view">  ->  <a href="/lightning/r/Account/001B/view">
  <img src="/servlet?file=068C">             ->  <img src="/servlet?file=068D">
  "their number was 001A"                        stays: it is not part of an address

Only whole ids are replaced, and only those of which the new id is known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from unlost.model.plan import RecordKey
from unlost.model.source.writing import TextLinks

# An id in an address follows a slash or an equals sign, which may be encoded.
_BEFORE = r"(?:(?<=[/=])|(?<=%2[fF])|(?<=%3[dD]))"
_AFTER = r"(?![A-Za-z0-9])"


class IdIndex:
    """Finds records by an id that may be shortened."""

    def __init__(self, keys: Iterable[RecordKey]) -> None:
        self._keys = tuple(keys)
        self._by_length: dict[int, dict[str, RecordKey | None]] = {}

    def find(self, text: str) -> RecordKey | None:
        """The record whose id begins with this text; None for none, or for several."""
        length = len(text)
        if length not in self._by_length:
            self._by_length[length] = self._indexed(length)
        return self._by_length[length].get(text)

    def _indexed(self, length: int) -> dict[str, RecordKey | None]:
        index: dict[str, RecordKey | None] = {}
        for key in self._keys:
            beginning = key.record[:length]
            # Two tables may use one id: then the address does not tell which record it means.
            index[beginning] = None if beginning in index else key
        return index


def mentioned(text: str, links: TextLinks) -> Iterator[str]:
    """The texts within addresses that have the length of an id."""
    return (match[0] for match in _pattern(links.id_lengths).finditer(text))


def readdressed(text: str, links: TextLinks, now: Callable[[str], str | None]) -> str:
    """The text with new ids in its addresses; ``now`` gives the new id, None to leave one."""

    def new(match: re.Match[str]) -> str:
        live = now(match[0])
        return match[0] if live is None else live[: len(match[0])]

    return _pattern(links.id_lengths).sub(new, text)


def readdressed_cells(
    cells: Mapping[str, str | None], links: TextLinks, now: Callable[[str], str | None]
) -> dict[str, str | None]:
    """The cells with new ids in the addresses of their texts."""
    return {
        name: readdressed(text, links, now) if text and name in links.columns else text
        for name, text in cells.items()
    }


@lru_cache
def _pattern(lengths: tuple[int, ...]) -> re.Pattern[str]:
    # The longest first: a short id may be the beginning of a long one.
    ids = "|".join(f"[A-Za-z0-9]{{{length}}}" for length in sorted(lengths, reverse=True))
    return re.compile(f"{_BEFORE}(?:{ids}){_AFTER}")
