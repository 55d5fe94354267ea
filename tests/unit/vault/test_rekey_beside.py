"""An org is sealed anew while something else takes away what is being sealed, or dies beside it."""

from collections.abc import Callable, Iterable
from functools import partial

import pytest

import vaultstory
from unit.vault.test_rekey import fresh, rekeyed, renewed
from unlost.model.errors import Conflict, IntegrityError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import CommitKind, PackEntry, VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.redactions import Redactions
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase.erase_commit import RemovalCommit
from unlost.vault.maintenance.maintenance_run import MaintenanceRun
from unlost.vault.maintenance.rekey import rekeyer
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import IDENTITY, Story

SECRET = RecordKey("ContentVersion", "068000000000077AAA")
CONTENT = b"what nobody may know" * 30


@pytest.fixture
def story() -> Story:
    """Nights, files, a restore with a journal."""
    return vaultstory.copied()


def a_file(story: Story, run: str, *, content: bytes = CONTENT) -> None:
    """A file in a pack of its own."""
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    rows = story.rows([{"Id": SECRET.record, "Title": "secret"}])
    file = vaultstory.file(SECRET.record, content, "secret")
    added = [commit.add_files([file]), commit.add("ContentVersion", [rows])]
    commit.put_certificate(vaultstory.certificate(story, run))
    vaultstory.finish(story, commit, added)


def only_packs_left(story: Story) -> None:
    """All segments are sealed anew already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rekeyer, "earlier_packs", lambda _state, _epoch: [])
        story.vault.rekey(story.org, run="segments", most=1)


def another(story: Story) -> EncryptedVault:
    """The vault as another process has it."""
    keys = open_keyring(story.store, ByRecoverySheet(story.sheet), entropy=story.entropy)
    return open_vault(
        story.store,
        keys=keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )


def beside_last_pack(
    story: Story, patch: pytest.MonkeyPatch, act: Callable[[], object]
) -> list[object]:
    """Has something done once the last pack is sealed anew, just before the commit."""
    packs = story.vault.org_vault(story.org).chain.live().packs
    done: list[object] = []
    sealed = rekeyer.seal_pack

    def sealed_then(org_vault: OrgVault, old: PackEntry) -> PackEntry:
        new = sealed(org_vault, old)
        if object_names.stem(old.id) == max(packs) and not done:
            done.append(act())
        return new

    patch.setattr(rekeyer, "seal_pack", sealed_then)
    return done


def all_there(story: Story) -> bool:
    fresh(story)
    return story.vault.verify(VerifyLevel.DEEP).damages == ()


def tells_secret(story: Story, store: Store | None = None) -> list[str]:
    """Packs in which the content still is, in the vault or in a copy of it."""
    place = store or story.store
    keys = open_keyring(place, ByRecoverySheet(story.sheet), entropy=story.entropy)
    sealed = SealedObjects(place, keys=keys, entropy=story.entropy)
    names = [one.name for one in place.list(object_names.packs(story.org))]
    read = partial(sealed.get, ObjectKind.PACK, org=story.org)
    return [name for name in names if CONTENT in read(name=name)]


def test_files_are_there_after_an_erasure_beside_a_step_that_has_only_packs(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(story, "n6")
    renewed(story)
    only_packs_left(story)
    other, wish = another(story), Erase((SECRET,))
    beside_last_pack(
        story, monkeypatch, lambda: other.apply(story.org, unconditional(wish), run="e9")
    )
    with pytest.raises(Conflict, match="marked this run as abandoned"):
        story.vault.rekey(story.org, run="packs", most=1)
    assert all_there(story)
    assert tells_secret(story) == []
    assert all(one.complete for one in story.vault.past_operations(story.org, PastErasure))
    assert rekeyed(story).complete
    assert all_there(story)


def test_an_erased_file_is_not_back_after_an_erasure_that_listed_packs_too_early(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new pack is put after the erasure looked what there is; the commit comes after it."""
    a_file(story, "n6")
    renewed(story)
    only_packs_left(story)
    other, wish = another(story), Erase((SECRET,))
    listing = RemovalCommit._listing
    held: list[dict[str, int]] = []

    def early(self: RemovalCommit) -> dict[str, int]:
        return {name: size for name, size in listing(self).items() if name in held[0]}

    held.append({one.name: one.size for one in story.store.list("")})
    monkeypatch.setattr(RemovalCommit, "_listing", early)
    beside_last_pack(
        story, monkeypatch, lambda: other.apply(story.org, unconditional(wish), run="e9")
    )
    with pytest.raises(Conflict):
        story.vault.rekey(story.org, run="packs", most=1)
    assert all_there(story)
    assert tells_secret(story) == []


def test_a_pack_that_was_forgotten_meanwhile_is_not_live_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(story, "n6")
    a_file(story, "n7", content=b"something else" * 30)
    renewed(story)
    only_packs_left(story)
    before = set(story.vault.org_vault(story.org).chain.live().packs)
    other, rules = another(story), KeepRules(daily=1, deleted_days=0)
    done = beside_last_pack(
        story,
        monkeypatch,
        lambda: other.apply(story.org, unconditional(Forget(rules)), run="f9").packs,
    )
    with pytest.raises(Conflict, match="has replaced objects"):
        story.vault.rekey(story.org, run="packs", most=1)
    fresh(story)
    left = story.vault.org_vault(story.org).chain.live().packs.keys()
    assert done == [len(before - left)] != [0]
    assert all_there(story)


def test_what_a_late_request_put_beside_no_intent_holds_nothing_up(story: Story) -> None:
    for run in ("r8", "r9"):
        commit = story.vault.begin(story.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
        commit.put_schema(vaultstory.WIDER)
        commit.abandon()
        OpenRun(story.org, run, sealed=story.vault.sealed).key(b"k" * 32)
        if run == "r8":
            story.vault.sweep(story.org, run="sweep-8")
            assert not list(story.store.list(object_names.intents(story.org)))
    renewed(story)
    assert rekeyed(story).complete
    assert not list(story.store.list(object_names.intents(story.org)))


@pytest.mark.parametrize("kind", [CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.FORGET])
def test_maintenance_that_was_cut_off_before_the_renewal_holds_nothing_up(
    story: Story, kind: CommitKind
) -> None:
    MaintenanceRun(story.vault.org_vault(story.org), run="cut-off", kind=kind).open()
    renewed(story)
    assert rekeyed(story).complete


def test_maintenance_under_the_newest_key_is_waited_for(story: Story) -> None:
    renewed(story)
    work = MaintenanceRun(story.vault.org_vault(story.org), run="goes-on", kind=CommitKind.FORGET)
    work.open()
    story.vault.rekey(story.org, run="rekey")
    assert OpenRun(story.org, "goes-on", sealed=story.vault.sealed).is_open()


def test_a_store_that_gives_back_something_else_loses_nothing(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifests go at once: what stands in their place is read back before."""
    renewed(story)
    put = MemoryStore.put_stream

    def rots(self: MemoryStore, name: str, chunks: Iterable[bytes]) -> bool:
        data = b"".join(chunks)
        if "/redacted/" in name:
            data = data[:-1] + bytes([data[-1] ^ 1])
        return put(self, name, [data])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "put_stream", rots)
        with pytest.raises(IntegrityError, match="does not return the bytes"):
            story.vault.rekey(story.org, run="rekey")
    assert all_there(story)
    assert rekeyed(story).complete


@pytest.mark.parametrize("folder", ["schemas/", "journal/", "data/"])
def test_what_does_not_open_is_named_and_the_rest_is_sealed_anew(story: Story, folder: str) -> None:
    renewed(story)
    name = next(one.name for one in story.store.list(f"orgs/{story.org}/{folder}"))
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    done = rekeyed(story)
    assert not done.complete
    assert done.damaged == name
    assert story.store.size(name) == len(data)
    assert story.keys.epochs(story.org) == (1, 2)
    story.store.delete(name)
    story.store.put_new(name, data)
    assert rekeyed(story, "later").complete
    assert all_there(story)


def test_a_lost_key_is_no_damage_of_each_object(story: Story) -> None:
    renewed(story)
    for one in list(story.store.list(f"orgs/{story.org}/keys/00000001")):
        story.store.delete(one.name)
    fresh(story)
    with pytest.raises(IntegrityError):
        story.vault.rekey(story.org, run="rekey")


def test_a_checkpoint_that_is_there_under_an_earlier_key_is_made_anew(story: Story) -> None:
    chain = story.vault.org_vault(story.org).chain
    chain.renew_checkpoint()
    (name,) = [one.name for one in story.store.list(object_names.checkpoints(story.org))]
    renewed(story)
    assert story.vault.sealed.header(name).epoch == 1
    story.vault.org_vault(story.org).chain.renew_checkpoint()
    assert story.vault.sealed.header(name).epoch == 2
    assert all_there(story)


def test_of_several_redactions_one_that_opens_is_read(story: Story) -> None:
    """A late request may put one under a key that is gone."""
    renewed(story)
    assert rekeyed(story).complete
    for one in list(story.store.list(object_names.checkpoints(story.org))):
        story.store.delete(one.name)
    junk = object_names.redaction(story.org, 2, by=1, mark="00ff")
    story.store.put_new(junk, b"junk")
    fresh(story)
    assert story.vault.snapshots(story.org)
    others = [object_names.redaction(story.org, 99, by=by, mark="00ff") for by in (1, 2)]
    for name in others:
        story.store.put_new(name, b"junk")
    found = Redactions(story.org, sealed=story.vault.sealed).find(99)
    assert found == others[0]
