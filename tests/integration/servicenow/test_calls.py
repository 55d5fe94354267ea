"""The calls of a night: an unchanged table takes one, in which it is probed and counted."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from fakes.instance import ServedInstance, described
from integration.cli.conftest import Program
from integration.servicenow.test_nights import night, program
from unlost.connectors.servicenow.source import CHANGES
from unlost.model.ports.source import Source
from unlost.model.source.reading import ReadTask
from unlost.model.source.schema import Table
from unlost.testing.connectors import ids_of, read_all

__all__ = ["program"]

pytestmark = pytest.mark.network
# A backup reads these for itself, too.
DESCRIBING = frozenset({
    "sys_db_object", "sys_dictionary", "sys_choice", "sys_m2m", "sys_user", "sys_user_has_role",
    "sys_security_acl", "sys_security_acl_role", "sys_script", "sys_properties", "sys_audit",
    "sys_audit_delete",
})  # fmt: skip


def planned(source: Source, table: Table) -> Sequence[ReadTask]:
    """The reads of the changes of the last hour."""
    cursor = source.cursor_at(table, source.server_time() - timedelta(hours=1))
    return [task for task in source.plan_reads(table, cursor) if task.kind == CHANGES]


def test_a_night_takes_about_one_call_for_an_unchanged_table(
    program: Program, served: ServedInstance
) -> None:
    before = len(served.requests())
    certificate = night(program, served)
    assert certificate["verdict"] == "complete"
    calls = Counter(call["object"] for call in served.requests()[before:])
    names = {each["table"] for each in certificate["tables"]} - DESCRIBING
    costs = {name: calls[name] for name in names}
    # Roots are counted by class. The newest records of set-up tables have the same stamp, and are read.
    # One more is for the row check.
    assert max(costs.values()) <= 3, costs
    assert sum(costs.values()) <= 1.6 * len(costs), costs


def test_an_unchanged_table_is_counted_by_its_probe(served: ServedInstance) -> None:
    with served.source() as source:
        table = described(source, "incident")
        assert planned(source, table) == []
        before = len(served.requests())
        assert source.count(table) == len(served.rows("incident"))
        assert len(served.requests()) == before


def test_records_of_the_same_second_are_read_again_and_not_counted(
    served: ServedInstance,
) -> None:
    with served.source() as source:
        table = described(source, "item_option_new")
        assert len({row["sys_updated_on"] for row in served.rows(table.name)}) == 1
        tasks = planned(source, table)
        assert len(tasks) == 1
        assert read_all(source, tasks) == []
        before = len(served.requests())
        assert source.count(table) == len(served.rows(table.name))
        assert len(served.requests()) == before


def test_a_second_look_at_a_table_asks_again(served: ServedInstance) -> None:
    """A probe is older than the second round of reads, and than the count after it."""
    with served.source() as source:
        table = described(source, "incident")
        assert planned(source, table) == []
        served.insert("incident", short_description="Meanwhile")
        assert len(planned(source, table)) == 1
        assert source.count(table) == len(served.rows("incident"))


def test_a_change_is_read_although_the_count_is_the_same(served: ServedInstance) -> None:
    record = served.rows("problem", "ORDERBYsys_id")[20]["sys_id"]
    served.update("problem", record, short_description="Changed")
    with served.source() as source:
        problem = described(source, "problem")
        assert ids_of(read_all(source, planned(source, problem))) == [record]
        assert source.count(problem) == len(served.rows("problem"))
        assert planned(source, described(source, "incident")) == []


def test_a_sort_that_is_dropped_hides_no_change(served: ServedInstance) -> None:
    """The rule hides behind an operation that is not looked at; pages then come by id."""
    record = served.rows("incident", "ORDERBYsys_id")[-1]["sys_id"]
    served.update("incident", record, short_description="Changed")
    served.acl("incident", "query_range", column="sys_updated_on")
    (rule,) = served.rows("sys_security_acl", "name=incident.sys_updated_on")
    served.update("sys_security_acl", rule["sys_id"], operation="conditional_table_query_range")
    with served.source() as source:
        assert len(planned(source, described(source, "incident"))) == 1


def test_a_table_of_an_archive_is_read_in_both_places(served: ServedInstance) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.admin.post("records/archive", table="problem", query=f"sys_id={record}")
    with served.source() as source:
        assert len(planned(source, described(source, "problem"))) == 2


def test_a_table_that_cannot_be_sorted_in_time_is_probed_without(served: ServedInstance) -> None:
    served.admin.fault("cancelled_text", path="table/incident", times=1)
    with served.source() as source:
        table = described(source, "incident")
        assert table.column("short_description") is not None
        assert len(planned(source, table)) == 1
        assert source.count(table) == len(served.rows("incident"))
