"""Which record stands for another at last."""

import pytest

from unlost.model.plan import RecordKey
from unlost.model.vault.lineage import resolve
from unlost.model.vault.snapshot import Lineage

HERE, THERE = "here", "there"


def row(old: str, live: str, since: int, *, target: str = HERE, table: str = "T") -> Lineage:
    return Lineage(table, old, live, target, "run", since=since)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], {}),
        ([row("a", "b", 1)], {"a": "b"}),
        ([row("a", "b", 1), row("b", "c", 2), row("c", "d", 3)], {"a": "d", "b": "d", "c": "d"}),
        # b stood for a, was lost, and a itself was taken out of the bin again
        ([row("a", "b", 1), row("b", "a", 2)], {"a": "a", "b": "a"}),
        # b was lost and came back as c before it ever stood for a: c is not what stands for a
        ([row("b", "c", 1), row("a", "b", 2)], {"a": "b", "b": "c"}),
        ([row("a", "a", 1)], {"a": "a"}),
        ([row("a", "b", 1), row("b", "b", 2)], {"a": "b", "b": "b"}),
        ([row("a", "b", 1), row("b", "c", 1)], {"a": "c", "b": "c"}),
    ],
)
def test_chains(rows: list[Lineage], expected: dict[str, str]) -> None:
    found = resolve(rows, org=HERE, target=HERE)
    assert found == {RecordKey("T", old): live for old, live in expected.items()}


def test_a_circle_ends() -> None:
    found = resolve([row("a", "b", 1), row("b", "c", 1), row("c", "a", 1)], org=HERE, target=HERE)
    assert found == {RecordKey("T", old): old for old in "abc"}


def test_tables_and_targets_are_kept_apart() -> None:
    rows = [
        row("a", "b", 1),
        row("b", "c", 2, table="Other"),
        row("a", "x", 1, target=THERE),
        row("x", "y", 2, target=THERE),
    ]
    here = resolve(rows, org=HERE, target=HERE)
    assert here == {RecordKey("T", "a"): "b", RecordKey("Other", "b"): "c"}
    there = resolve(rows, org=HERE, target=THERE)
    assert there == {RecordKey("T", "a"): "x", RecordKey("T", "x"): "y"}
