"""Queries of parts of the index with earlier rules."""

import pytest

from unlost.vault.format.words.earlier_tokens import digits_before, words_before
from unlost.vault.format.words.token_rules import LONGEST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Chocolat Noir", ["chocolat", "noir"]),
        ("  Süß\tund\nBITTER ", ["süss", "und", "bitter"]),
        ("“K-0012345”, (Meier)", ["k-0012345", "meier"]),
        ("ﬁne Ⅷ", ["fine", "viii"]),
        ("東京 ショコラ", ["東京", "ショコラ"]),
        ("---", ["---"]),
        ("...", []),
        ("x" * 100, ["x" * LONGEST]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_before(text) == words


@pytest.mark.parametrize(
    ("text", "digits"),
    [("+49 (170) 12-34", "491701234"), ("0049170", "49170"), ("none", ""), ("٣٤", "")],
)
def test_digits(text: str, digits: str) -> None:
    assert digits_before(text) == digits
