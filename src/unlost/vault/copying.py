"""A vault in a second place: every object as it lies there, sealed as it is.

No key is needed. What a commit refers to is copied before the commit, and commits in their order, so that
a copy that broke off is the vault as it was some commits ago; the first one is no vault until its end. Either
is gone on with by copying again.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.store import Listed, Store
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.parallel import spread

PASSES = 5  # looks at the source: what is swept away under our hands is told anew by later commits
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
        wanted = sorted(source.list(""), key=_late)
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
            return Copied(written[0], written[1], len(wanted) - len(lacking))
    raise AssertionError("the last pass returns or raises")


def _each(source: Store, target: Store, lacking: Sequence[Listed]) -> Iterator[int]:
    """Copy them, several at a time up to the first commit."""
    early = [one for one in lacking if not any(_late(one)[:2])]
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


def _late(one: Listed) -> tuple[bool, bool, str]:
    return one.name == VAULT_FILE, _COMMIT.fullmatch(one.name) is not None, one.name


def _same_vault(source: Store, target: Store) -> None:
    """Raise unless the place is empty, or holds this vault or the beginning of a copy of it."""
    own = source.get(VAULT_FILE) if source.size(VAULT_FILE) is not None else None
    if own is None:
        raise NotFound(
            "vault-missing",
            f"There is no vault in {source.properties.address}.",
            next_step="Name the home whose vault is to be copied.",
        )
    there = target.get(VAULT_FILE) if target.size(VAULT_FILE) is not None else None
    if there is None:
        known = {one.name for one in source.list("")}
        there = own if all(one.name in known for one in target.list("")) else None
    if there != own:
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
