"""The keys that data of an org needs and that are lost, found without reading the data."""

from collections.abc import Collection, Iterator
from contextlib import suppress

from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.ports.system import Witnessed
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import epoch_folder, identity_folder
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault

_FIRST = 1  # commit


def lost_keys(org_vault: OrgVault, *, seen: Witnessed | None) -> tuple[str, ...]:
    """The folders of the needed keys of which no copy opens.

    ``seen``: the newest commit that the home knows. Others may have added junk after it.
    """
    keys, org = org_vault.sealed.keys, org_vault.org
    if seen is None and not keys.epochs(org):
        return ()  # nothing was ever written
    if not keys.opens(org):
        return (identity_folder(org),)
    # The first manifest is among the last objects that a rekey seals anew.
    commits = {_FIRST, seen.number} if seen is not None else {_FIRST}
    needed = {*_of_data(org_vault), *_of_manifests(org_vault, commits)}
    return tuple(
        epoch_folder(org, epoch) for epoch in sorted(needed) if not _opens(org_vault, epoch)
    )


def _of_data(org_vault: OrgVault) -> Iterator[int]:
    """The epochs of live segments, if the chain can be read.

    Without those of undecided or rejected commits of others, who may claim any epoch.
    """
    with suppress(UnlostError):
        refused = org_vault.foreign.guard().refused
        for live in org_vault.chain.live().live_segments():
            if live.seq not in refused:
                yield live.entry.epoch


def _of_manifests(org_vault: OrgVault, commits: Collection[int]) -> Iterator[int]:
    """The epochs in the clear headers of manifests, of those that are there."""
    for seq in commits:
        with suppress(UnlostError):
            yield org_vault.sealed.header(object_names.commit(org_vault.org, seq)).epoch


def _opens(org_vault: OrgVault, epoch: int) -> bool:
    try:
        org_vault.sealed.keys.object_key(
            ObjectKind.MANIFEST, org=org_vault.org, name="", epoch=epoch
        )
    except (IntegrityError, NotAllowed):
        return False
    return True
