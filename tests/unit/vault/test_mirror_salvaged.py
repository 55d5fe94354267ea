"""A mirror and salvaging: what the vault gave up stays in the mirror, until something is erased."""

from collections.abc import Callable

import pytest

import scanner
import vaultstory
from unit.vault.test_mirror import opener
from unlost.model.errors import StoreError
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.commits.chain import CHECKPOINT_EVERY
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.layout import object_names
from unlost.vault.mirror.repair import repair_from, repairable
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault

ZOE = RecordKey("Contact", "003000000000003AAA")


@pytest.fixture
def story() -> vaultstory.Story:
    return vaultstory.copied()


@pytest.fixture
def target(story: vaultstory.Story) -> MemoryStore:
    made = MemoryStore()
    update_mirror(story.vault, made)
    return made


def newest(story: vaultstory.Story) -> str:
    """The object of the newest segment of a table."""
    state = story.vault.org_vault(story.org).chain.live()
    live = state.of("Contact", until=state.seq)[-1]
    return object_names.segment(story.org, live.entry.object)


def cures(story: vaultstory.Story, other: Store) -> tuple[str, ...]:
    return repairable(story.store, other, opened=opener(story))


def witnessed(story: vaultstory.Story) -> Callable[[Store], EncryptedVault]:
    """Opens a copy of the vault where it is remembered which commits were made."""

    def opened(store: Store) -> EncryptedVault:
        keys = unlock_keyring(store, ByRecoverySheet(story.sheet), entropy=story.entropy)
        return open_vault(store, keys=keys, clock=story.clock, entropy=story.entropy,
                          witness=story.witness, ledger=story.ledger)  # fmt: skip

    return opened


class Torn(MemoryStore):
    """A copy of which one object is not given, so many times, or is given with a wrong bit."""

    def __init__(self, inner: Store, name: str, *, times: int, flips: bool) -> None:
        super().__init__()
        for one in inner.list(""):
            self.put_new(one.name, inner.get(one.name))
        self.torn, self.times, self.flips = name, times, flips

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        data = super().get_range(name, start=start, length=length)
        if name != self.torn or not self.times:
            return data
        self.times -= 1
        if not self.flips:
            raise StoreError("store-failed", "It did not come in time.")
        return bytes([data[0] ^ 1]) + data[1:]


def test_a_copy_that_does_not_answer_is_not_one_that_has_nothing(
    story: vaultstory.Story, target: MemoryStore
) -> None:
    name = newest(story)
    story.store.delete(name)
    assert cures(story, target) == (name,)
    for times in (1, 1 << 30):
        with pytest.raises(StoreError) as caught:
            cures(story, Torn(target, name, times=times, flips=False))
        assert caught.value.code == "copy-silent"
        assert "did not come in time" in caught.value.sentence
    for operation in (StoreOperation.LIST, StoreOperation.GET):
        failing = FaultStore(target, faults=[Fault(FaultKind.FAILS, 1, operation)])
        with pytest.raises(StoreError):
            cures(story, failing)


def test_a_wrong_bit_on_the_way_from_the_copy_does_not_spoil_it(
    story: vaultstory.Story, target: MemoryStore
) -> None:
    name = newest(story)
    story.store.delete(name)
    assert cures(story, Torn(target, name, times=1, flips=True)) == (name,)
    assert cures(story, Torn(target, name, times=1 << 30, flips=True)) == ()


def test_what_the_vault_gave_up_stays_in_the_mirror_until_something_is_erased(
    story: vaultstory.Story, target: MemoryStore
) -> None:
    name = newest(story)
    whole = target.get(name)
    story.store.delete(name)
    assert story.vault.apply(story.org, unconditional(Salvage()), run="s1").snapshot is not None
    for _ in range(2):
        done = update_mirror(story.vault, target)
        assert name in done.not_removed
        assert name not in done.strange
        assert target.get(name) == whole
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="e1")
    assert update_mirror(story.vault, target).not_removed == ()
    assert target.size(name) is None


def holed(story: vaultstory.Story, seq: int) -> vaultstory.Story:
    """The vault with a checkpoint, as another process finds it that has lost a commit."""
    while story.vault.commits(story.org)[-1].number % CHECKPOINT_EVERY:
        number = story.vault.commits(story.org)[-1].number
        story.vault.change_holds(story.org, lifted=(), run=f"lift-{number}")
    story.store.delete(object_names.commit(story.org, seq))
    return vaultstory.opened_again(story, story.store)


def test_an_old_commit_that_no_copy_has_keeps_nothing_else_from_being_brought_back(
    story: vaultstory.Story,
) -> None:
    story = holed(story, 2)
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    name = newest(story)
    whole = story.store.get(name)
    story.store.delete(name)
    assert cures(story, mirror) == (name,)
    done = repair_from(story.store, mirror, opened=opener(story))
    assert done.objects == (name,)
    assert [one.object for one in done.still_damaged] == [object_names.commit(story.org, 2)]
    assert story.store.get(name) == whole


def test_what_a_lost_commit_wrote_is_looked_at_and_brought_back(story: vaultstory.Story) -> None:
    story = holed(story, 2)
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    state = story.vault.org_vault(story.org).chain.live()
    own = [live.entry for live in state.of("Account", until=state.seq) if live.seq == 2]
    name = object_names.segment(story.org, own[0].object)
    story.store.delete(name)
    damages = story.vault.verify(VerifyLevel.QUICK).damages
    assert {one.object for one in damages} == {name, object_names.commit(story.org, 2)}
    assert cures(story, mirror) == (name,)
    assert repair_from(story.store, mirror, opened=opener(story)).objects == (name,)


@pytest.mark.parametrize("which", ["erasure", "newest"])
def test_what_was_erased_is_not_brought_back_where_a_commit_is_lost(
    story: vaultstory.Story, which: str
) -> None:
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    name = newest(story)
    story.vault.apply(story.org, unconditional(Erase((ZOE,), (), by="admin")), run="e1")
    assert story.store.size(name) is None
    erasure = story.vault.commits(story.org)[-1].number
    story = holed(story, erasure if which == "erasure" else CHECKPOINT_EVERY)
    done = repair_from(story.store, mirror, opened=opener(story))
    assert name not in done.objects
    assert story.store.size(name) is None
    assert scanner.found(opener(story)(story.store), ZOE.record) == set()


def test_while_the_newest_commit_is_lost_nothing_is_brought_back(story: vaultstory.Story) -> None:
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    name = newest(story)
    number = story.vault.commits(story.org)[-1].number
    for store in (story.store, mirror):
        store.delete(object_names.commit(story.org, number))
    story.store.delete(name)
    done = repair_from(story.store, mirror, opened=witnessed(story))
    assert done.objects == ()
    assert {one.object for one in done.still_damaged} >= {
        name,
        object_names.commit(story.org, number),
    }


def test_a_lost_commit_of_one_org_keeps_nothing_of_another_in_the_mirror(
    story: vaultstory.Story,
) -> None:
    mine, other = story.org, OrgIdentity("salesforce", "00D000000000063EAA", label="Other")
    oid = story.vault.ensure_org(other)
    night = story.vault.begin(oid, run="other-1", kind=CommitKind.BACKUP, identity=other)
    night.put_schema(vaultstory.SCHEMA)
    rows = story.rows(vaultstory.contacts(20))
    vaultstory.finish(story, night, [night.add("Contact", [rows])])
    mirror = MemoryStore()
    update_mirror(story.vault, mirror)
    story.vault.apply(mine, unconditional(Forget(KeepRules(daily=1))), run="forget-1")
    forgetting = story.vault.commits(mine)[-1].number
    story.clock.advance(days=9)
    assert story.vault.sweep(mine, run="sweep-1").removed > 0
    story = holed(story, forgetting)
    story.vault.apply(oid, unconditional(Erase((ZOE,), (), by="admin")), run="erase-1")
    done = update_mirror(story.vault, mirror)
    assert list(done.broken) == [mine]
    assert done.removed > 0
    assert {name.split("/")[1] for name in done.not_removed} == {mine}
    told = scanner.found(opener(story)(mirror), ZOE.record)
    assert {name.split("/")[1] for name in told} == {mine}
