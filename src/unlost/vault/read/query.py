"""A search query in the form of tokens, and the test whether a record matches it.

Each word of a query must begin a word of some column of the record, in any order. A word may be
looked up in several ways, because people type numbers with and without punctuation:

    "K-040017 meier"   ->   (k040017 | k + 40017)   and   meier

The text as a whole may also begin a value that is written differently (``DE 123 456`` for
``DE123456789``), or be a telephone number. Pure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from unlost.model.vault.snapshot import SearchMatch
from unlost.vault.format.words.earlier_tokens import digits_before, words_before
from unlost.vault.format.words.fold_rules import DENSE_LENGTH
from unlost.vault.format.words.phone_query import FEWEST_DIGITS, PhoneQuery, phone_query
from unlost.vault.format.words.plain_fold import finish_words, fold_text

WORDS = 16  # words of a query; later ones are ignored
_PARTS = 6  # parts of a word that are looked up one by one
_ADDRESS = re.compile(r"^(?:https?://(?:www[0-9]?\.)?|www[0-9]?\.)([^/:?#]+)")
_NO_PART = re.compile(r"[\W_]+")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")


@dataclass(frozen=True, slots=True)
class QueryWord:
    """One word of a query.

    ``ways``: in one of them every part must begin a token. ``run``: text of a dense script, which
    the record must contain; its tokens have only a few characters of it.
    """

    ways: tuple[tuple[str, ...], ...]
    run: str = ""

    def begins(self, tokens: Iterable[str]) -> bool:
        """True if tokens of a record match, apart from the ``run``."""
        known = tuple(tokens)
        return any(
            all(any(token.startswith(part) for token in known) for part in way) for way in self.ways
        )


@dataclass(frozen=True)
class SearchQuery:
    """A query.

    ``whole``: its characters without spaces; ``joined``: the same if they may be the beginning of
    one value, else empty. ``phones``: the telephone numbers that it may be. ``earlier``: tokens to
    look up in parts of the index with earlier rules.
    """

    words: tuple[QueryWord, ...]
    whole: str
    joined: str
    phones: PhoneQuery
    earlier: tuple[str, ...]

    @cached_property
    def has_digits(self) -> bool:
        """True if it may be a number."""
        return any(character.isdigit() for character in self.whole)

    def lookups(self) -> tuple[str, ...]:
        """Tokens of which each may find records that match as a whole."""
        return tuple(dict.fromkeys(filter(None, (self.joined, *self.phones.national))))


def query_of(text: str) -> SearchQuery:
    """The query of a typed text."""
    typed = fold_text(text)
    pieces = typed.pieces[:WORDS]
    ways = [_ways(piece, parts) for piece, parts in pieces]
    begins = [run[:DENSE_LENGTH] for run in typed.runs]
    tokens = finish_words(
        [*begins, typed.compact, *(part for some in ways for way in some for part in way)]
    )
    words = [
        QueryWord(((tokens[begin],),), run) for begin, run in zip(begins, typed.runs, strict=True)
    ]
    words += [
        QueryWord(tuple(dict.fromkeys(tuple(tokens[part] for part in way) for way in some)))
        for some in ways
    ]
    whole = tokens[typed.compact]
    several = len(pieces) > 1 and any(character.isdigit() for character in whole)
    return SearchQuery(
        words=tuple(words),
        whole=whole,
        joined=whole if several else "",
        phones=phone_query(typed.text),
        earlier=_earlier(text),
    )


def _ways(piece: str, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The ways to look up a piece: as a whole, by its parts, and by their letters and digits."""
    fine = tuple(run for part in parts for run in _RUNS.findall(part))
    ways = [("".join(parts),), parts, fine]
    address = _ADDRESS.match(piece)
    if address:
        ways.append((_NO_PART.sub("", address.group(1)),))
    return [way for way in dict.fromkeys(ways) if len(way) <= _PARTS and all(way)]


def _earlier(text: str) -> tuple[str, ...]:
    """The longest word, and the digits of what may be a telephone number."""
    longest = max(words_before(text), key=len, default="")
    digits = digits_before(text)
    is_phone = len(digits) >= FEWEST_DIGITS and not any(map(str.isalpha, text))
    return tuple(dict.fromkeys(filter(None, (longest, digits if is_phone else ""))))


@dataclass(frozen=True, slots=True)
class Cell:
    """A searched value: its words as tokens, its ``folded`` text, and that as one token, ``whole``.

    ``named``: it is the record's name. ``phone``: it is a telephone number, ``folded`` its digits and
    ``whole`` its national ones.
    """

    column: str
    tokens: tuple[str, ...]
    folded: str
    whole: str
    named: bool = False
    phone: bool = False


def match_of(query: SearchQuery, cells: Sequence[Cell]) -> tuple[str, SearchMatch] | None:
    """The column by which a record matches best, and how; None if it does not match."""
    if not any(map(bool, (query.words, query.lookups()))):
        return None
    if _all_words(query, cells):
        return min((_by_words(query, cell) for cell in cells), key=_order)[1:]
    as_one = [cell for cell in cells if _as_one(query, cell)]
    if as_one:
        return min((_by_words(query, cell) for cell in as_one), key=_order)[1:]
    return None


def _all_words(query: SearchQuery, cells: Sequence[Cell]) -> bool:
    tokens = [token for cell in cells for token in cell.tokens]
    return bool(query.words) and all(
        word.begins(tokens) and (not word.run or any(word.run in cell.folded for cell in cells))
        for word in query.words
    )


def _as_one(query: SearchQuery, cell: Cell) -> bool:
    if cell.phone:
        return query.phones.begins(national=cell.whole, dialed=cell.folded)
    return bool(query.joined) and (
        cell.whole.startswith(query.joined)
        or any(token.startswith(query.joined) for token in cell.tokens)
    )


_Ranked = tuple[int, str, SearchMatch]


def _by_words(query: SearchQuery, cell: Cell) -> _Ranked:
    """Rank a cell by the number of words that it matches."""
    matched = sum(
        word.begins(cell.tokens) and word.run in cell.folded for word in query.words
    ) or int(_as_one(query, cell))
    return -matched, cell.column, _kind(query, cell)


def _kind(query: SearchQuery, cell: Cell) -> SearchMatch:
    numbers = {query.whole, *query.phones.national}
    whole = cell.whole in numbers
    if query.has_digits and (whole or (query.whole in cell.tokens and _is_code(cell))):
        return SearchMatch.KEY
    if whole and "@" in cell.folded:
        return SearchMatch.KEY
    if cell.named:
        return SearchMatch.WHOLE_NAME if whole else SearchMatch.NAME
    return SearchMatch.VALUE if whole else SearchMatch.WORDS


def _is_code(cell: Cell) -> bool:
    """True if a number is most of a value, as in ``K-040017``."""
    digits = sum(character.isdigit() for character in cell.whole)
    return len(cell.whole) <= 2 * digits


_KINDS = list(SearchMatch)


def _order(ranked: _Ranked) -> tuple[bool, int, int]:
    matched, _, kind = ranked
    return not kind.whole, matched, _KINDS.index(kind)
