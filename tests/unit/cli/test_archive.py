"""unlost archive: what people read of policies and previews."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homes import WRITE_SECRET
from terminals import Terminal
from unlost.cli.exits import ExitCode
from unlost.model.archive_effects import (
    ArchiveEffects,
    BinRoom,
    GivenNumber,
    LosingFiles,
    SummaryChange,
)
from unlost.model.source.quota import Quota
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.testing.org import ALL_TRAITS


@pytest.fixture
def desk(sales: Terminal) -> Terminal:
    """Two closed cases, of which one has an open task, and their backup."""
    org = sales.world.org
    org.add_table(
        "Case",
        {"Closed": WireKind.TEXT, "Active": WireKind.TEXT},
        traits=ALL_TRAITS | {TableTrait.UNDELETE},
    )
    org.add_table(
        "Task",
        {"CaseId": WireKind.REFERENCE, "ParentId": WireKind.REFERENCE},
        references={"CaseId": Reference(("Case",)), "ParentId": Reference(("Case",))},
    )
    first, second = (org.create("Case", {"Closed": "true"}) for _ in range(2))
    org.create("Task", {"CaseId": first})
    org.create("Task", {"ParentId": second})
    sales.world.connector.source("one").quota = (Quota("data storage", 4096.0, 8192.0, "bytes"),)
    assert sales("backup", "sales").code == ExitCode.OK
    return sales


def policy(tmp_path: Path, **fields: object) -> str:
    """The path of a policy file for closed cases."""
    closed = {"column": "Closed", "comparison": "is", "values": ["true"]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"name": "mine", "table": "Case", "conditions": [closed]} | fields))
    return str(file)


def test_policies_are_listed(desk: Terminal) -> None:
    assert (
        desk("archive", "policies", "sales").out == "closed-case\n  select Case with Closed true\n"
    )
    (ready,) = desk("archive", "policies", "sales", "--json").json["policies"]
    assert ready["name"] == "closed-case"


def test_an_org_that_no_policy_suits(sales: Terminal) -> None:
    assert sales("backup", "sales").code == ExitCode.OK
    assert sales("archive", "policies", "sales").out == "No ready-made policy suits this org.\n"


def test_a_preview_says_what_goes_and_what_it_frees(desk: Terminal) -> None:
    out = desk("archive", "preview", "sales", "closed-case").out
    assert out.startswith("closed-case selects 2 records of Case in backup 1 of 2026-")
    assert "2 of them can leave the org, with all that belongs to them:\n" in out
    assert "Some of them:\n  Case/" in out
    assert "This frees 2.0 kB of data storage, 25.0% of its limit.\n" in out
    assert "1 record of Task would stay and lose CaseId.\n" in out


def test_a_preview_says_why_records_stay(desk: Terminal, tmp_path: Path) -> None:
    stop = {"table": "Task", "column": "CaseId", "rule": "stop"}
    out = desk("archive", "preview", "sales", "--policy", policy(tmp_path, branches=[stop])).out
    assert "1 of them can leave the org" in out
    assert "1 record must stay, because a branch of the policy stops at Task.CaseId (Cas" in out


def test_a_preview_says_which_protection_keeps_a_record(desk: Terminal) -> None:
    desk.world.org.create("Case", {"Closed": "true", "Active": "true"})
    assert desk("backup", "sales").code == ExitCode.OK
    out = desk("archive", "preview", "sales", "closed-case").out
    words = "they are protected, and the policy does not include active-case ("
    assert f"1 record must stay, because {words}" in out


def test_a_preview_says_what_else_changes(desk: Terminal) -> None:
    org = desk.world.org
    org.add_table(
        "CaseHistory",
        {"CaseId": WireKind.REFERENCE},
        references={"CaseId": Reference(("Case",), DeleteRule.CASCADE)},
    )
    org.create("CaseHistory", {"CaseId": min(org.tables["Case"].records)})
    org.delete("Case", org.create("Case", {"Closed": "false"}))
    assert desk("backup", "sales").code == ExitCode.OK
    lines = desk("archive", "preview", "sales", "closed-case").out.splitlines()
    assert lines[-4:] == [
        "Reports in the org lose the records that leave.",
        "1 record of CaseHistory cannot be written back, and would be in the vault only.",
        "The recycle bin has 1 of at most 0 records. The archive would add 2.",
        "To make room, 1 record that people deleted would leave the recycle bin early.",
    ]
    effects = desk("archive", "preview", "sales", "closed-case", "--json").json["preview"][
        "effects"
    ]
    assert effects["unreturning"] == [{"table": "CaseHistory", "records": 1}]


@pytest.mark.parametrize(
    ("effects", "lines"),
    [
        (
            ArchiveEffects((SummaryChange("Account", "Total__c", "Invoice__c", 2, 1.2e6, 4.5),)),
            ["Account.Total__c would change from 1,200,000 to 4.50 on 2 records that would stay."],
        ),
        (
            ArchiveEffects((SummaryChange("Account", "Total__c", "Invoice__c", 1, 7),)),
            [("Account.Total__c may change on 1 record that would stay, if it is a roll-up of "
              "Invoice__c. Its total is now 7.")],
        ),
        (
            ArchiveEffects(numbers=(GivenNumber("Case", "CaseNumber"),)),
            [("If a record is created again, the org gives it a new Case.CaseNumber. You can still "
              "find it by the old one.")],
        ),
        (
            ArchiveEffects(files=(LosingFiles("Case", 1_240, 1_300),)),
            [("1,240 records of Case would stay and lose 1,300 files. You can still open "
              "the files on the pages of these records in Unlost.")],
        ),
        (
            ArchiveEffects(bin=BinRoom(1_000, 990, 20, 10, 1)),
            ["The recycle bin has 990 of at most 1,000 records. The archive would add 20.",
             "To make room, 1 record that people deleted would leave the recycle bin early."],
        ),
    ],
)  # fmt: skip
def test_effects_in_words(effects: ArchiveEffects, lines: list[str]) -> None:
    from unlost.cli.effect_words import effect_lines

    shown: Any = SimpleNamespace(preview=SimpleNamespace(roots=1, effects=effects))
    told = [line for line in effect_lines(shown) if not line.startswith("Reports")]
    assert told == lines
    shown.preview.roots = 0
    assert list(effect_lines(shown)) == []


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"comparison": "older", "days": 1}, "Day older than 1 day"),
        ({"comparison": "larger", "number": 1000}, "Day above 1,000"),
        ({"comparison": "empty"}, "Day empty"),
        ({"comparison": "filled"}, "Day filled"),
        ({"comparison": "is-not", "values": ["a", "b"]}, "Day not a or b"),
    ],
)
def test_conditions_in_words(test: dict[str, object], words: str) -> None:
    from unlost.cli.policy_words import condition_words
    from unlost.model.archive import Condition
    from unlost.model.decoders import decoder_for

    assert condition_words(decoder_for(Condition).convert({"column": "Day"} | test)) == words


def test_a_policy_is_named_once(desk: Terminal, tmp_path: Path) -> None:
    file = policy(tmp_path)
    for words in ((), ("closed-case", "--policy", file)):
        ended = desk("archive", "preview", "sales", *words, "--json")
        assert ended.failure["code"] == "archive-policy-unclear"
    ended = desk("archive", "preview", "sales", "none", "--json")
    assert ended.failure["code"] == "archive-policy-unknown"


@pytest.fixture
def writable(desk: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The same, with a write user."""
    desk.world.connector.writer("one")
    monkeypatch.setenv("UNLOST_WRITER_PASSWORD", WRITE_SECRET)
    assert desk("org", "writer", "sales").code == ExitCode.OK
    return desk


def live(terminal: Terminal, table: str) -> int:
    records = terminal.world.connector.orgs["one"].tables[table].records
    return sum(not record.deleted for record in records.values())


def test_records_are_archived_and_come_back(writable: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "archive.json")
    planned = writable("archive", "plan", "sales", "closed-case", "--out", file)
    assert planned.code == ExitCode.OK
    assert "2 will be deleted in the org, and kept in the vault" in planned.out
    assert planned.out.endswith(f"Run it: unlost archive run {file}\n")
    ended = writable("archive", "run", file)
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("sales: archived in ")
    assert "2 archived: deleted in the org, kept in the vault" in ended.out
    assert live(writable, "Case") == 0
    line, *figures = writable("archive", "list", "sales").out.splitlines()
    assert figures == ["  2.0 kB of data storage predicted."]
    assert line.endswith("done  closed-case: 2 of 2 records archived")
    (run,) = writable("archive", "list", "sales", "--json").json["runs"]
    assert (run["archived"], run["planned"], run["vanished"]) == (2, 2, 0)
    back = str(tmp_path / "back.json")
    undone = writable("unarchive", "sales", run["run"], "--out", back)
    assert undone.code == ExitCode.OK
    assert undone.out.startswith(f"Undo of {run['run']}:\n")
    other = writable("undo", "sales", run["run"], "--out", str(tmp_path / "undo.json"))
    assert other.out.startswith(f"Undo of {run['run']}:\n")
    assert writable("restore", "run", back).code == ExitCode.OK
    assert live(writable, "Case") == 2


def test_archived_records_are_called_deleted(writable: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "archive.json")
    assert writable("archive", "plan", "sales", "closed-case", "--out", file).code == ExitCode.OK
    assert writable("archive", "run", file).code == ExitCode.OK
    (run,) = [run["run"] for run in writable("archive", "list", "sales", "--json").json["runs"]]
    record = next(iter(writable.world.connector.orgs["one"].tables["Case"].records))
    writable.world.clock.advance(days=1)
    assert writable("backup", "sales").code == ExitCode.OK
    tables = writable("compare", "sales", "1", "latest").out
    assert re.search(
        r"^Table +Created +Changed +Deleted +Undeleted +Archived *$", tables, re.MULTILINE
    )
    assert re.search(r"^Case +2 *$", tables, re.MULTILINE)
    rows = writable("compare", "sales", "1", "latest", "--table", "Case").out
    assert f"{record}: archived by {run}\n" in rows
    assert f"unlost unarchive sales {run} --out plan.json" in rows
    history = writable("history", "sales", f"Case/{record}").out
    assert ", archived\n" in history
    assert f"Archived by {run}\n" in history
    losses = writable("losses", "list", "sales", "--state", "folded")
    assert f" by {run}." in losses.out
    assert "Not a loss: Unlost took it out of the org, and the vault has it." in losses.out


def test_one_archived_record_comes_back(writable: Terminal, tmp_path: Path) -> None:
    file, back = str(tmp_path / "archive.json"), str(tmp_path / "back.json")
    assert writable("archive", "plan", "sales", "closed-case", "--out", file).code == ExitCode.OK
    assert writable("archive", "run", file).code == ExitCode.OK
    record = next(iter(writable.world.connector.orgs["one"].tables["Case"].records))
    planned = writable("unarchive", "sales", f"Case/{record}", "--out", back)
    assert "1 Case, 1 Task" in planned.out, "the task that stayed gets its reference again"
    assert writable("restore", "run", back).code == ExitCode.OK
    assert live(writable, "Case") == 1


def test_an_archive_is_limited(writable: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "archive.json")
    ended = writable("archive", "plan", "sales", "closed-case", "--most", "1", "--out", file)
    assert "1 more records of the policy can leave the org." in ended.out
    assert "1 will be deleted" in ended.out


def test_an_archive_is_not_retried(writable: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "archive.json")
    assert writable("archive", "plan", "sales", "closed-case", "--out", file).code == ExitCode.OK
    org = writable.world.connector.orgs["one"]
    changed = next(iter(org.tables["Case"].records))
    writable.world.clock.advance(hours=1)
    org.update("Case", changed, {"Closed": "maybe"})
    ended = writable("archive", "run", file)
    assert ended.code == ExitCode.FINDINGS
    assert f"Case/{changed} was changed in the org after the backup. It stays there." in ended.out
    assert "Retry" not in ended.out
    run = writable("archive", "list", "sales", "--json").json["runs"][0]["run"]
    refused = writable("restore", "retry", run)
    assert f"An archive or a purge such as {run} cannot be retried." in refused.err


def test_an_org_without_archives(desk: Terminal) -> None:
    assert desk("archive", "list", "sales").out == "This org has no archives or purges.\n"


def test_an_archive_without_its_journal_is_listed(
    writable: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "archive.json")
    assert writable("archive", "plan", "sales", "closed-case", "--out", file).code == ExitCode.OK
    assert writable("archive", "run", file).code == ExitCode.OK
    monkeypatch.setattr("unlost.app.actions.archive.archives.journal_of", lambda *_: None)
    (run,) = writable("archive", "list", "sales", "--json").json["runs"]
    assert (run["policy"], run["archived"]) == ("closed-case", 0)


# --- saved policies ---------------------------------------------------------------------------------


@pytest.fixture
def open_cases(desk: Terminal) -> Terminal:
    """The same with three open cases: the closed ones are not most of the table."""
    for _ in range(3):
        desk.world.org.create("Case", {"Closed": "false"})
    assert desk("backup", "sales").code == ExitCode.OK
    return desk


def test_a_saved_policy_is_used_by_its_name(open_cases: Terminal, tmp_path: Path) -> None:
    saved = open_cases("archive", "policy", "save", "sales", policy(tmp_path, unchanged_days=1))
    assert saved.out == "Saved: mine: no schedule\nPreview it: unlost archive preview sales mine\n"
    listed = open_cases("archive", "policies", "sales").out
    assert listed.startswith("mine (saved)\n  select Case with Closed true\n")
    assert "  only unchanged for 1 day\n" in listed
    preview = open_cases("archive", "preview", "sales", "mine")
    assert preview.out.startswith("mine selects 2 records of Case")
    assert open_cases("archive", "policy", "remove", "sales", "mine").out == "Removed: mine\n"
    assert open_cases("archive", "preview", "sales", "mine").code == ExitCode.FAILED


def test_options_change_a_policy_of_the_command_line(open_cases: Terminal, tmp_path: Path) -> None:
    options = ("--keep-days", "400", "--unchanged-days", "3", "--include", "active-case")
    file, changed = policy(tmp_path), str(tmp_path / "plan.json")
    assert open_cases("archive", "policy", "save", "sales", file, *options).code == ExitCode.OK
    (saved,) = open_cases("archive", "policy", "list", "sales", "--json").json["policies"]
    stored = saved["policy"]
    values = (stored["keep_days"], stored["unchanged_days"], stored["include"])
    assert values == (400, 3, ["active-case"])
    shown = open_cases("archive", "preview", "sales", "closed-case", *options, "--json").json
    assert shown["preview"]["policy"]["keep_days"] == 400
    wrong = ("--include", "none", "--out", changed, "--json")
    refused = open_cases("archive", "plan", "sales", "closed-case", *wrong)
    assert refused.failure["code"] == "archive-include"


def test_a_schedule_is_switched_on_after_a_preview_and_off(open_cases: Terminal) -> None:
    save = ("archive", "policy", "save", "sales", "closed-case")
    refused = open_cases(*save, "--nightly", "--json")
    assert refused.failure["code"] == "archive-not-previewed"
    assert open_cases("archive", "policy", "list", "sales").out.startswith("No policy is saved.")
    assert open_cases(*save).code == ExitCode.OK
    assert open_cases("archive", "preview", "sales", "closed-case").code == ExitCode.OK
    on = open_cases(*save, "--nightly")
    assert on.out == "Saved: closed-case: nightly, at most 1,000 records a day\n"
    on = open_cases(*save, "--days", "thu,mon", "--daily-limit", "50")
    assert on.out == "Saved: closed-case: mon,thu, at most 50 records a day\n"
    (view,) = open_cases("archive", "policy", "list", "sales", "--json").json["policies"]
    assert (view["days"], view["on"], view["daily_limit"]) == (["mon", "thu"], True, 50)
    assert open_cases(*save, "--off").out == "Saved: closed-case: no schedule\n"
    lines = open_cases("archive", "policy", "list", "sales").out
    assert lines == "closed-case: no schedule\n"


def test_a_saved_policy_can_demand_a_second_copy_and_skip_the_bin(open_cases: Terminal) -> None:
    save = ("archive", "policy", "save", "sales", "closed-case")
    open_cases(*save, "--second-copy", "--hard-delete")
    lines = open_cases("archive", "policy", "show", "sales", "closed-case").out
    assert "only with a second copy in the mirror" in lines
    assert "delete without the recycle bin" in lines
    preview = open_cases("archive", "preview", "sales", "closed-case").out
    assert "The records skip the recycle bin" in preview
    assert "No record leaves before the mirror" in preview
    open_cases(*save)  # without the options they stay
    shown = open_cases("archive", "policy", "show", "sales", "closed-case", "--json").json
    assert (shown["policy"]["second_copy"], shown["policy"]["hard_delete"]) == (True, True)
    open_cases(*save, "--no-second-copy", "--no-hard-delete")
    shown = open_cases("archive", "policy", "show", "sales", "closed-case", "--json").json
    assert (shown["policy"]["second_copy"], shown["policy"]["hard_delete"]) == (False, False)


def test_a_file_with_the_name_of_a_purge_was_planned_as_one(
    writable: Terminal, tmp_path: Path
) -> None:
    file = policy(tmp_path, name="mail-loop")
    ended = writable(
        "archive", "plan", "sales", "--policy", file, "--out", str(tmp_path / "a.json"), "--json"
    )
    assert ended.failure["code"] == "archive-policy-reserved"


def test_a_policy_that_frees_old_versions_needs_files(open_cases: Terminal) -> None:
    save = ("archive", "policy", "save", "sales", "closed-case", "--old-versions")
    refused = open_cases(*save, "free", "--json")
    assert refused.failure["code"] == "archive-old-versions-table"
    assert open_cases(*save, "leave").code == ExitCode.OK
    assert open_cases(*save, "some").code == ExitCode.USAGE


def test_a_saved_policy_can_update_parents_of_archived_records(open_cases: Terminal) -> None:
    save = ("archive", "policy", "save", "sales", "closed-case")
    show = ("archive", "policy", "show", "sales", "closed-case")
    open_cases(*save, "--pointer", "Account, Archived,Link")
    assert "update the records in Account: Archived, Link" in open_cases(*show).out
    preview = open_cases("archive", "preview", "sales", "closed-case").out
    assert "The records in Account that stay are updated with the number" in preview
    open_cases(*save, "--pointer", "Account,,Link")
    pointer = {"column": "Account", "count": "", "link": "Link"}
    assert open_cases(*show, "--json").json["policy"]["pointer"] == pointer
    ended = open_cases(*save, "--pointer", "a,b,c,d", "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, "archive-pointer-unclear")
    open_cases(*save, "--pointer", "none")
    assert open_cases(*show, "--json").json["policy"]["pointer"] is None


def test_a_schedule_that_is_wrong_is_refused(open_cases: Terminal) -> None:
    save = ("archive", "policy", "save", "sales", "closed-case", "--json")
    for words, code in (
        (("--nightly", "--off"), "archive-days-unclear"),
        (("--days", "never"), "archive-days"),
    ):
        ended = open_cases(*save, *words)
        assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, code)


def test_a_policy_is_shown_with_its_problem_and_its_nights(open_cases: Terminal) -> None:
    from unlost.catalog.orgs.archive_policies import find_saved_policy, switch_policy_off
    from unlost.catalog.runs.archive_nights import (
        begin_archive_night,
        end_night,
        open_archive_nights,
    )
    from unlost.model.message import message
    from unlost.model.saved_policy import ArchiveNightState

    save = ("archive", "policy", "save", "sales", "closed-case")
    assert open_cases(*save).code == ExitCode.OK
    assert open_cases("archive", "preview", "sales", "closed-case").code == ExitCode.OK
    assert open_cases(*save, "--nightly").code == ExitCode.OK
    saved = find_saved_policy("sales", "closed-case")
    assert saved is not None
    now = open_cases.world.clock.now()
    begin_archive_night(saved.id, "2026-03-02T01:00", at=now)
    why = message("too-old", "It is too old.", next_step="Make it young.")
    end_night(open_archive_nights()[0].id, ArchiveNightState.FAILED, at=now, error=why)
    switch_policy_off(saved.id, why=why)
    out = open_cases("archive", "policy", "show", "sales", "closed-case").out
    assert "  problem: It is too old.\n  Make it young.\n" in out
    assert out.endswith("  2026-03-02T01:00  failed: It is too old.\n")


@pytest.fixture
def aged(writable: Terminal, tmp_path: Path) -> Terminal:
    """The same, 31 days after an archive whose policy keeps its records for 30."""
    file = str(tmp_path / "archive.json")
    ends = policy(tmp_path, keep_days=30)
    planned = writable("archive", "plan", "sales", "--policy", ends, "--out", file)
    assert planned.code == ExitCode.OK
    assert writable("archive", "run", file).code == ExitCode.OK
    writable.world.clock.advance(days=31)
    assert writable("backup", "sales").code == ExitCode.OK
    return writable


def test_archived_records_are_erased_at_the_end_of_their_retention(
    aged: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlost.app.actions.archive import expired

    (run,) = aged("archive", "list", "sales", "--json").json["runs"]
    assert run["keep_days"] == 30
    assert f", kept until {run['due']}" in aged("archive", "list", "sales").out
    listed = aged("archive", "expired", "list", "sales").out
    assert listed.startswith("sales: the retention of 2 archived records has ended.\n")
    assert f"  {run['run']}  mine: archived on " in listed
    assert f"The journal of {run['run']} would be erased" in listed
    shown = aged("archive", "expired", "request", "sales", "--json")
    assert shown.failure["code"] == "erase-not-agreed"
    requested = aged("archive", "expired", "request", "sales", "--yes").out
    assert "It waits for a second person.\n" in requested
    assert requested.endswith("Next, another person: unlost archive expired approve sales\n")
    alone = aged("archive", "expired", "approve", "sales", "--yes", "--json")
    assert alone.failure["code"] == "retention-by-requester"
    early = aged("archive", "expired", "erase", "sales", "--yes", "--json")
    assert early.failure["code"] == "retention-needs-approval"
    with monkeypatch.context() as other:  # a person with an account on another machine
        other.setattr(expired, "is_same_person", lambda *_, **__: False)
        approved = aged("archive", "expired", "approve", "sales", "--yes").out
        assert approved.endswith("Next, another person: unlost archive expired erase sales\n")
        erased = aged("archive", "expired", "erase", "sales", "--yes").out
    assert "sales: 2 records erased at the end of the retention of mine" in erased
    proof = aged("erase", "list", "sales").out
    assert "at the end of the retention of mine" in proof
    assert aged("archive", "expired", "list", "sales").out.startswith(
        "sales: no archived record has reached the end of its retention.\n"
    )
    late = aged("archive", "expired", "request", "sales", "--yes", "--json")
    assert late.failure["code"] == "retention-nothing"


def test_a_request_to_erase_is_withdrawn_and_holds_are_named(aged: Terminal) -> None:
    assert aged("archive", "expired", "request", "sales", "--yes").code == ExitCode.OK
    record = next(iter(aged.world.connector.orgs["one"].tables["Case"].records))
    assert aged("hold", "set", "sales", "--record", f"Case/{record}").code == ExitCode.OK
    listed = aged("archive", "expired", "list", "sales").out
    assert f"1 due record on legal hold would stay:\n  Case/{record}\n" in listed
    assert "The request is out of date" in listed
    assert "withdrawn" in aged("archive", "expired", "withdraw", "sales").out
    again = aged("archive", "expired", "withdraw", "sales", "--json")
    assert again.failure["code"] == "retention-not-requested"


def test_an_archive_of_an_unknown_period_is_named(aged: Terminal) -> None:
    from unlost.catalog.archive_models import ArchivePeriodRow

    (run,) = aged("archive", "list", "sales", "--json").json["runs"]
    record = next(iter(aged.world.connector.orgs["one"].tables["Case"].records))
    assert aged("erase", "sales", "--record", f"Case/{record}", "--yes").code == ExitCode.OK
    ArchivePeriodRow.objects.all().delete()
    listed = aged("archive", "expired", "list", "sales").out
    assert f"The period of {run['run']} is unknown: its records are kept for ever." in listed


def test_a_difference_of_plans_says_that_records_are_archived(
    writable: Terminal, tmp_path: Path
) -> None:
    """They were called deleted, as those that an undo moves into the recycle bin."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    mine = policy(tmp_path, branches=[])
    for file, most in ((old, "1"), (new, "2")):
        writable("archive", "plan", "sales", "--policy", mine, "--most", most, "--out", str(file))
    out = writable("restore", "diff", str(old), str(new)).out
    assert ": leave the org" in out
    assert "delete" not in out


def test_the_archive_is_counted_listed_and_searched(writable: Terminal, tmp_path: Path) -> None:
    desk = writable
    assert desk("archive", "contents", "sales").out == "This org has no archived records.\n"
    plan = str(tmp_path / "contents.json")
    assert desk("archive", "plan", "sales", "closed-case", "--out", plan).code == ExitCode.OK
    assert desk("archive", "run", plan, "--json").code == ExitCode.OK
    shown = desk("archive", "contents", "sales", "--sizes")
    assert "2 records, 2.0 kB\n  unlost list sales Case --archived\n" in shown.out
    (run,) = desk("archive", "contents", "sales", "--json").json["runs"]
    assert f"{run['run']}  2026-" in shown.out
    listed = desk("list", "sales", "Case", "--archived", "--run", run["run"], "--json").json
    assert [record["archived"] for record in listed["records"]] == [True, True]
    record = listed["records"][0]["record"]
    found = desk("find", record, "--state", "archived")
    assert "archived on 2026-" in found.out
    assert "the vault has the only copy" in found.out
    assert "Nothing found" in desk("find", record, "--state", "deleted").out
