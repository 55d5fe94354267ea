"""Inserting and changing rows: ids, numbers, stamps, values, and what is not saved."""

import pytest

from simulators.servicenow.clients import Client, detail
from simulators.servicenow.conftest import ADMIN

ID = "0123456789abcdef0123456789abcdef"


def test_a_row_is_created_with_the_given_sys_id(client: Client) -> None:
    row = client.create("incident", sys_id=ID, number="INC0000042")
    assert (row["sys_id"], row["number"]) == (ID, "INC0000042")
    upper = client.create("problem", sys_id=ID.upper()[:-1] + "X")
    assert upper["sys_id"] == ID.upper()[:-1] + "X"
    assert client.create("problem", sys_id="short")["sys_id"] == "short"
    assert client.create("problem", sys_id=ID + "0")["sys_id"] != ID + "0"


def test_a_table_may_answer_with_another_sys_id(client: Client) -> None:
    client.admin("settings", stray_ids=["problem"])
    assert client.create("problem", sys_id=ID)["sys_id"] != ID


def test_an_existing_sys_id_is_refused_or_replaced(client: Client) -> None:
    client.create("incident", sys_id=ID)
    refused = client("POST", "table/problem", json={"sys_id": ID})
    assert refused.status_code == 403
    assert "unique key" in detail(refused)
    client.admin("settings", existing_id="new_id")
    assert client.create("problem", sys_id=ID)["sys_id"] != ID


def test_numbers_go_on_from_the_largest(client: Client) -> None:
    assert client.create("incident")["number"] == "INC0010001"
    client.create("incident", number="INC0020000")
    assert client.create("incident")["number"] == "INC0020001"
    assert client.create("problem")["number"] == "PRB0010001"


def test_stamps_are_the_platforms(client: Client, agent: Client) -> None:
    row = client.create("incident", sys_created_by="jan", sys_mod_count="9", sys_updated_by="x")
    assert (row["sys_created_by"], row["sys_mod_count"]) == ("admin", "0")
    client.admin("clock/advance", minutes=5)
    changed = agent.change("incident", row["sys_id"], priority="1", sys_mod_count="40")
    result = changed.json()["result"]
    assert result["sys_mod_count"] == "1"
    assert (result["sys_updated_by"], result["sys_created_by"]) == ("agent", "admin")
    assert result["sys_updated_on"] == "2026-11-24 10:25:00"
    same = agent.change("incident", row["sys_id"], priority="1").json()["result"]
    assert same["sys_mod_count"] == "1"


def test_tables_without_updates_have_no_stamps_of_them(client: Client) -> None:
    client.create("incident", work_notes="x")
    assert set(client.list("sys_journal_field")[0]) == {
        "sys_id", "sys_created_on", "sys_created_by", "name", "element_id", "element", "value",
    }  # fmt: skip


def test_defaults_and_values(client: Client) -> None:
    row = client.create(
        "incident", active=False, priority="no number", short_description=None,
        caller_id={"value": ADMIN.sys_id}, no_such_column="x", calendar_stc="77",
    )  # fmt: skip
    assert (row["active"], row["state"], row["priority"]) == ("false", "1", "4")
    assert (row["short_description"], row["calendar_stc"]) == ("", "")
    assert row["caller_id"]["value"] == ADMIN.sys_id
    assert "no_such_column" not in row


def test_a_scope_is_accepted_and_stored_as_global(client: Client) -> None:
    assert client.create("sys_update_set", application=ID)["application"]["value"] == "global"


def test_a_choice_is_not_cleared_by_an_empty_text(client: Client) -> None:
    row = client.create("incident", priority="2", close_notes="x", caller_id=ID)
    answer = client.change("incident", row["sys_id"], priority="", close_notes="", caller_id="")
    result = answer.json()["result"]
    assert (result["priority"], result["close_notes"], result["caller_id"]) == ("2", "", "")
    assert client.create("incident", priority="")["priority"] == "4"


def test_an_encrypted_column_is_not_saved_under_201(client: Client, agent: Client) -> None:
    row = agent.create("u_credential", u_name="x", u_recovery="secret")
    assert row["u_recovery"] == ""
    saved = agent(
        "PATCH", f"table/u_credential/{row['sys_id']}", json={"u_recovery": "secret"},
        params={"sysparm_input_display_value": "true"},
    )  # fmt: skip
    assert saved.json()["result"]["u_recovery"] == "secret"
    assert "u_recovery" not in client.row("u_credential", row["sys_id"])
    client(
        "PATCH", f"table/u_credential/{row['sys_id']}", json={"u_recovery": "other"},
        params={"sysparm_input_display_value": "true"},
    )  # fmt: skip
    assert agent.row("u_credential", row["sys_id"])["u_recovery"] == "secret"


def test_passwords_are_hashed_or_masked(client: Client) -> None:
    user = client.create("sys_user", name="Jan", user_password="letmein")
    assert len(user["user_password"]) == 64
    row = client.create("u_credential", u_name="x", u_password="letmein")
    assert row["u_password"] == "********"
    shown = client.row("u_credential", row["sys_id"], sysparm_display_value="all")
    assert shown["u_password"] == {"display_value": "********", "value": "********"}


def test_display_values_are_read_in_the_users_zone_and_by_name(
    client: Client, agent: Client
) -> None:
    user = client.create("sys_user", name="Jan")["sys_id"]
    values = {"closed_at": "2026-11-24 19:00:00", "caller_id": "Jan", "opened_by": user,
              "parent": "no such task", "resolved_at": "soon"}  # fmt: skip
    asked = {"sysparm_input_display_value": "true"}
    row = agent("POST", "table/incident", json=values, params=asked).json()["result"]
    assert row["closed_at"] == "2026-11-24 10:00:00"
    assert row["caller_id"]["value"] == row["opened_by"]["value"] == user
    assert row["parent"]["value"] == "no such task"
    assert row["resolved_at"] == "soon"
    raw = agent.create("incident", closed_at="2026-11-24 19:00:00")
    assert raw["closed_at"] == "2026-11-24 19:00:00"


@pytest.mark.parametrize("operation", ["insert", "update", "delete"])
def test_a_business_rule_refuses_and_nothing_stays(client: Client, operation: str) -> None:
    kept = client.create("incident", short_description="urgent")["sys_id"]
    rule = client.admin(
        "rules/write", name="No urgent", table="task", operations=[operation],
        condition="short_descriptionLIKEurgent",
    )  # fmt: skip
    answers = {
        "insert": lambda: client("POST", "table/incident", json={"short_description": "urgent"}),
        "update": lambda: client.change("incident", kept, priority="1"),
        "delete": lambda: client("DELETE", f"table/incident/{kept}"),
    }
    answer = answers[operation]()
    assert answer.status_code == 403
    assert detail(answer).endswith(f"was aborted by Business Rule 'No urgent^{rule['sys_id']}'")
    (row,) = client.list("incident")
    assert (row["sys_id"], row["sys_mod_count"], row["priority"]) == (kept, "0", "4")
    assert client.create("incident", short_description="calm")["sys_id"]


def test_a_data_policy_demands_columns(client: Client) -> None:
    client.admin("rules/policy", table="task", columns=["short_description"])
    refused = client("POST", "table/incident", json={})
    assert refused.status_code == 403
    assert detail(refused).startswith("Data Policy Exception")
    sys_id = client.create("incident", short_description="x")["sys_id"]
    assert client.change("incident", sys_id, short_description="").status_code == 403


def test_a_read_only_user_writes_nothing_whatever_his_roles_are(
    client: Client, incidents: list[str]
) -> None:
    client.admin("users", name="agent", roles=["admin", "snc_read_only"])
    agent = client.as_("agent")
    for answer, operation in (
        (agent("POST", "table/incident", json={}), "Insert"),
        (agent.change("incident", incidents[0], priority="2"), "Update"),
        (agent("DELETE", f"table/incident/{incidents[0]}"), "Delete"),
    ):
        assert answer.status_code == 403
        assert operation in detail(answer)
    assert len(agent.list("incident")) == 5
