"""A crash at every call of a scripted backup: the next attempt ends as if nothing had happened."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults.engine.story import picture, shown, story
from sweeps import in_full, parts_of
from unit.engine.scene import Scene, chocolate
from unlost.engine.backup.backup import FinishedBackup, backup
from unlost.engine.backup.session import BackupPorts
from unlost.model.source.schema import WireKind
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.faults import Crash, CrashPoint


def guarded(scene: Scene, ports: BackupPorts, point: CrashPoint) -> BackupPorts:
    return dataclasses.replace(
        ports,
        source=point.guard(ports.source, after=True),
        vault=point.guard(ports.vault, after=True),
    )


PARTS, PARTS_OF_HOUR = 48, 16


@dataclass(frozen=True, slots=True)
class Calm:
    """What a backup without a crash leaves: after the hour, and at the end."""

    calls: int
    before: Any
    after_hour: Any
    expected: Any


@pytest.fixture(scope="module")
def calm_night(before_night: Scene, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    calm = before_night.copied(tmp_path_factory.mktemp("calm"))
    before, count = picture(calm), CrashPoint()
    done = backup(calm.oid, guarded(calm, calm.ports("night"), count), policy=calm.policy)
    assert isinstance(done, FinishedBackup)
    return Calm(count.calls, before, None, picture(calm))


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 16))
def test_a_crash_at_every_call_loses_and_doubles_nothing(
    before_night: Scene, calm_night: Calm, tmp_path: Path, part: int
) -> None:
    before, expected = calm_night.before, calm_night.expected
    assert calm_night.calls > 100
    for at in range(1 + part, calm_night.calls + 1, PARTS):
        scene = before_night.copied(tmp_path / f"crash-{at}")
        point = CrashPoint(at)
        with pytest.raises(Crash):
            backup(scene.oid, guarded(scene, scene.ports("night"), point), policy=scene.policy)
        scene.reopen()
        if len(scene.vault.snapshots(scene.oid)) == 1:
            assert picture(scene) == before
        scene.clock.advance(seconds=60)
        again = scene.attempt(run="night")
        assert isinstance(again, FinishedBackup)
        assert picture(scene) == expected, f"crash at call {at}"


def test_a_crash_between_doing_and_keeping_does_the_step_again(tmp_path: Path) -> None:
    """The same story with the real runner, whose file of steps is what survives."""
    calm = story(tmp_path / "calm", durable=True)
    point = CrashPoint()
    backup(calm.oid, guarded(calm, calm.ports("night"), point), policy=calm.policy)
    expected = picture(calm)
    calm.close()
    for at in range(7, point.calls, 29):
        scene = story(tmp_path / f"crash-{at}", durable=True)
        with pytest.raises(Crash):
            backup(
                scene.oid,
                guarded(scene, scene.ports("night"), CrashPoint(at)),
                policy=scene.policy,
            )
        assert isinstance(scene.attempt(run="night"), FinishedBackup)
        assert picture(scene) == expected
        scene.close()


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "durable"])
@pytest.mark.parametrize("left", [in_full("all"), "some", in_full("none")])
def test_a_run_that_died_between_its_commit_and_its_last_word_is_done(
    tmp_path: Path, left: str, durable: bool
) -> None:
    """Its work folder is removed, in whole or in part; nobody wrote down that it ended."""
    scene = story(tmp_path / "home", durable=durable)
    seen: list[Path] = []

    def tidy(folder: Path, *, ignore_errors: bool) -> None:
        seen.extend(file for file in folder.rglob("*") if file.is_file())
        for file in {"all": [], "some": seen[::2], "none": seen}[left]:
            file.unlink()
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlost.engine.backup.backup.shutil.rmtree", tidy)
        with pytest.raises(Crash):
            scene.attempt(run="night")
    assert seen
    scene.clock.advance(seconds=60)
    before, calls = picture(scene), len(scene.source.calls)
    again = scene.attempt(run="night")
    assert isinstance(again, FinishedBackup)
    assert again.snapshot == scene.head.info
    assert again.certificate == scene.head.certificate()
    assert picture(scene) == before
    assert len(scene.source.calls) == calls
    assert not (scene.work / "runs" / "night").exists()
    scene.night()
    assert [info.run for info in scene.vault.snapshots(scene.oid)][-2:] == ["night", "run-2"]
    scene.close()


HOUR = ("Account", "Contact", "Document", "Junction")


@pytest.fixture(scope="module")
def before_hour(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """An org with a night behind it, of which a few tables are read before the next; to be copied."""
    scene = Scene(tmp_path_factory.mktemp("hour"), workers=1)
    scene.source.page_rows = 4
    made = chocolate(scene, records=5)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.night()
    scene.clock.advance(hours=12)
    scene.org.update("Account", made[0], {"Phone": "changed"})
    scene.org.delete("Account", made[1])
    scene.org.purge("Account", made[2])
    scene.org.purge("Junction", next(iter(scene.org.tables["Junction"].records)))
    scene.org.attach("Document", "two.txt", b"two")
    return scene


@pytest.fixture(scope="module")
def calm_hour(before_hour: Scene, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    calm, count = before_hour.copied(tmp_path_factory.mktemp("calm")), CrashPoint()
    done = backup(calm.oid, guarded(calm, calm.ports("hour"), count), policy=calm.policy, only=HOUR)
    assert isinstance(done, FinishedBackup)
    after_hour = picture(calm)
    calm.night(run="night")
    return Calm(count.calls, None, after_hour, shown(calm))


@pytest.mark.parametrize("part", parts_of(PARTS_OF_HOUR, full=PARTS_OF_HOUR // 8))
@pytest.mark.parametrize("for_good", [False, True], ids=["gone on with", "given up"])
def test_a_crash_at_every_call_of_an_hour_changes_no_night(
    before_hour: Scene, calm_hour: Calm, tmp_path: Path, for_good: bool, part: int
) -> None:
    """It goes on within its hour, or is given up; the night after it is the same in any case."""
    after_hour, expected = calm_hour.after_hour, calm_hour.expected
    assert calm_hour.calls > 40
    for at in range(1 + part, calm_hour.calls + 1, PARTS_OF_HOUR):
        scene = before_hour.copied(tmp_path / f"crash-{at}")
        ports = guarded(scene, scene.ports("hour"), CrashPoint(at))
        with pytest.raises(Crash):
            backup(scene.oid, ports, policy=scene.policy, only=HOUR)
        scene.reopen()
        scene.clock.advance(seconds=60)
        if for_good:
            identity, kind = scene.org.identity, CommitKind.BACKUP
            commit = scene.vault.begin(scene.oid, run="hour", kind=kind, identity=identity)
            commit.abandon()
        else:
            assert isinstance(scene.attempt(run="hour", only=HOUR), FinishedBackup)
            assert picture(scene) == after_hour, f"crash at call {at}"
        scene.night(run="night")
        assert shown(scene) == expected, f"crash at call {at}"
