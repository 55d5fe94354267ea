"""Query ACLs: who may send ranges, in both forms of what a refusal does."""

import pytest

from simulators.servicenow.clients import Client


@pytest.fixture
def restricted(client: Client, incidents: list[str]) -> Client:
    """An agent who may not send ranges on any column of tasks."""
    client.admin("acls", table="task", column="*", operation="query_range", roles=["admin"])
    return client.as_("agent")


def ids(rows: list[dict]) -> list[str]:
    return [row["sys_id"] for row in rows]


def test_a_refused_range_is_dropped_and_the_first_page_comes_again(restricted: Client) -> None:
    page = restricted.list("incident", "ORDERBYsys_id", sysparm_limit=2)
    again = restricted.list(
        "incident", f"sys_id>{page[-1]['sys_id']}^ORDERBYsys_id", sysparm_limit=2
    )
    assert ids(again) == ids(page)


def test_a_refused_range_may_find_nothing_instead(client: Client, restricted: Client) -> None:
    client.admin("settings", refused_condition="empty")
    assert restricted.list("incident", "sys_id>0") == []
    assert len(restricted.list("incident")) == 5


def test_rows_that_may_not_be_sorted_come_as_they_were_inserted(
    client: Client, restricted: Client
) -> None:
    rows = restricted.list("incident", "ORDERBYDESCpriority")
    assert [row["priority"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert client.list("incident", "ORDERBYDESCpriority")[0]["priority"] == "5"


@pytest.mark.parametrize("query", ["priorityBETWEEN1@2", "numberSTARTSWITHX", "numberLIKEX"])
def test_other_ranges(restricted: Client, query: str) -> None:
    assert len(restricted.list("incident", query)) == 5


@pytest.mark.parametrize(("query", "count"), [("priority=1", 1), ("priorityIN1,2", 2),
                                              ("close_notesISEMPTY", 5)])  # fmt: skip
def test_a_range_acl_leaves_matches_alone(restricted: Client, query: str, count: int) -> None:
    assert len(restricted.list("incident", query)) == count


@pytest.mark.parametrize("column", ["", "*", "priority"])
def test_a_conditional_acl_refuses_ranges_and_no_matches(
    client: Client, incidents: list[str], column: str
) -> None:
    operation = "conditional_table_query_range"
    client.admin("acls", table="task", column=column, operation=operation, roles=["admin"])
    agent = client.as_("agent")
    assert len(agent.list("incident", "priority>4")) == 5
    assert len(agent.list("incident", "priority=1")) == 1
    assert len(client.list("incident", "priority>4")) == 1


def test_matches_have_an_acl_of_their_own_kind(client: Client, incidents: list[str]) -> None:
    client.admin(
        "acls", table="incident", column="priority", operation="query_match", roles=["admin"]
    )
    agent = client.as_("agent")
    assert len(agent.list("incident", "priority=1")) == 5
    assert len(agent.list("incident", "priority>4")) == 1


def test_the_list_of_acls_is_a_table(client: Client, restricted: Client) -> None:
    rows = client.list("sys_security_acl", "operationINquery_range,query_match")
    assert [(row["name"], row["operation"], row["active"]) for row in rows] == [
        ("task.*", "query_range", "true")
    ]
    roles = client.list("sys_security_acl_role", f"sys_security_acl={rows[0]['sys_id']}")
    assert len(roles) == 1
    assert restricted.list("sys_security_acl") == []
    named = [each for each in client.see("acls") if each["operation"] == "query_range"]
    assert named == [{"name": "task.*", "operation": "query_range", "roles": ["admin"]}]


def test_removed_acls_leave_no_roles_behind(client: Client) -> None:
    rule = {"table": "task", "operation": "read", "roles": ["itil", "admin"]}
    first = client.admin("acls", **rule)
    client.admin("acls/clear")
    assert client.list("sys_security_acl_role") == []
    assert client.admin("acls", **{**rule, "roles": ["admin", "itil"]}) == first
