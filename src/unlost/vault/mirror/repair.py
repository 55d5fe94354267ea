"""Repairing a vault from another copy of it.

What the other copy has is tried out first: the vault is verified as it would be with it. So nothing is
replaced but by what proves itself there, and a mirror that somebody changed repairs nothing.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.errors import IntegrityError, UnlostError, UsageError
from unlost.model.snapshot import Damage, VerifyLevel, VerifyReport
from unlost.model.store import Store
from unlost.vault.commits.state import live_objects
from unlost.vault.format.register import REGISTER
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.shred_proofs import shredded_orgs
from unlost.vault.layout import object_names
from unlost.vault.mirror.answering import AnsweringStore
from unlost.vault.mirror.overlay import OverlayStore
from unlost.vault.vault import EncryptedVault

type Open = Callable[[Store], EncryptedVault]

_OPENING = (VAULT_FILE, "keys/", REGISTER)
_COMMITS = "/commits/"
_OF_ORG = re.compile(r"(?:orgs|names)/([0-9a-f]{32})(?:[/.]|$)")
_CHAIN = re.compile(r"orgs/[0-9a-f]{32}/(?:commits|redacted)/")
_ANEW = re.compile(r"(.+)\.[0-9a-f]{16}")
WITHHELD = (
    "The other copy has it, but the newest commits of this org are whole in neither: what was erased "
    "since might come back."
)


@dataclass(frozen=True, slots=True)
class RepairResult:
    """Objects that were brought back, with their bytes, and damage for which the mirror has no cure.

    ``looked`` counts the objects of the last look at the repaired vault.
    """

    objects: tuple[str, ...]
    bytes: int
    still_damaged: tuple[Damage, ...]
    looked: int


def repair_from(store: Store, other: Store, *, opened: Open) -> RepairResult:
    """Bring back what is missing or damaged in ``store`` and whole in ``other``; safe to repeat.

    ``opened`` opens the vault in a store. Raises what that raises where neither copy opens; StoreError.
    """
    trial = _Trial(store, other, opened)
    report = trial.run()
    sizes = {name: _put_back(store, other, name, was) for name, was in trial.taken.items()}
    back = {name: size for name, size in sizes.items() if size is not None}
    damages = (*report.damages, *trial.withheld)
    return RepairResult(tuple(sorted(back)), sum(back.values()), damages, report.objects)


def curable(store: Store, other: Store, *, opened: Open) -> tuple[str, ...]:
    """What ``repair_from`` would bring back; nothing is written.

    Raises what that raises, and StoreError (``copy-silent``) where ``other`` did not answer to all that it
    was asked. What it has in vain is tried once more: bytes may be spoilt on their way.
    """
    answering = AnsweringStore(other)
    trial = _Trial(store, answering, opened)
    trial.run()
    answering.check()
    taken = set(trial.taken)
    if trial.in_vain:
        trial = _Trial(store, answering, opened)
        trial.run()
        answering.check()
    return tuple(sorted(taken | trial.taken.keys()))


class _Trial:
    """Finds out what would mend the store. ``taken``: digests of what lies there now, "" for nothing."""

    def __init__(self, store: Store, other: Store, opened: Open) -> None:
        self._store, self._other, self._opened = store, other, opened
        self._seen: set[str] = set()
        self._gone: Collection[str] = ()
        self.taken: dict[str, str] = {}
        self.withheld: tuple[Damage, ...] = ()

    @property
    def in_vain(self) -> bool:
        """True if something was tried that mends nothing."""
        return bool(self._seen - self.taken.keys())

    def run(self) -> VerifyReport:
        """Verify with ever more of the other copy, until nothing new is found."""
        self._take(_to_open(self._store, self._other, self._opened))
        keys = self._opened(OverlayStore(self._store, self._other, taken=self.taken)).sealed.keys
        self._gone = shredded_orgs(self._store, keys).keys()
        self._take(_ahead(self._store, self._other))
        while True:
            view = OverlayStore(self._store, self._other, taken=self.taken)
            report = self._opened(view).verify(VerifyLevel.FULL)
            damaged = {damage.object for damage in report.damages}
            useless = {name for name in self.taken if {name, _known_as(name)} & damaged}
            for name in useless:
                del self.taken[name]
            fresh = self._take(damaged)
            if not fresh and not useless:
                self._withhold(damaged)
                return report

    def _take(self, names: Collection[str]) -> bool:
        """Take those that are in the other copy and were not tried before; True if there were any."""
        wanted = [name for name in sorted(set(names)) if _org(name) not in self._gone]
        alternatives = (next(self._untried(name), None) for name in wanted)
        fresh = [name for name in alternatives if name is not None]
        self._seen.update(fresh)
        self.taken.update((name, _lies(self._store, name)) for name in fresh)
        return bool(fresh)

    def _untried(self, name: str) -> Iterator[str]:
        """What the other copy has of an object: under its name, or as it was sealed anew; one after the other."""
        if name not in self._seen and self._other.size(name) is not None:
            yield name
        for listed_object in self._other.list(f"{name}."):
            if _known_as(listed_object.name) == name and listed_object.name not in self._seen:
                yield listed_object.name

    def _withhold(self, damaged: Collection[str]) -> None:
        """Bring nothing back of an org whose commits are not whole with it either, but what is surely live.

        The other copy may be older than what was erased: nobody can tell while the newest commits are lost.
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
        """What an org's newest commit proves to be live, if that came after the newest one that is lost."""
        vault = self._opened(OverlayStore(self._store, self._other, taken=self.taken))
        try:
            state = vault.room(org).chain.proved()
        except (IntegrityError, UsageError):
            return frozenset()
        if state.seq <= after:
            return frozenset()
        return frozenset(entry.name for entry in live_objects(state, org=org))


def _known_as(name: str) -> str:
    """The name by which an object is missed that was sealed anew; others' own."""
    match = _ANEW.fullmatch(name)
    return match[1] if match else name


def _org(name: str) -> str | None:
    """The oid of the org that an object belongs to."""
    match = _OF_ORG.match(name)
    return match[1] if match else None


def _lies(store: Store, name: str) -> str:
    """The digest of what lies under a name; empty where nothing does."""
    try:
        return blake3(store.get(name)).hexdigest()
    except UnlostError:
        return ""


def _to_open(store: Store, other: Store, opened: Open) -> set[str]:
    """What opens the vault, where it cannot be opened as it is."""
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
    return (
        listed_object.name
        for listed_object in store.list("orgs/")
        if _COMMITS in listed_object.name
    )


def _put_back(store: Store, other: Store, name: str, was: str) -> int | None:
    """Put the other copy's object in place; its size, None where something else lies there by now.

    Where that breaks off, the object is missing: repairing again brings it back.
    """
    data = other.get(name)
    if was:
        if _lies(store, name) != was:
            return None
        store.delete(name)
    return len(data) if store.put_new(name, data) else None
