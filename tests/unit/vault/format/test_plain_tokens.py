"""A few cells are folded and cut without Polars exactly as columns are."""

import sys
import unicodedata

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.vault.format.words import fold, plain_fold
from unlost.vault.format.words.phone_query import dialed_of, national_of
from unlost.vault.format.words.plain_tokens import (
    email_tokens,
    phone_tokens,
    text_tokens,
    url_tokens,
)
from unlost.vault.format.words.telephone import dialed_digits, national_digits
from unlost.vault.format.words.tokens import Tokenizer
from unlost.vault.read.match_rows import TableRows, _few, _many

COLUMNS = ("Name", "Mail", "Web", "Phone")
TOKENIZER = Tokenizer(
    "Contact", texts=("Name",), emails=("Mail",), urls=("Web",), phones=("Phone",)
)
KNOWN = [
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
]
FREQUENT = "aeouAEOUsß0123456789K-@./:()+ \t\u00a0\u2003\x1cالةىŁİıΣςאבがガ東京한글ไทย\u0301\u200dÆ"
texts = st.text(st.sampled_from(FREQUENT) | st.sampled_from(KNOWN), max_size=40)
SAMPLES = [
    "K-040017 / 0341 (0) 40017", "DE 123 456 789", "Straße, Müller GmbH", "東京ショコラ Tōkyō",
    "Anna.Müller@Maison.example", "https://user@www2.Ünder.example:80/x?y#z", "//Host/path",
    "+49 (0)89 1234-5", "0049 89 12", "a-b-c-d 12-34-56-78", "الشركة المتحدة", "", "   ", "0000",
    "x" * 200, "東" * 100, "ab 1234 " * 30, "AAE 0 000123", "O'Neill-van’t", "ǅ ﬁ ½ ² Ⅻ",
]  # fmt: skip


def frame(text: str, expression: pl.Expr) -> str:
    return str(pl.DataFrame({"text": [text]}).select(expression).item())


def check(text: str) -> None:
    assert plain_fold.fold_text(text) == fold.fold_text(text)
    plain = plain_fold.folded(text)
    words = [plain_fold.compact(plain), *plain_fold.parts_of(plain)]
    assert plain_fold.finish_words(words) == fold.finish_words(words)
    assert national_of(plain) == frame(plain, national_digits(pl.col("text")))
    assert dialed_of(plain) == frame(plain, dialed_digits(pl.col("text")))
    rows = pa.table({name: [text] for name in COLUMNS})
    tables = [TableRows(rows, TOKENIZER, "Name")]
    few = _few(tables, [0, 1])
    assert few is not None
    (words_few, values_few), (words_many, values_many) = few.parts(), _many(tables, [0, 1])
    for column in range(len(COLUMNS)):
        cell = (0, column)
        assert set(words_few[cell]) == set(words_many.get(cell, ())), COLUMNS[column]
    assert values_few == values_many


@pytest.mark.parametrize("text", SAMPLES)
def test_samples(text: str) -> None:
    check(text)


@given(texts)
def test_texts(text: str) -> None:
    check(text)


def test_every_character_that_python_knows_is_folded_alike() -> None:
    column = pl.DataFrame({"text": KNOWN})
    folded = column.select(fold.folded(pl.col("text"))).to_series().to_list()
    differ = [c for c, text in zip(KNOWN, folded, strict=True) if plain_fold.folded(c) != text]
    assert differ == []
    separated = column.filter(pl.col("text").str.contains(fold.SEPARATOR)).to_series().to_list()
    assert separated == [c for c in KNOWN if not plain_fold.compact(c)]


def test_texts_with_unknown_characters_are_folded_by_polars() -> None:
    unknown = "\U000e1fff"
    assert not plain_fold.is_known(f"Müller {unknown}")
    assert plain_fold.fold_text(f"Müller {unknown}") == fold.fold_text(f"Müller {unknown}")
    rows = pa.table({name: [unknown] for name in COLUMNS})
    assert _few([TableRows(rows, TOKENIZER, "Name")], [0, 1]) is None


def test_the_tokens_of_each_kind() -> None:
    assert text_tokens("k-040017 meier") >= {"k", "40017", "k040017", "meier"}
    assert email_tokens("anna@maison.example") == {"annamaisonexample", "maisonexample"}
    assert url_tokens("https://www.b.example/c") == {"bexample"}
    assert phone_tokens("+49 (0)89 1234") == {"891234"}
