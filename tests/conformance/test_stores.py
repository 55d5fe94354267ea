"""Every store of ours keeps the promises of the port."""

from pathlib import Path

import pytest

from unlost.model.vault.store import Store
from unlost.testing.stores import StoreContract
from unlost.vault.stores.fault import FaultStore
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path / "vault")

    def reopen(self, store: Store) -> Store:
        folder = store.properties.folder
        assert folder is not None
        return LocalStore(folder)


class TestFaultStoreWithoutFaults(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return FaultStore(MemoryStore())
