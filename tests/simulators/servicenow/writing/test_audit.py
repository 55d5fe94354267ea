"""The audit of changes, and changes that leave no trace."""

from simulators.servicenow.clients import Client


def test_changes_of_audited_tables_are_recorded(client: Client, agent: Client) -> None:
    sys_id = client.create("incident", priority="3")["sys_id"]
    assert client.list("sys_audit") == []
    agent.change("incident", sys_id, priority="1", short_description="x")
    rows = client.list("sys_audit", "ORDERBYfieldname")
    assert [(row["fieldname"], row["oldvalue"], row["newvalue"]) for row in rows] == [
        ("priority", "3", "1"), ("short_description", "", "x"),
    ]  # fmt: skip
    assert {(row["user"], row["record_checkpoint"]) for row in rows} == {("agent", "1")}


def test_a_table_that_is_not_audited(client: Client) -> None:
    sys_id = client.create("sys_app", name="x")["sys_id"]
    client.change("sys_app", sys_id, name="y")
    assert client.list("sys_audit") == []


def test_inserts_are_audited_by_a_property(client: Client) -> None:
    client.admin("settings", audit_inserts=True)
    client.create("incident", short_description="x")
    names = {row["fieldname"] for row in client.list("sys_audit")}
    assert "short_description" in names
    assert not [name for name in names if name.startswith("sys_")]


def test_a_quiet_update_does_not_move_the_stamps(client: Client) -> None:
    row = client.create("incident")
    client.admin("clock/advance", hours=1)
    client.admin(
        "records/quiet-update", table="incident", sys_id=row["sys_id"], values={"priority": "1"}
    )
    after = client.row("incident", row["sys_id"])
    assert after["priority"] == "1"
    assert after["sys_updated_on"] == row["sys_updated_on"]
