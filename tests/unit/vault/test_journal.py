"""Journals: what became of them outside is named when they are read, when they end, and by verify."""

from collections.abc import Callable, Iterable

import pytest

from smallvault import IDENTITY, SmallVault
from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError, UsageError
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.clock import START
from unlost.vault.format.journal import FIRST_LINK, encode_entry, link_after
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore

ENTRIES = (b"plan", b"call 1", b"answer 1", b"call 2")
RUN = "run-1"


@pytest.fixture
def small() -> SmallVault:
    """A vault with the journal of one run."""
    small = SmallVault()
    journal = small.vault.journal(small.org, RUN)
    for entry in ENTRIES:
        journal.append(entry)
    return small


def name(small: SmallVault, number: int, run: str = RUN) -> str:
    return object_names.journal_entry(small.org, run, number)


def close(small: SmallVault, run: str = RUN) -> None:
    commit = small.vault.begin(small.org, run=run, kind=CommitKind.RESTORE, identity=IDENTITY)
    commit.finish([], as_of=START)


def replace(small: SmallVault, number: int, content: bytes) -> None:
    """An entry by somebody who holds the keys."""
    small.store.delete(name(small, number))
    small.vault.sealed.put_new(
        ObjectKind.JOURNAL, org=small.org, name=name(small, number), content=content
    )


def refused(small: SmallVault) -> str:
    """The sentence with which another process is told; it names an object."""
    with pytest.raises(IntegrityError) as caught:
        list(small.reopen().journal(small.org, RUN).read())
    return caught.value.sentence


def damaged(small: SmallVault, level: VerifyLevel = VerifyLevel.FULL) -> dict[str, str]:
    return {d.object: d.sentence for d in small.reopen().verify(level).damages}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_hole_is_named(small: SmallVault, number: int, closed: bool) -> None:
    if closed:
        close(small)
    small.store.delete(name(small, number))
    if not closed:
        assert name(small, number) in refused(small)
        with pytest.raises(IntegrityError):
            close(small)
    else:
        assert RUN in refused(small)
    for level in VerifyLevel:
        assert damaged(small, level) == {name(small, number): "It is missing."}


def test_the_end_that_a_commit_proves_cannot_be_cut(small: SmallVault) -> None:
    close(small)
    small.store.delete(name(small, 3))
    assert name(small, 3) in refused(small)
    for level in VerifyLevel:
        assert damaged(small, level) == {name(small, 3): "It is missing."}
    for number in range(3):
        small.store.delete(name(small, number))
    assert name(small, 3) in refused(small)
    assert len(damaged(small)) == 4
    assert list(small.reopen().journals(small.org)) == [RUN]


def test_the_end_that_this_process_has_seen_cannot_be_cut(small: SmallVault) -> None:
    journal = small.vault.journal(small.org, RUN)
    assert list(journal.read()) == list(ENTRIES)
    small.store.delete(name(small, 3))
    with pytest.raises(IntegrityError, match="is missing"):
        list(journal.read())
    assert list(small.reopen().journal(small.org, RUN).read()) == list(ENTRIES[:3])
    assert damaged(small) == {}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: data[:-1] + b"\0"])
def test_a_changed_entry_is_named(
    small: SmallVault, spoil: Callable[[bytes], bytes], closed: bool
) -> None:
    if closed:
        close(small)
    data = small.store.get(name(small, 2))
    small.store.delete(name(small, 2))
    small.store.put_new(name(small, 2), spoil(data))
    assert name(small, 2) in refused(small)
    assert list(damaged(small)) == [name(small, 2)]


def test_exchanged_entries_are_named(small: SmallVault) -> None:
    close(small)
    first, second = (small.store.get(name(small, number)) for number in (1, 2))
    for number, data in ((1, second), (2, first)):
        small.store.delete(name(small, number))
        small.store.put_new(name(small, number), data)
    assert name(small, 1) in refused(small)
    assert list(damaged(small)) == [name(small, 1), name(small, 2)]


def test_an_entry_that_follows_another_is_named(small: SmallVault) -> None:
    """Whoever holds the keys can seal an entry, but not make those behind it follow."""
    replace(small, 1, encode_entry(b"forged", link=b"0" * 32))
    assert name(small, 1) in refused(small)
    assert list(damaged(small)) == [name(small, 1)]


def test_a_forged_last_entry_is_named_by_the_commit(small: SmallVault) -> None:
    link = FIRST_LINK
    for entry in ENTRIES[:-1]:
        link = link_after(encode_entry(entry, link=link))
    close(small)
    replace(small, 3, encode_entry(b"forged", link=link))
    assert name(small, 3) in refused(small)
    assert damaged(small)[name(small, 3)].endswith("proves a different entry.")


def test_an_entry_behind_the_end_is_named(small: SmallVault) -> None:
    close(small)
    replace(small, 4, encode_entry(b"late", link=FIRST_LINK))
    assert name(small, 4) in refused(small)
    assert damaged(small) == {name(small, 4): "It was written after the run had ended."}


def test_a_cut_entry_is_named_by_a_quick_look(small: SmallVault) -> None:
    data = small.store.get(name(small, 3))
    small.store.delete(name(small, 3))
    small.store.put_new(name(small, 3), data[:-1])
    assert list(damaged(small, VerifyLevel.QUICK)) == [name(small, 3)]


def test_a_checkpoint_keeps_the_proof(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.vault.commits.chain.CHECKPOINT_EVERY", 1)
    close(small)
    small.night("night-1")
    manifests = [object_names.commit(small.org, 1)]
    kept = {manifest: small.store.get(manifest) for manifest in manifests}
    assert damaged(small) == {}
    for manifest in manifests:
        small.store.delete(manifest)
    assert list(small.reopen().journal(small.org, RUN).read()) == list(ENTRIES)
    assert list(small.vault.journals(small.org)) == [RUN]
    small.store.put_new(manifests[0], kept[manifests[0]])
    with pytest.raises(Conflict):
        small.reopen().journal(small.org, RUN).append(b"more")


def test_an_entry_that_vanishes_between_put_and_look_is_named(small: SmallVault) -> None:
    journal = small.vault.journal(small.org, RUN)

    class Vanishing(MemoryStore):
        def get(self, asked: str) -> bytes:
            self.delete(name(small, 0))
            return super().get(asked)

    store = Vanishing()
    for listed in small.store.list(""):
        store.put_new(listed.name, MemoryStore.get(small.store, listed.name))  # type: ignore[arg-type]
    small.vault.sealed.store = store
    with pytest.raises(IntegrityError) as caught:
        journal.append(b"plan")
    assert name(small, 0) in caught.value.sentence


def test_an_entry_whose_put_failed_is_written_again_under_its_number(small: SmallVault) -> None:
    journal = small.vault.journal(small.org, RUN)
    assert list(journal.read()) == list(ENTRIES)
    store = FaultStore(small.store, faults=[Fault(FaultKind.FULL, at=1, on=StoreOperation.PUT)])
    small.vault.sealed.store = store
    with pytest.raises(StoreError):
        journal.append(b"answer 2")
    assert journal.append(b"answer 2") == 4
    assert list(journal.read()) == [*ENTRIES, b"answer 2"]
    store.assert_all_hit()


def test_an_entry_whose_reply_was_lost_is_there_once(small: SmallVault) -> None:
    journal = small.vault.journal(small.org, RUN)
    assert list(journal.read()) == list(ENTRIES)
    honest = small.vault.sealed.store.put_stream

    def lost(asked: str, chunks: Iterable[bytes]) -> bool:
        honest(asked, chunks)
        raise StoreError("store-failed", "No reply came.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small.store, "put_stream", lost)
        with pytest.raises(StoreError):
            journal.append(b"answer 2")
    assert journal.append(b"answer 2") == 4
    assert list(small.reopen().journal(small.org, RUN).read()) == [*ENTRIES, b"answer 2"]


def test_other_objects_in_the_folder_are_passed_over(small: SmallVault) -> None:
    small.store.put_new(f"{object_names.journal(small.org, RUN)}notes.txt", b"not ours")
    assert list(small.reopen().journal(small.org, RUN).read()) == list(ENTRIES)
    assert damaged(small) == {}


def test_runs_and_orgs_that_cannot_be_are_refused(small: SmallVault) -> None:
    with pytest.raises(UsageError):
        small.vault.journal(small.org, "../run")
    with pytest.raises(NotFound):
        small.vault.journal("0" * 32, RUN)
