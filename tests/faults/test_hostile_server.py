"""Servers that are broken, or were broken into: memory, time, and the last snapshot stay safe.

Each attack replaces the answers to one call of a backup, and does so to each of them in turn.
"""

import pytest

from fakes.hostile_server import ATTACKS, PLACES
from hostile_suite import Strike, attack_in_child

pytestmark = [pytest.mark.full, pytest.mark.network]

MOST_MB = 600
TURNS = 8
GROUPS = -(
    -len(ATTACKS) // TURNS
)  # starting a process and its first backup takes as long as twelve strikes


def strikes_of(attack: str, turn: int) -> list[Strike]:
    """An eighth of the calls, others for each attack."""
    first = (list(ATTACKS).index(attack) + turn) % TURNS
    return [Strike(attack, place) for place in list(PLACES)[first::TURNS]]


def assert_harmless(strikes: list[Strike]) -> None:
    # A backup that ended as a gap makes the next ones read in full, without the list of deletions.
    strikes = sorted(strikes, key=lambda strike: strike.place != "deleted")
    attacked = attack_in_child(strikes)
    assert [Strike(ending.attack, ending.place) for ending in attacked.endings] == strikes
    assert [ending for ending in attacked.endings if not ending.good] == []
    assert attacked.peak_mb <= MOST_MB


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_hostile_server_ends_a_backup_in_plain_words_and_harms_no_snapshot(group: int) -> None:
    # Neighbours strike different calls: one of each group strikes the list of deletions.
    attacks = list(ATTACKS)[group * TURNS : (group + 1) * TURNS]
    assert_harmless([strike for attack in attacks for strike in strikes_of(attack, turn=0)])


@pytest.mark.deep
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_is_harmless_at_each_other_call(attack: str) -> None:
    assert_harmless([s for turn in range(1, TURNS) for s in strikes_of(attack, turn)])
