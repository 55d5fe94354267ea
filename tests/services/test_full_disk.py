"""A real file system that is full: nothing is lost, and freeing space lets the backup go on.

Needs the right to mount (root, or a user namespace); ``make services`` runs it.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlost.app.home.system import SystemEntropy
from unlost.model.errors import StoreError
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.probe import probe_store

MEGA = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "unlost-test", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(store: LocalStore, kept: dict[str, bytes]) -> None:
    """Write objects of 1 MiB until the disk is full; ``kept`` are those that were taken."""
    for number in range(20):
        name, data = f"orgs/a/data/00/{number:032x}", bytes([number]) * MEGA
        assert store.put_new(name, data)
        kept[name] = data


@pytest.mark.services
def test_a_full_disk_leaves_no_half_object_and_space_lets_it_go_on(small_disk: Path) -> None:
    store = LocalStore(small_disk)
    probe_store(store, entropy=SystemEntropy())
    kept: dict[str, bytes] = {}
    with pytest.raises(StoreError) as caught:
        fill(store, kept)
    assert caught.value.code == "store-full"
    assert caught.value.next_step
    assert {listed.name for listed in store.list("orgs/")} == set(kept)
    assert all(store.get(name) == data for name, data in kept.items())
    store.delete(next(iter(kept)))
    assert store.put_new("orgs/a/data/00/after", b"x" * (MEGA // 2))
