"""The process ends at any call to the store while a run keeps its journal and commits its lineage.

Whoever opens the vault next finds the entries that were kept, carries the run on, and the run is
committed once, with the proof of all its entries.
"""

import pytest

from smallvault import IDENTITY, SmallVault, finish
from sweeps import in_full
from unlost.model.vault.snapshot import CommitKind, Lineage, VerifyLevel
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreCrash

RUN = "restore-1"
ENTRIES = (b"plan", b"call", b"answer", b"closed")


def carried_on(small: SmallVault) -> int:
    """Do the run, or what is left of it; the entries that were there."""
    commit = small.vault.begin(small.org, run=RUN, kind=CommitKind.RESTORE, identity=IDENTITY)
    journal = small.vault.journal(small.org, RUN)
    there = list(journal.read())
    assert there == list(ENTRIES[: len(there)])
    for entry in ENTRIES[len(there) :]:
        journal.append(entry)
    finish(commit, commit.lineage([Lineage("Thing", "a", "b", small.org, RUN)]))
    return len(there)


def on(store: FaultStore, small: SmallVault) -> None:
    """Let the vault be opened anew, over this store."""
    small.store = store
    small.reopen()


def calls_of_a_run(before: SmallVault) -> int:
    small = before.copied()
    store = FaultStore(small.store)
    on(store, small)
    carried_on(small)
    return len(store.calls)


@pytest.mark.parametrize("kind", [FaultKind.CRASH_AFTER, in_full(FaultKind.CRASH_BEFORE)])
def test_the_run_is_carried_on_and_committed_once(kind: FaultKind) -> None:
    before = SmallVault()
    before.night("night-1", ("a", "U", {"Name": "Anna"}))
    calls = calls_of_a_run(before)
    assert calls > 20
    seen: set[int] = set()
    for at in range(1, calls + 1):
        small = before.copied()
        kept = small.store
        store = FaultStore(kept, faults=[Fault(kind, at=at)])
        on(store, small)
        with pytest.raises(StoreCrash):
            carried_on(small)
        store.assert_all_hit()
        on(FaultStore(kept), small)
        ended = RUN not in small.vault.journals(small.org, unfinished=True)
        done = [info.run for info in small.vault.org_vault(small.org).chain.live().commits.values()]
        assert (RUN in done) <= ended
        if RUN in done:
            assert list(small.vault.journal(small.org, RUN).read()) == list(ENTRIES)
        else:
            seen.add(carried_on(small))
        commits = small.vault.org_vault(small.org).chain.live().commits.values()
        assert [info.run for info in commits] == ["night-1", RUN]
        assert [row.live for row in small.vault.lineage(small.org)] == ["b"]
        assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    assert seen == {0, 1, 2, 3, 4}
