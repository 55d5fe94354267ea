"""References of all kinds in backups: the proof of references, and groups of losses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.test_named_records import Desk
from unlost.engine.backup.backup import FinishedBackup


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def dangling(done: FinishedBackup, table: str) -> int:
    (line,) = [line for line in done.certificate.tables if line.table == table]
    return line.dangling


def test_a_reference_dangles_if_the_named_table_lacks_the_record(desk: Desk) -> None:
    incident, problem = desk.make("Incident", "Broken"), desk.make("Problem", "Cause")
    desk.make("Note", "Right", Document=incident, Kind="Incident")
    desk.make("Note", "Family", Document=problem, Kind="Work")
    desk.make("Note", "Any", Document=problem)
    desk.make("Note", "Unread", Document="nowhere", Kind="Elsewhere")
    assert dangling(desk.night(), "Note") == 0
    desk.make("Note", "Wrong", Document=problem, Kind="Incident")
    assert dangling(desk.night(), "Note") == 1


def test_each_name_of_a_list_is_looked_up_and_no_key(desk: Desk) -> None:
    desk.make("Incident", "Right", Watchers=f"{desk.ann},{desk.bob}", Opener="nobody")
    assert dangling(desk.night(), "Incident") == 0
    desk.make("Incident", "Wrong", Watchers=f"{desk.ann},gone,lost")
    assert dangling(desk.night(), "Incident") == 2
