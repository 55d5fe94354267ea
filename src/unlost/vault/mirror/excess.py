"""What a mirror has and the vault has no more: whether a commit took it away, or it was lost.

Only what the vault itself says to be gone is removed from a mirror. An empty vault empties no mirror.
"""

import re
from collections.abc import Collection, Iterator

from unlost.model.store import Store
from unlost.vault import places
from unlost.vault.format.manifest import Manifest
from unlost.vault.homes import FOLDER, VaultHomes, name_of
from unlost.vault.keys import Keyring
from unlost.vault.maintenance import MAINTENANCE
from unlost.vault.mirror.scope import OrgScope, VaultScope
from unlost.vault.orgnames import named_orgs
from unlost.vault.register import registered
from unlost.vault.sealing import SealedObjects
from unlost.vault.shred import shredded_orgs

_ORG = re.compile(r"orgs/([0-9a-f]{32})/")
_SLOT = re.compile(r"keys/([^/]+)/[123]")


def taken_away(
    sealed: SealedObjects, scope: VaultScope, excess: Collection[str], *, target: Store
) -> Iterator[str]:
    """Those of the names that the vault has removed for good.

    A wrapped key goes only where the mirror, ``target``, has the one that took its place.
    """
    held = sealed.keys.on(target)
    shredded = shredded_orgs(sealed.store, sealed.keys) if excess else {}
    by_org: dict[str, list[str]] = {}
    for name in excess:
        found = _ORG.match(name)
        by_org.setdefault(found[1] if found else "", []).append(name)
    of_vault = by_org.pop("", [])
    yield from _of_names(sealed, of_vault, shredded)
    yield from _of_vault(sealed, of_vault)
    for org, names in by_org.items():
        if org in shredded:
            yield from names
        if org in scope.orgs:
            yield from _of_org(scope.orgs[org], names, held)


def _of_names(
    sealed: SealedObjects, names: Collection[str], shredded: Collection[str]
) -> Iterator[str]:
    """Identities of orgs that were shredded, and those that were sealed anew under another name."""
    root = places.identities()
    named = set(named_orgs(sealed.store)) if names else set[str]()
    for name in names:
        org = places.stem(name.removeprefix(root))
        if name.startswith(root) and (org in shredded or org in named):
            yield name


def _of_vault(sealed: SealedObjects, names: Collection[str]) -> Iterator[str]:
    """Older copies of homes, and slots that the register does not list."""
    numbers = VaultHomes(sealed).numbers()
    newest = name_of(numbers[-1]) if numbers else FOLDER
    listed = registered(sealed.store, sealed.keys).slots if names else {}
    for name in names:
        slot = _SLOT.fullmatch(name)
        if (slot is not None and listed and slot[1] not in listed) or (
            name.startswith(FOLDER) and name < newest
        ):
            yield name


def _of_org(scope: OrgScope, names: Collection[str], held: Keyring) -> Iterator[str]:
    left, org = set(names), scope.room.org
    gone = set(held.gone_copies(org))
    for name in names:
        if _is_superseded(scope, name) or name in gone or held.is_wrapped_anew(name, org=org):
            left.discard(name)
            yield name
    for manifest in _maintenance(scope):
        if not left:
            return
        gone = {name for name in left if _is_gone(scope, name, manifest)}
        yield from gone
        left -= gone


def _is_superseded(scope: OrgScope, name: str) -> bool:
    """True for caches, what never belonged there, and commits that an erasure has replaced."""
    org, state = scope.room.org, scope.state
    if name.startswith(places.checkpoints(org)):
        return places.sequence(name) < state.seq
    if name.startswith(places.commits(org)):
        return places.sequence(name) in scope.room.chain.redacted()
    if name.startswith(places.redactions(org)):
        return name not in state.objects and places.redacted_by(name) <= state.seq
    if name.startswith(places.journals(org)):
        return _is_sealed_anew(scope, name)
    return name.startswith(places.intents(org))


def _is_sealed_anew(scope: OrgScope, name: str) -> bool:
    """True if the vault has the same entry of a journal under another name."""
    stem = places.stem(name)
    sealed = scope.room.sealed
    return sealed.store.size(stem) is not None or sealed.resealed(stem) is not None


def _maintenance(scope: OrgScope) -> Iterator[Manifest]:
    """Commits that take away, newest first."""
    for seq, info in sorted(scope.state.commits.items(), reverse=True):
        if info.kind in MAINTENANCE:
            yield scope.room.chain.manifest(seq)[0]


def _is_gone(scope: OrgScope, name: str, manifest: Manifest) -> bool:
    """True if a commit took the object away, and none has it again."""
    if name in scope.live:
        return False
    if name.startswith(places.journals(scope.room.org)):
        run = name.rsplit("/", 2)[1]
        return run in manifest.unjournaled and run not in scope.state.journals
    return name in manifest.condemned or name in manifest.withdrawn
