"""Copies of a home's data, whatever else somebody puts beside them."""

import pytest

from smallvault import SmallVault
from unit.vault.test_key_slots import Held
from unit.vault.test_renewal import begun
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import VerifyLevel


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
