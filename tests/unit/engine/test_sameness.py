"""Two texts that mean the same are no change."""

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.sameness import canonical, differs, same
from unlost.model.source.schema import WireKind
from unlost.vault.format.canonical import canonical as hashed_text

ALIKE = [
    (WireKind.DECIMAL, "10000000.00", "1.0E7"),
    (WireKind.DECIMAL, "0", "-0.00"),
    (WireKind.INTEGER, "7", "7.0"),
    (WireKind.INSTANT, "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000+0000"),
    (WireKind.INSTANT, "2026-01-02T03:04:05", "2026-01-02T04:04:05+01:00"),
    (WireKind.BOOLEAN, "True", "true"),
    (WireKind.DECIMAL, "139.758964", "139.758963999999984"),  # by Bulk, and later by REST
    (WireKind.DATE, "2026-01-31", "2026-01-31T00:00:00.000Z"),
    (WireKind.TIME, "10:15:00.000Z", "10:15:00"),
]
UNLIKE = [
    (WireKind.DECIMAL, "1.0", "1.01"),
    (WireKind.DECIMAL, "one", "1"),
    (WireKind.INSTANT, "2026-01-02T03:04:05.000Z", "never"),
    (WireKind.TEXT, "1.0", "1.00"),
    (WireKind.TEXT, "", None),
    (WireKind.DECIMAL, "1542,50", "1542.50"),
    (WireKind.DECIMAL, "1_000", "1000"),
    (WireKind.DECIMAL, "1000000000000000.01", "1000000000000000"),
    (WireKind.INTEGER, "999999999999999999", "1000000000000000000"),
    (WireKind.DATE, "2026-01-31", "2026-01-31T00:00:01Z"),
    (WireKind.TIME, "10:15:00.001Z", "10:15:00"),
    (WireKind.INSTANT, "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59"),
]


@pytest.mark.parametrize(("kind", "one", "other"), ALIKE)
def test_alike(kind: WireKind, one: str, other: str) -> None:
    assert same(kind, one, other)
    assert differs(kind, pa.array([one, None]), pa.array([other, None])).to_pylist() == [False] * 2


@pytest.mark.parametrize(("kind", "one", "other"), UNLIKE)
def test_unlike(kind: WireKind, one: str, other: str | None) -> None:
    assert not same(kind, one, other)
    columns = pa.array([one], pa.string()), pa.array([other], pa.string())
    assert differs(kind, *columns).to_pylist() == [True]


TEXTS = st.lists(st.sampled_from(["1", "1.0", "1e0", "x", "", "True", "true", None]), max_size=8)


@given(
    kind=st.sampled_from(list(WireKind)),
    pairs=TEXTS.flatmap(lambda a: st.permutations(a).map(lambda b: (a, b))),
)
def test_columns_agree_with_single_values(
    kind: WireKind, pairs: tuple[list[str | None], ...]
) -> None:
    old, new = pairs
    found = differs(kind, pa.array(old, pa.string()), pa.array(new, pa.string())).to_pylist()
    assert found == [not same(kind, one, other) for one, other in zip(old, new, strict=True)]


CELLS = st.text(alphabet="0123456789.-+eE:TZ truefals,_", max_size=14)


@pytest.mark.parametrize("kind", [kind for kind in WireKind if kind is not WireKind.INSTANT])
@given(one=CELLS, other=CELLS)
def test_the_row_hash_and_a_comparison_agree(kind: WireKind, one: str, other: str) -> None:
    """The vault drops a row that did not change, so that both must mean the same by it."""
    hashed = hashed_text(pl.Series("x", [one, other]), kind).to_list()
    assert same(kind, one, other) == (hashed[0] == hashed[1])
    assert same(kind, one, hashed[0])


@pytest.mark.parametrize(
    "text",
    ["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05+01:00", "2026-01-02 03:04:05.1239", "never"],
)
def test_the_row_hash_and_a_comparison_agree_on_instants(text: str) -> None:
    hashed = hashed_text(pl.Series("x", [text]), WireKind.INSTANT)[0]
    assert same(WireKind.INSTANT, text, hashed)


@given(st.text())
def test_canonical_is_stable(text: str) -> None:
    for kind in WireKind:
        assert canonical(kind, canonical(kind, text)) == canonical(kind, text)
