"""Row hashes and what they are made of: the page, our code, and who knows the page alone, agree."""

import ast
import json
import re
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from second_reader import rowhash
from unlost.model.source.schema import WireKind
from unlost.vault.format.canonical import canonical
from unlost.vault.format.rowhash import HashedColumn, as_array, row_hashes

SOURCE = Path(__file__).parent / "rowhash.py"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "vault-format" / "test-vectors.md"
_JSON = r'("(?:[^"\\]|\\.)*")'
VECTORS = re.findall(rf"^(\w+) {_JSON} {_JSON}$", PAGE.read_text("utf-8"), re.MULTILINE)
HASHES = re.findall(
    rf"^{_JSON} (\w+) {_JSON} ([0-9a-f]{{32}})$", PAGE.read_text("utf-8"), re.MULTILINE
)
ALTOGETHER = re.findall(r"^all ([0-9a-f]{32})$", PAGE.read_text("utf-8"), re.MULTILINE)

BEGINNINGS = {
    WireKind.DECIMAL: ("1.50", "-0.0", "+12e-3", ".5E10", "007", "1e99"),
    WireKind.TIME: ("10:00:00.123Z", "10:00:00"),
    WireKind.DATE: ("2026-01-31T00:00:00.000+00:00", "2026-01-31T00:00:00Z"),
    WireKind.BOOLEAN: ("TRUE", "False"),
    WireKind.INSTANT: (
        "2026-01-31T23:59:59Z",
        "2026-01-31 23:59:60.1239 +02:30",
        "+2026-1-3 1:2:3",
        "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-05:00",
        "-0004-02-29T00:00:00.5-2359",
        "+262142-12-31T23:59:59",
        "-262143-01-01T00:00:00",
        "1900-03-01T00:00:00\N{MINUS SIGN}02 :30",
    ),
}
ODD = "0123456789-:.+eE TZz\N{NO-BREAK SPACE}\N{MINUS SIGN}\N{ARABIC-INDIC DIGIT THREE}\nß"


def ours(kind: str, text: str) -> str:
    return canonical(pl.Series("x", [text]), WireKind(kind)).to_list()[0]


def hashed(cells: list[tuple[str, str, str]]) -> str:
    columns = [(HashedColumn(n, WireKind(k)), pa.array([t], pa.string())) for n, k, t in cells]
    return as_array(row_hashes(columns, rows=1))[0].as_py().hex()


def test_who_knows_the_page_alone_imports_nothing_of_ours() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    named = [one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    plain = [one for one in ast.walk(tree) if isinstance(one, ast.Import)]
    assert {*named, *(a.name for one in plain for a in one.names)} == {
        "re", "collections.abc", "xxhash",
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "plain"), VECTORS)
def test_canonical_texts_are_those_of_the_page(kind: str, text: str, plain: str) -> None:
    text, plain = json.loads(text), json.loads(plain)
    assert ours(kind, text) == plain
    assert rowhash.canonical(kind, text) == plain


def test_the_page_has_texts_of_every_kind_that_is_not_taken_as_it_is() -> None:
    assert len(VECTORS) > 40
    assert {kind for kind, _, _ in VECTORS} > {kind.value for kind in BEGINNINGS} | {"integer"}


def test_row_hashes_are_those_of_the_page() -> None:
    cells = [(json.loads(name), kind, json.loads(text)) for name, kind, text, _ in HASHES]
    assert len(cells) == 7
    for cell, (*_, told) in zip(cells, HASHES, strict=True):
        assert hashed([cell]) == told
    (all_of_them,) = ALTOGETHER
    assert hashed(cells) == hashed(cells[::-1]) == all_of_them
    theirs = {name: (kind, text) for name, kind, text in cells}
    assert rowhash.row_hash(theirs | {"Empty": ("text", None)}).hex() == all_of_them


@st.composite
def nearly(draw: st.DrawFn, kind: WireKind) -> str:
    """A text that is one of a kind but for a few characters."""
    text = list(draw(st.sampled_from(BEGINNINGS[kind])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 1))] = draw(st.sampled_from(["", *ODD]))
    return "".join(text)


@pytest.mark.parametrize("kind", list(BEGINNINGS))
@given(data=st.data())
def test_what_is_nearly_one_of_its_kind_is_understood_alike(
    kind: WireKind, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(nearly(kind), min_size=1, max_size=20))
    found = canonical(pl.Series("x", texts), kind).to_list()
    assert found == [rowhash.canonical(kind.value, text) for text in texts]
