"""A vault in a second place: every object as it lies there, sealed as it is.

No key is needed. What a commit refers to is copied before the commit, and commits in their order, so that
a copy that broke off is the vault as it was some commits ago; the first one is no vault until its end. Either
is gone on with by copying again. Runs that are under way are not part of a copy: nobody could end them there.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.store import Listed, Store
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.parallel import spread

PASSES = 5  # looks at the source: what is swept away under our hands is told anew by later commits
UNFINISHED = "unfinished-copy"  # holds the bytes of the vault's own file
_UNDER_WAY = re.compile(r"orgs/[^/]+/runs/.*")
_COMMIT = re.compile(r"orgs/[^/]+/(commits|checkpoints)/.*")


@dataclass(frozen=True, slots=True)
class Copied:
    """Objects and bytes that were written, and objects that lay there already."""

    objects: int
    bytes: int
    there: int


def copy_vault(
    source: Store, target: Store, *, tell: Callable[[int, int], None] = lambda _done, _all: None
) -> Copied:
    """Copy what ``target`` lacks, and read back what was written.

    ``tell`` gets how many objects are there, and how many there will be. Raises Conflict
    (``copy-other-vault``), IntegrityError (``copy-differs``), NotFound (``vault-missing``), StoreError.
    """
    _same_vault(source, target)
    written = [0, 0]
    for left in reversed(range(PASSES)):
        wanted = _wanted(source)
        held = {one.name: one.size for one in target.list("")}
        lacking = [one for one in wanted if _lacks(one, held, target)]
        try:
            for number, size in enumerate(_each(source, target, lacking), start=1):
                written[0] += 1
                written[1] += size
                tell(len(wanted) - len(lacking) + number, len(wanted))
        except NotFound:
            if not left:
                raise
        else:
            target.delete(UNFINISHED)
            return Copied(written[0], written[1], len(wanted) - len(lacking))
    raise AssertionError("the last pass returns or raises")


def _wanted(source: Store) -> Sequence[Listed]:
    """What a copy has, in the order in which it is copied.

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


def _each(source: Store, target: Store, lacking: Sequence[Listed]) -> Iterator[int]:
    """Copy them, several at a time up to the first commit."""
    early = [one for one in lacking if one.name != VAULT_FILE and not _COMMIT.fullmatch(one.name)]
    yield from spread(lambda one: _one(source, target, one.name), early)
    for one in lacking[len(early) :]:
        yield _one(source, target, one.name)


def _one(source: Store, target: Store, name: str) -> int:
    """Copy an object; its size."""
    data = source.get(name)
    target.put_new(name, data)
    if target.get(name) != data:
        raise _differs(name, target)
    return len(data)


def _lacks(one: Listed, held: Mapping[str, int], target: Store) -> bool:
    if one.name not in held:
        return True
    if held[one.name] != one.size:
        raise _differs(one.name, target)
    return False


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
