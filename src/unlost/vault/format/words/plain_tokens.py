"""Cutting a few cells into tokens without Polars: the results are those of ``cell_tokens``."""

import re
from collections.abc import Iterator

from unlost.vault.format.words.fold_rules import (
    CODE_DIGITS,
    DENSE_LENGTH,
    DOMAIN,
    NUMBER,
    PARTS,
    WORDS,
)
from unlost.vault.format.words.phone_query import national_of
from unlost.vault.format.words.plain_fold import (
    SPACES,
    compact,
    dense_runs,
    finished,
    parts_of,
    pieces_of,
    without_dense,
)
from unlost.vault.format.words.token_rules import LONGEST

_DIGIT = re.compile("[0-9]")
_SPACE = re.compile(f"[{SPACES}]")
_NUMBER = re.compile(rf"{NUMBER[:-1]}\Z")
_DOMAIN = re.compile(rf"{DOMAIN[:-1]}\Z")
_HOST = re.compile(
    rf"^(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/?#]*@)?(?:www[0-9]?\.)?([^/:?#{SPACES}]+)"
)


def text_tokens(text: str) -> set[str]:
    """The words of a folded text, and the parts of runs of dense scripts."""
    return {*_dense(text), *filter(None, map(finished, _words(without_dense(text))))}


def email_tokens(text: str) -> set[str]:
    """A folded e-mail address as one token, and its domain as another."""
    domain = _DOMAIN.search(text)
    words = (compact(text), compact(domain[1]) if domain else "")
    return set(filter(None, map(finished, words)))


def url_tokens(text: str) -> set[str]:
    """The host of a folded web address."""
    host = _HOST.match(re.sub(f"^[{SPACES}]+", "", text))
    return set(filter(None, (finished(compact(host[1])),))) if host else set()


def phone_tokens(text: str) -> set[str]:
    """The national digits of a folded telephone number."""
    return set(filter(None, (national_of(text),)))


def _dense(text: str) -> Iterator[str]:
    for run in dense_runs(text):
        cut = run[:LONGEST]
        yield from (cut[start : start + DENSE_LENGTH] for start in range(len(cut)))


def _words(text: str) -> Iterator[str]:
    whole = compact(text)
    if len(whole) == len(text):
        yield from _with_number(text)
        return
    for piece in pieces_of(text)[:WORDS]:
        yield from _piece_words(piece)
    if _DIGIT.search(text) and _SPACE.search(text) and _is_code(text):
        yield from _with_number(whole)


def _piece_words(piece: str) -> Iterator[str]:
    """The parts of a piece between spaces; short compounds and codes are words as a whole too."""
    parts = parts_of(piece)
    code = len(parts) > PARTS and _is_code(piece)
    if not code:
        yield from parts
    if 2 <= len(parts) <= PARTS or code:
        yield "".join(parts)


def _with_number(word: str) -> Iterator[str]:
    """A word, and the number in it if it is a short prefix and a number."""
    yield word
    number = _NUMBER.match(word)
    if number:
        yield number[1]


def _is_code(text: str) -> bool:
    """True for text with several digits, and no more other characters than digits."""
    digits = len(_DIGIT.findall(text))
    return digits >= CODE_DIGITS and len(compact(text)) <= 2 * digits
