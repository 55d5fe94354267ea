"""The mirror of the vault as the second copy that an archive policy may demand."""

from collections.abc import Callable

from unlost.app.compose import Application
from unlost.app.vault.mirror import mirror_place, open_place, vault_opener
from unlost.engine.restore.running.second_copy import no_mirror
from unlost.model.archive import ArchivePolicy
from unlost.model.ports.vault import Vault
from unlost.vault.stores.readonly import ReadOnlyStore


def check_second_copy(app: Application, policy: ArchivePolicy) -> None:
    """Raise UsageError (``archive-no-mirror``) if the policy demands a mirror and there is none."""
    if policy.second_copy and mirror_place(app) is None:
        raise no_mirror()


def second_copy_of(app: Application) -> Callable[[], Vault] | None:
    """Return a function that opens the mirror for reading; None if there is no mirror."""
    place = mirror_place(app)
    if place is None:
        return None

    def opened() -> Vault:
        # Not witnessed: a mirror may be older than the vault, and the run compares their commits.
        return vault_opener(app, witnessed=False)(ReadOnlyStore(open_place(app, place)))

    return opened
