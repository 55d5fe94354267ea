"""Rows that refer to one record stand in one queue; queues are full calls as far as they can be."""

from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.restore.running.parallel_rows import distribute_rows

ROWS = st.lists(st.sets(st.integers(0, 30), max_size=3), max_size=60)


@given(ROWS, st.integers(1, 5), st.integers(1, 7))
def test_each_row_stands_once_and_no_mark_in_two_queues(
    rows: list[set[int]], most: int, full: int
) -> None:
    found = distribute_rows(rows, most=most, full=full)
    assert sorted(at for queue in found for at in queue) == list(range(len(rows)))
    assert len(found) <= most
    assert all(queue == sorted(queue) for queue in found)
    marks = [set[int]().union(*(rows[at] for at in queue)) for queue in found]
    assert sum(map(len, marks)) == len(set[int]().union(*marks))


@given(st.integers(0, 100), st.integers(1, 5), st.integers(1, 7))
def test_rows_that_share_nothing_need_no_more_calls_than_in_one_queue(
    count: int, most: int, full: int
) -> None:
    found = distribute_rows([{at} for at in range(count)], most=most, full=full)
    assert sum(-(-len(queue) // full) for queue in found) == -(-count // full)
    calls = [-(-len(queue) // full) for queue in found]
    assert not calls or max(calls) - min(calls) <= 1


def test_families_fill_queues() -> None:
    families = [{number // 5} for number in range(100)]
    assert [len(queue) for queue in distribute_rows(families, most=4, full=10)] == [30, 30, 20, 20]


def test_what_hangs_together_over_others_stands_in_one_queue() -> None:
    chain = [{at, at + 1} for at in range(10)]
    assert distribute_rows([*chain, {77}], most=3, full=2) == [list(range(10)), [10]]
