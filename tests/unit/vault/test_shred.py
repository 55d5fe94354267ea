"""Shredding an org: nothing of it opens any more, others are untouched, and it may come back as another."""

from collections.abc import Callable
from functools import partial

import pytest

from smallvault import SmallVault
from unit.vault.test_key_slots import ENTROPY, Held, failing
from unit.vault.test_renewal import renewed
from unlost.model.errors import Conflict, IntegrityError, NotAllowed, NotFound, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.format.shredded import (
    ShreddedOrg,
    encode_shredded,
    read_shredded,
    shredded_copies,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.shred_proofs import (
    read_proof,
    remove_strange_proofs,
    shredded_orgs,
    strange_proofs,
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


def test_nothing_of_it_is_left_but_the_proof(small: SmallVault) -> None:
    other = small.vault.ensure_org(OTHER)
    seen = plan(small)
    assert (seen.backups, seen.commits, seen.holds) == (1, 1, ())
    shred(small)
    left = names(small.store)
    assert [name for name in left if small.org in name] == list(shredded_copies(small.org))
    assert list(small.vault.orgs()) == [other]
    assert failing(lambda: small.vault.org_vault(small.org), NotFound) == "org-unknown"
    proof = read_proof(small.store, small.keys, shredded_copies(small.org)[2])
    assert (proof.head, proof.commits, proof.objects) == (seen.head, 1, seen.objects)
    assert shredded_orgs(small.store, small.keys) == {small.org: proof}
    assert whole(small)


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
    for count in range(total):
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
        left = [name for name in names(made.store) if made.org in name]
        assert left == list(shredded_copies(made.org))


def test_a_second_copy_loses_it_too(small: SmallVault) -> None:
    mirror = MemoryStore()
    update_mirror(small.vault, mirror)
    assert any(small.org in name for name in names(mirror))
    shred(small)
    done = update_mirror(small.vault, mirror)
    assert done.strange == ()
    assert names(mirror) == names(small.store)


def test_a_forged_proof_hides_no_org(small: SmallVault) -> None:
    shred_like = SmallVault()
    thief = Keyring(small.store, vault=small.keys.vault, master=bytes(32), entropy=ENTROPY)
    shred_like.night("night-1", ("a", "U", None))
    shred(shred_like)
    name = shredded_copies(small.org)[0]
    proof = read_proof(shred_like.store, shred_like.keys, name)
    small.store.put_new(name, encode_shredded(proof, mac=lambda _, body: thief.mac(name, body)))
    assert list(small.reopen().orgs()) == [small.org]
    assert [one.object for one in small.vault.verify(VerifyLevel.QUICK).damages] == [name]
    assert strange_proofs(small.store, small.keys) == (name,)
    assert small.cells(1)["a"]["Name"] == "Anna"
    shred(small)  # writes over it
    assert whole(small)


def test_only_the_present_master_key_makes_anything_go(small: SmallVault) -> None:
    """What an earlier one proves counts where it was there when the present one followed."""
    shred(small)
    new = small.keys.successor()
    small.store.put_new(f"orgs/{small.org}/data/00/left", b"left")
    assert shredding_unfinished(small.store, small.keys) == (small.org,)
    assert shredding_unfinished(small.store, new) == ()
    finish_shredding(small.store, new)
    assert small.store.size(f"orgs/{small.org}/data/00/left") == 4


def test_one_damaged_copy_of_the_proof_brings_no_org_back(small: SmallVault) -> None:
    shred(small)
    for hurt in shredded_copies(small.org)[:2]:
        data = small.store.get(hurt)
        small.store.delete(hurt)
        small.store.put_new(hurt, data[:60] + b"?" + data[61:])
    assert small.reopen().orgs() == {}
    damaged = [one.object for one in small.vault.verify(VerifyLevel.QUICK).damages]
    assert damaged == list(shredded_copies(small.org)[:2])
    assert shredding_unfinished(small.store, small.keys) == (small.org,)
    finish_shredding(small.store, small.keys)
    assert whole(small)


def test_a_proof_of_which_one_copy_was_written_counts_and_is_finished(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, second = small.store.put_new, shredded_copies(small.org)[1]

    def put_new(name: str, data: bytes) -> bool:
        if name == second:
            raise Cut
        return honest(name, data)

    with monkeypatch.context() as patch:
        patch.setattr(small.store, "put_new", put_new)
        with pytest.raises(Cut):
            shred(small)
    assert small.reopen().orgs() == {}
    assert shredding_unfinished(small.store, small.keys) == (small.org,)
    finish_shredding(small.store, small.keys)
    assert whole(small)
    small.store.put_new("shredded/x", b"junk")
    assert not whole(small)
    remove_strange_proofs(small.store, small.keys)
    assert whole(small)


def followed(small: SmallVault) -> Keyring:
    """The keys from before a new master key."""
    before = small.keys
    renewed(small)
    return before


def test_a_proof_that_a_thief_of_an_earlier_key_makes_hides_nothing(small: SmallVault) -> None:
    mirror = MemoryStore()
    before = followed(small)
    update_mirror(small.vault, mirror)
    there = names(mirror)
    for name in shredded_copies(small.org):
        forged = ShreddedOrg(
            before.vault.hex(), small.org, "2026-01-01T00:00:00+00:00", 1, "x", 1, 1
        )
        mac = partial(before.mac, name)
        small.store.put_new(name, encode_shredded(forged, mac=lambda _, body, mac=mac: mac(body)))
    assert list(small.reopen().orgs()) == [small.org]
    assert small.vault.org_vault(small.org)
    damaged = [one.object for one in small.vault.verify(VerifyLevel.FULL).damages]
    assert damaged == list(shredded_copies(small.org))
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


# --- the format of the proof ---------------------------------------------------------------------


def test_every_byte_of_a_proof_is_proved(small: SmallVault) -> None:
    shred(small)
    name = shredded_copies(small.org)[0]
    data = small.store.get(name)

    def mac(master: int, body: bytes) -> bytes:
        return small.keys.mac(name, body, generation=master)

    assert read_shredded(data, name=name, mac=mac).org == small.org
    for at in range(len(data)):
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((IntegrityError, UsageError)):
            read_shredded(spoiled, name=name, mac=mac)
    with pytest.raises(IntegrityError):
        read_shredded(data, name=f"{name}0", mac=mac)
    for other in (b"[1", b'[{"a":1}', b'{"format":1', b'{"org":'):
        closed = other + b',"mac":"' + b"0" * 64 + b'"}\n'
        with pytest.raises(IntegrityError):
            read_shredded(closed, name=name, mac=mac)
    for number in (b"9", b"0"):
        with pytest.raises(UsageError):
            read_shredded(data.replace(b'"format":1', b'"format":' + number), name=name, mac=mac)


def test_the_keys_are_gone_first(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    honest = small.store.delete

    def delete(name: str) -> bool:
        gone.append(name)
        return honest(name)

    monkeypatch.setattr(small.store, "delete", delete)
    shred(small)
    assert all("/keys/" in name for name in gone[:6])
    assert not any("/keys/" in name for name in gone[6:])
