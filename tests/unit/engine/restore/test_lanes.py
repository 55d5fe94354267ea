"""Rows that refer to one record stand in one lane; lanes are full calls as far as they can be."""

from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.restore.running.parallel_rows import lanes

ROWS = st.lists(st.sets(st.integers(0, 30), max_size=3), max_size=60)


@given(ROWS, st.integers(1, 5), st.integers(1, 7))
def test_each_row_stands_once_and_no_mark_in_two_lanes(
    rows: list[set[int]], most: int, full: int
) -> None:
    found = lanes(rows, most=most, full=full)
    assert sorted(at for lane in found for at in lane) == list(range(len(rows)))
    assert len(found) <= most
    assert all(lane == sorted(lane) for lane in found)
    marks = [set[int]().union(*(rows[at] for at in lane)) for lane in found]
    assert sum(map(len, marks)) == len(set[int]().union(*marks))


@given(st.integers(0, 100), st.integers(1, 5), st.integers(1, 7))
def test_rows_that_share_nothing_need_no_more_calls_than_in_one_lane(
    count: int, most: int, full: int
) -> None:
    found = lanes([{at} for at in range(count)], most=most, full=full)
    assert sum(-(-len(lane) // full) for lane in found) == -(-count // full)
    calls = [-(-len(lane) // full) for lane in found]
    assert not calls or max(calls) - min(calls) <= 1


def test_families_fill_lanes() -> None:
    families = [{number // 5} for number in range(100)]
    assert [len(lane) for lane in lanes(families, most=4, full=10)] == [30, 30, 20, 20]


def test_what_hangs_together_over_others_stands_in_one_lane() -> None:
    chain = [{at, at + 1} for at in range(10)]
    assert lanes([*chain, {77}], most=3, full=2) == [list(range(10)), [10]]
