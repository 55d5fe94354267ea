"""Telephone numbers: one token for the forms in which people write and type them."""

import polars as pl
import pytest

from unlost.vault.format.words.fold import fold_text
from unlost.vault.format.words.phone_query import phone_query
from unlost.vault.format.words.telephone import dialed_digits, national_digits

LEIPZIG = [
    "+49 341 0040017",
    "0341 0040017",
    "3410040017",
    "0049 (0)341 0040017",
    "+49(0)341/40017",
]


def national(text: str) -> str:
    return _digits(national_digits(pl.col("text")), text)


def _digits(expression: pl.Expr, text: str) -> str:
    digits: str = pl.DataFrame({"text": [fold_text(text).text]}).select(expression).item()
    return digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+49 (170) 12-34", "1701234"),
        ("0049170", "170"),
        ("+1 (415) 555-0100", "4155550100"),
        ("+352 26 12", "2612"),
        ("none", ""),
        ("٠٣٤١٢", "3412"),
        ("", ""),
    ],
)
def test_national_digits(text: str, digits: str) -> None:
    assert national(text) == digits


@pytest.mark.parametrize("stored", LEIPZIG[:4])
@pytest.mark.parametrize("typed", [*LEIPZIG[:4], "493410040017"])
def test_all_forms_find_each_other(stored: str, typed: str) -> None:
    query = phone_query(fold_text(typed).text)
    assert national(stored) in query.national
    dialed = _digits(dialed_digits(pl.col("text")), stored)
    assert query.begins(national=national(stored), dialed=dialed)


@pytest.mark.parametrize("text", ["", "123", "K-040017", "0049 1"])
def test_no_telephone_number(text: str) -> None:
    query = phone_query(fold_text(text).text)
    assert not query.begins(national="1700000", dialed="491700000")


def test_a_few_digits_after_a_country_code_need_it_in_the_number() -> None:
    query = phone_query("49170")
    assert query.begins(national="1701234", dialed="491701234")
    assert not query.begins(national="1701234", dialed="1701234")
    assert query.vague == "170"
