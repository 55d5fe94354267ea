"""unlost gaps, and unlost status: what is not protected, and why."""

from dataclasses import replace

import pytest

from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import with_sales
from unlost.app.actions.backups.backup import backup
from unlost.cli.exits import ExitCode
from unlost.model.finding import Finding, FindingKind, Severity

MAIL = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.", "Mail")

TASKS = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Tasks are hidden.", "Allow.", "Task")


def live(world):  # type: ignore[no-untyped-def]
    """A backup has a gap."""
    with_sales(world)
    world.org.findings = [MAIL]
    backup(world.app, "sales")


lived = scene(live)


@pytest.fixture
def hidden(unlost: Terminal, lived: Lead) -> Terminal:
    """A terminal at that home."""
    lived(unlost.world)
    unlost.world.org.findings = [MAIL]
    return unlost


def test_a_gap_is_accepted_and_reopened_by_what_the_list_says(hidden: Terminal) -> None:
    listed = hidden("gaps", "list", "sales")
    assert listed.code == ExitCode.FINDINGS
    gap = listed.out.partition(":")[0]
    assert f"unlost gaps accept sales {gap} --reason TEXT" in listed.out
    assert "Allow it." in listed.out
    accepted = hidden("gaps", "accept", "sales", gap, "--reason", "Legal does not allow it.")
    assert accepted.code == ExitCode.OK
    assert "Legal does not allow it." in accepted.out
    listed = hidden("gaps", "list", "sales")
    assert listed.code == ExitCode.OK
    assert "Legal does not allow it." in listed.out
    assert hidden("certificate", "sales").code == ExitCode.OK
    shown = hidden("certificate", "sales").out
    assert "Accepted (1 gap)" in shown
    assert "Complete, except for accepted gaps: 1. The vault has" in shown
    again = hidden("backup", "sales")
    assert again.code == ExitCode.OK
    assert "Accepted gaps: 1" in again.out
    number = str(hidden("gaps", "list", "sales", "--json").json["gaps"][0]["accepted"]["id"])
    assert "reopened by" in hidden("gaps", "reopen", "sales", number).out
    assert hidden("certificate", "sales").code == ExitCode.FINDINGS
    assert "Ended:" in hidden("gaps", "list", "sales").out


def test_gaps_are_accepted_together_by_ids_or_by_kind(hidden: Terminal) -> None:
    refused = replace(MAIL, kind=FindingKind.TABLE_REFUSED, sentence="A list.", table="List")
    hidden.world.org.findings = [MAIL, TASKS, refused]
    hidden("backup", "sales")
    listed = hidden("gaps", "list", "sales")
    kind = ("--kind", "permission-missing")
    assert f"unlost gaps accept sales {' '.join(kind)} --reason TEXT" in listed.out
    assert "--kind table-refused" not in listed.out, "there is only one"
    ids = {
        one["gap"]["table"]: one["id"]
        for one in hidden("gaps", "list", "sales", "--json").json["gaps"]
    }
    done = hidden(
        "gaps", "accept", "sales", ids["Mail"], ids["List"], "--reason", "Legal.", "--json"
    )
    assert done.code == ExitCode.OK
    assert [one["gap"]["table"] for one in done.json["accepted"]] == ["Mail", "List"]
    rest = hidden("gaps", "accept", "sales", *kind, "--reason", "Legal.")
    assert "Tasks are hidden." in rest.out
    assert "Mail is hidden." not in rest.out, "it is accepted already"
    none = hidden("gaps", "accept", "sales", *kind, "--reason", "Legal.")
    assert none.code == ExitCode.FAILED
    assert "no open gap of the kind permission-missing" in none.err
    assert "already accepted" in hidden("gaps", "accept", "sales", ids["Mail"], "--reason", "x").err


def test_accepting_names_what_is_missing_and_accepts_nothing(hidden: Terminal) -> None:
    loss = replace(MAIL, kind=FindingKind.UNUSUAL_LOSS, sentence="Many vanished.", table="Case")
    hidden.world.org.findings = [MAIL, loss]
    hidden("backup", "sales")
    ids = {
        one["gap"]["table"]: one["id"]
        for one in hidden("gaps", "list", "sales", "--json").json["gaps"]
    }
    assert hidden("gaps", "accept", "sales", "--reason", "x").code == ExitCode.USAGE
    passing = hidden("gaps", "accept", "sales", ids["Mail"], ids["Case"], "--reason", "x")
    assert "about one backup" in passing.err
    assert hidden("gaps", "list", "sales", "--json").json["gaps"][0]["accepted"] is None


def test_open_and_accepted_gaps_are_counted_apart(hidden: Terminal) -> None:
    hidden.world.org.findings = [MAIL, TASKS]
    first = hidden("backup", "sales")
    assert "is stored, with 2 open gaps." in first.out
    gap = next(line for line in hidden("gaps", "list", "sales").out.splitlines() if "Mail" in line)
    hidden("gaps", "accept", "sales", gap.partition(":")[0], "--reason", "Legal.")
    shown = hidden("certificate", "sales")
    assert shown.code == ExitCode.FINDINGS
    assert "Incomplete, with 1 open gap, 1 accepted: the vault has" in shown.out
    assert "Tasks are hidden." in shown.out
    assert "The newest backup has 1 open gap, 1 accepted." in hidden("status").out
    again = hidden("backup", "sales")
    assert "is stored, with 1 open gap." in again.out
    verdict = again.out[again.out.index("Verdict") :]
    assert "with 1 open gap, 1 accepted" in verdict
    assert "- Tasks are hidden." in verdict
    assert "- Mail is hidden." not in verdict
    assert "Accepted gaps: 1." in verdict


def test_a_complete_backup_has_no_gaps(hidden: Terminal) -> None:
    hidden.world.org.findings = []
    hidden("backup", "sales")
    ended = hidden("gaps", "list", "sales")
    assert ended.code == ExitCode.OK
    assert "has no gaps" in ended.out


def test_the_status_has_its_reason_and_the_next_step(hidden: Terminal) -> None:
    ended = hidden("status")
    assert ended.code == ExitCode.FINDINGS
    first, why, step = ended.out.splitlines()[:3]
    assert first == "sales: Incomplete"
    assert why.strip() == "The newest backup has 1 open gap."
    assert "accept it with a reason" in step
    assert hidden("status", "sales", "--json").json["orgs"][0]["status"] == "incomplete"


def test_the_status_of_an_org_that_does_not_exist_is_refused(hidden: Terminal) -> None:
    ended = hidden("status", "nobody")
    assert ended.code not in (ExitCode.OK, ExitCode.FINDINGS)
    assert "Use one of: sales" in ended.err
