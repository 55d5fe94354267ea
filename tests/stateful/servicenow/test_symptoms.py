"""What lives of the desk met, each in its shortest form."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stateful.servicenow.desk import AUDIT, INCIDENT, JOURNAL, Desk
from stateful.servicenow.rights import Administrators
from unit.engine.scene import line_of
from unlost.engine.backup.backup import FinishedBackup
from unlost.engine.records.history import history
from unlost.model.finding import Severity
from unlost_simulators.servicenow.access.acls import Operation

TEXT = "short_description"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An instance that empties the answer of a query with a refused condition."""
    desk = Desk(tmp_path)
    desk.post("settings", refused_condition="empty")
    desk.insert(INCIDENT, short_description="first", category="a")
    desk.insert(INCIDENT, short_description="second")
    yield desk
    desk.close()


@pytest.fixture
def rights(desk: Desk) -> Administrators:
    return Administrators(desk)


def gaps(done: FinishedBackup, table: str = INCIDENT) -> list[str]:
    findings = line_of(done, table).findings
    return [each.sentence for each in findings if each.severity is Severity.GAP]


def test_a_change_is_read_though_the_time_of_changes_is_hidden(
    desk: Desk, rights: Administrators
) -> None:
    record = min(desk.rows(INCIDENT))
    desk.night()
    rights.hidden_columns[INCIDENT, "sys_updated_on"] = set()
    rights.apply()
    desk.night()
    desk.update(INCIDENT, record, short_description="changed")
    desk.night()
    assert desk.cells(INCIDENT, TEXT)[record] == "changed"


def test_a_hidden_class_is_a_gap(desk: Desk, rights: Administrators) -> None:
    record = min(desk.rows(INCIDENT))
    desk.night()
    rights.hidden_columns[INCIDENT, "sys_class_name"] = set()
    rights.apply()
    desk.update(INCIDENT, record, short_description="changed")
    assert any("a condition on sys_class_name" in gap for gap in gaps(desk.night()))
    assert record in desk.cells(INCIDENT, TEXT)


@pytest.mark.parametrize(
    ("column", "operation"),
    [
        ("sys_id", Operation.QUERY_RANGE),
        ("sys_class_name", Operation.QUERY_MATCH),
        ("sys_updated_on", Operation.QUERY_RANGE),
    ],
)
def test_a_condition_without_an_answer_is_a_gap_where_the_rules_are_unknown(
    desk: Desk, rights: Administrators, column: str, operation: Operation
) -> None:
    desk.night()
    rights.admin = False
    rights.apply()
    desk.night()
    rights.query_acls.add((INCIDENT, column, operation))
    rights.apply()
    desk.update(INCIDENT, min(desk.rows(INCIDENT)), short_description="changed")
    assert any(f"a condition on {column}" in gap for gap in gaps(desk.night()))


def test_a_cell_that_is_hidden_in_some_records_is_not_cleared(
    desk: Desk, rights: Administrators
) -> None:
    record = min(desk.rows(INCIDENT))
    rights.admin = False
    rights.apply()
    desk.night()
    rights.hidden_columns[INCIDENT, TEXT] = {record}
    rights.apply()
    desk.update(INCIDENT, record, category="b")
    assert any("hides short_description in 1 record" in gap for gap in gaps(desk.night()))
    assert desk.cells(INCIDENT, TEXT)[record] in {"first", "second"}


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("log", [JOURNAL, AUDIT])
def test_entries_that_the_instance_drops_stay_though_a_log_is_read_whole(
    desk: Desk, rights: Administrators, log: str, hidden: bool
) -> None:
    desk.update(INCIDENT, min(desk.rows(INCIDENT)), work_notes="kept", category="c")
    if hidden:
        rights.hidden_columns[log, "sys_created_on"] = set()
        rights.apply()
    desk.night()
    entries = set(desk.rows(log))
    assert entries
    desk.post("records/clean", table=log, query="sys_idISNOTEMPTY")
    desk.clock.advance(hours=24)
    desk.attempt(full=not hidden)
    assert entries <= set(desk.cells(log, "sys_id"))


def test_changes_of_the_same_second_are_told_in_their_order(desk: Desk) -> None:
    record = min(desk.rows(INCIDENT))
    desk.night()
    texts = [str(count) for count in range(12)]
    for text in texts:
        desk.update(INCIDENT, record, short_description=text)
    desk.night()
    events = history(desk.vault, desk.oid, INCIDENT, record)
    told = [each.new for event in events for each in event.fields if each.column == TEXT]
    assert told[-12:] == texts
