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


def test_a_quiet_insert_has_old_stamps_and_runs_no_rule(client: Client) -> None:
    client.admin("rules/write", name="No", table="incident", operations=["insert"])
    old = "2020-01-01 00:00:00"
    (sys_id,) = client.admin(
        "records/quiet-insert", table="incident", rows=[{"sys_updated_on": old, "number": "INC7"}]
    )["sys_ids"]
    row = client.row("incident", sys_id)
    assert (row["sys_updated_on"], row["sys_class_name"]) == (old, "incident")
    again = {"table": "problem", "rows": [{"sys_id": sys_id}]}
    assert client("POST", "/__sim__/records/quiet-insert", json=again).status_code == 400


def test_a_quiet_delete_shows_in_the_second_trail_alone(client: Client) -> None:
    client.admin("rules/write", name="No", table="incident", operations=["delete"])
    sys_id = client.create("incident")["sys_id"]
    assert client.admin("records/quiet-delete", table="task", sys_ids=[sys_id]) == {"deleted": 1}
    assert client.list("incident") == client.list("sys_audit_delete") == []
    (mark,) = client.list("sys_audit", "fieldname=DELETED")
    assert (mark["documentkey"], mark["tablename"]) == (sys_id, "incident")
