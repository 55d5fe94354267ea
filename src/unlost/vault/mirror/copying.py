"""Copying a vault to a second place: every object unchanged and sealed.

Copying needs no key. Objects are copied before the commits that refer to them, and commits in their
order. So an interrupted copy is the vault of some commits ago; an interrupted first copy is not a
vault yet. Copying again continues either. Open runs are not copied, because no process could end
them in the copy. A caller with keys decides what is copied and what each object must be
(``CopySelection``). See docs/adr/0027.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from blake3 import blake3

from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.vault.store import ListedObject, Store
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.layout.parallel import spread
from unlost.vault.stores.probe import FOLDER
from unlost.vault.stores.store import where_allowed

PASSES = 5  # listings of the source: a sweep may remove an object before it is copied
_PIECE_BYTES = 8 << 20
UNFINISHED = "unfinished-copy"  # contains the bytes of ``vault.json``
_UNDER_WAY = re.compile(r"orgs/[^/]+/runs/.*")
_COMMIT = re.compile(r"orgs/[^/]+/(commits|checkpoints)/.*")


class CopySelection(Protocol):
    """The selection of the objects of a vault that are copied."""

    def wants(self, name: str) -> bool:
        """True for an object that belongs to the copy."""
        ...

    def entry(self, name: str) -> ObjectEntry | None:
        """The required size and hash of an object; None if only the object can prove them."""
        ...


class WholeVault:
    """Selects all objects, for callers without keys."""

    def wants(self, name: str) -> bool:  # noqa: ARG002 (see ``CopySelection``)
        """True: every object is copied."""
        return True

    def entry(self, name: str) -> ObjectEntry | None:  # noqa: ARG002
        """None: nothing is known of any object."""
        return None


@dataclass(frozen=True, slots=True)
class CopyReport:
    """The objects and bytes that were written, and the number of objects that existed already.

    ``damaged`` objects are not what the vault wrote, and were left out.
    """

    objects: int
    bytes: int
    existing: int
    damaged: tuple[str, ...] = ()


def copy_vault(
    source: Store,
    target: Store,
    *,
    select: Callable[[], CopySelection] = WholeVault,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> CopyReport:
    """Copy the objects that ``target`` lacks, and read each back.

    ``select`` is called before each listing of the source. ``on_progress`` gets the number of
    objects that exist and the number there will be. Raises Conflict (``copy-other-vault``),
    IntegrityError (``copy-differs``), NotFound (``vault-missing``), StoreError.
    """
    _same_vault(source, target)
    written = [0, 0]
    for passes_left in reversed(range(PASSES)):
        one_pass = _Pass(source, target, select())
        try:
            for number, size in enumerate(one_pass.copies(), start=1):
                written[0] += size is not None
                written[1] += size or 0
                on_progress(one_pass.existing + number, one_pass.wanted)
        except NotFound:
            if not passes_left:
                raise
        else:
            with where_allowed():
                target.delete(UNFINISHED)
            damaged = tuple(sorted(one_pass.damaged))
            return CopyReport(written[0], written[1], one_pass.existing, damaged)
    raise AssertionError("the last pass returns or raises")


@dataclass
class _Pass:
    """One listing of the source, and its copying."""

    source: Store
    target: Store
    selection: CopySelection
    damaged: list[str] = field(default_factory=list)
    existing: int = 0
    wanted: int = 0

    def copies(self) -> Iterator[int | None]:
        """Copy the objects, in parallel up to the first commit; gives sizes, None if damaged."""
        wanted = [
            listed_source
            for listed_source in _listed(self.source)
            if self.selection.wants(listed_source.name)
        ]
        target_sizes = {
            listed_target.name: listed_target.size for listed_target in self.target.list("")
        }
        lacking = [
            wanted_object for wanted_object in wanted if self._lacks(wanted_object, target_sizes)
        ]
        self.wanted, self.existing = len(wanted), len(wanted) - len(lacking)
        early = [
            lacking_object
            for lacking_object in lacking
            if lacking_object.name != VAULT_FILE and not _COMMIT.match(lacking_object.name)
        ]
        yield from spread(self._copy, early)
        # One at a time: an interrupted copy must end with a complete commit.
        for listed_object in lacking[len(early) :]:
            yield self._copy(listed_object)

    def _copy(self, listed_object: ListedObject) -> int | None:
        """Copy in pieces, so that memory stays small; a damaged object creates nothing."""
        entry, proof = self.selection.entry(listed_object.name), blake3()

        def pieces() -> Iterator[bytes]:
            for piece in _pieces(self.source, listed_object):
                proof.update(piece)
                yield piece
            if entry is not None and proof.hexdigest() != entry.blake3:
                raise _DamagedError

        try:
            created = self.target.put_stream(listed_object.name, pieces())
        except _DamagedError:
            self.damaged.append(listed_object.name)
            return None
        # If another process created the object, this one may not have read the source to its end.
        digest = proof.hexdigest() if created else _digest(self.source, listed_object)
        if _digest(self.target, listed_object) != digest:
            raise _differs(listed_object.name, self.target)
        return listed_object.size

    def _lacks(self, listed_object: ListedObject, target_sizes: Mapping[str, int]) -> bool:
        """True if an object must be copied; one that is cut short in the copy is written again."""
        if target_sizes.get(listed_object.name, listed_object.size) == listed_object.size:
            return listed_object.name not in target_sizes
        entry = self.selection.entry(listed_object.name)
        if entry is None:
            raise _differs(listed_object.name, self.target)
        if target_sizes[listed_object.name] == entry.bytes:
            self.damaged.append(listed_object.name)
            return False
        self.target.delete(listed_object.name)
        return True


def is_content(name: str) -> bool:
    """Return True unless an object is a mark of a copy or of a probe.

    Marks stay where the credentials may not delete (see docs/adr/0030).
    """
    return name != UNFINISHED and not name.startswith(FOLDER)


class _DamagedError(Exception):
    """The object that is being copied is not what the vault wrote."""


def _pieces(store: Store, listed_object: ListedObject) -> Iterator[bytes]:
    for start in range(0, listed_object.size, _PIECE_BYTES):
        yield store.get_range(listed_object.name, start=start, length=_PIECE_BYTES)


def _digest(store: Store, listed_object: ListedObject) -> str:
    proof = blake3()
    for piece in _pieces(store, listed_object):
        proof.update(piece)
    return proof.hexdigest() if store.size(listed_object.name) == listed_object.size else ""


def _listed(source: Store) -> Sequence[ListedObject]:
    """The objects that a copy may have, in the order of copying.

    A listing is not an instant: commits are listed first, so that the second listing finds all the
    objects they refer to.
    """
    late = [
        listed_object
        for listed_object in source.list("orgs/")
        if _COMMIT.fullmatch(listed_object.name)
    ]
    early = [
        listed_object
        for listed_object in source.list("")
        if not _COMMIT.fullmatch(listed_object.name)
        and not _UNDER_WAY.fullmatch(listed_object.name)
        and listed_object.name != VAULT_FILE
        and is_content(listed_object.name)
    ]
    (last,) = (listed for listed in source.list(VAULT_FILE) if listed.name == VAULT_FILE)
    return [*early, *sorted(late, key=lambda late_object: late_object.name), last]


def _same_vault(source: Store, target: Store) -> None:
    """Raise unless the place is empty, or has this vault or an unfinished copy of it.

    A first copy is marked as unfinished until its end.
    """
    source_file = source.get(VAULT_FILE) if source.size(VAULT_FILE) is not None else None
    if source_file is None:
        raise NotFound(
            "vault-missing",
            "There is no vault in {address}.",
            next_step="Name the home whose vault is to be mirrored.",
            address=source.properties.address,
        )
    names = [name for name in (VAULT_FILE, UNFINISHED) if target.size(name) is not None]
    if not names and not any(is_content(listed_object.name) for listed_object in target.list("")):
        target.put_new(UNFINISHED, source_file)
    elif not names or any(target.get(name) != source_file for name in names):
        raise Conflict(
            "copy-other-vault",
            "{address} already contains something else.",
            next_step="Choose an empty location, or an earlier mirror of this vault.",
            address=target.properties.address,
        )


def _differs(name: str, target: Store) -> IntegrityError:
    return IntegrityError(
        "copy-differs",
        "“{name}” in {address} differs from the object in the vault.",
        next_step="Run `unlost verify --level full`. If the vault is undamaged, the mirror is "
        "damaged: create a new mirror in an empty location.",
        name=name,
        address=target.properties.address,
    )
