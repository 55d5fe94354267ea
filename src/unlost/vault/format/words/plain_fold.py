"""The fold of a few texts without Polars, whose import takes longer than a query.

The results are those of ``fold``; a test compares them for all characters. A text with characters
that this Python does not know is folded by ``fold``.
"""

import re
import unicodedata
from collections.abc import Iterable

from unlost.vault.format.words.fold_rules import (
    DENSE_RANGES,
    DIGRAPHS,
    MARKS,
    SPECIAL,
    FoldedText,
)
from unlost.vault.format.words.token_rules import LONGEST

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DENSE = re.compile(f"[{''.join(f'{chr(a)}-{chr(b)}' for a, b in DENSE_RANGES)}]+")
_PIECE = re.compile(f"[^{SPACES}]+")
_SPECIAL = str.maketrans(SPECIAL)
_DIGRAPH = re.compile("|".join(DIGRAPHS))
_ARTICLE = re.compile("^ال(.)")
_ZEROS = re.compile(r"^0+([0-9]+)\Z")


class _Separators(dict[int, int | None]):
    """Maps a character to itself, or to ``other`` if it is no letter, mark or number."""

    def __init__(self, other: int | None) -> None:
        super().__init__()
        self.other = other

    def __missing__(self, code: int) -> int | None:
        is_part = unicodedata.category(chr(code))[0] in "LMN"
        self[code] = code if is_part else self.other
        return self[code]


_SPACED, _DROPPED = _Separators(ord(" ")), _Separators(None)


def is_known(text: str) -> bool:
    """True if this Python knows all characters of a text."""
    return text.isascii() or all(unicodedata.category(c) not in ("Cn", "Cs") for c in text)


def folded(text: str) -> str:
    """Text with every character in its canonical form."""
    if text.isascii():
        return text.lower()
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    apart = unicodedata.normalize("NFKD", visible)
    plain = "".join(c for c in apart if not _is_mark(c))
    return unicodedata.normalize("NFKC", plain).lower().translate(_SPECIAL)


def _is_mark(character: str) -> bool:
    code = ord(character)
    return code >= MARKS[0][0] and (
        any(first <= code <= last for first, last in MARKS)
        and unicodedata.category(character) == "Mn"
    )


def parts_of(text: str) -> list[str]:
    """The words between spaces and punctuation."""
    return text.translate(_SPACED).split()


def compact(text: str) -> str:
    """The characters that are not separators."""
    return text.translate(_DROPPED)


def pieces_of(text: str) -> list[str]:
    """The pieces between spaces."""
    return _PIECE.findall(text)


def dense_runs(text: str) -> list[str]:
    """The runs of dense scripts in a folded text."""
    return [] if text.isascii() else _DENSE.findall(text.translate(_SPACED))


def without_dense(text: str) -> str:
    """A folded text with a space for each run of dense scripts."""
    return text if text.isascii() else _DENSE.sub(" ", text)


def is_useful(token: str) -> bool:
    """False for a word of one letter, which is too common to help.

    Digits and dense scripts have short words.
    """
    return len(token) > 1 or "0" <= token <= "9" or _DENSE.match(token) is not None


def finished(word: str) -> str:
    """The token of a folded word without separators, without leading zeros."""
    bare = word if word.isascii() else _ARTICLE.sub(r"\1", word, count=1)
    token = _DIGRAPH.sub(lambda match: DIGRAPHS[match[0]], bare)[:LONGEST]
    return _ZEROS.sub(r"\1", token) if token.startswith("0") else token


def fold_text(text: str) -> FoldedText:
    """Fold a single text."""
    if not is_known(text):
        from unlost.vault.format.words import fold

        return fold.fold_text(text)
    plain = folded(text)
    pieces = [(piece, tuple(parts_of(piece))) for piece in pieces_of(without_dense(plain))]
    return FoldedText(
        text=plain,
        compact=compact(plain),
        runs=tuple(dense_runs(plain)),
        pieces=tuple((piece, words) for piece, words in pieces if words),
    )


def finish_words(words: Iterable[str]) -> dict[str, str]:
    """The token of each of these folded words."""
    return {word: finished(word) for word in words}
