"""The canonical form of telephone numbers: their national digits, without leading zeros.

The same number is written ``+49 341 40017``, ``0049 (0)341-40017`` or ``0341/40017``. A person may
know any of these, so the index has the part that all of them share.
"""

import polars as pl

from unlost.vault.format.words.phone_query import COUNTRY_CODE, TRUNK
from unlost.vault.format.words.token_rules import LONGEST


def national_digits(folded: pl.Expr) -> pl.Expr:
    """The token of a folded telephone number; empty if it has no digits."""
    digits = folded.str.replace_all(TRUNK, "").str.replace_all(r"[^0-9+]", "")
    national = digits.str.replace(rf"^(?:\+|00){COUNTRY_CODE}", "")
    plain = national.str.replace_all("+", "", literal=True)
    return plain.str.strip_chars_start("0").str.slice(0, LONGEST)


def dialed_digits(folded: pl.Expr) -> pl.Expr:
    """All digits of a folded telephone number, without leading zeros."""
    return folded.str.replace_all("[^0-9]", "").str.strip_chars_start("0")
