"""Business rules that change the written row or add other rows."""

import pytest

from simulators.servicenow.clients import Client, detail


def test_a_rule_sets_another_value_than_was_written(client: Client) -> None:
    client.admin(
        "rules/set", name="Assign", table="task", condition="priority=1",
        values={"assigned_to": "x" * 32},
    )  # fmt: skip
    row = client.create("incident", priority="1", assigned_to="y" * 32)
    assert row["assigned_to"]["value"] == "x" * 32
    other = client.create("incident", priority="2")
    assert other["assigned_to"] == ""
    changed = client.change("incident", other["sys_id"], priority="1").json()["result"]
    assert (changed["assigned_to"]["value"], changed["sys_mod_count"]) == ("x" * 32, "1")
    audited = client.list("sys_audit", f"documentkey={other['sys_id']}")
    assert {each["fieldname"] for each in audited} == {"priority", "assigned_to"}


def test_a_rule_adds_a_row_that_nobody_asked_for(client: Client, agent: Client) -> None:
    client.admin(
        "rules/create", name="Task", table="incident", target="task",
        values={"parent": "current.sys_id", "short_description": "Follow up"},
    )  # fmt: skip
    row = agent.create("incident")
    (extra,) = client.list("task", "sys_class_name=task")
    assert (extra["parent"]["value"], extra["number"]) == (row["sys_id"], "TASK0010001")
    assert (extra["short_description"], extra["sys_created_by"]) == ("Follow up", "agent")
    agent.change("incident", row["sys_id"], priority="1")
    assert len(client.list("task", "sys_class_name=task")) == 1
    client.admin("rules/clear")
    agent.create("incident")
    assert len(client.list("task", "sys_class_name=task")) == 1


def test_a_refused_write_leaves_no_row_of_a_rule(client: Client) -> None:
    client.admin("rules/create", name="T", table="incident", target="problem", values={})
    client.admin("rules/policy", table="incident", columns=["short_description"])
    assert client("POST", "table/incident", json={}).status_code == 403
    assert client.list("problem") == []


def test_a_rule_about_the_caller_refuses_his_rows_alone(client: Client, agent: Client) -> None:
    client.admin(
        "rules/write", name="Mine", table="incident",
        condition="caller_id=javascript:gs.getUserID()",
    )  # fmt: skip
    refused = agent("POST", "table/incident", json={"caller_id": "b" * 32})
    assert "Business Rule 'Mine^" in detail(refused)
    assert agent.create("incident", caller_id="c" * 32)["sys_id"]


def test_a_policy_on_a_dropped_column_demands_nothing(client: Client) -> None:
    client.admin("schema/put-column", table="incident", name="u_tier", label="Tier")
    client.admin("rules/policy", table="incident", columns=["u_tier"])
    client.admin("schema/drop-column", table="incident", name="u_tier")
    assert client.create("incident")["sys_id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rules/query", {"table": "task", "condition": "no_such=1"}),
        ("rules/query", {"table": "no_such", "condition": ""}),
        ("rules/write", {"name": "x", "table": "task", "condition": "no_such=1"}),
        ("rules/write", {"name": "x", "table": "task", "condition": "state=javascript:other()"}),
        ("rules/set", {"name": "x", "table": "task", "values": {"no_such": "1"}}),
        ("rules/create", {"name": "x", "table": "task", "target": "task",
                          "values": {"parent": "current.no_such"}}),
        ("rules/policy", {"table": "task", "columns": ["no_such"]}),
        ("acls", {"table": "task", "operation": "read", "condition": "no_such=1"}),
        ("acls", {"table": "task", "operation": "create", "condition": "state=1"}),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_is_refused_and_not_ignored(
    client: Client, path: str, body: dict
) -> None:
    assert client("POST", f"/__sim__/{path}", json=body).status_code == 400
    assert client.create("incident")["sys_id"]


def test_rules_are_rows_that_a_client_finds_beforehand(client: Client) -> None:
    client.admin("rules/query", table="task", condition="priority=1", roles=["admin"])
    client.admin("rules/write", name="No", table="incident", condition="state=1")
    columns = ("collection", "action_query", "filter_condition")
    rows = client.list("sys_script", "active=true^when=before^ORDERBYcollection")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("incident", "false", "state=1"), ("task", "true", "priority=1"),
    ]  # fmt: skip
    client.admin("rules/clear")
    assert client.list("sys_script") == []
