"""A store that carries out a commit after its answer was lost, and after everybody gave up waiting."""

from collections.abc import Iterable

import pytest

import scanner
import vaultstory
from unlost.model.errors import StoreError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.layout import object_names
from unlost.vault.maintenance.rewrite import tiers
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from unlost.vault.write.open_runs import open_runs

ZOE = RecordKey("Contact", "003000000000003AAA")
WISH = Erase((ZOE,), (), by="admin")


class LateStore(MemoryStore):
    """While ``code`` is set, commits fail with it; those of unknown fate are carried out by ``arrive``."""

    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self.late: list[tuple[str, bytes]] = []

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Lose the answer, where it is a commit's."""
        if not (self.code and "/commits/" in name):
            return super().put_stream(name, chunks)
        self.late.append((name, b"".join(chunks)))
        raise StoreError(self.code, "The store did not answer.")

    def arrive(self) -> list[bool]:
        """Carry out what was lost; whether each found its name free."""
        self.code = ""
        return [self.put_new(name, data) for name, data in self.late]


def opened(store: Store, story: vaultstory.Story) -> EncryptedVault:
    return open_vault(
        store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )


def erase(vault: EncryptedVault, org: str, run: str) -> None:
    vault.apply(org, unconditional(WISH), run=run)


def forget(vault: EncryptedVault, org: str, run: str) -> None:
    vault.apply(org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run=run)


def compact(vault: EncryptedVault, org: str, run: str) -> None:
    vault.compact(org, run=run)


def rectify(vault: EncryptedVault, org: str, run: str) -> None:
    value = f"{run}@right.example"  # another one each time: so each time there is something to do
    vault.apply(
        org, unconditional(Rectify(ZOE, (RightValue("Email", value),), by="admin")), run=run
    )


CHANGES = {
    CommitKind.ERASE: erase,
    CommitKind.RECTIFY: rectify,
    CommitKind.FORGET: forget,
    CommitKind.COMPACT: compact,
}
REMOVING = {CommitKind.ERASE: ZOE.record, CommitKind.RECTIFY: "zoe.3@chocolate.example"}


@pytest.fixture
def store() -> LateStore:
    return LateStore()


@pytest.fixture
def story(store: LateStore, monkeypatch: pytest.MonkeyPatch) -> vaultstory.Story:
    monkeypatch.setattr(tiers, "_begin", lambda all_: 0 if len(all_) > 1 else 1)  # all is due
    told = vaultstory.told(store)
    told.clock.advance(days=9)
    return told


def names(store: Store) -> set[str]:
    return {one.name for one in store.list("")}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_commit_that_comes_after_its_failure_finds_all_that_it_names(
    story: vaultstory.Story, store: LateStore, kind: CommitKind
) -> None:
    store.code = "store-failed"
    with pytest.raises(StoreError):
        CHANGES[kind](story.vault, story.org, "r1")
    other = opened(store, story)
    if kind in REMOVING:  # what the first one wrote is nobody's, as far as can be told
        with pytest.raises(StoreError):
            other.sweep(story.org, run="s0")
    assert store.arrive()[0]
    other = opened(store, story)
    assert other.commits(story.org)[-1].kind is kind
    assert other.verify(VerifyLevel.DEEP).damages == ()
    CHANGES[kind](other, story.org, "r2")
    other.sweep(story.org, run="s1")
    assert other.verify(VerifyLevel.DEEP).damages == ()
    if kind in REMOVING:
        assert scanner.found(other, REMOVING[kind]) == set()


@pytest.mark.parametrize("kind", CHANGES)
def test_one_that_comes_after_a_sweep_finds_its_place_taken(
    story: vaultstory.Story, store: LateStore, kind: CommitKind
) -> None:
    before = names(store)
    store.code = "store-failed"
    with pytest.raises(StoreError):
        CHANGES[kind](story.vault, story.org, "r1")
    store.code = ""
    other = opened(store, story)
    other.sweep(story.org, run="s0")
    assert store.arrive() == [False]
    assert not list(open_runs(other.org_vault(story.org)))
    story.clock.advance(days=8)
    other.sweep(story.org, run="s1")
    assert other.verify(VerifyLevel.DEEP).damages == ()
    assert {name for name in before if "/data/" in name} <= names(store)


@pytest.mark.parametrize("kind", CHANGES)
def test_one_that_never_comes_is_done_again_and_swept(
    story: vaultstory.Story, store: LateStore, kind: CommitKind
) -> None:
    store.code = "store-failed"
    with pytest.raises(StoreError):
        CHANGES[kind](story.vault, story.org, "r1")
    store.code = ""
    other = opened(store, story)
    CHANGES[kind](other, story.org, "r2")
    assert other.commits(story.org)[-1].kind is kind
    assert other.verify(VerifyLevel.DEEP).damages == ()
    assert store.arrive() == [False]
    for round_ in ("s1", "s2"):
        other.sweep(story.org, run=round_)
        story.clock.advance(days=8)
    swept = other.sweep(story.org, run="s3")
    assert (swept.stray, swept.waiting) == (0, 0)
    live = names(store)
    assert not [name for name in live if "/runs/" in name]
    assert opened(store, story).verify(VerifyLevel.DEEP).damages == ()


@pytest.mark.parametrize("code", ["store-full", "store-refused", "store-missing"])
@pytest.mark.parametrize("kind", CHANGES)
def test_what_the_store_surely_did_not_take_is_removed_at_once(
    story: vaultstory.Story, store: LateStore, kind: CommitKind, code: str
) -> None:
    before = names(store)
    store.code = code
    with pytest.raises(StoreError):
        CHANGES[kind](story.vault, story.org, "r1")
    assert names(store) == before


def test_a_loser_that_takes_a_name_which_an_erasure_freed_is_no_commit(
    store: LateStore,
) -> None:
    story = vaultstory.found(store)
    vaultstory.first_night(story)
    loser = opened(store, story).begin(
        story.org, run="loser", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    store.code = "store-failed"
    with pytest.raises(StoreError):
        loser.finish([], as_of=story.clock.now())
    store.code = ""
    loser.abandon()
    vaultstory.second_night(story)
    story.vault.apply(story.org, unconditional(WISH), run="e1")
    service = opened(store, story)
    before = service.snapshots(story.org)
    assert object_names.commit(story.org, 2) not in names(store)
    assert store.arrive() == [True]
    for name in [one for one in names(store) if "/checkpoints/" in one]:
        store.delete(name)  # so that whoever opens the vault reads all
    fresh = opened(store, story)
    assert fresh.snapshots(story.org) == before == service.snapshots(story.org)
    damages = fresh.verify(VerifyLevel.DEEP).damages
    assert [one.object for one in damages] == [object_names.commit(story.org, 2)]
    vaultstory.third_night(story)
    fresh.sweep(story.org, run="s1")
    assert opened(store, story).verify(VerifyLevel.DEEP).damages == ()


def test_who_follows_the_chain_takes_no_loser_for_the_commit(store: LateStore) -> None:
    """A service that slept while a night came, was redacted, and its name was taken."""
    story = vaultstory.found(store)
    vaultstory.first_night(story)
    service = opened(store, story)
    assert len(service.snapshots(story.org)) == 1
    loser = opened(store, story).begin(
        story.org, run="loser", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    store.code = "store-failed"
    with pytest.raises(StoreError):
        loser.finish([], as_of=story.clock.now())
    store.code = ""
    loser.abandon()
    vaultstory.second_night(story)
    story.vault.apply(story.org, unconditional(WISH), run="e1")
    store.arrive()
    assert service.snapshots(story.org) == story.vault.snapshots(story.org)


def test_a_damaged_redaction_beside_its_manifest_is_told_by_verify(
    story: vaultstory.Story, store: LateStore
) -> None:
    kept = {one.name: store.get(one.name) for one in store.list("") if "/commits/" in one.name}
    story.vault.apply(story.org, unconditional(WISH), run="e1")
    (name, *_) = [one.name for one in store.list(object_names.redactions(story.org))]
    seq = object_names.redacted(name)
    store.put_new(object_names.commit(story.org, seq), kept[object_names.commit(story.org, seq)])
    data = store.get(name)
    store.delete(name)
    store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    damages = opened(store, story).verify(VerifyLevel.DEEP).damages
    assert name in {one.object for one in damages}
