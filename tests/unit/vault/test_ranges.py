"""Row groups of segments that reach into a range of ids."""

from types import SimpleNamespace
from typing import Any

import pytest

from unlost.vault.format.sidecar import GroupFence
from unlost.vault.read.merge import MergeRange, groups_in


def view(*firsts: str, until: str, repeats: bool = False) -> Any:
    """A table with one segment, whose groups begin with these ids."""
    fences = tuple(GroupFence(first, 10, 100) for first in firsts)
    return SimpleNamespace(
        segments=[SimpleNamespace(entry=SimpleNamespace(min_id=firsts[0], max_id=until))],
        repeats=lambda _: repeats,
        sidecar=lambda _: SimpleNamespace(fences=fences),
    )


@pytest.mark.parametrize(
    ("id_range", "groups"),
    [
        (MergeRange("a", "c"), [(0, False)]),
        (MergeRange("a", "d"), [(0, False), (1, True)]),
        (MergeRange("c", "f"), [(1, True)]),
        (MergeRange("c", "g"), [(1, False)]),
        (MergeRange("g", None), []),
        (MergeRange("a", None), [(0, False), (1, False)]),
    ],
)
def test_the_last_group_of_a_segment_is_not_cached_for_later_ranges(
    id_range: MergeRange, groups: list[tuple[int, bool]]
) -> None:
    """All last groups together filled the cache, and none was used again."""
    assert list(groups_in(view("a", "c", until="f"), 0, id_range)) == groups


def test_versions_of_an_id_may_begin_in_the_group_before() -> None:
    groups = groups_in(view("a", "c", until="c", repeats=True), 0, MergeRange("c", "d"))
    assert list(groups) == [(0, False), (1, False)]
