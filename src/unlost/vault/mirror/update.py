"""Updating a mirror: copy what the vault has, then remove what it has removed for good."""

from collections.abc import Callable
from dataclasses import dataclass

from unlost.model.errors import StoreError
from unlost.model.vault.store import Store
from unlost.vault.keys.register import find_entry
from unlost.vault.mirror.copying import copy_vault, is_content
from unlost.vault.mirror.excess import removed_from_vault
from unlost.vault.mirror.scope import VaultScope
from unlost.vault.stores.store import MAY_NOT_DELETE
from unlost.vault.vault import EncryptedVault

type OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MirrorUpdate:
    """The result of an update: objects and bytes that were written and removed.

    ``existing``: the number of objects that the mirror had already. ``damaged`` objects of the
    vault, or missing ones, were left out. ``strange`` objects are in the mirror only, and no commit
    removed them from the vault, which may have lost them. ``not_removed`` objects were removed from
    the vault and stay in the mirror: an object of their org is damaged, or the vault gave them up
    as damaged, so they may be the last copies; or the mirror's credentials may not delete.
    ``broken`` has, by oid, why orgs were left out or nothing of them was removed.
    """

    objects: int
    bytes: int
    existing: int
    removed: int
    removed_bytes: int
    damaged: tuple[str, ...]
    strange: tuple[str, ...]
    not_removed: tuple[str, ...]
    broken: dict[str, str]


def update_mirror(
    vault: EncryptedVault, target: Store, *, on_progress: OnProgress = lambda _done, _all: None
) -> MirrorUpdate:
    """Update a mirror, or begin one in an empty place. Safe to repeat after a crash.

    Raises Conflict (``copy-other-vault``), NotFound (``vault-missing``), IntegrityError
    (``copy-differs``), StoreError.
    """
    scopes: list[VaultScope] = []

    source = vault.sealed.store

    def new_scope() -> VaultScope:
        register = find_entry(source, owner=vault.sealed.keys.owner.public)
        scopes.append(VaultScope(vault.oids(), open_org=vault.org_vault, register=register))
        return scopes[-1]

    before = {listed_object.name for listed_object in source.list("")}
    copied = copy_vault(source, target, select=new_scope, on_progress=on_progress)
    source_names = {listed_object.name for listed_object in source.list("")}
    target_sizes = {listed_object.name: listed_object.size for listed_object in target.list("")}
    excess = {
        name: size
        for name, size in target_sizes.items()
        if name not in source_names and is_content(name)
    }
    lacking = scopes[-1].lacking(target_sizes)
    away = removed_from_vault(vault.sealed, scopes[-1], excess, target=target, lacking=lacking)
    removed = {name for name in sorted(away.gone) if _removed(target, name)}
    # Objects that the mirror lacks and the vault did not have before the copy are lost.
    missing = {name for names in lacking.values() for name in names} - before
    return MirrorUpdate(
        objects=copied.objects,
        bytes=copied.bytes,
        existing=copied.existing,
        removed=len(removed),
        removed_bytes=sum(excess[name] for name in removed),
        damaged=tuple(sorted({*copied.damaged, *missing})),
        # Objects that were removed during the update are decided the next time.
        strange=tuple(sorted(excess.keys() - away.gone - away.retained - before)),
        not_removed=tuple(sorted(away.retained | (away.gone - removed))),
        broken={org: error.sentence for org, error in scopes[-1].broken.items()},
    )


def _removed(target: Store, name: str) -> bool:
    """Remove an object from the mirror. False if its credentials may not: another update does it."""
    try:
        target.delete(name)
    except StoreError as error:
        if error.code != MAY_NOT_DELETE:
            raise
        return False
    return True
