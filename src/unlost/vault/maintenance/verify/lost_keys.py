"""The keys that data of an org needs and that are lost, found without reading the data."""

from collections.abc import Iterator
from contextlib import suppress

from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.ports.system import Witnessed
from unlost.vault.commits.state import epochs_in
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import epoch_folder, identity_folder
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault


def lost_keys(org_vault: OrgVault, *, seen: Witnessed | None) -> tuple[str, ...]:
    """The folders of the needed keys of which no copy opens.

    ``seen``: the newest commit that the home knows. Others may have added junk after it.
    """
    keys, org = org_vault.sealed.keys, org_vault.org
    if seen is None and not keys.epochs(org):
        return ()  # nothing was ever written
    if not keys.opens(org):
        return (identity_folder(org),)
    needed = {*_of_data(org_vault), *_of_commit(org_vault, seen)}
    return tuple(
        epoch_folder(org, epoch) for epoch in sorted(needed) if not _opens(org_vault, epoch)
    )


def _of_data(org_vault: OrgVault) -> Iterator[int]:
    """The epochs of live data, if the chain can be read."""
    with suppress(UnlostError):
        yield from epochs_in(org_vault.chain.live())


def _of_commit(org_vault: OrgVault, seen: Witnessed | None) -> Iterator[int]:
    """The epoch in the clear header of a manifest, if it is there."""
    if seen is not None:
        with suppress(UnlostError):
            yield org_vault.sealed.header(object_names.commit(org_vault.org, seen.number)).epoch


def _opens(org_vault: OrgVault, epoch: int) -> bool:
    try:
        org_vault.sealed.keys.object_key(
            ObjectKind.MANIFEST, org=org_vault.org, name="", epoch=epoch
        )
    except (IntegrityError, NotAllowed):
        return False
    return True
