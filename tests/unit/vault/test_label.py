"""What a bundle says of the segments in it is said shortly, and read back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.vault.format.physical import physical
from unlost.vault.layout.segment_label import SegmentLabel, metadata_of_bundle, part_of, parts_of

LABEL = SegmentLabel("Account", "a1", 4, 2)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((), ""),
        ((3,), "3"),
        ((0, 1), "0-1"),
        ((1, 2, 3, 5, 7, 8, 9), "1-3,5,7-9"),
        ((10, 9, 2, 1), "1-2,9-10"),
    ],
)
def test_columns_that_follow_each_other_are_one_span(numbers: tuple[int, ...], told: str) -> None:
    part = part_of(LABEL, rows=7, columns=map(physical, numbers))
    assert part.columns == told
    assert (part.label, part.rows) == (LABEL, 7)


@given(numbers=st.sets(st.integers(0, 60)))
def test_any_columns_are_read_back(numbers: set[int]) -> None:
    part = part_of(LABEL, rows=1, columns=map(physical, numbers))
    assert list(part.present) == [physical(number) for number in sorted(numbers)]
    assert parts_of(metadata_of_bundle([part, part])) == (part, part)


def test_what_is_no_bundle_has_no_parts() -> None:
    assert parts_of({}) == ()
