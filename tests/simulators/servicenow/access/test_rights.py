"""Row and column rights: short pages, hidden columns, and counts that do not tell."""

from simulators.servicenow.clients import Client, count, detail


def hide_low_priorities(client: Client) -> None:
    client.admin("acls", table="task", operation="read", condition="priority<=2")


def test_hidden_rows_shorten_a_page_that_is_not_the_last(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    hide_low_priorities(client)
    pages = [
        agent.get(
            "table/incident",
            sysparm_query="ORDERBYDESCpriority",
            sysparm_limit=2,
            sysparm_offset=at,
        )
        for at in (0, 2, 4)
    ]
    assert [len(page.json()["result"]) for page in pages] == [0, 1, 1]
    assert {page.headers["X-Total-Count"] for page in pages} == {"5"}
    assert 'rel="next"' in pages[0].headers["Link"]
    assert len(client.list("incident")) == 5


def test_the_count_ignores_row_rights(client: Client, agent: Client, incidents: list[str]) -> None:
    hide_low_priorities(client)
    assert len(agent.list("incident")) == 2
    assert count(agent, "incident") == "5"


def test_rows_vanish_when_a_role_is_removed(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin("acls", table="incident", operation="read", roles=["itil"])
    assert len(agent.list("incident")) == 5
    client.admin("users", name="agent", roles=[])
    assert agent.list("incident") == []
    assert agent.get(f"table/incident/{incidents[0]}").status_code == 404
    refused = agent.get("stats/incident", sysparm_count="true")
    assert refused.status_code == 403


def test_the_rights_of_the_class_decide_on_the_base_table(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.create("problem")
    client.admin("acls", table="incident", operation="read", roles=["nobody"])
    assert [row["sys_class_name"] for row in agent.list("task")] == ["problem"]
    assert len(client.list("task")) == 6


def test_one_of_several_rules_suffices(client: Client, guest: Client, incidents: list[str]) -> None:
    client.admin("acls", table="incident", operation="read", roles=["itil"])
    client.admin("acls", table="incident", operation="read", condition="priority=3")
    assert [row["priority"] for row in guest.list("incident")] == ["3"]
    client.admin("acls/clear")
    assert len(guest.list("incident")) == 5


def test_a_column_may_be_hidden(client: Client, agent: Client) -> None:
    sys_id = client.create("sys_user", name="Jan", phone="123")["sys_id"]
    client.admin("acls", table="sys_user", column="phone", operation="read", roles=["hr"])
    assert "phone" not in agent.row("sys_user", sys_id)
    assert client.row("sys_user", sys_id)["phone"] == "123"
    # Without a query ACL the column's read ACL decides about conditions.
    assert len(agent.list("sys_user", "phone=no such number^name=Jan")) == 1


def test_rules_of_all_columns_and_all_tables(client: Client, agent: Client) -> None:
    sys_id = client.create("sys_user", name="Jan", phone="123")["sys_id"]
    client.admin("acls", table="*", column="*", operation="read", roles=["hr"])
    client.admin("acls", table="sys_user", column="name", operation="read", roles=["itil"])
    assert agent.row("sys_user", sys_id) == {"name": "Jan"}


def test_writes_are_refused_by_row_and_by_column(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin("acls", table="incident", operation="write", condition="priority=1")
    client.admin("acls", table="incident", operation="delete", roles=["nobody"])
    client.admin("acls", table="problem", operation="create", roles=["nobody"])
    client.admin("acls", table="task", column="close_notes", operation="write", roles=["nobody"])
    client.admin("acls", table="task", column="close_notes", operation="create", roles=["nobody"])
    assert agent.change("incident", incidents[0], priority="2").status_code == 200
    for answer, operation in (
        (agent.change("incident", incidents[1], state="2"), "Update"),
        (agent("DELETE", f"table/incident/{incidents[0]}"), "Delete"),
        (agent("POST", "table/problem", json={}), "Insert"),
        (agent("POST", "table/incident", json={"close_notes": "x"}), "Insert"),
    ):
        assert answer.status_code == 403
        expected = f"ACL Exception {operation} Failed due to security constraints"
        assert detail(answer) == expected


def test_evidence_is_not_written_through_rest_even_by_admins(client: Client) -> None:
    for table in ("sys_journal_field", "sys_audit", "sys_audit_delete", "sys_dictionary"):
        assert client("POST", f"table/{table}", json={}).status_code == 403


def test_deletions_are_read_by_admins_alone(client: Client, agent: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    client("DELETE", f"table/incident/{sys_id}")
    assert len(client.list("sys_audit_delete")) == 1
    assert agent.list("sys_audit_delete") == []


def test_before_query_rules_hide_rows_also_from_the_count(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin("rules/query", table="task", condition="priority<=2", roles=["admin"])
    assert len(agent.list("incident")) == 2
    assert count(agent, "incident") == "2"
    assert agent.get("table/incident").headers["X-Total-Count"] == "2"
    assert agent.get(f"table/incident/{incidents[4]}").status_code == 404
    assert count(client, "incident") == "5"
    client.admin("rules/clear")
    assert count(agent, "incident") == "5"


def test_a_rule_that_names_the_caller_hides_rows_of_others(
    client: Client, agent: Client, guest: Client
) -> None:
    client.create("incident", assigned_to="b" * 32)
    client.create("incident", assigned_to="c" * 32)
    client.admin(
        "rules/query", table="task", condition="assigned_to=javascript:gs.getUserID()",
        roles=["admin"],
    )  # fmt: skip
    assert [row["assigned_to"]["value"] for row in agent.list("incident")] == ["b" * 32]
    assert count(guest, "incident") == "1"
    assert client.see("scripts")["scripts"] == []


def test_an_acl_that_names_the_caller_hides_rows_of_others(client: Client, agent: Client) -> None:
    client.create("incident", assigned_to="b" * 32)
    client.create("incident", assigned_to="c" * 32)
    client.admin(
        "acls", table="task", operation="read",
        condition="assigned_to=javascript:gs.getUserID()",
    )  # fmt: skip
    assert [row["assigned_to"]["value"] for row in agent.list("incident")] == ["b" * 32]


def test_an_acl_on_a_dropped_column_admits_no_row(client: Client, agent: Client) -> None:
    client.admin("schema/put-column", table="incident", name="u_tier", label="Tier")
    client.create("incident", u_tier="1")
    client.admin("acls", table="incident", operation="read", condition="u_tier=1")
    assert len(agent.list("incident")) == 1
    client.admin("schema/drop-column", table="incident", name="u_tier")
    assert agent.list("incident") == []


def test_a_column_may_be_hidden_in_some_rows_alone(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin(
        "acls", table="task", column="short_description", operation="read", condition="priority=3"
    )
    rows = agent.list("incident", "ORDERBYpriority", sysparm_fields="priority,short_description")
    assert [row.get("short_description") for row in rows] == [None, None, "Incident 3", None, None]
    assert all("short_description" in row for row in client.list("incident"))


def test_a_hidden_column_may_look_like_an_empty_one(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin("settings", hidden_column="empty")
    client.admin(
        "acls", table="task", column="short_description", operation="read", roles=["nobody"]
    )
    assert {row["short_description"] for row in agent.list("incident")} == {""}
    both = agent.row("incident", incidents[0], sysparm_display_value="all")
    assert both["short_description"] == {"display_value": "", "value": ""}
    assert "no_such" not in agent.row("incident", incidents[0], sysparm_fields="no_such,state")


def test_a_column_may_be_closed_to_writes_in_some_rows_alone(
    client: Client, agent: Client, incidents: list[str]
) -> None:
    client.admin(
        "acls", table="task", column="close_notes", operation="write", condition="priority=1"
    )
    assert agent.change("incident", incidents[0], close_notes="x").status_code == 200
    assert agent.change("incident", incidents[1], close_notes="x").status_code == 403


def test_a_refused_column_may_be_ignored_under_a_status_of_success(
    client: Client, agent: Client
) -> None:
    client.admin("settings", refused_column="ignored")
    for operation in ("write", "create"):
        client.admin(
            "acls", table="task", column="close_notes", operation=operation, roles=["nobody"]
        )
    row = agent.create("incident", close_notes="x", short_description="s")
    assert (row["close_notes"], row["short_description"]) == ("", "s")
    changed = agent.change("incident", row["sys_id"], close_notes="x", short_description="t")
    result = changed.json()["result"]
    assert (result["close_notes"], result["short_description"]) == ("", "t")


def test_journals_are_closed_by_the_acls_of_their_columns(client: Client, agent: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    for operation in ("write", "create"):
        client.admin(
            "acls", table="task", column="work_notes", operation=operation, roles=["nobody"]
        )
    assert agent.change("incident", sys_id, work_notes="x").status_code == 403
    assert agent("POST", "table/incident", json={"work_notes": "x"}).status_code == 403
    assert client.list("sys_journal_field") == []
