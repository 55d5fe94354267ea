"""Groups of a plan are named with the number that the connector names."""

from pathlib import Path

import pytest

from unit.engine.scene import Scene
from unlost.app.records.record_facts import RecordNames
from unlost.app.restores.group_lines import GroupLine, group_lines
from unlost.engine.restore.planning.shown.groups import GroupTable, PlanGroup
from unlost.model.source.display import DisplayRule
from unlost.model.source.schema import WireKind


class Desk:
    """A table with two columns that may have the number of a record."""

    def __init__(self, folder: Path) -> None:
        self.scene = Scene(folder)
        kinds = dict.fromkeys(("Name", "Number", "Other"), WireKind.TEXT)
        self.scene.org.add_table("Desk", kinds)
        cells = {"Name": "Window", "Number": "D-7", "Other": "Window"}
        self.record = self.scene.org.create("Desk", cells)
        self.scene.night()

    def line(self, *numbers: str, table: str = "Desk") -> GroupLine:
        group = PlanGroup(table, self.record, 1, (GroupTable(table, 1),))
        names = RecordNames(self.scene.head, lambda _: DisplayRule(number_columns=numbers))
        (line,) = group_lines(self.scene.head, [group], names=names)
        return line


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_group_has_the_first_number_that_the_connector_names(desk: Desk) -> None:
    line = desk.line("Number", "Other")
    assert (line.name, line.number) == ("Window", "D-7")


def test_a_number_that_is_the_name_is_not_repeated(desk: Desk) -> None:
    assert desk.line("Other").number == ""


def test_a_connector_may_name_no_number(desk: Desk) -> None:
    assert desk.line().number == ""


def test_a_group_of_a_table_that_the_backup_lacks_has_no_number(desk: Desk) -> None:
    assert desk.line("Number", table="Chair").number == ""
