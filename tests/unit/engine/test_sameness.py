"""Two texts that mean the same are no change."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.sameness import canonical, differs, same
from unlost.model.source.schema import WireKind

ALIKE = [
    (WireKind.DECIMAL, "10000000.00", "1.0E7"),
    (WireKind.DECIMAL, "0", "-0.00"),
    (WireKind.INTEGER, "7", "7.0"),
    (WireKind.INSTANT, "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000+0000"),
    (WireKind.INSTANT, "2026-01-02T03:04:05", "2026-01-02T04:04:05+01:00"),
    (WireKind.BOOLEAN, "True", "true"),
]
UNLIKE = [
    (WireKind.DECIMAL, "1.0", "1.01"),
    (WireKind.DECIMAL, "one", "1"),
    (WireKind.INSTANT, "2026-01-02T03:04:05.000Z", "never"),
    (WireKind.TEXT, "1.0", "1.00"),
    (WireKind.TEXT, "", None),
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


@given(st.text())
def test_canonical_is_stable(text: str) -> None:
    for kind in WireKind:
        assert canonical(kind, canonical(kind, text)) == canonical(kind, text)
