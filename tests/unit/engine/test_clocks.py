"""Wrong clocks: of a proxy in between, of this machine, of an earlier backup."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.backup.clocks import ClockReading, clocks_differ
from unlost.engine.backup.policy import BackupPolicy
from unlost.model.finding import FindingKind, Severity
from unlost.model.vault.certificate import Certificate

YEARS = timedelta(days=4 * 365)


def kinds(certificate: Certificate) -> list[FindingKind]:
    return [finding.kind for finding in certificate.findings]


@pytest.mark.parametrize("lead", [timedelta(hours=2), YEARS])
def test_a_backup_with_a_wrong_clock_loses_no_change(scene: Scene, lead: timedelta) -> None:
    accounts = chocolate(scene)
    scene.night()
    scene.source.clock_error = lead
    wrong = scene.night()
    scene.org.update("Account", accounts[0], {"Phone": "changed at once"})
    assert wrong.snapshot.as_of == scene.clock.now()
    scene.source.clock_error = timedelta(0)
    scene.night(hours=1)
    assert scene.cells("Account", "Phone")[accounts[0]] == "changed at once"


def test_a_deletion_after_a_backup_with_a_wrong_clock_is_found(scene: Scene) -> None:
    chocolate(scene)
    scene.source.clock_error = YEARS
    scene.night()
    scene.source.clock_error = timedelta(0)
    lost = next(iter(scene.org.tables["Junction"].records))
    scene.org.purge("Junction", lost)
    scene.night()
    assert lost in scene.dead("Junction")


def test_a_clock_that_differs_is_a_note_with_both_times(scene: Scene) -> None:
    chocolate(scene)
    scene.source.clock_error = timedelta(hours=2)
    (note,) = [f for f in scene.night().certificate.findings if f.kind is FindingKind.CLOCKS_DIFFER]
    assert note.severity is Severity.NOTE
    now = scene.clock.now()
    assert f"{now:%Y-%m-%d %H:%M} UTC" in note.sentence
    assert f"{now + timedelta(hours=2):%Y-%m-%d %H:%M} UTC" in note.sentence
    scene.source.clock_error = timedelta(minutes=-5)
    assert FindingKind.CLOCKS_DIFFER not in kinds(scene.night().certificate)


def test_the_worst_reading_of_a_run_is_named() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    readings = [ClockReading(at, at), ClockReading(at + timedelta(hours=3), at)]
    (note,) = clocks_differ(readings)
    assert "03:00 UTC" in note.sentence
    assert clocks_differ(readings[:1]) == ()


def test_a_source_whose_clock_is_slow_costs_reading_and_loses_nothing(scene: Scene) -> None:
    accounts = chocolate(scene)
    scene.source.clock_error = timedelta(days=-40)
    first = scene.night()
    assert first.snapshot.as_of == scene.clock.now() - timedelta(days=40)
    scene.org.update("Account", accounts[1], {"Phone": "changed"})
    scene.source.clock_error = timedelta(0)
    scene.night()
    assert scene.cells("Account", "Phone")[accounts[1]] == "changed"


@pytest.fixture
def ahead(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """An earlier release committed a backup of the year 2030 on top of a right one."""
    scene.policy = BackupPolicy()
    chocolate(scene)
    scene.night()
    with monkeypatch.context() as patch:
        patch.setattr(scene.clock, "now", shifted(scene.clock.now, YEARS))
        scene.night()
    return scene


def shifted(now: Callable[[], datetime], by: timedelta) -> Callable[[], datetime]:
    return lambda: now() + by


def test_a_change_after_a_backup_from_the_future_is_read(ahead: Scene) -> None:
    account = next(iter(ahead.org.tables["Account"].records))
    ahead.org.update("Account", account, {"Phone": "changed"})
    lost = list(ahead.org.tables["Contact"].records)[-1]
    ahead.org.delete("Contact", lost)
    ahead.org.purge("Contact", lost)
    ahead.org.tables["Contact"].purged.clear()  # only a census can tell
    done = ahead.night()
    assert ahead.cells("Account", "Phone")[account] == "changed"
    assert lost in ahead.dead("Contact")
    assert done.snapshot.as_of == ahead.clock.now()
    line = next(line for line in done.certificate.tables if line.table == "Account")
    assert not line.full, "it goes on from the last backup that does not lie ahead"


def test_an_hourly_backup_after_one_from_the_future_hides_it_from_no_table(ahead: Scene) -> None:
    contact = next(iter(ahead.org.tables["Contact"].records))
    ahead.org.update("Contact", contact, {"Name": "changed"})
    ahead.hour("Account")
    ahead.night()
    assert ahead.cells("Contact", "Name")[contact] == "changed"


def test_without_an_earlier_backup_a_table_from_the_future_is_read_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = chocolate(scene)
    with monkeypatch.context() as patch:
        patch.setattr(scene.clock, "now", shifted(scene.clock.now, YEARS))
        scene.night()
    scene.org.update("Account", accounts[0], {"Phone": "changed"})
    done: Any = scene.night()
    assert all(line.full for line in done.certificate.tables)
    assert scene.cells("Account", "Phone")[accounts[0]] == "changed"
