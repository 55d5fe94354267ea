"""A crash at every call that changes the store, while a scripted backup writes its night.

Between two such calls nothing of the vault moves, so that with the crashes at the calls of source
and vault (``test_crashes``) no moment is left out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults.engine.story import picture
from sweeps import parts_of
from unit.engine.scene import Scene
from unlost.engine.backup.backup import FinishedBackup
from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreCrash, StoreOperation

pytestmark = pytest.mark.full

SHARDS = 4
CHANGING = (StoreOperation.PUT, StoreOperation.DELETE)


def with_faults(scene: Scene, *faults: Fault) -> FaultStore:
    """The scene's vault, opened by another process over a store that fails."""
    store = FaultStore(scene.store, faults=faults)
    scene.reopen(store)
    return store


@dataclass(frozen=True)
class Calm:
    """A night without faults: the picture before and after it, and how often it changed the store."""

    before: Any
    after: Any
    changes: dict[StoreOperation, int]


@pytest.fixture(scope="module")
def calm(before_night: Scene, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    scene = before_night.copied(tmp_path_factory.mktemp("calm"))
    before = picture(scene)
    store = with_faults(scene)
    assert isinstance(scene.attempt(run="night"), FinishedBackup)
    made = [call.operation for call in store.calls]
    changes = {operation: made.count(operation) for operation in CHANGING}
    return Calm(before, picture(scene), changes)


@pytest.mark.parametrize("shard", parts_of(SHARDS, full=2))
def test_a_crash_at_every_change_of_the_store_loses_and_doubles_nothing(
    before_night: Scene, calm: Calm, tmp_path: Path, shard: int
) -> None:
    assert calm.changes[StoreOperation.PUT] > 10
    moments = [(on, at) for on in CHANGING for at in range(1, calm.changes[on] + 1)]
    for on, at in moments[shard::SHARDS]:
        scene = before_night.copied(tmp_path / f"crash-{on.name}-{at}")
        store = with_faults(scene, Fault(FaultKind.CRASH_AFTER, at=at, on=on))
        with pytest.raises(StoreCrash):
            scene.attempt(run="night")
        store.assert_all_hit()
        scene.reopen()
        assert scene.vault.verify(VerifyLevel.FULL).damages == ()
        assert picture(scene) in (calm.before, calm.after), f"crash at {on.name} {at}"
        scene.clock.advance(seconds=60)
        assert isinstance(scene.attempt(run="night"), FinishedBackup)
        assert picture(scene) == calm.after, f"crash at {on.name} {at}"
        assert scene.vault.verify(VerifyLevel.DEEP).damages == ()


def refusal_of(scene: Scene) -> StoreError | None:
    """What the store says to the night; None if it had room."""
    try:
        scene.attempt(run="night")
    except StoreError as error:
        return error
    return None


def test_a_store_that_is_full_at_any_moment_says_so_and_keeps_the_last_night(
    before_night: Scene, calm: Calm, tmp_path: Path
) -> None:
    """When there is room again the same run ends. What is only a cache may fail unsaid."""
    refused = 0
    for at in range(1, calm.changes[StoreOperation.PUT] + 1, 2):
        scene = before_night.copied(tmp_path / f"full-{at}")
        store = with_faults(scene, Fault(FaultKind.FULL, at=at, on=StoreOperation.PUT))
        error = refusal_of(scene)
        store.assert_all_hit()
        scene.reopen()
        if error is not None:
            refused += 1
            assert error.code == "store-full"
            assert error.next_step
            assert picture(scene) in (calm.before, calm.after)
            assert isinstance(scene.attempt(run="night"), FinishedBackup)
        assert picture(scene) == calm.after
        assert scene.vault.verify(VerifyLevel.DEEP).damages == ()
    assert refused > calm.changes[StoreOperation.PUT] // 4
