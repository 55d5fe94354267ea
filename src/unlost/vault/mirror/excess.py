"""Objects that the mirror has and the vault does not: removed by a commit, or lost?

An object is removed from the mirror only if the vault proves that it was removed on purpose.
Emptying the vault folder does not affect the mirror. Replacements are looked up in the mirror, as
of the commits it has, because the vault may commit during an update. See docs/adr/0027.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from unlost.model.errors import IntegrityError, NotFound, UsageError
from unlost.model.ports.system import Entropy
from unlost.model.vault.snapshot import CommitKind
from unlost.model.vault.store import Store
from unlost.vault.commits.state import REMOVING, epochs_in
from unlost.vault.format.manifest import Manifest
from unlost.vault.format.register import entry_number
from unlost.vault.format.sealed import HEADER_BYTES, ObjectKind, read_header
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import registered, shredded_orgs
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase_cleanup import erasures_in
from unlost.vault.maintenance.maintenance_run import MAINTENANCE
from unlost.vault.mirror.scope import OrgScope, VaultScope
from unlost.vault.objects.home_copies import FOLDER, VaultHomes, name_of

_ORG = re.compile(r"orgs/([0-9a-f]{32})/")
_FOR_GOOD = REMOVING | {CommitKind.REKEY}


@dataclass(frozen=True, slots=True)
class RemovedFromVault:
    """Objects that the vault has removed for good. The mirror removes ``gone`` too.

    It keeps ``retained``, which may be the last copies. The mirror lacks live objects of their org,
    or the vault gave them up as damaged, or a commit of their org is lost and the reason is
    unknown, or a foreign commit removed them and waits for a decision.
    """

    gone: frozenset[str]
    retained: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Mirror:
    """The mirror, the objects that only it has, and its keys."""

    store: Store
    excess: Collection[str]
    keys: Keyring
    entropy: Entropy

    def has(self, name: str) -> bool:
        """True if the mirror has an object."""
        return self.store.size(name) is not None

    def epoch_of(self, name: str) -> int:
        """The epoch of a sealed object in the mirror; 0 if its header cannot be read."""
        try:
            head = self.store.get_range(name, start=0, length=HEADER_BYTES)
            return read_header(head, name=name).epoch
        except (IntegrityError, NotFound, UsageError):
            return 0

    def has_other(self, kind: ObjectKind, name: str, *, org: str) -> bool:
        """True if the mirror has the object under another name, which the vault has too.

        It must open, and have the same content: others may have put something there.
        """
        stem, mine = object_names.stem(name), self._content(kind, name, org=org)
        names = [listed_object.name for listed_object in self.store.list(stem)]
        for other in names:
            if object_names.stem(other) == stem and other not in self.excess:
                content = self._content(kind, other, org=org)
                if content is not None and mine in (None, content):
                    return True
        return False

    def _content(self, kind: ObjectKind, name: str, *, org: str) -> bytes | None:
        """The content of an object in the mirror; None if it does not open."""
        sealed = SealedObjects(self.store, keys=self.keys, entropy=self.entropy)
        try:
            return sealed.get(kind, org=org, name=name)
        except (IntegrityError, NotFound, UsageError):
            return None


def removed_from_vault(
    sealed: SealedObjects,
    scope: VaultScope,
    excess: Collection[str],
    *,
    target: Store,
    lacking: Collection[str],
) -> RemovedFromVault:
    """The objects among ``excess`` that the vault has removed for good.

    ``lacking`` are orgs with live objects that the mirror, ``target``, does not have. Errors of an
    org are noted in ``scope.broken``.
    """
    mirror = _Mirror(target, excess, sealed.keys.for_store(target), sealed.entropy)
    shredded = shredded_orgs(sealed.store, sealed.keys) if excess else {}
    by_org: dict[str, list[str]] = {}
    for name in excess:
        match = _ORG.match(name)
        by_org.setdefault(match[1] if match else "", []).append(name)
    of_vault = by_org.pop("", [])
    gone = {*_of_names(scope, of_vault, shredded, mirror), *_of_vault(sealed, of_vault)}
    kept_names = set[str]()
    for org, names in by_org.items():
        if org in shredded:
            gone.update(names)
        elif org in scope.orgs:
            try:
                guard = scope.orgs[org].org_vault.foreign.guard()
                away, stays = _removed_and_retained(
                    scope.orgs[org], names, mirror, lacking=org in lacking
                )
                # What others removed stays in the mirror as long as a decision is open.
                stays |= {name for name in away if guard.protects(name)}
            except IntegrityError as error:  # a commit that took something away is lost
                scope.broken[org] = error
                kept_names.update(names)
            else:
                gone |= away - stays
                kept_names |= stays
    return RemovedFromVault(frozenset(gone), frozenset(kept_names))


def _removed_and_retained(
    scope: OrgScope, names: Collection[str], mirror: _Mirror, *, lacking: bool
) -> tuple[set[str], set[str]]:
    """The objects of an org that the vault has removed, and which of them stay.

    Raises IntegrityError.
    """
    away = set(_of_org(scope, names, mirror))
    stays = away - set(_always_removed(scope, away, mirror)) if lacking else set()
    return away, stays | _given_up(scope, away)


def _of_names(
    scope: VaultScope, names: Collection[str], shredded: Collection[str], mirror: _Mirror
) -> Iterator[str]:
    """Identities of shredded orgs, and identities that were sealed anew under another name."""
    root = object_names.identities()
    for name in names:
        org = object_names.stem(name.removeprefix(root))
        anew = org in scope.orgs and mirror.has_other(ObjectKind.IDENTITY, name, org=org)
        if name.startswith(root) and (org in shredded or anew):
            yield name


def _of_vault(sealed: SealedObjects, names: Collection[str]) -> Iterator[str]:
    """Older copies of homes, and entries of the register that a newer one replaced."""
    number = VaultHomes(sealed).newest_number() if names else 0  # junk replaces nothing
    newest = name_of(number) if number else FOLDER
    present = registered(sealed.store, sealed.keys).number if names else 0
    for name in names:
        if 0 < (entry_number(name) or 0) < present or (name.startswith(FOLDER) and name < newest):
            yield name


def _of_org(scope: OrgScope, names: Collection[str], mirror: _Mirror) -> Iterator[str]:
    names_left, org = set(names), scope.org_vault.org
    gone, keys = _gone_keys(scope, mirror), scope.org_vault.sealed.keys
    first = min(keys.epochs(org), default=0)  # a rekey has removed the keys before it
    for name in names:
        anew = mirror.keys.is_wrapped_anew(name, org=org)
        closed = _is_document(scope, name) and 0 < mirror.epoch_of(name) < first
        if name in gone or anew or closed or _is_superseded(scope, name, mirror):
            names_left.discard(name)
            yield name
    # Manifests come last: most names are decided without reading one.
    for manifest in _maintenance(scope):
        if not names_left:
            return
        names_gone = {name for name in names_left if _is_gone(scope, name, manifest)}
        yield from names_gone
        names_left -= names_gone


def _is_document(scope: OrgScope, name: str) -> bool:
    """True for schemas and certificates that no commit refers to.

    A rekey removes the ones that failed runs left, without a record in a commit: under a key that
    is gone they cannot be read.
    """
    folders = (
        object_names.schemas(scope.org_vault.org),
        object_names.certificates(scope.org_vault.org),
    )
    return name.startswith(folders) and name not in scope.live


def _gone_keys(scope: OrgScope, mirror: _Mirror) -> frozenset[str]:
    """Earlier keys that are not needed; none if the vault has commits that the mirror lacks.

    A commit of others may pretend that no data needs them.
    """
    if scope.org_vault.chain.live().seq != scope.state.seq:
        return frozenset()
    if scope.org_vault.foreign.guard().refused:
        return frozenset()
    needed = min(epochs_in(scope.state), default=0)
    return frozenset(mirror.keys.copies_before(scope.org_vault.org, needed))


def _always_removed(scope: OrgScope, names: Iterable[str], mirror: _Mirror) -> Iterator[str]:
    """Objects to remove even if the mirror lacks others: caches, and data that was to be erased."""
    erasures = erasures_in(scope.org_vault, scope.state)
    redacted = {
        object_names.redacted(entry.name) for erasure in erasures for entry in erasure.objects
    }
    caches = (
        object_names.checkpoints(scope.org_vault.org),
        object_names.intents(scope.org_vault.org),
    )
    for name in names:
        seq = _manifest_of(scope, name)
        if seq:
            stands = scope.redacted.get(seq)
            goes = seq in redacted and stands is not None and mirror.has(stands)
        else:
            goes = name.startswith(caches) or any(
                _is_gone(scope, name, erasure) for erasure in erasures
            )
        if goes:
            yield name


def _given_up(scope: OrgScope, away: Collection[str]) -> set[str]:
    """The objects among ``away`` that a salvage removed as damaged: the mirror may have them whole.

    Not objects from before an erasure, a correction or a change of keys: nothing inspects objects
    that were given up, so they may contain the data that was erased.
    """
    names, runs = set[str](), set[str]()
    for seq, info in sorted(scope.state.commits.items()):
        if info.kind in _FOR_GOOD:
            names.clear()
            runs.clear()
        elif info.kind is CommitKind.SALVAGE:
            manifest = scope.org_vault.chain.manifest(seq)[0]
            names.update(manifest.condemned, manifest.withdrawn)
            runs.update(manifest.unjournaled)
    journals = tuple(object_names.journal(scope.org_vault.org, run) for run in runs)
    return {name for name in away if name in names or name.startswith(journals)}


def _is_superseded(scope: OrgScope, name: str, mirror: _Mirror) -> bool:
    """True for caches, foreign objects, and objects that another one replaces."""
    org, state = scope.org_vault.org, scope.state
    if name.startswith(object_names.checkpoints(org)):
        return object_names.sequence(name) < state.seq
    if name.startswith(object_names.redactions(org)) and object_names.redacted_by(name) > state.seq:
        return False
    if seq := _manifest_of(scope, name):
        stands = scope.redacted.get(seq)
        return name != stands and (stands is not None or name != object_names.commit(org, seq))
    if name.startswith(object_names.journals(org)):
        return mirror.has_other(ObjectKind.JOURNAL, name, org=org)
    return name.startswith(object_names.intents(org))


def _manifest_of(scope: OrgScope, name: str) -> int:
    """The number of the commit of a manifest or redaction; 0 for other objects."""
    if name.startswith(object_names.commits(scope.org_vault.org)):
        return object_names.sequence(name)
    return object_names.redacted(name)


def _maintenance(scope: OrgScope) -> Iterator[Manifest]:
    """Commits that remove objects, newest first."""
    for seq, info in sorted(scope.state.commits.items(), reverse=True):
        if info.kind in MAINTENANCE:
            yield scope.org_vault.chain.manifest(seq)[0]


def _is_gone(scope: OrgScope, name: str, manifest: Manifest) -> bool:
    """True if a commit removed the object, and no later one added it again."""
    if name in scope.live:
        return False
    if name.startswith(object_names.journals(scope.org_vault.org)):
        run = name.rsplit("/", 2)[1]
        return run in manifest.unjournaled and run not in scope.state.journals
    return name in manifest.condemned or name in manifest.withdrawn
