"""Search words by rules number 3, written from ``docs/reference/vault-format`` alone."""

import re
import unicodedata
from collections.abc import Iterator

LETTERS = {
    "ß": "ss", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i",
    "ħ": "h", "ŧ": "t", "ŋ": "n", "ς": "σ", "\u0640": "", "\u0671": "\u0627", "\u0649": "\u064a",
    "\u06cc": "\u064a", "\u06d0": "\u064a", "\u0629": "\u0647", "\u06c1": "\u0647",
    "\u06be": "\u0647", "\u06a9": "\u0643",
}  # fmt: skip
LETTERS |= {chr(zero + n): str(n) for zero in (0x660, 0x6F0) for n in range(10)}
MARKS = ((0x300, 0x6FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
DENSE = (
    (0xE00, 0xEFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x3005, 0x3007),
    (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF),
    (0x20000, 0x3FFFF),
)  # fmt: skip
CODES = [
    "1", "7", "20", "27", *map(str, range(30, 35)), "36", "39", "40", "41",
    *map(str, range(43, 50)), *map(str, range(51, 59)), *map(str, range(60, 67)), "81", "82", "84",
    "86", *map(str, range(90, 96)), "98",
]  # fmt: skip
LONGER = [
    *map(str, range(21, 27)), "28", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69",
    "80", "83", "85", "87", "88", "96", "97", "99",
]  # fmt: skip


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _is_dense(character: str) -> bool:
    return _within(character, DENSE)


def folded(cell: str) -> str:
    text = "".join(c for c in cell if unicodedata.category(c) != "Cf")
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not (unicodedata.category(c) == "Mn" and _within(c, MARKS)))
    text = unicodedata.normalize("NFKC", text).lower()
    return "".join(LETTERS.get(c, c) for c in text)


def joined(text: str) -> str:
    return "".join(c for c in text if _is_word(c))


def _parts(text: str) -> list[str]:
    return "".join(c if _is_word(c) else " " for c in text).split(" ")


def _is_code(text: str) -> bool:
    digits = sum(c in "0123456789" for c in text)
    return digits >= 4 and len(joined(text)) <= 2 * digits


def _finished(word: str) -> str:
    if word.startswith("\u0627\u0644") and len(word) > 2:
        word = word[2:]
    word = re.sub("ae|oe|ue", lambda found: found[0][0], word)[:64]
    if re.fullmatch("[0-9]+", word):
        word = word.lstrip("0") or "0"
    useful = len(word) > 1 or (word and (word in "0123456789" or _is_dense(word)))
    return word if useful else ""


def _of_text(text: str) -> Iterator[str]:
    runs = "".join(c if _is_word(c) and _is_dense(c) else " " for c in text).split(" ")
    for run in (run[:64] for run in runs):
        yield from (run[at : at + 3] for at in range(len(run)))
    cell, before = "", False
    for c in text:
        cell += " " if _is_dense(c) and not before else "" if _is_dense(c) else c
        before = _is_dense(c)
    if all(map(_is_word, cell)):
        yield cell
        yield from _number(cell)
        return
    for piece in cell.split()[:24]:
        parts = [part for part in _parts(piece) if part]
        if len(parts) <= 3 or not _is_code(piece):
            yield from parts
        if len(parts) in (2, 3) or (len(parts) > 3 and _is_code(piece)):
            yield joined(piece)
    if any(map(str.isspace, cell)) and _is_code(cell):
        yield joined(cell)
        yield from _number(joined(cell))


def _number(word: str) -> Iterator[str]:
    found = re.fullmatch("[a-z]{1,4}0*([0-9]{4,})", word)
    if found:
        yield found[1]


def _of_host(text: str) -> Iterator[str]:
    found = re.match(
        r"(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/?#]*@)?(?:www[0-9]?\.)?([^/:?#\s]+)", text.strip()
    )
    if found:
        yield joined(found[1])


def _of_email(text: str) -> Iterator[str]:
    yield joined(text)
    if "@" in text:
        yield joined(text.rpartition("@")[2])


def _of_phone(text: str) -> str:
    text = re.sub(r"\(\s*0\s*\)", "", text)
    text = "".join(c for c in text if c in "+0123456789")
    begin = re.match(r"\+|00", text)
    if begin:
        rest = text[begin.end() :]
        code = next((code for code in CODES if rest.startswith(code)), "")
        if not code and rest[:2] in LONGER and rest[2:3].isdigit():
            code = rest[:3]
        text = rest[len(code) :] if code else text
    return text.replace("+", "").lstrip("0")[:64]


def words(kind: str, cell: str) -> set[str]:
    """The words of a cell of a column of this kind: text, email, host or phone."""
    text = folded(cell)
    if kind == "phone":
        return {_of_phone(text)} - {""}
    cut = {"text": _of_text, "email": _of_email, "host": _of_host}[kind]
    return {_finished(word) for word in cut(text)} - {""}
