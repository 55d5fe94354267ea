"""A stranger puts an object where the next commit belongs: the owner loses a command, and no more."""

import pytest

from smallvault import IDENTITY, SmallVault
from thief import Thief
from unlost.model.errors import IntegrityError
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.system import MemoryWitness
from unlost.vault.keys.derivation import epoch_folder, identity_folder
from unlost.vault.layout import object_names

JUNK = [b"", b"junk", bytes(5_000)]


@pytest.fixture
def small() -> SmallVault:
    made = SmallVault(witness=MemoryWitness())
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    made.night("night-2", ("b", "U", {"Name": "Bert"}))
    return made


def place(small: SmallVault, seq: int) -> str:
    return object_names.commit(small.org, seq)


def unblocked(small: SmallVault) -> dict[str, bytes]:
    kept: dict[str, bytes] = {}
    names = small.reopen().removals(small.org).unblock(keep=kept.__setitem__)
    assert set(names) == set(kept)
    return kept


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("seq", [3, 4, 900])
def test_junk_in_the_place_of_a_commit_blocked_an_org_for_good(
    small: SmallVault, junk: bytes, seq: int
) -> None:
    small.store.put_new(place(small, seq), junk)
    with pytest.raises(IntegrityError):
        small.reopen().at(small.org, 1)
    removals = small.reopen().removals(small.org)
    assert removals.blocking() == (place(small, seq),)
    assert unblocked(small) == {place(small, seq): junk}
    small.reopen()
    assert small.cells(2).keys() == {"a", "b"}
    info = small.night("night-3", ("c", "U", {"Name": "Carla"}))
    assert info.number == 3
    assert small.reopen().verify(VerifyLevel.DEEP).damages == ()
    assert unblocked(small) == {}


def test_a_commit_that_follows_another_one_is_removed(small: SmallVault) -> None:
    """It opens, but its parent is not the commit before."""
    thief = Thief(small.store, small.keys.for_store(small.store), small.org, clock=small.clock)
    thief.commit(CommitKind.CONDEMN, parent="ab" * 32)
    assert list(unblocked(small)) == [place(small, 3)]
    assert small.reopen().at(small.org, 2)


def test_all_that_comes_after_it_goes_with_it(small: SmallVault) -> None:
    for seq in (3, 4, 7):
        small.store.put_new(place(small, seq), b"junk")
    assert list(unblocked(small)) == [place(small, seq) for seq in (7, 4, 3)]


def test_a_commit_that_fits_is_not_removed(small: SmallVault) -> None:
    thief = Thief(small.store, small.keys.for_store(small.store), small.org, clock=small.clock)
    thief.commit(CommitKind.CONDEMN)
    assert unblocked(small) == {}


def test_a_damaged_commit_of_the_own_home_is_never_removed(small: SmallVault) -> None:
    name = place(small, 2)
    data = small.store.get(name)
    small.store.delete(name)
    small.store.put_new(name, data[:-1])
    small.store.put_new(place(small, 3), b"junk")
    with pytest.raises(IntegrityError):
        unblocked(small)
    assert small.store.size(name) == len(data) - 1


def test_a_home_that_has_seen_nothing_removes_nothing(small: SmallVault) -> None:
    small.store.put_new(place(small, 3), b"junk")
    small.witness = MemoryWitness()
    assert unblocked(small) == {}


def test_one_blocked_org_hid_all_others(small: SmallVault) -> None:
    other = small.vault.ensure_org(OrgIdentity("fake", "T2", label="Another org"))
    small.store.put_new(place(small, 3), b"junk")
    assert small.reopen().orgs().keys() == {small.org, other}
    assert small.reopen().orgs()[small.org].tenant == "T1"


@pytest.mark.parametrize("beside", [(), ("keys/identity/1", "commits/00000000000000000001")])
def test_a_strangers_name_hid_all_orgs(small: SmallVault, beside: tuple[str, ...]) -> None:
    strange = "ab" * 16
    small.store.put_new(f"names/{strange}", b"junk")
    for name in beside:
        small.store.put_new(f"orgs/{strange}/{name}", b"junk")
    assert small.reopen().orgs().keys() == {small.org}
    assert small.vault.ensure_org(OrgIdentity("fake", "T2")) in small.reopen().orgs()
    assert any(strange in one.object for one in small.vault.verify(VerifyLevel.QUICK).damages)


@pytest.mark.parametrize("which", ["identity", "epoch", "both"])
def test_an_org_whose_keys_were_lost_got_new_ones(small: SmallVault, which: str) -> None:
    """The lost ones could then never come back from a mirror."""
    folders = {"identity": identity_folder(small.org), "epoch": epoch_folder(small.org, 1)}
    names = [
        f"{folder}/{copy}"
        for kind, folder in folders.items()
        for copy in (1, 2, 3)
        if which in (kind, "both")
    ]
    kept = {name: small.store.get(name) for name in names}
    for name in names:
        small.store.delete(name)
    small.keys = small.keys.for_store(small.store)
    if which == "identity":  # the chain is read without it
        assert small.reopen().ensure_org(IDENTITY) == small.org
    else:
        with pytest.raises(IntegrityError) as lost:
            small.reopen().ensure_org(IDENTITY)
        assert lost.value.code == "org-key-lost"
    assert not any(small.store.size(name) for name in names)
    for name, data in kept.items():
        small.store.put_new(name, data)
    assert small.reopen().ensure_org(IDENTITY) == small.org
    assert small.reopen().verify(VerifyLevel.DEEP).damages == ()
