"""Each vault keeps the promises about runs that write to an org."""

import pytest

from smallvault import SmallVault
from unlost.model.ports import Vault
from unlost.testing.clock import VirtualClock
from unlost.testing.memory_vault import MemoryVault
from unlost.testing.vaults import VaultContract
from unlost.vault.vault import EncryptedVault, open_vault


class TestEncryptedVault(VaultContract):
    """The real one, over a store in memory."""

    @pytest.fixture
    def vault(self) -> Vault:
        return SmallVault().vault

    def reopen(self, vault: Vault) -> Vault:
        assert isinstance(vault, EncryptedVault)
        sealed = vault.sealed
        return open_vault(
            sealed.store, keys=sealed.keys, clock=VirtualClock(), entropy=sealed.entropy
        )


class TestMemoryVault(VaultContract):
    """The one that tests of the engine use."""

    @pytest.fixture
    def vault(self) -> Vault:
        return MemoryVault(VirtualClock())
