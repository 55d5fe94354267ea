"""Shredding an org: nothing of it opens any more, others are untouched, and it may come back as another."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smallvault import SmallVault
from unit.vault.test_key_slots import Held, failing
from unit.vault.test_renewal import put, renewed
from unlost.model.errors import Conflict, NotAllowed, NotFound
from unlost.model.org import OrgIdentity
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import RegisterEntry, ShreddedOrg, entry_copies
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import (
    listed_entries,
    newest_entry,
    registered,
    repair_register,
    shredded_orgs,
    strange_entries,
)
from unlost.vault.maintenance.shred import (
    ShredPlanOfOrg,
    finish_shredding,
    plan_shredding,
    shred_org,
    shredding_unfinished,
)
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore

OTHER = OrgIdentity("fake", "T2", label="Another org")


@pytest.fixture
def small() -> SmallVault:
    made = SmallVault()
    Held(made, "service").add()
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    return made


def plan(small: SmallVault) -> ShredPlanOfOrg:
    return plan_shredding(small.vault.org_vault(small.org), now=small.clock.now())


def shred(small: SmallVault) -> None:
    shred_org(small.vault.org_vault(small.org), plan(small), at=small.clock.now())
    small.reopen()


def names(store: Store) -> list[str]:
    return [one.name for one in store.list("")]


def whole(small: SmallVault) -> bool:
    return all(small.reopen().verify(level).damages == () for level in VerifyLevel)


def copies(small: SmallVault) -> tuple[str, ...]:
    """The copies of the entry in force."""
    return entry_copies(newest_entry(small.store, small.keys))


def test_nothing_of_it_is_left_but_a_note_in_the_register(small: SmallVault) -> None:
    other = small.vault.ensure_org(OTHER)
    seen = plan(small)
    assert (seen.backups, seen.commits, seen.holds) == (1, 1, ())
    shred(small)
    assert [name for name in names(small.store) if small.org in name] == []
    assert list(small.vault.orgs()) == [other]
    assert failing(lambda: small.vault.org_vault(small.org), NotFound) == "org-unknown"
    note = registered(small.store, small.keys).shredded[small.org]
    assert note == ShreddedOrg(
        small.clock.now().isoformat(), 1, seen.head, seen.objects, seen.bytes
    )
    assert shredded_orgs(small.store, small.keys) == {small.org: note}
    assert whole(small)


def test_a_note_outlives_every_later_change_of_the_register(small: SmallVault) -> None:
    shred(small)
    notes = shredded_orgs(small.store, small.keys)
    Held(small, "usb").add()
    renewed(small)
    Held(small, "usb").add()
    assert shredded_orgs(small.store, small.keys) == notes != {}


def test_it_may_come_back_as_another_org(small: SmallVault) -> None:
    lives = [small.org]
    for _ in range(2):
        shred(small)
        identity = small_identity()
        small.org = small.vault.ensure_org(identity)
        assert small.org not in lives
        lives.append(small.org)
        small.night(f"night-{len(lives)}", ("b", "U", {"Name": "Bert"}))
        assert small.vault.ensure_org(identity) == small.org
    assert list(small.vault.orgs()) == [lives[-1]]
    assert whole(small)


def small_identity() -> OrgIdentity:
    return OrgIdentity("fake", "T1", label="The org")


def test_holds_and_open_runs_forbid_it(small: SmallVault) -> None:
    before = names(small.store)
    hold = Hold(HoldTarget(HoldScope.ORG), "lawsuit", "ada")
    small.vault.change_holds(small.org, placed=(hold,), run="hold-1")
    seen = plan(small)
    assert [one.reason for one in seen.holds] == ["lawsuit"]
    run = lambda: shred_org(small.vault.org_vault(small.org), seen, at=small.clock.now())  # noqa: E731
    assert failing(run, Conflict) == "shred-held"
    small.vault.change_holds(small.org, lifted=(hold.thing,), run="lift-1")
    assert failing(run, Conflict) == "shred-changed"
    small.begin("night-2")
    assert failing(lambda: plan(small), Conflict) == "runs-open"
    assert set(before) <= set(names(small.store))


def test_an_org_without_a_night_is_shredded_too(small: SmallVault) -> None:
    small.org = small.vault.ensure_org(OTHER)
    assert plan(small).backups == 0
    shred(small)
    assert whole(small)


class Cut(Exception):
    """The machine dies."""


def cut_after(store: Store, count: int) -> Callable[[str], bool]:
    """Deletes so many names, and then dies."""
    honest, left = store.delete, [count]

    def delete(name: str) -> bool:
        if not left[0]:
            raise Cut
        left[0] -= 1
        return honest(name)

    return delete


def test_wherever_it_is_cut_off_it_counts_and_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    small = SmallVault()
    Held(small, "service").add()
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    total = len([name for name in names(small.store) if small.org in name])
    earlier = len(copies(small))  # of the register, which are removed first
    for count in range(earlier + total):
        made = SmallVault()
        Held(made, "service").add()
        made.night("night-1", ("a", "U", {"Name": "Anna"}))
        with monkeypatch.context() as patch:
            patch.setattr(made.store, "delete", cut_after(made.store, count))
            with pytest.raises(Cut):
                shred(made)
        made.reopen()
        assert made.vault.orgs() == {}
        assert whole(made)
        assert shredding_unfinished(made.store, made.keys) == (made.org,)
        finish_shredding(made.store, made.keys)
        assert shredding_unfinished(made.store, made.keys) == ()
        assert [name for name in names(made.store) if made.org in name] == []


def test_a_second_copy_loses_it_too(small: SmallVault) -> None:
    mirror = MemoryStore()
    update_mirror(small.vault, mirror)
    assert any(small.org in name for name in names(mirror))
    shred(small)
    done = update_mirror(small.vault, mirror)
    assert done.strange == ()
    assert names(mirror) == names(small.store)


def noted(small: SmallVault, *, number: int) -> RegisterEntry:
    """The entry in force, under a later number, and with a note that the org was shredded."""
    note = ShreddedOrg("2026-01-01T00:00:00+00:00", 1, "x", 1, 1)
    entry = registered(small.store, small.keys)
    return replace(entry, number=number, shredded={small.org: note})


@pytest.mark.parametrize("owned", [True, False])
def test_a_forged_note_hides_no_org(small: SmallVault, owned: bool) -> None:
    thief = Keyring.of_secret(
        small.store, vault=small.keys.vault, secret=bytes(32), entropy=SeededEntropy(5)
    )
    number = newest_entry(small.store, small.keys) + 1
    entry = noted(small, number=number)
    put(small, replace(entry, owner=thief.owner.public.hex()) if owned else entry, thief)
    assert list(small.reopen().orgs()) == [small.org]
    damaged = [one.object for one in small.vault.verify(VerifyLevel.QUICK).damages]
    assert damaged == [*entry_copies(number)]
    assert strange_entries(small.store, small.keys) == [*entry_copies(number)]
    assert shredding_unfinished(small.store, small.keys) == ()
    finish_shredding(small.store, small.keys)
    assert small.cells(1)["a"]["Name"] == "Anna"
    shred(small)  # under the number after it
    assert whole(small)


def test_only_a_note_of_the_present_owner_makes_anything_go(small: SmallVault) -> None:
    shred(small)
    new = small.keys.successor()
    small.store.put_new(f"orgs/{small.org}/data/00/left", b"left")
    assert shredding_unfinished(small.store, small.keys) == (small.org,)
    assert shredding_unfinished(small.store, new) == ()
    finish_shredding(small.store, new)
    assert small.store.size(f"orgs/{small.org}/data/00/left") == 4


def test_two_damaged_copies_of_the_register_bring_no_org_back(small: SmallVault) -> None:
    shred(small)
    for hurt in copies(small)[:2]:
        data = small.store.get(hurt)
        small.store.delete(hurt)
        small.store.put_new(hurt, data[:60] + b"?" + data[61:])
    assert small.reopen().orgs() == {}
    damaged = [one.object for one in small.vault.verify(VerifyLevel.QUICK).damages]
    assert damaged == list(copies(small)[:2])
    assert shredding_unfinished(small.store, small.keys) == ()
    repair_register(small.store, small.keys)
    assert small.reopen().orgs() == {}
    assert whole(small)


@pytest.mark.parametrize("written", [1, 2])
def test_a_note_of_which_not_every_copy_was_written_counts_and_is_finished(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    honest = small.store.put_new
    cut = entry_copies(newest_entry(small.store, small.keys) + 1)[written]

    def put_new(name: str, data: bytes) -> bool:
        if name == cut:
            raise Cut
        return honest(name, data)

    with monkeypatch.context() as patch:
        patch.setattr(small.store, "put_new", put_new)
        with pytest.raises(Cut):
            shred(small)
    assert small.reopen().orgs() == {}
    assert shredding_unfinished(small.store, small.keys) == (small.org,)
    finish_shredding(small.store, small.keys)
    assert [name for name in names(small.store) if small.org in name] == []
    assert whole(small)
    small.store.put_new("register/x", b"junk")
    assert not whole(small)
    repair_register(small.store, small.keys)
    assert whole(small)


def test_a_shredding_that_was_cut_off_before_its_note_changed_nothing(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names(small.store)

    def put_new(name: str, data: bytes) -> bool:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(small.store, "put_new", put_new)
        with pytest.raises(Cut):
            shred(small)
    assert names(small.store) == before
    assert list(small.reopen().orgs()) == [small.org]
    assert whole(small)


def test_a_key_file_destroys_nothing(small: SmallVault) -> None:
    """Neither by the command nor by a note of its own; see test_key_slots for other changes."""
    keys = Held(small, "usb").add().keyring()
    before = names(small.store)
    small.keys, owner = keys, small.keys
    small.reopen()
    assert failing(lambda: shred(small), NotAllowed) == "sheet-needed"
    assert names(small.store) == before
    small.keys = owner
    assert list(small.reopen().orgs()) == [small.org]
    assert whole(small)


def followed(small: SmallVault) -> Keyring:
    """The keys from before a new master key."""
    before = small.keys
    renewed(small)
    return before


def test_a_note_that_a_thief_of_an_earlier_key_makes_hides_nothing(small: SmallVault) -> None:
    mirror = MemoryStore()
    entry = noted(small, number=20)
    before = followed(small)
    update_mirror(small.vault, mirror)
    there = names(mirror)
    put(small, entry, before)
    assert list(small.reopen().orgs()) == [small.org]
    assert small.vault.org_vault(small.org)
    damaged = [one.object for one in small.vault.verify(VerifyLevel.FULL).damages]
    assert damaged == list(entry_copies(20))
    assert shredding_unfinished(small.store, small.keys) == ()
    update_mirror(small.vault, mirror)
    assert set(there) <= set(names(mirror))


def test_what_was_shredded_before_a_renewal_stays_so(small: SmallVault) -> None:
    other = small.vault.ensure_org(OTHER)
    gone = small.org
    shred(small)
    small.org = other
    for number in (2, 3):
        renewed(small, f"service-{number}")
        assert list(small.reopen().orgs()) == [other]
        assert list(shredded_orgs(small.store, small.keys)) == [gone]
        assert not [*small.store.list(f"orgs/{gone}/keys/")]
        assert whole(small)


def test_who_has_an_earlier_master_key_still_shreds_nothing(small: SmallVault) -> None:
    org_vault, seen = small.vault.org_vault(small.org), plan(small)
    followed(small)
    run = lambda: shred_org(org_vault, seen, at=small.clock.now())  # noqa: E731
    assert failing(run, NotAllowed) == "key-outdated"
    assert whole(small)


def test_the_keys_are_gone_first(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    honest = small.store.delete

    def delete(name: str) -> bool:
        gone.append(name)
        return honest(name)

    monkeypatch.setattr(small.store, "delete", delete)
    shred(small)
    of_org = [name for name in gone if small.org in name]
    assert all("/keys/" in name for name in of_org[:6])
    assert not any("/keys/" in name for name in of_org[6:])
    assert list(listed_entries(small.store)) == [newest_entry(small.store, small.keys)]
