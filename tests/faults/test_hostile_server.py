"""Servers that are broken, or were broken into: memory, time, and the last snapshot stay safe.

Each attack replaces the answers to one call of a backup, and does so to each of them in turn.
"""

import pytest

from fakes.hostile_server import ATTACKS, PLACES
from hostile_suite import attack_in_child

pytestmark = [pytest.mark.full, pytest.mark.network]

MOST_MB = 600


TURNS = 8


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(turn, marks=pytest.mark.deep) for turn in range(1, TURNS))]
)
def test_a_hostile_server_ends_a_backup_in_plain_words_and_harms_no_snapshot(
    attack: str, turn: int
) -> None:
    """An eighth of the calls in ``make full``, others for each attack; all of them in ``make deep``."""
    first = (list(ATTACKS).index(attack) + turn) % TURNS
    places = list(PLACES)[first::TURNS]
    attacked = attack_in_child(attack, places)
    assert [ending.place for ending in attacked.endings] == places
    assert [ending for ending in attacked.endings if not ending.good] == []
    assert attacked.peak_mb <= MOST_MB
