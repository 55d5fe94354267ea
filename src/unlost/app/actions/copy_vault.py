"""Copy the vault to a second place."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.vault.copying import copy_vault
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import open_store


@dataclass(frozen=True, slots=True)
class VaultCopied:
    """Where the copy lies; objects and bytes that were written, objects that lay there already."""

    place: str
    objects: int
    bytes: int
    there: int


@action("vault.copy", Right.OPERATE, trace=Trace.WRITE, where=Where.HOME, subject=("place",))
def copy(app: Application, place: StoreAddress) -> VaultCopied:
    """Bring a copy of the vault up to date, or make one in an empty place.

    Raises UsageError (``copy-same-place``), Conflict (``copy-other-vault``), IntegrityError (``copy-differs``), NotFound, StoreError.
    """
    _check_apart(app.home.place, place)
    source = open_store(app.home.place, sleep=app.clock.sleep)
    target = open_store(place, sleep=app.clock.sleep)
    probe_store(target, entropy=app.entropy)
    done = copy_vault(source, target)
    return VaultCopied(str(place), done.objects, done.bytes, done.there)


def _check_apart(own: StoreAddress, other: StoreAddress) -> None:
    """Raise UsageError where one of the places lies in the other."""
    if own.folder is not None and other.folder is not None:
        first, second = own.folder.resolve(), other.folder.resolve()
        inside = first.is_relative_to(second) or second.is_relative_to(first)
    else:
        paths = [f"{one}/" for one in (own, other)]
        alike = (own.folder, own.reach.endpoint) == (other.folder, other.reach.endpoint)
        inside = alike and (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0]))
    if inside:
        raise UsageError(
            "copy-same-place",
            f"{other} and the vault in {own} are not apart from one another.",
            next_step="Name another place, best in another building or account.",
        )
