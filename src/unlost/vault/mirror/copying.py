"""A vault in a second place: every object as it lies there, sealed as it is.

No key is needed. What a commit refers to is copied before the commit, and commits in their order, so that
a copy that broke off is the vault as it was some commits ago; the first one is no vault until its end. Either
is gone on with by copying again. Runs that are under way are not part of a copy: nobody could end them there.

Whoever has the keys says what is to be copied, and what each object must be (``CopySelection``).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from blake3 import blake3

from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.store import ListedObject, Store
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.layout.parallel import spread

PASSES = 5  # looks at the source: what is swept away under our hands is told anew by later commits
_PIECE_BYTES = 8 << 20
UNFINISHED = "unfinished-copy"  # holds the bytes of the vault's own file
_UNDER_WAY = re.compile(r"orgs/[^/]+/runs/.*")
_COMMIT = re.compile(r"orgs/[^/]+/(commits|checkpoints)/.*")


class CopySelection(Protocol):
    """What is copied of a vault as it is now."""

    def wants(self, name: str) -> bool:
        """True for an object that belongs to the copy."""
        ...

    def entry(self, name: str) -> ObjectEntry | None:
        """What an object must be; None where only the object itself proves that."""
        ...


class WholeVault:
    """For who has no keys."""

    def wants(self, name: str) -> bool:  # noqa: ARG002 (see ``CopySelection``)
        """Whatever lies there."""
        return True

    def entry(self, name: str) -> ObjectEntry | None:  # noqa: ARG002
        """Nothing is known of any."""
        return None


@dataclass(frozen=True, slots=True)
class CopyReport:
    """Objects and bytes that were written, and objects that lay there already.

    ``damaged`` are not what the vault wrote, and were left out.
    """

    objects: int
    bytes: int
    there: int
    damaged: tuple[str, ...] = ()


def copy_vault(
    source: Store,
    target: Store,
    *,
    select: Callable[[], CopySelection] = WholeVault,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> CopyReport:
    """Copy what ``target`` lacks, and read back what was written.

    ``select`` is called before each look at the source. ``tell`` gets how many objects are there, and
    how many there will be. Raises Conflict (``copy-other-vault``), IntegrityError (``copy-differs``),
    NotFound (``vault-missing``), StoreError.
    """
    _same_vault(source, target)
    written = [0, 0]
    for left in reversed(range(PASSES)):
        one_pass = _Pass(source, target, select())
        try:
            for number, size in enumerate(one_pass.copies(), start=1):
                written[0] += size is not None
                written[1] += size or 0
                tell(one_pass.there + number, one_pass.wanted)
        except NotFound:
            if not left:
                raise
        else:
            target.delete(UNFINISHED)
            damaged = tuple(sorted(one_pass.damaged))
            return CopyReport(written[0], written[1], one_pass.there, damaged)
    raise AssertionError("the last pass returns or raises")


@dataclass
class _Pass:
    """One look at the source, and what is copied by it."""

    source: Store
    target: Store
    selection: CopySelection
    damaged: list[str] = field(default_factory=list)
    there: int = 0
    wanted: int = 0

    def copies(self) -> Iterator[int | None]:
        """Copy, several at a time up to the first commit; sizes, None for what is damaged."""
        wanted = [one for one in _listed(self.source) if self.selection.wants(one.name)]
        held = {one.name: one.size for one in self.target.list("")}
        lacking = [one for one in wanted if self._lacks(one, held)]
        self.wanted, self.there = len(wanted), len(wanted) - len(lacking)
        early = [one for one in lacking if one.name != VAULT_FILE and not _COMMIT.match(one.name)]
        yield from spread(self._copy, early)
        for one in lacking[len(early) :]:
            yield self._copy(one)

    def _copy(self, one: ListedObject) -> int | None:
        """Copy in pieces, so that memory holds few of them; what is damaged creates nothing."""
        entry, proof = self.selection.entry(one.name), blake3()

        def pieces() -> Iterator[bytes]:
            for piece in _pieces(self.source, one):
                proof.update(piece)
                yield piece
            if entry is not None and proof.hexdigest() != entry.blake3:
                raise _DamagedError

        try:
            created = self.target.put_stream(one.name, pieces())
        except _DamagedError:
            self.damaged.append(one.name)
            return None
        told = proof.hexdigest() if created else _digest(self.source, one)
        if _digest(self.target, one) != told:
            raise _differs(one.name, self.target)
        return one.size

    def _lacks(self, one: ListedObject, held: Mapping[str, int]) -> bool:
        """True if an object is to be copied. One that was cut short in the copy is made anew."""
        if held.get(one.name, one.size) == one.size:
            return one.name not in held
        entry = self.selection.entry(one.name)
        if entry is None:
            raise _differs(one.name, self.target)
        if held[one.name] == entry.bytes:
            self.damaged.append(one.name)
            return False
        self.target.delete(one.name)
        return True


class _DamagedError(Exception):
    """What is being copied is not what the vault wrote."""


def _pieces(store: Store, one: ListedObject) -> Iterator[bytes]:
    for start in range(0, one.size, _PIECE_BYTES):
        yield store.get_range(one.name, start=start, length=_PIECE_BYTES)


def _digest(store: Store, one: ListedObject) -> str:
    proof = blake3()
    for piece in _pieces(store, one):
        proof.update(piece)
    return proof.hexdigest() if store.size(one.name) == one.size else ""


def _listed(source: Store) -> Sequence[ListedObject]:
    """What a copy may have, in the order in which it is copied.

    A listing is no instant: commits are listed first, so that all that they refer to is found by the
    second one.
    """
    late = [one for one in source.list("orgs/") if _COMMIT.fullmatch(one.name)]
    early = [
        one
        for one in source.list("")
        if not _COMMIT.fullmatch(one.name)
        and not _UNDER_WAY.fullmatch(one.name)
        and one.name not in (VAULT_FILE, UNFINISHED)
    ]
    (last,) = source.list(VAULT_FILE)
    return [*early, *sorted(late, key=lambda one: one.name), last]


def _same_vault(source: Store, target: Store) -> None:
    """Raise unless the place is empty, or holds this vault or the beginning of a copy of it.

    A first copy is marked as one until its end.
    """
    own = source.get(VAULT_FILE) if source.size(VAULT_FILE) is not None else None
    if own is None:
        raise NotFound(
            "vault-missing",
            f"There is no vault in {source.properties.address}.",
            next_step="Name the home whose vault is to be copied.",
        )
    names = [name for name in (VAULT_FILE, UNFINISHED) if target.size(name) is not None]
    if not names and next(iter(target.list("")), None) is None:
        target.put_new(UNFINISHED, own)
    elif not names or any(target.get(name) != own for name in names):
        raise Conflict(
            "copy-other-vault",
            f"{target.properties.address} holds something else already.",
            next_step="Name an empty place, or an earlier copy of this vault.",
        )


def _differs(name: str, target: Store) -> IntegrityError:
    return IntegrityError(
        "copy-differs",
        f"“{name}” in {target.properties.address} is not what the vault has under that name.",
        next_step="Run unlost verify --level full. If the vault is whole, the copy is damaged: make a "
        "new one in an empty place.",
    )
