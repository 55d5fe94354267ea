"""Copies of a home's data, whatever else somebody puts beside them."""

import pytest

from smallvault import SmallVault
from unit.vault.test_key_slots import Held
from unit.vault.test_renewal import begun
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.objects.home_copies import MOST_COPIES, VaultHomes
from unlost.vault.vault import open_vault


@pytest.fixture
def small() -> SmallVault:
    made = SmallVault()
    Held(made, "service").add()
    for number in range(1, 4):
        assert made.vault.homes.store_copy(b"settings") == number
    return made


def damaged(small: SmallVault) -> dict[str, str]:
    told = small.reopen().verify(VerifyLevel.QUICK).damages
    return {one.object: one.sentence for one in told}


def test_a_high_number_is_not_counted_on(small: SmallVault) -> None:
    small.store.put_new("homes/99999999", b"junk")
    assert small.vault.homes.store_copy(b"settings") == 4
    assert small.vault.homes.get(4) == b"settings"
    found = damaged(small)
    assert found.keys() == {"homes/99999998", "homes/99999999"}
    assert found["homes/99999998"] == "It is missing, and 99999993 more before it."
    small.store.delete("homes/99999999")
    assert damaged(small) == {}


def test_a_number_that_is_taken_is_passed_by(small: SmallVault) -> None:
    small.store.put_new("homes/00000004", b"junk")
    assert small.vault.homes.store_copy(b"settings") == 5


def test_the_newest_copy_is_the_newest_that_opens(small: SmallVault) -> None:
    small.store.put_new("homes/99999999", b"junk")
    assert small.vault.homes.newest() == b"settings"
    small.vault.homes.drop_before(99999999)
    with pytest.raises(UnlostError):
        small.vault.homes.newest()
    small.store.delete("homes/99999999")
    assert small.vault.homes.newest() is None


def test_junk_does_not_hide_a_copy_from_before_a_renewal(small: SmallVault) -> None:
    small.store.put_new("homes/00000004", b"junk")
    small.keys = begun(small, "service-2")
    small.reopen()
    assert small.vault.homes.get(3) == b"settings"


def test_copies_of_a_thief_push_none_of_the_own_out(small: SmallVault) -> None:
    """Whoever has the service key can seal copies, as many and as high as there are numbers."""
    thief = open_vault(small.store, keys=small.keys, clock=small.clock, entropy=SeededEntropy(666))
    for _ in range(2 * MOST_COPIES):
        thief.homes.store_copy(b"forged")
    assert small.vault.homes.store_copy(b"newer") == 34 + MOST_COPIES
    assert [small.vault.homes.get(number) for number in (1, 2, 3)] == [b"settings"] * 3
    assert small.vault.homes.newest() == b"newer"


def test_a_home_keeps_so_many_of_its_copies(small: SmallVault) -> None:
    for number in range(4, MOST_COPIES + 3):
        assert small.vault.homes.store_copy(b"settings") == number
    assert list(small.vault.homes.numbers()) == list(range(3, MOST_COPIES + 3))


def test_a_copy_behind_the_highest_number_is_found(small: SmallVault) -> None:
    VaultHomes(small.vault.sealed)._put(99999999, b"forged")
    assert small.vault.homes.store_copy(b"newer") == 100000000
    small.reopen()
    assert small.vault.homes.newest() == b"newer"


def test_without_a_ledger_no_copy_is_removed(small: SmallVault) -> None:
    homes = VaultHomes(small.vault.sealed, most=1)
    assert homes.store_copy(b"settings") == 4
    assert list(homes.numbers()) == [1, 2, 3, 4]
