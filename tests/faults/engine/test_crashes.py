"""A crash at every call of a scripted backup: the next attempt ends as if nothing had happened."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.backup import Finished, backup
from unlost.engine.session import BackupPorts
from unlost.model.schema import WireKind
from unlost.model.snapshot import CommitKind
from unlost.testing.faults import Crash, CrashPoint


def story(work: Path, *, encrypted: bool = False, durable: bool = False) -> Scene:
    """An org with one night behind it and every sort of change before the next."""
    work.mkdir(parents=True)
    scene = Scene(work, workers=1, encrypted=encrypted, durable=durable)
    scene.source.page_rows = 4
    made = chocolate(scene, records=5)
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.attach("Document", "one.txt", b"one")
    scene.night()
    scene.clock.advance(hours=12)
    scene.org.update("Account", made[0], {"Phone": "changed"})
    scene.org.delete("Account", made[1])
    scene.org.purge("Account", made[2])
    scene.org.hide_row("Contact", next(iter(scene.org.tables["Contact"].records)))
    scene.org.purge("Junction", next(iter(scene.org.tables["Junction"].records)))
    scene.org.attach("Document", "two.txt", b"two")
    scene.org.hide_column("Account", "Turnover")
    return scene


def guarded(scene: Scene, ports: BackupPorts, point: CrashPoint) -> BackupPorts:
    return dataclasses.replace(
        ports,
        source=point.guard(ports.source, after=True),
        vault=point.guard(ports.vault, after=True),
    )


def picture(scene: Scene) -> Any:
    """Everything that a night is judged by, but for times."""
    head = scene.head
    return {
        "nights": [info.number for info in scene.vault.snapshots(scene.oid)],
        "held": {t: (s.held, s.deleted) for t, s in head.tables().items()},
        "rows": {
            t: sorted(map(str, head.scan(t).read_all().drop(["_u_observed_at"]).to_pylist()))
            for t in head.tables()
        },
        "dead": {t: scene.dead(t) for t in head.tables()},
        "hidden": {t: scene.hidden(t) for t in head.tables()},
        "files": sorted(
            f.name for f in head.files("Document", list(scene.cells("Document", "Id")))
        ),
        "certificate": [
            (line.table, line.live, line.held, line.created, line.deleted, line.files)
            for line in (head.certificate() or pytest.fail("no certificate")).tables
        ],
    }


SHARDS = 6


@pytest.mark.parametrize(
    ("shard", "encrypted"),
    [
        # in memory every call; over the real vault, whose store has its own tests of this, every second
        pytest.param(
            shard,
            encrypted,
            id=f"{shard}-{'encrypted' if encrypted else 'memory'}",
            marks=[pytest.mark.deep] if encrypted and shard % 2 else [],
        )
        for shard in range(SHARDS)
        for encrypted in (False, True)
    ],
)
def test_a_crash_at_every_call_loses_and_doubles_nothing(
    tmp_path: Path, shard: int, encrypted: bool
) -> None:
    calm = story(tmp_path / "calm", encrypted=encrypted)
    count = CrashPoint()
    done = backup(calm.oid, guarded(calm, calm.ports("night"), count), policy=calm.policy)
    assert isinstance(done, Finished)
    expected = picture(calm)
    assert count.calls > 100
    calm.close()
    for at in range(1 + shard, count.calls + 1, SHARDS):
        scene = story(tmp_path / f"crash-{at}", encrypted=encrypted)
        before = picture(scene)
        point = CrashPoint(at)
        with pytest.raises(Crash):
            backup(scene.oid, guarded(scene, scene.ports("night"), point), policy=scene.policy)
        scene.reopen()
        if len(scene.vault.snapshots(scene.oid)) == 1:
            assert picture(scene) == before
        scene.clock.advance(seconds=60)
        again = scene.attempt(run="night")
        assert isinstance(again, Finished)
        assert picture(scene) == expected, f"crash at call {at}"
        scene.close()


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
        assert isinstance(scene.attempt(run="night"), Finished)
        assert picture(scene) == expected
        scene.close()


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "durable"])
@pytest.mark.parametrize("left", ["all", "some", "none"])
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
        patch.setattr("unlost.engine.backup.shutil.rmtree", tidy)
        with pytest.raises(Crash):
            scene.attempt(run="night")
    assert seen
    scene.clock.advance(seconds=60)
    before, calls = picture(scene), len(scene.source.calls)
    again = scene.attempt(run="night")
    assert isinstance(again, Finished)
    assert again.snapshot == scene.head.info
    assert again.certificate == scene.head.certificate()
    assert picture(scene) == before
    assert len(scene.source.calls) == calls
    assert not (scene.work / "runs" / "night").exists()
    scene.night()
    assert [info.run for info in scene.vault.snapshots(scene.oid)][-2:] == ["night", "run-2"]
    scene.close()


HOUR = ("Account", "Contact", "Document", "Junction")


def hourly(work: Path, *, encrypted: bool) -> Scene:
    """An org with a night behind it; a few tables are read before the next."""
    work.mkdir(parents=True)
    scene = Scene(work, workers=1, encrypted=encrypted)
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


@pytest.mark.full
@pytest.mark.parametrize("encrypted", [False, True], ids=["memory", "encrypted"])
@pytest.mark.parametrize("for_good", [False, True], ids=["gone on with", "given up"])
def test_a_crash_at_every_call_of_an_hour_changes_no_night(
    tmp_path: Path, encrypted: bool, for_good: bool
) -> None:
    """It goes on within its hour, or is given up; the night after it is the same in any case."""
    calm = hourly(tmp_path / "calm", encrypted=encrypted)
    count = CrashPoint()
    ports = guarded(calm, calm.ports("hour"), count)
    done = backup(calm.oid, ports, policy=calm.policy, only=HOUR)
    assert isinstance(done, Finished)
    after_hour = picture(calm)
    calm.night(run="night")
    expected = shown(calm)
    calm.close()
    assert count.calls > 40
    for at in range(1, count.calls + 1, 4 if encrypted else 2):
        scene = hourly(tmp_path / f"crash-{at}", encrypted=encrypted)
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
            assert isinstance(scene.attempt(run="hour", only=HOUR), Finished)
            assert picture(scene) == after_hour, f"crash at call {at}"
        scene.night(run="night")
        assert shown(scene) == expected, f"crash at call {at}"
        scene.close()


def shown(scene: Scene) -> Any:
    """What people see of the newest snapshot, whichever commit brought it."""
    told = picture(scene)
    rows = {
        table: sorted(
            map(
                str,
                scene.head.scan(table).read_all().drop(["_u_observed_at", "_u_snap"]).to_pylist(),
            )
        )
        for table in told["rows"]
    }
    return {**{key: told[key] for key in ("held", "dead", "hidden", "files")}, "rows": rows}
