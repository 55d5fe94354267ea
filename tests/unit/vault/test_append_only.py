"""A vault whose credentials may delete nothing: runs end all the same, and a sweep clears up later."""

import pytest

from fakes.keeping_store import KeepingStore
from smallvault import TABLE, SmallVault, rows
from unlost.model.errors import Conflict, StoreError, UnlostError
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.commits.intents import OpenRun
from unlost.vault.layout import object_names
from unlost.vault.maintenance.maintenance_run import MaintenanceRun
from unlost.vault.objects.packs import PackWriter
from unlost.vault.write.open_runs import open_runs


@pytest.fixture
def small() -> SmallVault:
    return SmallVault(store=KeepingStore())


def left(small: SmallVault) -> set[str]:
    """What lies below the folder of open runs."""
    folder = object_names.intents(small.org)
    return {listed.name.removeprefix(folder) for listed in small.store.list(folder)}


def let_delete(small: SmallVault) -> None:
    assert isinstance(small.store, KeepingStore)
    small.store.may_delete = True


def open_names(small: SmallVault) -> list[str]:
    return [intent.run for intent in open_runs(small.vault.org_vault(small.org))]


def test_one_broken_run_does_not_end_all_later_backups(small: SmallVault) -> None:
    broken = small.begin("n1")
    broken.add(TABLE, [rows(("a", "U", {"Name": "Anne"}))])
    broken.abandon()
    assert "n1.over" in left(small)
    assert open_names(small) == []
    broken.abandon()  # whoever was killed behind it does it again
    assert small.night("n2", ("a", "U", {"Name": "Ben"})).number == 1
    assert small.cells(1)["a"]["Name"] == "Ben"
    with pytest.raises(Conflict) as told:
        broken.finish([], as_of=small.clock.now())
    assert told.value.code == "run-given-up"


def test_a_run_that_is_over_counts_no_more_for_who_wants_to_be_alone(small: SmallVault) -> None:
    small.night("n1", ("a", "U", {"Name": "Anne"}))
    small.begin("n2").abandon()
    notes = OpenRun(small.org, "n2", sealed=small.vault.org_vault(small.org).sealed)
    assert not notes.is_open()
    assert len(notes.schemas()) == 1  # the mark is no note


def test_a_sweep_with_the_right_removes_what_ended_without(small: SmallVault) -> None:
    small.night("n1", ("a", "U", {"Name": "Anne"}))
    broken = small.begin("n2")
    broken.add(TABLE, [rows(("b", "U", {"Name": "Ben"}))])
    OpenRun(small.org, "n2", sealed=small.vault.org_vault(small.org).sealed).key(b"k" * 32)
    broken.abandon()
    assert {"n1.over", "n2", "n2.key", "n2.over"} <= left(small)
    with pytest.raises(StoreError) as told:
        small.vault.sweep(small.org, run="s1")
    assert told.value.code == "store-may-not-delete"  # so that upkeep says what it needs
    let_delete(small)
    assert small.vault.sweep(small.org, run="s1").stray > 0
    small.clock.advance(days=8)
    assert small.vault.sweep(small.org, run="s2").removed > 0
    assert left(small) == set()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_the_mark_goes_last(small: SmallVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies before that leaves no run that looks as if it were open."""
    small.begin("n1").abandon()
    let_delete(small)
    gone: list[str] = []
    inner = small.store.delete
    monkeypatch.setattr(small.store, "delete", lambda name: gone.append(name) or inner(name))
    OpenRun(small.org, "n1", sealed=small.vault.org_vault(small.org).sealed).close()
    assert gone[-2:] == [object_names.intent(small.org, "n1"), object_names.over(small.org, "n1")]


def test_another_fault_of_the_store_is_not_taken_for_a_missing_right(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = small.begin("n1")

    def away(name: str) -> bool:
        raise StoreError("store-failed", f"No answer at {name}.", next_step="Wait.")

    monkeypatch.setattr(small.store, "delete", away)
    with pytest.raises(StoreError) as told:
        broken.abandon()
    assert told.value.code == "store-failed"
    assert "n1.over" not in left(small)


def test_maintenance_that_fails_ends_its_run(small: SmallVault) -> None:
    small.night("n1", ("a", "U", {"Name": "Anne"}))
    work = MaintenanceRun(small.vault.org_vault(small.org), run="c1", kind=CommitKind.COMPACT)
    work.open()
    name = object_names.segment(small.org, work.prefix + "0" * 16)
    small.store.put_new(name, b"x")
    work.give_up()
    assert open_names(small) == []
    assert small.store.size(name) == 1


def test_a_large_file_that_is_held_already_ends_no_night(small: SmallVault) -> None:
    sealed = small.vault.org_vault(small.org).sealed
    known = {}
    content = [small.entropy.bytes(400_000) for _ in range(4)]

    def writer() -> PackWriter:
        return PackWriter(
            sealed,
            org=small.org,
            known=lambda blobs: {b: known[b] for b in blobs if b in known},
            pack_bytes=100_000,
        )

    first = writer()
    stored = first.put_chunks(content)
    known[stored.blob.id] = stored.blob
    first.finish()
    again = writer()
    assert again.put_chunks(content).new is False
    packs = len(list(small.store.list(object_names.packs(small.org))))

    def breaking():
        yield from content
        raise StoreError("store-failed", "It broke off.", next_step="Wait.")

    with pytest.raises(UnlostError) as told:
        writer().put_chunks(breaking())
    assert told.value.code == "store-failed"
    assert len(list(small.store.list(object_names.packs(small.org)))) > packs
