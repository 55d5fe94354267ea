"""Repairing a vault from another copy of it.

What the other copy has is tried out first: the vault is verified as it would be with it. So nothing is
replaced but by what proves itself there, and a mirror that somebody changed repairs nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from unlost.model.errors import UnlostError
from unlost.model.snapshot import Damage, VerifyLevel, VerifyReport
from unlost.model.store import Store
from unlost.vault.format.register import REGISTER
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.mirror.overlay import Overlay
from unlost.vault.vault import EncryptedVault

type Open = Callable[[Store], EncryptedVault]

_OPENING = (VAULT_FILE, "keys/", REGISTER)
_COMMITS = "/commits/"


@dataclass(frozen=True, slots=True)
class Repaired:
    """Objects that were brought back, with their bytes, and damage for which the mirror has no cure.

    ``looked`` counts the objects of the last look at the repaired vault.
    """

    objects: tuple[str, ...]
    bytes: int
    left: tuple[Damage, ...]
    looked: int


def repair_from(store: Store, other: Store, *, opened: Open) -> Repaired:
    """Bring back what is missing or damaged in ``store`` and whole in ``other``; safe to repeat.

    ``opened`` opens the vault in a store. Raises what that raises where neither copy opens; StoreError.
    """
    taken, report = _chosen(store, other, opened)
    size = sum(_replace(store, other, name) for name in sorted(taken))
    return Repaired(tuple(sorted(taken)), size, report.damages, report.objects)


def _chosen(store: Store, other: Store, opened: Open) -> tuple[set[str], VerifyReport]:
    """What is taken from the other copy, and how the vault is with it."""
    taken = _to_open(store, other, opened) | _ahead(store, other)
    seen: set[str] = set(taken)
    while True:
        report = opened(Overlay(store, other, taken=taken)).verify(VerifyLevel.FULL)
        damaged = {one.object for one in report.damages}
        fresh = {name for name in damaged - seen if other.size(name) is not None}
        useless = taken & damaged
        if not fresh and not useless:
            return taken, report
        seen |= damaged
        taken = taken - useless | fresh


def _to_open(store: Store, other: Store, opened: Open) -> set[str]:
    """What opens the vault, where it cannot be opened as it is."""
    try:
        opened(store)
    except UnlostError:
        names = (one.name for one in other.list("") if one.name.startswith(_OPENING))
        return {name for name in names if _differ(store, other, name)}
    return set()


def _differ(store: Store, other: Store, name: str) -> bool:
    """True if an object is not the same in both; one that cannot be read is not."""
    try:
        return store.get(name) != other.get(name)
    except UnlostError:
        return True


def _ahead(store: Store, other: Store) -> set[str]:
    """Commits that the other copy has behind the newest ones of the store: these were lost."""
    newest: dict[str, str] = {}
    for name in _commits(store):
        newest[name.split(_COMMITS, 1)[0]] = name
    return {name for name in _commits(other) if name > newest.get(name.split(_COMMITS, 1)[0], "")}


def _commits(store: Store) -> Iterable[str]:
    return (one.name for one in store.list("orgs/") if _COMMITS in one.name)


def _replace(store: Store, other: Store, name: str) -> int:
    """Put the other copy's object in place; its size. Where that breaks off, it is missing: once more."""
    data = other.get(name)
    store.delete(name)
    store.put_new(name, data)
    return len(data)
