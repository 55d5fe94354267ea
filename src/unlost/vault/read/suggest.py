"""Words that a person may have meant: words of the index that differ in a letter or two.

The whole of a small index is compared. Of a large one, only the words that begin alike are read,
the most similar beginnings first, up to a fixed number of rows.
"""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unlost.model.typed_text import without_invisible
from unlost.vault.format.physical import SEARCH, U_ID
from unlost.vault.format.words.plain_fold import finish_words, fold_text
from unlost.vault.format.words.token_rules import KEY
from unlost.vault.read.query import WORDS, query_of
from unlost.vault.read.search import search
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.read.table_view import TableView
from unlost.vault.read.token_rows import between, places_between

MOST_ROWS = 400_000  # rows of the index that are compared for one word
SHORTEST = 4  # characters of a word; of a shorter one, too many words are alike
LONG = 7  # characters from which two letters may differ
_TRIED = 4  # alike words of which a search is tried, for each wanted suggestion
_LAST = "\U0010ffff"


def suggest(snapshot: VaultSnapshot, text: str, *, limit: int) -> Sequence[str]:
    """Texts that find something, with one word of ``text`` replaced by one that is alike."""
    pieces = without_invisible(text).split()[:WORDS]
    view = snapshot.view(SEARCH)
    suggestions: dict[str, None] = {}
    for at, piece in enumerate(pieces):
        for token in _alike(view, piece, most=limit * _TRIED):
            spelling = _spelling(snapshot, [*pieces[:at], token, *pieces[at + 1 :]], token)
            if spelling:
                suggestions[" ".join([*pieces[:at], spelling, *pieces[at + 1 :]])] = None
            if len(suggestions) >= limit:
                return tuple(suggestions)
    return tuple(suggestions)


def _alike(view: TableView, piece: str, *, most: int) -> list[str]:
    """Tokens that differ from a typed word in a letter or two, the most similar first."""
    word = query_of(piece).whole
    if len(word) < SHORTEST:
        return []
    distance = 2 if len(word) >= LONG else 1
    counted = _tokens(view, word).filter(
        (pl.col(U_ID).str.len_chars().cast(pl.Int32) - len(word)).abs() <= distance,
        pl.col(U_ID) != word,
    )
    tokens = counted.get_column(U_ID).to_list()
    counts = dict(counted.rows())
    scored = process.extract(
        word, tokens, scorer=OSA.distance, score_cutoff=distance, limit=None, processor=None
    )
    alike = sorted(scored, key=lambda match: (match[1], -counts[match[0]], match[0]))
    return [token for token, _, _ in alike[:most]]


def _tokens(view: TableView, word: str) -> pl.DataFrame:
    """Tokens of the index that may be alike, with the number of their rows."""
    parts, rows = [pl.DataFrame(schema={U_ID: pl.String})], 0
    for tokens in _visible_tokens(view, word):
        parts.append(pl.DataFrame(pl.from_arrow(tokens)))
        rows += len(tokens)
        if rows >= MOST_ROWS:
            break
    every = pl.concat(parts)
    return every.filter(~pl.col(U_ID).str.starts_with(KEY)).group_by(U_ID).len()


def _visible_tokens(view: TableView, word: str) -> Iterator[pa.Table]:
    """Tokens in the ranges to compare, in parts, without those of hidden columns alone."""
    hidden = view.reading.schemas.hidden
    columns = (U_ID, "table", "column") if hidden else (U_ID,)
    for low, high in _ranges(view, word):
        for part in between(view, low, high, columns):
            if hidden:
                names = pc.binary_join_element_wise(part["table"], part["column"], ".")
                hides = pc.is_in(names, value_set=pa.array(hidden.names, pa.string()))
                yield part.filter(pc.invert(hides)).select([U_ID])
            else:
                yield part


def _ranges(view: TableView, word: str) -> Iterator[tuple[str, str]]:
    """Ranges of tokens to compare, those most likely to be alike first."""
    rows = sum(live.entry.rows for live in view.segments)
    if rows <= MOST_ROWS:
        yield "", _LAST
        return
    first, second, third = word[0], word[1], word[2]
    # The beginning as it is, with swapped letters, without a letter, and with another one.
    begins = (word[:3], first + third, word[:2], second + first, word[1:3], first)
    for begin in dict.fromkeys(begins):
        if len(places_between(view, begin, begin + _LAST)):
            yield begin, begin + _LAST


def _spelling(snapshot: VaultSnapshot, pieces: Sequence[str], token: str) -> str:
    """The word with this token as a record that is found spells it; empty if none is found."""
    for hit in search(snapshot, " ".join(pieces), limit=1):
        words = {word: fold_text(word).compact for word in _words(hit.value)}
        tokens = finish_words(words.values())
        return next((word for word in words if tokens[words[word]] == token), token)
    return ""


def _words(value: str) -> list[str]:
    """The words of a value, and their parts."""
    pieces = value.split()
    parts = ["".join(c if c.isalnum() else " " for c in piece).split() for piece in pieces]
    stripped = [piece.strip(" .,;:!?()[]{}\"'") for piece in pieces]
    return list(dict.fromkeys([*(part for some in parts for part in some), *stripped]))
