"""The store asks the operating system for durability, in the order that a power cut demands.

Everything else about power cuts is proved on a disk in memory; here the real calls are watched.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk

ROOT = Path("/v")
NAME = "orgs/a/data/00/one"

type Event = tuple[str, int]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Each fsync and each link, with the inode that it was about."""
    events: list[Event] = []
    sync, link = os.fsync, os.link

    def fsync(handle: int) -> None:
        sync(handle)
        events.append(("sync", os.fstat(handle).st_ino))

    def linked(source: Any, target: Any) -> None:
        link(source, target)
        events.append(("link", Path(target).stat().st_ino))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", linked)
    return events


def inode(path: Path) -> int:
    return path.stat().st_ino


PUTS: dict[str, Callable[[LocalStore], bool]] = {
    "whole": lambda store: store.put_new(NAME, b"bytes"),
    "stream": lambda store: store.put_stream(NAME, iter([b"by", b"tes"])),
}


@pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)
def test_bytes_are_synced_before_they_have_a_name_and_the_name_before_put_returns(
    tmp_path: Path, watched: list[Event], put: Callable[[LocalStore], bool]
) -> None:
    root = tmp_path / "vault"
    assert put(LocalStore(root))
    body = inode(root / NAME)
    linked = watched.index(("link", body))
    assert ("sync", body) in watched[:linked]
    assert ("sync", inode((root / NAME).parent)) in watched[linked:]


def test_each_new_folder_is_synced_into_the_one_that_holds_it(
    tmp_path: Path, watched: list[Event]
) -> None:
    root = tmp_path / "vault"
    LocalStore(root).put_new(NAME, b"bytes")
    linked = next(at for at, event in enumerate(watched) if event[0] == "link")
    holding = [tmp_path, *list((root / NAME).parents)[1:4]]
    assert {inode(folder) for folder in holding} <= {what for _, what in watched[:linked]}


def test_a_removed_name_is_gone_for_good_when_delete_returns(
    tmp_path: Path, watched: list[Event]
) -> None:
    store = LocalStore(tmp_path / "vault")
    store.put_new(NAME, b"bytes")
    watched.clear()
    assert store.delete(NAME)
    assert watched == [("sync", inode((tmp_path / "vault" / NAME).parent))]


def die_while_putting(disk: UnsyncedDisk, *, at: int) -> None:
    """Another process puts the object and is killed before its n-th call to the disk."""
    disk.crash_at = disk.changes + at
    with pytest.raises(StoreCrash):
        LocalStore(ROOT, disk=disk).put_new(NAME, b"winner")
    disk.crash_at = None


@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "meanwhile"])
def test_whoever_loses_a_name_may_rely_on_the_winner(meanwhile: bool) -> None:
    """The winner died between naming its object and syncing the name; then the power went."""
    lost = 0
    for at in range(1, calls_of_a_put() + 1):
        disk = UnsyncedDisk(root=Path("/"))
        store = LocalStore(ROOT, disk=disk)
        store.put_new("orgs/a/data/00/before", b"")

        def chunks(disk: UnsyncedDisk = disk, at: int = at) -> Iterator[bytes]:
            if meanwhile:
                die_while_putting(disk, at=at)
            yield b"other"

        if not meanwhile:
            die_while_putting(disk, at=at)
        won = store.put_stream(NAME, chunks())
        disk.power_cut(names_survive=False)
        assert store.get(NAME) == (b"other" if won else b"winner")
        lost += not won
    assert lost, "the winner never came so far"


def calls_of_a_put() -> int:
    disk = UnsyncedDisk(root=Path("/"))
    LocalStore(ROOT, disk=disk).put_new("orgs/a/data/00/before", b"")
    before = disk.changes
    LocalStore(ROOT, disk=disk).put_new(NAME, b"winner")
    return disk.changes - before
