"""A place that cannot create exactly once is refused before a vault is made in it."""

import threading
from pathlib import Path

import pytest

from unlost.model.errors import StoreError
from unlost.testing.entropy import SeededEntropy
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.probe import WRITERS, probe_store


class LastWriterWins(MemoryStore):
    """Says to everybody that they won."""

    def put_new(self, name: str, data: bytes) -> bool:
        self.delete(name)
        super().put_new(name, data)
        return True


class NobodyWins(MemoryStore):
    def put_new(self, name: str, data: bytes) -> bool:
        super().put_new(name, data)
        return False


class KeepsTheLosersBytes(MemoryStore):
    """Lets one win, and keeps what the last one wrote."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = threading.Lock()
        self._count = 0

    def put_new(self, name: str, data: bytes) -> bool:
        with self._turn:
            self._count += 1
            first = self._count % WRITERS == 1
            self.delete(name)
            super().put_new(name, data)
            return first


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_our_stores_pass_and_nothing_is_left(kind: str, tmp_path: Path) -> None:
    store = MemoryStore() if kind == "memory" else LocalStore(tmp_path / "v")
    probe_store(store, entropy=SeededEntropy())
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (LastWriterWins(), "8 of 8 writers of one name succeeded"),
        (NobodyWins(), "0 of 8 writers"),
        (KeepsTheLosersBytes(), "bytes of a writer that it had refused"),
    ],
    ids=["last-writer-wins", "nobody-wins", "losers-bytes"],
)
def test_a_store_without_atomic_create_is_refused_in_words(store: MemoryStore, why: str) -> None:
    with pytest.raises(StoreError, match=why) as refused:
        probe_store(store, entropy=SeededEntropy())
    assert refused.value.code == "store-not-atomic"
    assert "exactly one must succeed" in refused.value.sentence
    assert "Choose a local disk" in refused.value.next_step
    assert list(store.list("")) == []
