"""The ports stay small enough to be known by heart."""

from unlost.model.ports.vault import Vault, VaultMaintenance, VaultReader

MOST = 32


def offered(port: type) -> set[str]:
    """The public methods and properties of a port, inherited ones too."""
    return {
        name
        for kind in port.__mro__
        for name, member in vars(kind).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, property))
    }


def test_the_vault_offers_few_methods() -> None:
    """Make one method of what is one thing before you add another one."""
    names = offered(Vault)
    assert offered(VaultReader) | offered(VaultMaintenance) < names
    assert {"newest_backup", "plan", "apply", "begin", "homes"} <= names
    assert len(names) <= MOST, sorted(names)
