"""A changed class: the record moves, and what the target lacks is lost."""

from simulators.servicenow.clients import Client


def test_columns_that_the_target_lacks_are_lost(client: Client) -> None:
    row = client.create("incident", caller_id="x" * 32, short_description="s")
    assert client.admin(
        "records/reclass", table="task", sys_id=row["sys_id"], to="change_request"
    ) == {"exists": True}
    assert client.get(f"table/incident/{row['sys_id']}").status_code == 404
    moved = client.row("change_request", row["sys_id"])
    assert (moved["short_description"], moved["sys_class_name"]) == ("s", "change_request")
    client.admin("records/reclass", table="task", sys_id=row["sys_id"], to="incident")
    assert client.row("incident", row["sys_id"])["caller_id"] == ""
    assert client.list("sys_audit_delete") == []


def test_a_class_written_by_rest_moves_the_record_too(client: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    client.change("task", sys_id, sys_class_name="problem")
    assert client.row("problem", sys_id)["sys_class_name"] == "problem"


def test_a_changed_class_moves_the_stamps(client: Client, agent: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    client.admin("clock/advance", minutes=1)
    agent.change("task", sys_id, sys_class_name="problem", short_description="s")
    row = client.row("problem", sys_id)
    assert (row["sys_mod_count"], row["sys_updated_by"]) == ("1", "agent")
    client.admin("clock/advance", minutes=1)
    client.admin("records/reclass", table="task", sys_id=sys_id, to="incident")
    row = client.row("incident", sys_id)
    assert (row["sys_mod_count"], row["sys_updated_on"]) == ("2", "2026-11-24 10:22:00")


def test_a_record_lost_by_its_new_class_is_a_success_without_a_body(client: Client) -> None:
    client.admin("rules/policy", table="problem", columns=["cause_notes"])
    sys_id = client.create("incident")["sys_id"]
    answer = client.change("task", sys_id, sys_class_name="problem")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.list("task") == []


def test_a_mandatory_column_of_the_target_loses_the_record(client: Client) -> None:
    client.admin("rules/policy", table="problem", columns=["cause_notes"])
    sys_id = client.create("incident")["sys_id"]
    answer = client.admin("records/reclass", table="task", sys_id=sys_id, to="problem")
    assert answer == {"exists": False}
    assert client.list("task") == []


def test_classes_of_another_hierarchy_change_nothing(client: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    for target, exists in (("sys_user", True), ("no_such_table", True)):
        answer = client.admin("records/reclass", table="task", sys_id=sys_id, to=target)
        assert answer == {"exists": exists}
    assert client.row("incident", sys_id)["sys_id"] == sys_id
    gone = client.admin("records/reclass", table="task", sys_id="0" * 32, to="incident")
    assert gone == {"exists": False}
