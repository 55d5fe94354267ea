"""Deletions and their trails; what goes with a row; the platform's housekeeping."""

from simulators.servicenow.clients import Client, detail
from unlost_simulators.servicenow.model.columns import Cascade, Column, Kind


def upload(client: Client, table: str, sys_id: str) -> str:
    answer = client(
        "POST", "attachment/file", content=b"x", headers={"Content-Type": "text/plain"},
        params={"table_name": table, "table_sys_id": sys_id, "file_name": "a.txt"},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["sys_id"]


def test_a_deletion_leaves_two_trails(client: Client, agent: Client) -> None:
    row = client.create("incident", short_description="a < b")
    client.admin("clock/advance", hours=1)
    agent("DELETE", f"table/incident/{row['sys_id']}")
    (trail,) = client.list("sys_audit_delete")
    assert (trail["tablename"], trail["documentkey"]) == ("incident", row["sys_id"])
    assert (trail["user"], trail["display_value"]) == ("agent", row["number"])
    assert trail["sys_created_on"] == "2026-11-24 11:20:00"
    assert "<short_description>a &lt; b</short_description>" in trail["payload"]
    (mark,) = client.list("sys_audit", "fieldname=DELETED")
    assert (mark["tablename"], mark["documentkey"]) == ("incident", row["sys_id"])
    assert mark["oldvalue"] == mark["newvalue"] == "DELETED"
    assert "sys_updated_on" not in mark


def test_a_deletion_through_the_base_names_the_class(client: Client) -> None:
    sys_id = client.create("incident", caller_id="x")["sys_id"]
    client("DELETE", f"table/task/{sys_id}")
    (trail,) = client.list("sys_audit_delete")
    assert trail["tablename"] == "incident"
    assert "<caller_id>x</caller_id>" in trail["payload"]


def test_the_audit_marks_deletions_of_tables_that_are_not_audited(client: Client) -> None:
    sys_id = client.create("sys_app", name="x")["sys_id"]
    client("DELETE", f"table/sys_app/{sys_id}")
    assert client.list("sys_audit_delete") == []
    assert len(client.list("sys_audit", f"documentkey={sys_id}")) == 1


def test_tables_may_be_left_out_of_the_first_trail(client: Client) -> None:
    client.admin("settings", not_deleted=["problem", "incident"])
    (row,) = client.list("sys_properties", "name=glide.db.audit.ignore.delete")
    assert row["value"] == "incident,problem"
    sys_id = client.create("incident")["sys_id"]
    client("DELETE", f"table/incident/{sys_id}")
    assert client.list("sys_audit_delete") == []
    assert len(client.list("sys_audit", "fieldname=DELETED")) == 1


def test_what_hangs_on_a_row_goes_with_it(client: Client, agent: Client) -> None:
    group = client.create("sys_user_group", name="G")["sys_id"]
    user = client.create("sys_user", name="Jan")["sys_id"]
    member = client.create("sys_user_grmember", group=group, user=user)["sys_id"]
    incident = client.create("incident", assignment_group=group)["sys_id"]
    file = upload(client, "sys_user_group", group)
    agent("DELETE", f"table/sys_user_group/{group}")
    assert client.list("sys_user_grmember") == []
    assert client.row("incident", incident)["assignment_group"] == ""
    assert client.get(f"attachment/{file}").status_code == 404
    marks = {
        row["documentkey"]: row["user"] for row in client.list("sys_audit", "fieldname=DELETED")
    }
    assert marks == {group: "agent", member: "system", file: "system"}


def test_a_reference_may_restrict(client: Client) -> None:
    client.instance.put_column(
        "incident",
        Column(name="u_app", label="App", kind=Kind.REFERENCE, target="sys_app",
               cascade=Cascade.RESTRICT),
    )  # fmt: skip
    app = client.create("sys_app", name="x")["sys_id"]
    client.create("incident", u_app=app)
    refused = client("DELETE", f"table/sys_app/{app}")
    assert refused.status_code == 403
    assert "incident.u_app" in detail(refused)
    assert len(client.list("sys_app")) == 1


def test_the_table_cleaner_leaves_no_trail_and_minds_no_rules(
    client: Client, incidents: list[str]
) -> None:
    client.admin("rules/write", name="Stay", table="incident", operations=["delete"])
    assert client.admin("records/clean", table="incident", query="priority>3") == {"deleted": 2}
    assert len(client.list("incident")) == 3
    assert client.list("sys_audit", "fieldname=DELETED") == []
    assert client.list("sys_audit_delete") == []


def test_archived_rows_move_to_another_table(client: Client, incidents: list[str]) -> None:
    for query in ("priority=1", "priority=2"):
        assert client.admin("records/archive", table="incident", query=query) == {"archived": 1}
    assert len(client.list("incident")) == 3
    archived = client.list("ar_incident")
    assert {row["sys_id"] for row in archived} == set(incidents[:2])
    assert archived[0]["archived"] == "2026-11-24 10:20:00"
    assert client.list("sys_audit_delete") == []
    assert len(client.list("sys_db_object", "name=ar_incident")) == 1


def test_an_administrator_undeletes(client: Client) -> None:
    row = client.create("incident", short_description="a < b\n☃")
    client("DELETE", f"table/incident/{row['sys_id']}")
    client.admin("records/undelete", table="incident", sys_id=row["sys_id"])
    assert client.row("incident", row["sys_id"]) == row
    (mark,) = client.list("sys_audit", "newvalue=RECOVERED")
    assert mark["documentkey"] == row["sys_id"]
    again = client("POST", "/__sim__/records/undelete", json={"table": "incident", "sys_id": "x"})
    assert again.status_code == 400


def test_a_row_that_is_not_there_cannot_be_deleted(client: Client) -> None:
    assert client("DELETE", f"table/incident/{'0' * 32}").status_code == 404


def test_deleting_evidence_leaves_no_trail(client: Client) -> None:
    client.admin("acls/clear")
    client.create("incident", work_notes="x")
    entry = client.list("sys_journal_field")[0]["sys_id"]
    assert client("DELETE", f"table/sys_journal_field/{entry}").status_code == 204
    assert client.list("sys_audit", "fieldname=DELETED") == []


def test_an_archive_keeps_the_columns_of_each_class_and_of_upgrades(client: Client) -> None:
    incident = client.create("incident", category="net")["sys_id"]
    assert client.admin("records/archive", table="task", query="")["archived"] == 1
    client.admin("schema/put-column", table="incident", name="u_tier", label="Tier")
    second = client.create("incident", u_tier="1", category="web")["sys_id"]
    client.admin("records/archive", table="task", query="")
    rows = {row["sys_id"]: row for row in client.list("ar_incident")}
    assert (rows[incident]["category"], rows[second]["u_tier"]) == ("net", "1")
    assert client.list("task") == []


def test_the_newest_deletion_is_undeleted_and_never_a_row_that_lives(client: Client) -> None:
    sys_id = client.create("incident", short_description="0")["sys_id"]
    again = {"table": "incident", "sys_id": sys_id}
    client("DELETE", f"table/incident/{sys_id}")
    for n in range(1, 6):
        client.create("incident", sys_id=sys_id, short_description=str(n))
        client("DELETE", f"table/incident/{sys_id}")
    client.admin("records/undelete", **again)
    assert client.row("incident", sys_id)["short_description"] == "5"
    assert client("POST", "/__sim__/records/undelete", json=again).status_code == 400


def test_a_payload_holds_every_text_that_xml_can_hold(client: Client) -> None:
    sys_id = client.create("incident", close_notes="a\r\nb\x0bc\ttwo")["sys_id"]
    client("DELETE", f"table/incident/{sys_id}")
    client.admin("records/undelete", table="incident", sys_id=sys_id)
    assert client.row("incident", sys_id)["close_notes"] == "a\r\nb\ufffdc\ttwo"
