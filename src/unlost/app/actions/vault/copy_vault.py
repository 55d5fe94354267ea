"""Copy the vault to another place."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.vault.mirror import check_apart, check_separate_store, open_place
from unlost.model.access import Right, Trace
from unlost.vault.mirror.copying import copy_vault
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import check_not_locked


@dataclass(frozen=True, slots=True)
class VaultCopied:
    """The place of the copy; objects and bytes written, and objects that were there already."""

    place: str
    objects: int
    bytes: int
    there: int


@action("vault.copy", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME, subject=("place",))
def copy(app: Application, place: StoreAddress) -> VaultCopied:
    """Copy the vault to an empty place, or update an earlier copy.

    Raises UsageError (``copy-same-place``), Conflict (``copy-other-vault``), IntegrityError
    (``copy-differs``), NotFound, StoreError.
    """
    check_apart(app.home.place, place)
    source, target = open_place(app, app.home.place), open_place(app, place)
    check_not_locked(place, now=app.clock.now, sleep=app.clock.sleep)
    probe_store(target, entropy=app.entropy)
    check_separate_store(app, place)
    done = copy_vault(source, target)
    return VaultCopied(str(place), done.objects, done.bytes, done.existing)
