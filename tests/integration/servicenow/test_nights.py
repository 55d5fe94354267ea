"""Backups of a whole instance by the program: nights in which something is deleted, or hidden."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.instance import BACKUP, PASSWORD, ServedInstance
from integration.cli.conftest import Program

pytestmark = pytest.mark.network

ORG = "it"
GAPS = "complete except for findings"


@pytest.fixture
def program(tmp_path: Path, served: ServedInstance) -> Program:
    """A home with one complete backup of the instance."""
    served.admin.post("schema/web-access", table="sys_certificate", open=True)
    served.admin.post("users", name=BACKUP, contexts=["plant secrets"])
    home = Program(tmp_path / "home", {"UNLOST_PASSWORD": PASSWORD})
    assert home("init", str(home.home), "--recovery-out", str(tmp_path / "sheet.txt")).code == 0
    added = home("org", "add", "servicenow", ORG, "--url", served.url, "--username", BACKUP)
    assert added.code == 0, added
    assert home("backup", ORG).code == 0
    return home


def night(program: Program, served: ServedInstance) -> Mapping[str, Any]:
    """The certificate of another backup, three hours later."""
    served.admin.post("clock/advance", hours=3)
    backup = program("backup", ORG, "--json")
    assert backup.code in {0, 3}, backup
    certificate: dict[str, Any] = program("certificate", ORG, "--json").json["certificate"]
    return certificate


def line(certificate: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    (match,) = (each for each in certificate["tables"] if each["table"] == table)
    return dict(match)


def gaps(certificate: Mapping[str, Any], table: str) -> list[str]:
    findings = line(certificate, table)["findings"]
    return [each["sentence"] for each in findings if each["severity"] == "gap"]


def deleted(certificate: Mapping[str, Any]) -> int:
    return sum(each["deleted"] for each in certificate["tables"])


def is_alive(program: Program, table: str, record: str) -> bool:
    return bool(program("show", ORG, f"{table}/{record}", "--json").done["alive"])


def test_a_whole_instance_is_complete_and_searched(
    program: Program, served: ServedInstance
) -> None:
    certificate = program("certificate", ORG, "--json").json["certificate"]
    assert certificate["verdict"] == "complete"
    assert certificate["files"] == len(served.rows("sys_attachment"))
    incident = served.rows("incident", "ORDERBYnumber")[7]
    (hit,) = program("find", incident["number"], "--json").done["hits"]
    assert (hit["table"], hit["record"]) == ("incident", incident["sys_id"])
    attachment = served.rows("sys_attachment")[0]
    target = program.home.parent / "attachment"
    record = f"sys_attachment/{attachment['sys_id']}"
    assert program("file", ORG, record, "--out", str(target)).code == 0
    assert target.stat().st_size == int(attachment["size_bytes"])


def test_a_night_of_work_is_read_with_its_history(program: Program, served: ServedInstance) -> None:
    incident = served.rows("incident", "state=2")[0]
    served.admin.post("clock/advance", hours=1)
    served.update("incident", incident["sys_id"], state="6", work_notes="Logger changed.")
    certificate = night(program, served)
    assert certificate["verdict"] == "complete"
    assert line(certificate, "incident")["changed"] == 1
    assert line(certificate, "sys_journal_field")["created"] == 1
    history = program("history", ORG, f"incident/{incident['sys_id']}").out
    assert "In Progress" in history
    assert "Resolved" in history
    shown = program("show", ORG, f"incident/{incident['sys_id']}", "--json").done
    groups = {(each["table"], each["through"]): each for each in shown["related"]["tables"]}
    assert groups["sys_journal_field", None]["count"] >= 1


def test_deleted_incidents_are_lost_with_time_and_user(
    program: Program, served: ServedInstance
) -> None:
    before = {row["sys_id"] for row in served.rows("incident")}
    served.admin.post("story/delete-incidents")
    gone = before - {row["sys_id"] for row in served.rows("incident")}
    certificate = night(program, served)
    assert certificate["verdict"] == "complete"
    assert line(certificate, "incident")["deleted"] == len(gone) > 0
    record = min(gone)
    last = program("history", ORG, f"incident/{record}", "--json").done["entries"][-1]
    assert last["kind"] == "deleted"
    assert not is_alive(program, "incident", record)


def test_an_undeleted_problem_leaves_no_gap_on_journals(
    program: Program, served: ServedInstance
) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.delete("problem", record)
    assert line(night(program, served), "problem")["deleted"] == 1
    served.admin.post("records/undelete", table="problem", sys_id=record)
    certificate = night(program, served)
    assert is_alive(program, "problem", record)
    assert gaps(certificate, "sys_journal_field") == []
    assert certificate["verdict"] == "complete"


def test_rows_that_an_acl_hides_are_a_gap(program: Program, served: ServedInstance) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.acl("problem", roles=[], condition=f"sys_id!={record}")
    certificate = night(program, served)
    assert certificate["verdict"] == GAPS
    assert gaps(certificate, "problem")
    assert deleted(certificate) == 0
    assert is_alive(program, "problem", record)
    again = night(program, served)
    assert gaps(again, "problem")
    assert deleted(again) == 0


def test_a_hidden_table_is_a_gap(program: Program, served: ServedInstance) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.acl("problem")
    certificate = night(program, served)
    assert gaps(certificate, "problem")
    assert deleted(certificate) == 0
    assert is_alive(program, "problem", record)


def test_a_table_that_is_closed_to_rest_is_a_gap(program: Program, served: ServedInstance) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.admin.post("schema/web-access", table="problem", open=False)
    certificate = night(program, served)
    assert certificate["verdict"] == GAPS
    assert deleted(certificate) == 0
    assert is_alive(program, "problem", record)


def test_a_removed_role_is_a_gap(program: Program, served: ServedInstance) -> None:
    credential = served.rows("u_credential")[0]["sys_id"]
    served.admin.post("users", name=BACKUP, roles=["itil", "snc_read_only"])
    certificate = night(program, served)
    assert certificate["verdict"] == GAPS
    assert deleted(certificate) == 0
    assert is_alive(program, "u_credential", credential)


def test_a_role_that_comes_back_closes_the_gap(program: Program, served: ServedInstance) -> None:
    served.admin.post("users", name=BACKUP, roles=["itil", "snc_read_only"])
    assert night(program, served)["verdict"] == GAPS
    served.admin.post("users", name=BACKUP, roles=["admin", "snc_read_only"])
    certificate = night(program, served)
    assert (certificate["verdict"], deleted(certificate)) == ("complete", 0)


def test_a_changed_class_is_a_gap(program: Program, served: ServedInstance) -> None:
    record = served.rows("incident")[0]["sys_id"]
    served.admin.post("records/reclass", table="incident", sys_id=record, to="problem")
    for _ in range(2):
        certificate = night(program, served)
        assert "was changed to problem" in gaps(certificate, "incident")[0]
        assert deleted(certificate) == 0
        assert is_alive(program, "incident", record)
        assert is_alive(program, "problem", record)


def test_archived_rows_stay_and_deleted_rows_go(program: Program, served: ServedInstance) -> None:
    archived, cleaned = (row["sys_id"] for row in served.rows("problem")[:2])
    served.admin.post("records/archive", table="problem", query=f"sys_id={archived}")
    served.admin.post("records/clean", table="problem", query=f"sys_id={cleaned}")
    certificate = night(program, served)
    assert certificate["verdict"] == "complete"
    assert line(certificate, "problem")["deleted"] == 1
    assert is_alive(program, "problem", archived)
    assert not is_alive(program, "problem", cleaned)


def test_a_query_acl_that_is_new_is_a_gap(program: Program, served: ServedInstance) -> None:
    served.acl("problem", "query_range", column="*")
    certificate = night(program, served)
    assert "ignored a condition" in gaps(certificate, "problem")[0]
    assert deleted(certificate) == 0


def test_rows_that_a_before_query_rule_takes_away_are_a_gap(
    program: Program, served: ServedInstance
) -> None:
    record = served.rows("problem")[0]["sys_id"]
    rule = {"name": "Own work", "table": "task", "condition": f"sys_id!={record}"}
    served.admin.post("rules/query", **rule)
    certificate = night(program, served)
    assert certificate["verdict"] == GAPS
    assert any("Own work" in gap for gap in gaps(certificate, "problem"))
    assert any("not visible to the backup user" in gap for gap in gaps(certificate, "problem"))
    assert deleted(certificate) == 0
    assert is_alive(program, "problem", record)


def test_quiet_inserts_and_deletions_are_backed_up(
    program: Program, served: ServedInstance
) -> None:
    old = {"sys_created_on": "2020-01-01 00:00:00", "sys_updated_on": "2020-01-01 00:00:00"}
    row = {"short_description": "Imported", **old}
    (new,) = served.admin.post("records/quiet-insert", table="problem", rows=[row])["sys_ids"]
    gone = served.rows("problem")[0]["sys_id"]
    served.admin.post("records/quiet-delete", table="problem", sys_ids=[gone])
    also = served.insert("problem", short_description="One more, so that numbers differ")
    certificate = night(program, served)
    assert certificate["verdict"] == "complete"
    counts = line(certificate, "problem")
    assert (counts["created"], counts["deleted"]) == (2, 1)
    assert all(is_alive(program, "problem", record) for record in (new, also))
    assert not is_alive(program, "problem", gone)


def test_a_clone_that_keeps_the_identity_is_no_mass_loss(
    program: Program, served: ServedInstance
) -> None:
    before = served.rows("incident")
    stamps = {name: before[0][name] for name in ("sys_created_on", "sys_updated_on")}
    served.admin.post("records/clean", table="incident", query="sys_idISNOTEMPTY")
    rows = [{"short_description": f"Of the source {number}", **stamps} for number in range(5)]
    served.admin.post("records/quiet-insert", table="incident", rows=rows)
    certificate = night(program, served)
    assert certificate["verdict"] == GAPS
    assert any("vanished at the same time" in gap for gap in gaps(certificate, "incident"))
    assert deleted(certificate) == 0
    assert is_alive(program, "incident", before[0]["sys_id"])


def test_a_clone_with_another_identity_is_asked_about(
    program: Program, served: ServedInstance
) -> None:
    served.insert("sys_properties", name="instance_id", value="another")
    served.admin.post("records/clean", table="problem", query="sys_idISNOTEMPTY")
    refused = program("backup", ORG, "--json")
    assert refused.code not in {0, 3}
    assert "refreshed" in refused.out + refused.err


def test_without_a_write_user_a_plan_is_a_preview(program: Program, served: ServedInstance) -> None:
    record = served.rows("incident")[0]["sys_id"]
    served.delete("incident", record)
    out = str(program.home.parent / "plan.json")
    plan = ("restore", "plan", ORG, "--record", f"incident/{record}", "--out", out, "--json")
    summary = program(*plan).done["summary"]
    assert "writer-missing" in {note["code"] for note in summary["notes"]}
    assert "recreate" in {each["action"] for each in summary["actions"]}
    assert program("restore", "run", out).code not in {0, 3}
    assert not served.rows("incident", f"sys_id={record}")
