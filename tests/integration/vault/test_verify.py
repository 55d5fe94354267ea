"""Whatever is done to a vault from outside, verifying it names the object, and no other."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import vaultstory
from unlost.model.errors import IntegrityError, UnlostError
from unlost.model.ports.system import Witnessed
from unlost.model.vault.snapshot import VerifyLevel, VerifyReport
from unlost.model.vault.store import ListedObject
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores.fault import FaultStore
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

QUICK, FULL, DEEP = VerifyLevel.QUICK, VerifyLevel.FULL, VerifyLevel.DEEP


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Three nights and a restore, with a checkpoint after the third."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.vault.commits.chain.CHECKPOINT_EVERY", 3)
        yield vaultstory.told(MemoryStore())


class Copy:
    """A copy of the story's vault that a test may spoil."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.store = MemoryStore()
        for listed in story.store.list(""):
            self.store.put_new(listed.name, story.store.get(listed.name))
        self.witness = MemoryWitness()
        seen = story.witness.get(story.org)
        assert seen is not None
        self.witness.put(story.org, seen)

    def replace(self, name: str, data: bytes) -> None:
        self.store.delete(name)
        self.store.put_new(name, data)

    def open(self, *, witness: MemoryWitness | None = None) -> EncryptedVault:
        entropy = SeededEntropy(9)
        keys = unlock_keyring(self.store, ByRecoverySheet(self.story.sheet), entropy=entropy)
        return open_vault(
            self.store,
            keys=keys,
            clock=VirtualClock(),
            entropy=entropy,
            witness=witness or self.witness,
        )

    def verify(self, level: VerifyLevel) -> VerifyReport:
        return self.open().verify(level)

    def named(self, level: VerifyLevel) -> list[str]:
        report = self.verify(level)
        assert all(damage.sentence for damage in report.damages)
        return [damage.object for damage in report.damages]

    def commit(self, seq: int) -> str:
        return f"orgs/{self.story.org}/commits/{seq:020d}"


@pytest.fixture
def copy(story: Story) -> Copy:
    return Copy(story)


def flip(at: float) -> Callable[[bytes], bytes]:
    """A bit that is wrong, at a part of the length."""

    def spoil(data: bytes) -> bytes:
        place = min(int(len(data) * at), len(data) - 1)
        return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]

    return spoil


FLIPS = {f"flip-at-{at}": flip(at) for at in (0, 0.1, 0.33, 0.5, 0.75, 1)}
CUTS: dict[str, Callable[[bytes], bytes]] = {
    "last-byte": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "all": lambda data: b"",
    "one-more": lambda data: data + b"\0",
}


def test_a_whole_vault_has_no_damage(story: Story, copy: Copy) -> None:
    names = [listed.name for listed in story.store.list("")]
    for level in VerifyLevel:
        report = copy.verify(level)
        assert report.damages == ()
        assert report.level is level
        assert report.objects == len(names)
        assert report.bytes == sum(listed.size for listed in story.store.list(""))
        assert report.heads == {story.org: story.vault.at(story.org, 4).info.head}


def test_the_story_has_every_kind_of_object(story: Story) -> None:
    kinds = {listed.name.split("/")[2] for listed in story.store.list("orgs/")}
    assert kinds == {
        "certs",
        "checkpoints",
        "commits",
        "data",
        "journal",
        "keys",
        "packs",
        "schemas",
    }
    assert any(listed.name.endswith(".idx") for listed in story.store.list(""))


@pytest.mark.parametrize("spoil", FLIPS.values(), ids=FLIPS)
def test_a_flipped_bit_in_any_object_is_named(story: Story, spoil) -> None:
    for listed in story.store.list(""):
        copy = Copy(story)
        copy.replace(listed.name, spoil(copy.store.get(listed.name)))
        assert copy.named(FULL) == [listed.name]


@pytest.mark.parametrize("spoil", CUTS.values(), ids=CUTS)
def test_a_cut_object_is_named_even_by_a_quick_look(story: Story, spoil) -> None:
    for listed in story.store.list(""):
        copy = Copy(story)
        copy.replace(listed.name, spoil(copy.store.get(listed.name)))
        assert copy.named(QUICK) == [listed.name]
        assert copy.named(FULL) == [listed.name]


def test_a_missing_object_is_named_even_by_a_quick_look(story: Story) -> None:
    for listed in story.store.list(""):
        if "/checkpoints/" in listed.name:
            continue
        copy = Copy(story)
        copy.store.delete(listed.name)
        assert copy.named(QUICK) == [listed.name]
        assert copy.named(FULL) == [listed.name]
        assert "missing" in copy.verify(FULL).damages[0].sentence


def test_nobody_misses_a_checkpoint(story: Story, copy: Copy) -> None:
    """It is a cache: what it tells follows from the manifests, which do not name it."""
    copy.store.delete(f"orgs/{story.org}/checkpoints/{3:020d}")
    assert copy.named(DEEP) == []
    assert copy.open().newest_backup(story.org) is not None


def kind_of(name: str) -> str:
    """Objects that could take each other's place."""
    parts = name.split("/")
    return f"{parts[0]}/{parts[2]}{name[-4:] == '.idx'}" if len(parts) > 3 else parts[0]


def test_two_objects_that_changed_places_are_both_named(story: Story) -> None:
    names = [listed.name for listed in story.store.list("orgs/")]
    pairs = [(one, other) for one, other in pairwise(names) if kind_of(one) == kind_of(other)]
    assert {kind_of(one) for one, _ in pairs} >= {
        "orgs/certsFalse",
        "orgs/commitsFalse",
        "orgs/dataFalse",
        "orgs/journalFalse",
        "orgs/keysFalse",
        "orgs/packsFalse",
        "orgs/schemasFalse",
    }
    for one, other in pairs:
        copy = Copy(story)
        first, second = copy.store.get(one), copy.store.get(other)
        copy.replace(one, second)
        copy.replace(other, first)
        assert copy.named(FULL) == [one, other]


def test_an_old_object_under_a_newer_name_is_named(story: Story, copy: Copy) -> None:
    copy.replace(copy.commit(3), copy.store.get(copy.commit(2)))
    assert copy.named(FULL) == [copy.commit(3)]


def test_a_commit_made_of_an_old_one_is_named(story: Story, copy: Copy) -> None:
    copy.replace(copy.commit(5), copy.store.get(copy.commit(4)))
    assert copy.named(FULL) == [copy.commit(5)]


def test_an_org_of_another_vault_is_not_taken_for_ours(story: Story, copy: Copy) -> None:
    other = vaultstory.found(MemoryStore(), seed=2)
    vaultstory.first_night(other)
    for listed in other.store.list("orgs/"):
        copy.store.put_new(listed.name, other.store.get(listed.name))
    named = copy.named(FULL)
    assert named
    assert all(other.org in name for name in named)


# --- the witness --------------------------------------------------------------------------------


def test_a_removed_newest_commit_is_found_by_the_witness(copy: Copy) -> None:
    copy.store.delete(copy.commit(4))
    for level in VerifyLevel:
        (damage,) = copy.verify(level).damages
        assert damage.object == copy.commit(4)
        assert "recorded" in damage.sentence
    with pytest.raises(IntegrityError):
        copy.open().newest_backup(copy.story.org)


def test_several_removed_commits_are_each_named(copy: Copy) -> None:
    copy.store.delete(copy.commit(3))
    copy.store.delete(copy.commit(4))
    assert copy.named(FULL) == [copy.commit(3), copy.commit(4)]


def test_without_a_witness_a_checkpoint_still_remembers(copy: Copy) -> None:
    copy.store.delete(copy.commit(3))
    copy.store.delete(copy.commit(4))
    report = copy.open(witness=MemoryWitness()).verify(FULL)
    assert [damage.object for damage in report.damages] == [copy.commit(3)]


def test_a_rewritten_end_of_the_chain_is_found_by_the_witness(story: Story, copy: Copy) -> None:
    """Somebody with the key sets the vault back by a commit and makes another fourth one."""
    copy.store.delete(copy.commit(4))
    forged = copy.open(witness=MemoryWitness())
    commit = forged.begin(
        story.org,
        run="forged",
        kind=vaultstory.CommitKind.BACKUP,
        identity=vaultstory.IDENTITY,
    )
    commit.put_schema(vaultstory.WIDER)
    commit.finish([], as_of=story.clock.now())
    assert copy.named(FULL) == [copy.commit(4)]


def test_a_head_above_the_witness_is_no_damage(copy: Copy, story: Story) -> None:
    behind = MemoryWitness()
    behind.put(story.org, Witnessed(1, story.vault.snapshots(story.org)[0].head))
    assert copy.open(witness=behind).verify(FULL).damages == ()


def test_without_newest_commit_and_witness_the_head_is_not_called_proved(
    copy: Copy, story: Story
) -> None:
    assert copy.verify(FULL).unproved == ()
    copy.store.delete(copy.commit(4))
    for level in VerifyLevel:
        report = copy.open(witness=MemoryWitness()).verify(level)
        assert (report.damages, report.unproved) == ((), (story.org,))


def test_a_commit_that_a_finished_run_recorded_is_missed_without_a_witness(
    copy: Copy, story: Story
) -> None:
    for witness in (MemoryWitness(), copy.witness):
        whole = copy.open(witness=witness).verify(FULL, recorded={story.org: 4})
        assert (whole.damages, whole.unproved) == ((), ())
    copy.store.delete(copy.commit(4))
    report = copy.open(witness=MemoryWitness()).verify(FULL, recorded={story.org: 4})
    assert [damage.object for damage in report.damages] == [copy.commit(4)]
    assert "recorded" in report.damages[0].sentence


def test_an_org_of_which_only_a_run_remembers_a_commit_is_named(copy: Copy) -> None:
    gone = "ab" * 16
    report = copy.verify(FULL)
    assert report.damages == ()
    names = [damage.object for damage in copy.open().verify(FULL, recorded={gone: 1}).damages]
    assert names
    assert all(gone in name for name in names)


# --- objects that no writer makes ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "slots/thief/1",  # a key slot, as if it were an object
        "register/thief",
        "register/00000009/1",
        "notes.txt",
        "names/somebody",
        "homes/newest",
        "orgs/somebody/commits/00000000000000000001",
        "orgs/{org}/slots/thief",
        "orgs/{org}/keys/thief/1",
        "orgs/{org}/commits/newest",
        "orgs/{org}/redacted/1",
        "orgs/{org}/data/thief",
        "orgs/{org}/certs/thief",
    ],
)
def test_a_strange_object_is_named_wherever_it_lies(copy: Copy, story: Story, name: str) -> None:
    name = name.format(org=story.org)
    copy.store.put_new(name, b"strange")
    for level in VerifyLevel:
        report = copy.verify(level)
        assert [*(damage.object for damage in report.damages), *report.strange] == [name]


def test_what_the_format_and_copies_leave_is_not_strange(copy: Copy) -> None:
    for name in ("probe/0123abcd-1", "unfinished-copy"):
        copy.store.put_new(name, b"left by credentials that may not delete")
    report = copy.verify(DEEP)
    assert (report.damages, report.strange) == ((), ())


# --- keys ---------------------------------------------------------------------------------------


def test_an_org_without_keys_is_told_by_its_keys_alone(copy: Copy, story: Story) -> None:
    names = [listed.name for listed in copy.store.list(f"orgs/{story.org}/keys/00000001/")]
    for name in names:
        copy.store.delete(name)
    assert copy.named(FULL) == names


def test_two_bad_copies_leave_everything_readable(copy: Copy, story: Story) -> None:
    bad = [f"orgs/{story.org}/keys/00000001/{copy_}" for copy_ in (1, 3)]
    for name in bad:
        copy.replace(name, b"rubbish")
    assert copy.named(DEEP) == bad
    assert set(copy.open().sealed.keys.repair_org(story.org)) == set(bad)
    assert copy.named(DEEP) == []


def test_a_deep_look_names_damage_once_too(story: Story) -> None:
    """One object of each kind: what depends on it is not named with it."""
    by_kind = {kind_of(listed.name): listed.name for listed in story.store.list("")}
    state = story.vault.org_vault(story.org).chain.live()
    files = next(iter(state.segments["$files"]))
    names = [*by_kind.values(), f"orgs/{story.org}/data/{files[:2]}/{files}"]
    names += [listed.name for listed in story.store.list(f"orgs/{story.org}/packs/")]
    for name in names:
        copy = Copy(story)
        copy.replace(name, flip(0.5)(copy.store.get(name)))
        assert copy.named(DEEP) == [name]


# --- the deep level -----------------------------------------------------------------------------


def test_open_runs_are_looked_at(copy: Copy, story: Story) -> None:
    vault = copy.open()
    vault.begin(
        story.org,
        run="unfinished",
        kind=vaultstory.CommitKind.BACKUP,
        identity=vaultstory.IDENTITY,
    )
    name = f"orgs/{story.org}/runs/unfinished"
    assert copy.named(FULL) == []
    copy.replace(name, copy.store.get(name)[:-1])
    assert copy.named(FULL) == [name]


@pytest.mark.parametrize("level", VerifyLevel)
def test_damage_never_raises(story: Story, level: VerifyLevel) -> None:
    copy = Copy(story)
    for number, listed in enumerate(list(copy.store.list("orgs/"))):
        if number % 2:
            copy.replace(listed.name, b"rubbish")
    assert copy.verify(level).damages


def test_a_store_of_files_is_verified_by_its_files(tmp_path: Path) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    assert story.vault.verify(DEEP).damages == ()
    name = next(n.name for n in story.store.list(f"orgs/{story.org}/packs/"))
    path = tmp_path / "vault" / name
    path.write_bytes(flip(0.5)(path.read_bytes()))
    assert story.vault.verify(QUICK).damages == ()
    assert [damage.object for damage in story.vault.verify(FULL).damages] == [name]


def test_no_error_of_ours_escapes_a_store_that_lies(story: Story, copy: Copy) -> None:
    """The listing shows an object that cannot be read a moment later."""

    class Lying(FaultStore):
        def get_range(self, name: str, *, start: int, length: int) -> bytes:
            self.size("x")
            raise UnlostError("gone", "It went away.")

    entropy = SeededEntropy(9)
    store = Lying(copy.store)
    keys = unlock_keyring(store, ByRecoverySheet(story.sheet), entropy=entropy)
    vault = open_vault(
        store, keys=keys, clock=VirtualClock(), entropy=entropy, witness=copy.witness
    )
    report = vault.verify(FULL)
    assert {damage.sentence for damage in report.damages} == {"It went away."}


def test_a_file_that_vanishes_between_listing_and_reading_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    name = next(n.name for n in story.store.list(f"orgs/{story.org}/packs/"))

    class Vanishing(LocalStore):
        def path(self, asked: str) -> Path | None:
            if asked == name:
                self.delete(asked)
            return super().path(asked)

    store = Vanishing(tmp_path / "vault")
    vault = open_vault(
        store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )
    (damage,) = vault.verify(FULL).damages
    assert (damage.object, damage.sentence) == (name, "It is missing.")


@pytest.mark.parametrize("moment", range(1, 8))
def test_a_backup_that_commits_meanwhile_is_no_damage(moment: int) -> None:
    """Whenever the night comes while the vault is looked at, nothing is reported."""

    class Busy(FaultStore):
        lists = 0
        night: Callable[[], object] | None = None

        def list(self, prefix: str) -> Iterator[ListedObject]:
            found = list(super().list(prefix))
            self.lists += 1
            if self.lists == moment and self.night:
                night, self.night = self.night, None
                night()
            yield from found

    store = Busy(MemoryStore())
    story = vaultstory.found(store)
    vaultstory.first_night(story)
    store.lists, store.night = 0, lambda: vaultstory.second_night(story)
    assert story.vault.verify(FULL).damages == ()
    assert len(story.vault.snapshots(story.org)) == (2 if store.night is None else 1)
