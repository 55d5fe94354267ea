"""A checkpoint is believed only if its commit proves it, whoever sealed it."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from smallvault import SmallVault
from unlost.vault.format.manifest import Checkpoint, pack, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names

NIGHTS = 4


@pytest.fixture
def small() -> Iterator[SmallVault]:
    """A vault with a checkpoint at its newest night."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.vault.commits.chain.CHECKPOINT_EVERY", NIGHTS)
        made = SmallVault()
        for number in range(1, NIGHTS + 1):
            made.night(f"r{number}", (f"id{number}", "U", {"Name": f"v{number}"}))
        yield made


LIES: dict[str, Callable[[Checkpoint], Checkpoint]] = {
    "a segment less": lambda told: msgspec.structs.replace(told, segments=told.segments[:-1]),
    "no segments": lambda told: msgspec.structs.replace(told, segments=()),
    "another head": lambda told: msgspec.structs.replace(told, head="0" * 64),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_sealed_lie_costs_no_record(
    small: SmallVault, lie: Callable[[Checkpoint], Checkpoint]
) -> None:
    name = object_names.checkpoint(small.org, NIGHTS)
    sealed = small.vault.sealed
    content = sealed.get(ObjectKind.CHECKPOINT, org=small.org, name=name)
    told, _ = unpack(content, Checkpoint, name=name)
    assert lie(told) != told
    small.store.delete(name)
    put = sealed.put_new(ObjectKind.CHECKPOINT, org=small.org, name=name, content=pack(lie(told)))
    assert put.created
    small.reopen()
    assert set(small.cells(NIGHTS)) == {f"id{number}" for number in range(1, NIGHTS + 1)}
    small.night("after", ("id9", "U", {"Name": "new"}))
    assert len(small.cells(NIGHTS + 1)) == NIGHTS + 1
