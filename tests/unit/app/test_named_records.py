"""Pages of records with references of all kinds: names of values, and records around a record."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from unit.engine.restore.test_named_records import Desk
from unlost.app.records.record_facts import RecordNames, ValueMeaning
from unlost.app.records.relations.referring import ReferenceSearch
from unlost.model.source.schema import Column


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def column(desk: Desk, table: str, name: str) -> Column:
    described = desk.head.schema().table(table)
    found = described.column(name) if described is not None else None
    assert found is not None
    return found


def around(desk: Desk, table: str, record: str) -> set[tuple[str, str]]:
    """The records that refer to a record, with their tables."""
    groups = ReferenceSearch(desk.head).direct({table: pa.array([record])})
    return {(group.table.name, str(found)) for group in groups for found in group.ids}


def test_a_list_is_shown_by_the_names_of_its_records(desk: Desk) -> None:
    desk.night()
    names = RecordNames(desk.head)
    watchers = column(desk, "Incident", "Watchers")
    both, single = f"{desk.ann},{desk.bob}", desk.ann
    assert names.meaning(watchers, [both, single, f"{single},gone"]) == {
        both: ValueMeaning("", "Ann, Bob"),
        single: ValueMeaning("User", "Ann"),
        f"{single},gone": ValueMeaning("", "Ann, gone"),
    }


def test_a_value_is_looked_up_in_the_table_that_its_row_names(desk: Desk) -> None:
    problem = desk.make("Problem", "Cause")
    desk.night()
    document = column(desk, "Note", "Document")
    names = RecordNames(desk.head)
    right = {"Document": problem, "Kind": "Problem"}
    assert names.meanings(document, [right]) == {problem: ValueMeaning("Problem", "Cause")}
    assert names.meanings(document, [right | {"Kind": "Incident"}]) == {}


def test_a_key_is_shown_as_it_is(desk: Desk) -> None:
    desk.night()
    assert RecordNames(desk.head).meaning(column(desk, "Incident", "Opener"), ["ann"]) == {}


def test_the_page_of_a_record_lists_the_records_that_name_it(desk: Desk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.bob},{desk.ann}", Opener="ann")
    note = desk.make("Note", "Mine", Document=incident, Kind="Incident")
    desk.make("Incident", "Other", Opener="ann")
    wrong = desk.make("Note", "Wrong")
    desk.org.update("Note", wrong, {"Document": incident, "Kind": "Problem"}, by="U2")
    desk.night()
    assert around(desk, "User", desk.ann) == {("Incident", incident)}
    assert around(desk, "Incident", incident) == {("Note", note)}
