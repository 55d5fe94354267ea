"""The admin API of an instance."""

import pytest

from simulators.servicenow.clients import Client


def test_overview_and_users(client: Client) -> None:
    overview = client.see("")
    assert {"incident", "sys_dictionary"} <= set(overview["tables"])
    assert [user["name"] for user in overview["users"]] == ["admin", "agent", "guest"]
    client.admin("users", name="new", password="not-a-secret", roles=["itil"])
    assert client.as_("new").get("table/incident").status_code == 200
    assert [user["name"] for user in client.see("users")][-1] == "new"


def test_settings(client: Client) -> None:
    settings = client.see("settings")
    assert settings["refused_condition"] == "dropped"
    changed = client.admin(
        "settings", latency={"median_seconds": 0.0, "p99_seconds": 0.0}, stray_ids=["b", "a"]
    )
    assert changed["stray_ids"] == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"no_such": 1}), ("settings", {"refused_condition": "other"}),
        ("acls", {"table": "x", "operation": "fly"}), ("faults", {"kind": "nothing"}),
        ("records/insert", {"table": "incident", "rows": [], "as": "stranger"}),
        ("records/insert", {"rows": [{}]}),
        ("records/clean", {"table": "incident", "query": "priority=1^nonsense"}),
        ("records/quiet-update", {"table": "incident", "sys_id": "x", "values": {"state": "1"}}),
        ("records/quiet-insert", {"table": "incident", "rows": [{"no_such": "1"}]}),
        ("records/quiet-delete", {"table": "incident", "sys_ids": ["x"]}),
    ],
)  # fmt: skip
def test_mistakes_are_400(client: Client, path: str, body: dict) -> None:
    assert client("POST", f"/__sim__/{path}", json=body).status_code == 400


def test_a_mistake_in_a_query_deletes_nothing(client: Client, incidents: list[str]) -> None:
    for path in ("records/clean", "records/archive"):
        body = {"table": "incident", "query": "no_such=1"}
        assert client("POST", f"/__sim__/{path}", json=body).status_code == 400
    assert len(client.list("incident")) == 5
    assert client("GET", "/__sim__/records?table=incident&query=no_such=1").status_code == 400


@pytest.mark.parametrize("values", [{}, {"no_such": "1"}, {"state": 1}])
def test_mistakes_in_a_quiet_update_are_400(client: Client, values: dict) -> None:
    body = {"table": "incident", "sys_id": client.create("incident")["sys_id"], "values": values}
    assert client("POST", "/__sim__/records/quiet-update", json=body).status_code == 400


def test_refusals_are_those_of_the_instance(client: Client) -> None:
    answer = client("POST", "/__sim__/records/clean", json={"table": "x", "query": ""})
    assert answer.json()["error"]["message"] == "Invalid table x"


def test_records_are_edited_by_a_user(client: Client) -> None:
    made = client.admin(
        "records/insert", table="incident", rows=[{}, {"priority": "1"}], as_="agent"
    )
    first, second = made["sys_ids"]
    client.admin("records/update", table="incident", changes={first: {"priority": "2"}})
    client.admin("records/delete", table="incident", sys_ids=[second], as_="guest")
    (row,) = client.see("records", table="incident", query="ORDERBYnumber")
    assert (row["sys_created_by"], row["sys_updated_by"], row["priority"]) == (
        "agent",
        "admin",
        "2",
    )
    assert client.list("sys_audit_delete")[0]["user"] == "guest"


def test_columns_come_and_go(client: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    client.admin(
        "schema/put-column", table="task", name="u_tier", label="Tier", choices={"1": "Gold"}
    )
    client.change("incident", sys_id, u_tier="1")
    row = client.row("incident", sys_id, sysparm_display_value="all")
    assert row["u_tier"] == {"display_value": "Gold", "value": "1"}
    (entry,) = client.list("sys_dictionary", "element=u_tier")
    assert (entry["name"], entry["internal_type"], entry["choice"]) == ("task", "string", "1")
    assert client.list("sys_choice", "element=u_tier")[0]["label"] == "Gold"
    client.admin("schema/drop-column", table="task", name="u_tier")
    assert client.list("sys_dictionary", "element=u_tier") == []
    assert "u_tier" not in client.row("incident", sys_id)


def test_a_new_column_leaves_the_other_rows_of_the_dictionary_alone(client: Client) -> None:
    client.admin("clock/advance", days=1)
    put = {"table": "task", "name": "u_tier", "label": "Tier"}
    client.admin("schema/put-column", **put)
    client.admin("clock/advance", days=1)
    client.admin("schema/put-column", **{**put, "label": "Level"})
    rows = client.list("sys_dictionary", "name=task")
    stamps = {(row["element"], row["sys_mod_count"]) for row in rows
              if row["sys_updated_on"] > "2026-11-25"}  # fmt: skip
    assert stamps == {("u_tier", "1")}
    (row,) = [row for row in rows if row["element"] == "u_tier"]
    assert (row["column_label"], row["sys_created_on"]) == ("Level", "2026-11-25 10:20:00")


def test_a_table_is_closed_to_rest_even_for_admins(client: Client) -> None:
    client.admin("schema/web-access", table="problem", open=False)
    assert client.get("table/problem").status_code == 403
    assert client("POST", "table/problem", json={}).status_code == 403
    assert client.list("sys_db_object", "name=problem")[0]["ws_access"] == "false"


def test_a_virtual_clock_and_counts(client: Client) -> None:
    client.get("table/incident")
    assert client.see("counters")["requests"] == 1
    assert client.admin("clock/advance", days=1)["now"].startswith("2026-11-25")
