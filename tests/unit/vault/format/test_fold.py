"""Folding: the spellings of a word that are one word to the person who types it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.vault.format.words.fold import (
    ascii_finished,
    ascii_folded,
    finish_words,
    fold_text,
    without_zeros,
)
from unlost.vault.format.words.token_rules import LONGEST


def word(text: str) -> str:
    """The token of a text without its separators."""
    return finished(fold_text(text).compact)


def finished(compact: str) -> str:
    return finish_words([compact])[compact]


SAME = [
    ("Söhne", "Soehne", "Sohne", "SÖHNE", "So\u0308hne"),
    ("Großmann", "Grossmann", "GROSSMANN", "GROẞMANN"),
    ("Yıldız", "Yildiz", "YILDIZ", "yıldız"),
    ("İstanbul", "Istanbul", "istanbul"),
    ("Café", "cafe", "ＣＡＦＥ", "ca\u00adfé", "\u200bcafé\ufeff"),
    ("Łódź", "lodz"),
    ("Smørrebrød", "Smoerrebroed", "smorrebrod"),
    ("Đorđe", "dorde"),
    ("Þór", "Thor"),
    ("Œuvre", "oeuvre", "ouvre"),
    ("Ångström", "angstrom"),
    ("ﬁne", "fine"),
    ("Ελλάδος", "ΕΛΛΑΔΟΣ", "ελλαδος"),
    ("Ёлка", "елка", "ЁЛКА"),
    ("الشركة", "شركة", "الشَّرِكَة", "الشركـــة", "شركه"),
    ("أحمد", "احمد", "إحمد", "ٱحمد"),
    ("مصطفى", "مصطفي", "مصطفی"),
    ("کتاب", "كتاب"),
    ("٠٠٤٢", "42", "۴۲", "0042", "４２"),
    ("हिन्दी", "हिन्दी"),
    ("バス", "ﾊﾞｽ"),
    ("한국", "한국"),
]
DIFFERENT = [("バス", "ハス"), ("Maus", "Muse"), ("हिन्दी", "हनद"), ("0042x", "42x")]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_word(spellings: tuple[str, ...]) -> None:
    assert len({word(text) for text in spellings}) == 1


@pytest.mark.parametrize(("text", "other"), DIFFERENT)
def test_words_that_stay_apart(text: str, other: str) -> None:
    assert word(text) != word(other)


def test_an_article_alone_is_a_word() -> None:
    assert word("ال") == "ال"
    assert word("0000") == "0"


def test_hangul_stays_composed() -> None:
    assert fold_text("초콜릿").text == "초콜릿"


def test_a_word_is_cut() -> None:
    assert word("x" * 100) == "x" * LONGEST


def test_parts_and_runs() -> None:
    assert fold_text("'s-Hertogenbosch -").pieces == (("'s-hertogenbosch", ("s", "hertogenbosch")),)
    typed = fold_text("東京・ショコラ bar")
    assert (typed.runs, typed.compact) == (("東京", "ショコラ"), "東京ショコラbar")
    assert typed.pieces == (("bar", ("bar",)),)


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_ascii_is_folded_alike_by_both_ways(text: str) -> None:
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(ascii_folded(pl.col("text"))).item() == fold_text(text).text
    compact = fold_text(text).compact
    cheap = pl.DataFrame({"text": [compact]}).select(without_zeros(ascii_finished(pl.col("text"))))
    assert cheap.item() == finished(compact)


@given(st.text(max_size=12), st.integers(0, 12))
def test_the_beginning_of_a_word_begins_its_token(text: str, at: int) -> None:
    """Each beginning that people can type finds the word, except an Arabic article alone."""
    whole = fold_text(text).compact
    begun = whole[:at]
    if begun != "ال" and not begun.isdecimal():
        assert finished(whole).startswith(finished(begun))
