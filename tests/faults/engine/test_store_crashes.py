"""A crash at every call that changes the store, while a scripted backup writes its night.

Between two such calls nothing of the vault moves, so that with the crashes at the calls of source
and vault (``test_crashes``) no moment is left out.
"""

from pathlib import Path

import pytest

from faults.engine.test_crashes import picture, story
from unit.engine.scene import Scene
from unlost.engine.backup import Finished
from unlost.model.errors import StoreError
from unlost.model.snapshot import VerifyLevel
from unlost.vault.stores.fault import Crash, Fault, FaultKind, FaultStore, Operation

pytestmark = pytest.mark.full

SHARDS = 2
CHANGING = (Operation.PUT, Operation.DELETE)


def with_faults(scene: Scene, *faults: Fault) -> FaultStore:
    """The scene's vault, opened by another process over a store that fails."""
    store = FaultStore(scene.store, faults=faults)
    plain, scene.store = scene.store, store  # type: ignore[assignment]
    scene.reopen()
    scene.store = plain
    return store


def changing_calls(work: Path) -> dict[Operation, int]:
    """How often a calm night changes the store."""
    scene = story(work, encrypted=True)
    store = with_faults(scene)
    assert isinstance(scene.attempt(run="night"), Finished)
    made = [call.operation for call in store.calls]
    scene.close()
    return {operation: made.count(operation) for operation in CHANGING}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_crash_at_every_change_of_the_store_loses_and_doubles_nothing(
    tmp_path: Path, shard: int
) -> None:
    calm = story(tmp_path / "calm", encrypted=True)
    assert isinstance(calm.attempt(run="night"), Finished)
    expected = picture(calm)
    calm.close()
    counts = changing_calls(tmp_path / "counted")
    assert counts[Operation.PUT] > 10
    moments = [(on, at) for on in CHANGING for at in range(1, counts[on] + 1)]
    for on, at in moments[shard::SHARDS]:
        scene = story(tmp_path / f"crash-{on.name}-{at}", encrypted=True)
        before = picture(scene)
        store = with_faults(scene, Fault(FaultKind.CRASH_AFTER, at=at, on=on))
        with pytest.raises(Crash):
            scene.attempt(run="night")
        store.assert_all_hit()
        scene.reopen()
        assert scene.vault.verify(VerifyLevel.FULL).damages == ()
        assert picture(scene) in (before, expected), f"crash at {on.name} {at}"
        scene.clock.advance(seconds=60)
        assert isinstance(scene.attempt(run="night"), Finished)
        assert picture(scene) == expected, f"crash at {on.name} {at}"
        assert scene.vault.verify(VerifyLevel.DEEP).damages == ()
        scene.close()


def refusal_of(scene: Scene) -> StoreError | None:
    """What the store says to the night; None if it had room."""
    try:
        scene.attempt(run="night")
    except StoreError as error:
        return error
    return None


def test_a_store_that_is_full_at_any_moment_says_so_and_keeps_the_last_night(
    tmp_path: Path,
) -> None:
    """When there is room again the same run ends. What is only a cache may fail unsaid."""
    counts = changing_calls(tmp_path / "counted")
    calm = story(tmp_path / "calm", encrypted=True)
    calm.attempt(run="night")
    expected = picture(calm)
    calm.close()
    refused = 0
    for at in range(1, counts[Operation.PUT] + 1):
        scene = story(tmp_path / f"full-{at}", encrypted=True)
        before = picture(scene)
        store = with_faults(scene, Fault(FaultKind.FULL, at=at, on=Operation.PUT))
        error = refusal_of(scene)
        store.assert_all_hit()
        scene.reopen()
        if error is not None:
            refused += 1
            assert error.code == "store-full"
            assert error.next_step
            assert picture(scene) in (before, expected)
            assert isinstance(scene.attempt(run="night"), Finished)
        assert picture(scene) == expected
        assert scene.vault.verify(VerifyLevel.DEEP).damages == ()
        scene.close()
    assert refused > counts[Operation.PUT] // 2
