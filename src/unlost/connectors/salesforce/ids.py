"""Ids of Salesforce: 15 characters, whose case matters, or 18 with a checksum of the case.

Source: SOAP guide, ID field type. APIs always answer with 18 characters.
"""

import re
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.typed_text import without_invisible

CANONICAL_LENGTH = 18
SHORT_LENGTH = 15
CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_HOST = re.compile(r"^https?://[^/]*")
_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+")
FORM = "15 or 18 letters and digits, such as 0015500001QdQWa"


def is_id(value: str) -> bool:
    """True if it has the form of an id; one malformed id makes Salesforce refuse a whole query."""
    lengths = {SHORT_LENGTH, CANONICAL_LENGTH}
    return len(value) in lengths and value.isascii() and value.isalnum()


def long_id(value: str) -> str:
    """The id of 18 characters for one of 15."""
    if len(value) != SHORT_LENGTH:
        return value
    return value + "".join(_check_letter(value[start : start + 5]) for start in (0, 5, 10))


def candidates(text: str) -> tuple[str, ...]:
    """The canonical ids that a person may mean, the likeliest first; empty if it is not an id.

    The text is an id, or the address of a record's page. The checksum of 18 characters is not
    trusted blindly: Salesforce itself accepts ids whose case was lost in a spreadsheet, and
    compares ids by their first 15 characters.
    """
    typed = without_invisible(text)
    words = _words_of_address(typed) if "/" in typed else [typed]
    ids = (record_id for word in words if is_id(word) for record_id in _of_word(word))
    return tuple(dict.fromkeys(ids))


def _words_of_address(address: str) -> list[str]:
    """The words of a record's address that may be its id.

    Lightning: /lightning/r/Account/ID/view; classic: /ID; mobile: sObject/ID/view. The host is left
    out, and words without a digit: each id has one.
    """
    path = _HOST.sub("", unquote(address))
    return [word for word in _BETWEEN_WORDS.split(path) if not word.isalpha()]


def _of_word(text: str) -> tuple[str, ...]:
    if len(text) == SHORT_LENGTH:
        return (long_id(text),)
    short = text[:SHORT_LENGTH]
    return tuple(dict.fromkeys((text, _with_case(short, text[SHORT_LENGTH:]), long_id(short))))


def _with_case(short: str, check: str) -> str:
    """The id with the case of its letters restored from the checksum."""
    marks = [CHECK_LETTERS.find(letter) for letter in check.upper()]
    if min(marks) < 0:
        return long_id(short)
    letters = [
        character.upper() if marks[place // 5] >> place % 5 & 1 else character.lower()
        for place, character in enumerate(short)
    ]
    return long_id("".join(letters))


def _check_letter(group: str) -> str:
    return CHECK_LETTERS[sum(1 << place for place, c in enumerate(group) if "A" <= c <= "Z")]


def order(ids: pa.Array) -> pa.Array:
    """Texts whose bytes sort as Salesforce sorts ids: as numbers of base 62, which count up.

    Digits come first, then lower-case letters, then upper-case ones. Only the size of a range
    depends on it: Salesforce itself decides which ids lie between two.
    """
    return pc.ascii_swapcase(ids)
