"""The words of a query by rules number 2, for parts of the index that were made by them.

Rules number 2 only know NFKC, lower case and ß as ss. See ``unlost.vault.format.words.tokens`` for the
present rules.
"""

import re
import unicodedata

from unlost.vault.format.words.token_rules import LONGEST

_ENDS = " \t\r\n.,;:!?()[]{}<>\"'«»„“”‚‘’*"
_WORDS = 12


def words_before(text: str) -> list[str]:
    """The words of a query in the form of earlier tokens."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("ß", "ss")
    pieces = plain.split()[:_WORDS]
    stripped = (piece.strip(_ENDS)[:LONGEST] for piece in pieces)
    return [word for word in stripped if word]


def digits_before(text: str) -> str:
    """The digits of a query in the form of earlier tokens of telephone numbers."""
    plain = unicodedata.normalize("NFKC", text)
    return re.sub(r"[^0-9]", "", plain).lstrip("0")[:LONGEST]
