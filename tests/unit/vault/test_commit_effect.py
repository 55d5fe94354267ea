"""Which segments of one commit may hold the same record."""

import pytest

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.read.commit_effect import overlapping


def segment(number: int, low: str, high: str) -> SegmentEntry:
    return SegmentEntry(
        id=f"{number}", table="Thing", rows=1, bytes=1, blake3="", min_id=low, max_id=high, epoch=1
    )


@pytest.mark.parametrize(
    ("ranges", "groups"),
    [
        ([], []),
        (["ab", "cd"], []),
        (["ab", "bc"], [[0, 1]]),
        (["az", "bc", "de"], [[0, 1, 2]]),  # the first one reaches over the short one behind it
        (["ac", "bd", "ef", "fg"], [[0, 1], [2, 3]]),
        (["de", "az", "bc"], [[0, 1, 2]]),
        (["yz", "ab"], []),
    ],
)
def test_segments_whose_ranges_meet_are_looked_at_together(
    ranges: list[str], groups: list[list[int]]
) -> None:
    entries = [segment(number, low, high) for number, (low, high) in enumerate(ranges)]
    told = [[int(one.id) for one in group] for group in overlapping(entries)]
    assert told == groups
