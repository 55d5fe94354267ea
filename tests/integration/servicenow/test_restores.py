"""A deleted incident comes back by the program, with all that belongs to it, and goes again."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fakes.instance import BACKUP, PASSWORD, RESTORE, ServedInstance
from integration.cli.conftest import Program

pytestmark = pytest.mark.network

ORG = "it"
DONE = {0, 3}
TABLES = (
    "incident", "problem", "task_ci", "sys_attachment", "sys_journal_field", "sys_user",
    "sys_user_group", "cmdb_ci_server", "cmdb_ci_service", "cmdb_ci_computer", "core_company",
    "customer_account",
)  # fmt: skip


class Case:
    """An incident with entries, an attachment, a configuration item and a child."""

    def __init__(self, served: ServedInstance) -> None:
        self.served = served
        file = served.rows("sys_attachment", "table_name=incident")[0]
        self.record = file["table_sys_id"]
        server = served.rows("cmdb_ci_server")[0]["sys_id"]
        user = served.rows("sys_user")[0]["sys_id"]
        served.update("incident", self.record, work_notes="Logger changed.", watch_list=user)
        served.update("incident", self.record, comments="It works again.", state="6")
        served.insert("task_ci", task=self.record, ci_item=server)
        self.child = served.insert("incident", short_description="Same again", parent=self.record)

    def row(self) -> Mapping[str, str]:
        rows = self.served.rows("incident", f"sys_id={self.record}")
        return rows[0] if rows else {}

    def steady(self) -> dict[str, str]:
        """The cells of the incident without its stamps."""
        return {name: cell for name, cell in self.row().items() if not name.startswith("sys_")}

    def entries(self) -> list[str]:
        rows = self.served.rows("sys_journal_field", f"element_id={self.record}")
        return sorted(row["value"] for row in rows)

    def links(self) -> list[str]:
        return [row["sys_id"] for row in self.served.rows("task_ci", f"task={self.record}")]

    def files(self) -> set[tuple[str, str]]:
        """Names and hashes of the attachments, as their bytes are now."""
        rows = self.served.rows("sys_attachment", f"table_sys_id={self.record}")
        hashes = set()
        with self.served.api() as api:
            for row in rows:
                with api.file(row["sys_id"]) as stream:
                    content = b"".join(stream.chunks())
                hashes.add((row["file_name"], hashlib.sha256(content).hexdigest()))
        return hashes

    def clean_entries(self) -> None:
        """The table cleaner takes the entries of the incident."""
        query = f"element_id={self.record}"
        self.served.admin.post("records/clean", table="sys_journal_field", query=query)


@pytest.fixture
def case(served: ServedInstance) -> Case:
    return Case(served)


@pytest.fixture
def program(tmp_path: Path, served: ServedInstance, case: Case) -> Program:
    """A home with a backup of the incident, and a write user."""
    del case
    secrets = {"UNLOST_PASSWORD": PASSWORD, "UNLOST_WRITER_PASSWORD": PASSWORD}
    home = Program(tmp_path / "home", secrets)
    assert home("init", str(home.home), "--recovery-out", str(tmp_path / "sheet.txt")).code == 0
    include = [word for table in TABLES for word in ("--include", table)]
    address = ("--url", served.url)
    added = home("org", "add", "servicenow", ORG, *address, "--username", BACKUP, *include)
    assert added.code in DONE, added
    assert home("backup", ORG).code in DONE
    writer = home("org", "writer", ORG, *address, "--username", RESTORE, "--json")
    assert writer.code in DONE, writer
    return home


def backup(program: Program, served: ServedInstance) -> None:
    served.admin.post("clock/advance", hours=3)
    assert program("backup", ORG).code in DONE


def planned(program: Program, plan: Path, *words: str) -> set[str]:
    """The codes of the notes of a plan."""
    ended = program(*words, "--out", str(plan), "--json")
    assert ended.code in DONE, ended
    return {note["code"] for note in ended.done["summary"]["notes"]}


def run(program: Program, plan: Path) -> Mapping[str, Any]:
    ended = program("restore", "run", str(plan), "--json")
    assert ended.code in DONE, ended
    result: Mapping[str, Any] = ended.done
    return result


def test_a_deleted_incident_comes_back_whole_and_the_restore_is_undone(
    program: Program, served: ServedInstance, case: Case, tmp_path: Path
) -> None:
    before, entries, files, links = case.steady(), case.entries(), case.files(), case.links()
    assert entries
    assert files
    assert links
    served.admin.post("rules/write", name="Gate", table="task", operations=["insert"],
                      condition="short_description=Never")  # fmt: skip
    served.delete("incident", case.record)
    case.clean_entries()
    backup(program, served)
    assert (case.files(), case.links(), case.entries()) == (set(), [], [])
    (loss,) = program("losses", "list", ORG, "--json").json["losses"]
    assert (loss["record"], loss["keeps_id"]) == (case.record, True)

    plan = tmp_path / "plan.json"
    record = f"incident/{case.record}"
    notes = planned(program, plan, "restore", "plan", ORG, "--record", record)
    assert {"automation-trigger", "side-effect"} <= notes
    assert "permission-missing" not in notes
    result = run(program, plan)
    endings = {each["ending"]: each["count"] for each in result["endings"]}
    assert endings == {"recreated": 2, "created": len(files) + len(entries), "unchanged": 1}
    assert case.steady() == before
    assert case.links() == links
    assert case.files() == files
    restored = case.entries()
    assert sorted(text.partition("]\n")[2] for text in restored) == entries
    assert all(text.startswith("[Restored by Unlost: originally by ") for text in restored)
    (child,) = served.rows("incident", f"sys_id={case.child}")
    assert child["parent"] == case.record

    backup(program, served)
    undo = ("undo", ORG, result["run"])
    # ServiceNow leaves such a reference as it is, so the undo leaves its record.
    assert "referred-since" in planned(program, tmp_path / "first.json", *undo)
    served.update("incident", case.child, parent="")
    plan = tmp_path / "undo.json"
    assert "referred-since" not in planned(program, plan, *undo)
    run(program, plan)
    assert case.row() == {}
    assert case.files() == set()
    assert case.links() == []


def test_a_cell_that_an_acl_ignores_is_named_by_the_restore(
    program: Program, served: ServedInstance, case: Case, tmp_path: Path
) -> None:
    """ServiceNow answers such a write with 200."""
    before = case.steady()
    served.update("incident", case.record, short_description="Wrong", category="Wrong")
    backup(program, served)
    served.admin.post("settings", refused_column="ignored")
    rule = {"roles": [], "condition": f"sys_id!={case.record}"}
    served.acl("incident", "write", column="short_description", **rule)
    plan = tmp_path / "plan.json"
    record = f"incident/{case.record}"
    planned(program, plan, "restore", "plan", ORG, "--record", record, "--at", "1")
    result = run(program, plan)
    assert case.steady() == {**before, "short_description": "Wrong"}
    (outcome,) = (each for each in result["records"] if each["record"] == case.record)
    named = {each["column"] for each in outcome["differences"]}
    assert named == {"short_description", "sys_updated_on"}
