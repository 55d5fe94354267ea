"""Repairing a vault from another copy of it.

Objects of the other copy are tried first: the vault is verified as if it had them. So only objects
that prove themselves replace others, and a manipulated mirror repairs nothing. See docs/adr/0027.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.errors import IntegrityError, UnlostError, UsageError
from unlost.model.vault.snapshot import Damage, VerifyLevel, VerifyReport
from unlost.model.vault.store import Store
from unlost.vault.commits.state import live_objects
from unlost.vault.format.register import REGISTER, entry_number
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.register import newest_entry, shredded_orgs
from unlost.vault.layout import object_names
from unlost.vault.mirror.answering import AnsweringStore
from unlost.vault.mirror.overlay import OverlayStore
from unlost.vault.vault import EncryptedVault

type Open = Callable[[Store], EncryptedVault]

_OPENING = (VAULT_FILE, REGISTER)
_COMMITS = "/commits/"
_OF_ORG = re.compile(r"(?:orgs|names)/([0-9a-f]{32})(?:[/.]|$)")
_CHAIN = re.compile(r"orgs/[0-9a-f]{32}/(?:commits|redacted)/")
_ANEW = re.compile(r"(.+)\.[0-9a-f]{16}")
WITHHELD = (
    "The mirror has it, but the newest commits of this org are complete in neither the vault "
    "nor the mirror. Repairing it could restore data that was erased later."
)


@dataclass(frozen=True, slots=True)
class RepairResult:
    """The objects that were restored, with their bytes, and damage that the mirror cannot repair.

    ``verified`` is the number of objects in the last verification of the repaired vault.
    """

    objects: tuple[str, ...]
    bytes: int
    still_damaged: tuple[Damage, ...]
    verified: int


def repair_from(store: Store, other: Store, *, opened: Open) -> RepairResult:
    """Restore objects that are missing or damaged in ``store`` and whole in ``other``; repeatable.

    ``opened`` opens the vault in a store. Raises its error if neither copy opens; StoreError.
    """
    trial = _Trial(store, other, opened)
    report = trial.run()
    sizes = {name: _put_back(store, other, name, was) for name, was in trial.taken.items()}
    back = {name: size for name, size in sizes.items() if size is not None}
    damages = (*report.damages, *trial.withheld)
    return RepairResult(tuple(sorted(back)), sum(back.values()), damages, report.objects)


def repairable(store: Store, other: Store, *, opened: Open) -> tuple[str, ...]:
    """The objects that ``repair_from`` would restore; writes nothing.

    Raises what that raises, and StoreError (``copy-silent``) if ``other`` did not answer
    everything. Objects that were of no use are tried a second time, because bytes may be corrupted
    in transit.
    """
    answering = AnsweringStore(other)
    trial = _Trial(store, answering, opened)
    trial.run()
    answering.check()
    taken = set(trial.taken)
    if trial.tried_useless:
        trial = _Trial(store, answering, opened)
        trial.run()
        answering.check()
    return tuple(sorted(taken | trial.taken.keys()))


class _Trial:
    """Finds the objects that would repair the store.

    ``taken`` has their names, with the hash of the present bytes in the store ("" for none).
    """

    def __init__(self, store: Store, other: Store, opened: Open) -> None:
        self._store, self._other, self._opened = store, other, opened
        self._seen: set[str] = set()
        self._gone: Collection[str] = ()
        self.taken: dict[str, str] = {}
        self.withheld: tuple[Damage, ...] = ()

    @property
    def tried_useless(self) -> bool:
        """True if an object was tried that repairs nothing."""
        return bool(self._seen - self.taken.keys())

    def run(self) -> VerifyReport:
        """Verify with more and more objects of the other copy, until nothing is left to try."""
        self._take(_to_open(self._store, self._other, self._opened))
        keys = self._opened(OverlayStore(self._store, self._other, taken=self.taken)).sealed.keys
        # A repair must not bring back objects of shredded orgs.
        self._gone = shredded_orgs(self._store, keys).keys()
        self._take(_ahead(self._store, self._other))
        self._take(_entries_ahead(self._other, number=newest_entry(self._store, keys)))
        while True:
            view = OverlayStore(self._store, self._other, taken=self.taken)
            report = self._opened(view).verify(VerifyLevel.FULL)
            damaged = {damage.object for damage in report.damages}
            # An object that is still damaged in this view is damaged in the other copy too.
            useless = {name for name in self.taken if {name, _known_as(name)} & damaged}
            for name in useless:
                del self.taken[name]
            fresh = self._take(damaged)
            if not fresh and not useless:
                self._withhold(damaged)
                return report

    def _take(self, names: Collection[str]) -> bool:
        """Take the objects that the other copy has and that are untried; True if there are any."""
        wanted = [name for name in sorted(set(names)) if _org(name) not in self._gone]
        alternatives = (next(self._untried(name), None) for name in wanted)
        fresh = [name for name in alternatives if name is not None]
        self._seen.update(fresh)
        self.taken.update((name, _stored_hash(self._store, name)) for name in fresh)
        return bool(fresh)

    def _untried(self, name: str) -> Iterator[str]:
        """The untried candidates for an object: under its name, or sealed anew; one by one."""
        if name not in self._seen and self._other.size(name) is not None:
            yield name
        for listed_object in self._other.list(f"{name}."):
            if _known_as(listed_object.name) == name and listed_object.name not in self._seen:
                yield listed_object.name

    def _withhold(self, damaged: Collection[str]) -> None:
        """Withhold objects of an org whose commits stay damaged, unless they are certainly live.

        The other copy may be older than an erasure, which cannot be known while the newest commits
        are lost.
        """
        lost: dict[str, int] = {}  # the newest commit that is damaged, by org
        for name in damaged:
            org = _org(name)
            if org is not None and _CHAIN.match(name):
                seq = object_names.redacted(name) or object_names.sequence(name)
                lost[org] = max(seq, lost.get(org, 0))
        live = {name for org, seq in lost.items() for name in self._live(org, after=seq)}
        withheld = [name for name in self.taken if _org(name) in lost and name not in live]
        self.withheld = tuple(Damage(name, WITHHELD) for name in withheld)
        for name in withheld:
            del self.taken[name]

    def _live(self, org: str, *, after: int) -> frozenset[str]:
        """The objects that an org's newest commit proves live, if it is newer than lost ones."""
        vault = self._opened(OverlayStore(self._store, self._other, taken=self.taken))
        try:
            state = vault.org_vault(org).chain.proved()
        except (IntegrityError, UsageError):
            return frozenset()
        if state.seq <= after:
            return frozenset()
        return frozenset(entry.name for entry in live_objects(state, org=org))


def _known_as(name: str) -> str:
    """The original name of an object that was sealed anew; other names unchanged."""
    match = _ANEW.fullmatch(name)
    return match[1] if match else name


def _org(name: str) -> str | None:
    """The oid of the org that an object belongs to."""
    match = _OF_ORG.match(name)
    return match[1] if match else None


def _stored_hash(store: Store, name: str) -> str:
    """The hash of the bytes under a name; empty if there is no object."""
    try:
        return blake3(store.get(name)).hexdigest()
    except UnlostError:
        return ""


def _to_open(store: Store, other: Store, opened: Open) -> set[str]:
    """The objects that open the vault, if it does not open as it is."""
    try:
        opened(store)
    except UnlostError:
        names = (
            listed_object.name
            for listed_object in other.list("")
            if listed_object.name.startswith(_OPENING)
        )
        return {name for name in names if _differ(store, other, name)}
    return set()


def _differ(store: Store, other: Store, name: str) -> bool:
    """True if the two copies of an object differ, or one cannot be read."""
    try:
        return store.get(name) != other.get(name)
    except UnlostError:
        return True


def _ahead(store: Store, other: Store) -> set[str]:
    """Commits of the other copy that are newer than the newest in the store: these were lost."""
    newest: dict[str, str] = {}
    for name in _commits(store):
        newest[name.split(_COMMITS, 1)[0]] = name
    return {name for name in _commits(other) if name > newest.get(name.split(_COMMITS, 1)[0], "")}


def _entries_ahead(other: Store, *, number: int) -> set[str]:
    """The entries of the other copy's register after the one in force in the store."""
    names = {listed_object.name for listed_object in other.list(REGISTER)}
    return {name for name in names if (entry_number(name) or 0) > number}


def _commits(store: Store) -> Iterable[str]:
    return (
        listed_object.name
        for listed_object in store.list("orgs/")
        if _COMMITS in listed_object.name and object_names.sequence(listed_object.name)
    )


def _put_back(store: Store, other: Store, name: str, was: str) -> int | None:
    """Put the other copy's object in place; returns its size, or None if the store has changed.

    If this is interrupted, the object is missing, and repeating the repair restores it.
    """
    data = other.get(name)
    if was:
        if _stored_hash(store, name) != was:
            return None
        store.delete(name)
    return len(data) if store.put_new(name, data) else None
