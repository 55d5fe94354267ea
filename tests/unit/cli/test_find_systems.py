"""unlost find in orgs of two systems."""

import pytest

from terminals import Terminal
from two_systems import with_two_systems


@pytest.fixture
def both(unlost: Terminal) -> Terminal:
    with_two_systems(unlost.world)
    return unlost


def test_hits_stand_below_the_names_of_their_systems(both: Terminal) -> None:
    lines = both("find", "schoko").out.splitlines()
    assert {"Memory:", "ServiceDesk:"} <= set(lines)
    below = lines[lines.index("ServiceDesk:") + 1 :][:9]
    assert sum("helpdesk" in line for line in below) == 3


def test_one_system_is_searched_on_request(both: Terminal) -> None:
    told = both("find", "schoko", "--system", "ServiceDesk").out
    assert "helpdesk" in told
    assert "sales" not in told
    assert "ServiceDesk:" not in told.splitlines(), "one system needs no heading"


def test_pages_count_the_matches_of_each_system(both: Terminal) -> None:
    told = both("find", "schoko", "--page", "2").out
    assert "By system: ServiceDesk 3, Memory 1" in told


def test_a_saved_search_has_its_system(both: Terminal) -> None:
    saved = both("searches", "save", "desk", "schoko", "--system", "desk").out
    assert "unlost find schoko --system desk" in saved
    assert "sales" not in both("searches", "open", "desk").out
