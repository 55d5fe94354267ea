"""When segments are merged, and which."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment
from unlost.vault.maintenance.rewrite.tiers import (
    MAX_DEPTH,
    MIN_LOAD_ROWS,
    MIN_SEGMENTS,
    MIN_TIERS,
    Overlap,
    Tier,
    depth,
    due,
    tiers_of,
)


def segment(
    seq: int, rows: int, *, low: str = "a", high: str = "z", first: int = 0, order: int = 0
) -> LiveSegment:
    entry = SegmentEntry(
        id=f"{seq}-{order}",
        table="T",
        rows=rows,
        bytes=rows,
        blake3="",
        min_id=low,
        max_id=high,
        epoch=1,
        first=first,
        last=seq if first else 0,
    )
    return LiveSegment(entry, seq=seq + (100 if first else 0), order=order)


def tiers(*rows: int) -> list[Tier]:
    return tiers_of([segment(seq, count) for seq, count in enumerate(rows, 1)])


def chosen(held: Sequence[Tier], *, closed: int = 0) -> list[tuple[int, int]]:
    """The commits of what is merged."""
    return [(part[0].first, part[-1].last) for part in due(held, closed=lambda: closed)]


def never() -> int:
    raise AssertionError("it was asked where the answer decides nothing")


def test_a_tier_is_what_one_commit_brought_or_what_was_merged() -> None:
    held = [
        segment(9, 5, first=3, low="a", high="f"),
        segment(9, 5, first=3, low="g", high="z", order=1),
        segment(2, 1, order=1),
        segment(2, 1),
        segment(10, 1),
    ]
    told = tiers_of(held)
    assert [(tier.first, tier.last, tier.rows) for tier in told] == [
        (2, 2, 2),
        (3, 9, 10),
        (10, 10, 1),
    ]
    assert [live.order for live in told[0].segments] == [0, 1]
    assert [tier.depth for tier in told] == [2, 1, 1]


def test_nights_are_merged_once_they_are_several_and_the_load_stays() -> None:
    assert chosen(tiers(10**6, *[100] * (MIN_TIERS - 1))) == []
    assert chosen(tiers(10**6, *[100] * MIN_TIERS)) == [(2, MIN_TIERS + 1)]


def test_a_small_table_is_merged_whole() -> None:
    assert chosen(tiers(300, *[100] * (MIN_TIERS - 1))) == [(1, MIN_TIERS)]


def test_what_was_merged_is_merged_again_only_when_it_at_least_doubles() -> None:
    merged = [segment(1, 10**6), segment(9, 800, first=2)]
    few = [segment(9 + n, 90) for n in range(1, MIN_TIERS + 1)]
    assert chosen(tiers_of([*merged, *few])) == [(10, 9 + MIN_TIERS)]
    more = [segment(9 + n, 100) for n in range(1, MIN_TIERS + 1)]
    assert chosen(tiers_of([*merged, *more])) == [(2, 9 + MIN_TIERS)]


def test_a_load_is_written_again_when_much_of_it_was_replaced() -> None:
    held = tiers(1000, *[50] * MIN_TIERS)
    assert chosen(held, closed=300) == [(2, MIN_TIERS + 1)]
    assert chosen(held, closed=301) == [(1, MIN_TIERS + 1)]


def test_records_are_counted_only_where_the_count_may_decide() -> None:
    due(tiers(10**6, *[100] * MIN_TIERS), closed=never)  # all nights together are too few
    due(tiers(1000, *[50] * (MIN_TIERS - 2)), closed=never)  # nothing is merged anyway
    due(tiers(1, *[50] * MIN_TIERS), closed=never)  # it is written again in any case


def test_a_tier_of_many_overlapping_segments_is_merged_in_itself() -> None:
    wild = [segment(1, MIN_LOAD_ROWS, order=n) for n in range(MAX_DEPTH + 1)]
    assert chosen(tiers_of(wild[:-1])) == []
    assert chosen(tiers_of([*wild, segment(2, 1)])) == [(1, 1)]
    few = [segment(1, 10, order=n) for n in range(MAX_DEPTH + 1)]
    assert chosen(tiers_of([*few, segment(2, 1)])) == []


def test_nights_of_many_segments_are_merged_earlier() -> None:
    words = [segment(seq, 10, order=n) for seq in range(2, 4) for n in range(MIN_SEGMENTS // 2)]
    assert chosen(tiers_of([segment(1, 10**6), *words[:-1]])) == []
    assert chosen(tiers_of([segment(1, 10**6), *words])) == [(2, 3)]


def test_depth_is_the_most_that_overlap_in_one_place() -> None:
    assert depth([]) == 0
    assert depth([segment(1, 1, low="a", high="b"), segment(1, 1, low="b", high="c")]) == 2
    assert depth([segment(1, 1, low="a", high="b"), segment(1, 1, low="ba", high="c")]) == 1
    assert depth([segment(1, 1, low="é", high="é"), segment(1, 1, low="f", high="𝄞")]) == 2


RANGES = st.tuples(st.integers(0, 30), st.integers(0, 6))


@given(st.lists(RANGES, max_size=25))
def test_overlap_is_known_while_segments_come(ranges: list[tuple[int, int]]) -> None:
    overlap, held, deepest = Overlap(), [], 0
    for low, width in ranges:
        one = segment(1, 1, low=f"{low:02}", high=f"{low + width:02}")
        deepest = max(deepest, overlap.with_(one))
        overlap.add(one)
        held.append(one)
        assert deepest == depth(held)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=400), st.integers(1, 10**6))
def test_a_life_of_nights_leaves_few_tiers_and_little_work(nights: list[int], load: int) -> None:
    """However large each night is: few tiers, and each version is written again rarely."""
    held = [segment(1, load)]
    written = 0
    for seq, rows in enumerate(nights, 2):
        held.append(segment(seq, rows))
        for part in due(tiers_of(held), closed=lambda: 0):
            old = {live.entry.id for tier in part for live in tier.segments}
            count = sum(tier.rows for tier in part)
            written += count
            held = [live for live in held if live.entry.id not in old]
            held.append(segment(part[-1].last, count, first=part[0].first))
    versions = load + sum(nights)
    assert len(tiers_of(held)) <= MIN_TIERS + versions.bit_length()
    assert written <= versions * versions.bit_length()
