"""The tables of the fold of searched text, and the parts of a folded text.

``fold`` applies them to columns, and ``plain_fold`` to a few texts.
"""

from dataclasses import dataclass

# Marks of alphabets in which a reader may leave them out. The marks of Indic and Thai script are
# vowels, and those of Japanese script (U+3099) make another letter.
MARKS = (
    (0x300, 0x6FF),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
)
_LETTERS = {
    "ß": "ss", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i",
    "ħ": "h", "ŧ": "t", "ŋ": "n", "ς": "σ",
    "ـ": "", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ة": "ه", "ہ": "ه", "ھ": "ه", "ک": "ك",
}  # fmt: skip
_DIGITS = {chr(zero + n): str(n) for zero in (0x660, 0x6F0) for n in range(10)}
SPECIAL = {**_LETTERS, **_DIGITS}
DIGRAPHS = {"ae": "a", "oe": "o", "ue": "u"}

# Scripts that are written without spaces between words, or with endings on them: a run of these
# characters is found by any part of it.
DENSE_RANGES = (
    (0xE00, 0xEFF),
    (0x1000, 0x109F),
    (0x1100, 0x11FF),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0x20000, 0x3FFFF),
)
DENSE_LENGTH = 3  # characters of a token of a dense script
WORDS = 24  # words of a cell that become tokens; later words are not searched
PARTS = 3  # parts of a compound that is also one token; a code with more is one token alone
CODE_DIGITS = 4  # digits of a code, which has at least as many digits as other characters
DOMAIN = "@([^@]*)$"
NUMBER = "^[a-z]{1,4}0*([0-9]{4,})$"  # a short prefix, then a number that is found without it


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A single folded text, such as a query.

    ``runs``: its parts of dense scripts. ``pieces``: what spaces separate in the rest, each with
    its parts.
    """

    text: str
    compact: str
    runs: tuple[str, ...]
    pieces: tuple[tuple[str, tuple[str, ...]], ...]
