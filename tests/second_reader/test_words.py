"""The second reader cuts cells into the same words."""

import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from second_reader.words import words
from unlost.vault.format.words.tokens import Tokenizer

CELLS = tomllib.loads(
    (Path(__file__).parents[1] / "unit" / "app" / "searches.toml").read_text("utf-8")
)
TYPED = sorted(
    {cell for records in CELLS["records"].values() for row in records.values() for cell in row.values()}
    | {text for texts in CELLS["queries"].values() for text in texts}
)  # fmt: skip
KINDS = {"text": "texts", "email": "emails", "host": "urls", "phone": "phones"}
PIECES = st.sampled_from(
    [*"aeou ßŁøæ@+-./:()0123456789", "00", "ال", "ة", "٣", "東", "ッ", "・", "한", "ช", "é", "e\u0301",
     "www.", "://", "//", "K-", "\u200b", "\u00ad", " (0) ", "+49", "İ", "Σ", "\u3099", "\t", "x", "y"]
)  # fmt: skip


def ours(kind: str, cells: list[str]) -> dict[str, set[str]]:
    rows = pa.table({"_u_id": [str(n) for n in range(len(cells))], "C": cells})
    tokenizer = Tokenizer("T", **{KINDS[kind]: ("C",)})
    found: dict[str, set[str]] = {cell: set() for cell in cells}
    for row in tokenizer.tokens(rows).to_pylist():
        found[cells[int(row["record"])]].add(row["_u_id"])
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_of_what_people_have_and_type(kind: str) -> None:
    assert ours(kind, TYPED) == {cell: words(kind, cell) for cell in TYPED}


@pytest.mark.parametrize("kind", KINDS)
@given(cells=st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=30, unique=True))
def test_of_any_cells(kind: str, cells: list[str]) -> None:
    assert ours(kind, cells) == {cell: words(kind, cell) for cell in cells}
