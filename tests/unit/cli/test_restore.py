"""unlost org writer, restore and runs: what they say, how they end, and where secrets come from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from homes import SECRET, WRITE_SECRET, World
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import type_at, with_sales
from unlost.catalog.orgs.orgs import get_org
from unlost.cli.exits import ExitCode
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import (
    LateColumn,
    MissingPermission,
    NeverColumn,
    NeverReason,
    WriteOp,
)
from unlost.testing.platform import Platform, without

CUSTOMER = "A40017"
LACKS = MissingPermission("Create on Contact", "May not create contacts.", "Contact")


def platform(terminal: Terminal) -> Platform:
    return terminal.world.connector.writer("one").platform


def lose(world: World) -> None:
    """A customer with 25 contacts under a backup; then they are lost for ever."""
    with_sales(world)
    org = world.org
    org.add_table(
        "Contact",
        {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",), DeleteRule.CASCADE)},
    )
    for number in range(25):
        org.create("Contact", {"Name": f"Contact {number}", "Account": CUSTOMER})
    type_at(world, "backup", "sales")
    world.clock.advance(days=1)
    writer = world.connector.writer("one")
    writer.platform.delete("Account", CUSTOMER, by="U1")
    writer.platform.purge_bin()
    type_at(world, "backup", "sales")


def lose_with_writer(world: World) -> None:
    """The same, with a writer."""
    lose(world)
    type_at(world, "org", "writer", "sales", UNLOST_WRITER_PASSWORD=WRITE_SECRET)


after_loss, writable = scene(lose), scene(lose_with_writer)


@pytest.fixture
def nights(unlost: Terminal, after_loss: Lead) -> Terminal:
    """A customer with 25 contacts under a backup; then they are lost for ever."""
    after_loss(unlost.world)
    return unlost


@pytest.fixture
def shop(unlost: Terminal, writable: Lead) -> Terminal:
    """The same, with a writer."""
    writable(unlost.world)
    return unlost


@pytest.fixture
def plan(shop: Terminal, tmp_path: Path) -> str:
    """A plan for the customer."""
    out = tmp_path / "plan.json"
    record = f"Account/{CUSTOMER}"
    ended = shop("restore", "plan", "sales", "--record", record, "--out", str(out))
    assert ended.code == ExitCode.OK
    return str(out)


# --- org writer -----------------------------------------------------------------------------------


def test_a_writer_is_added_with_a_secret_of_its_own(nights: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text(WRITE_SECRET + "\n")
    ended = nights("org", "writer", "sales", "--password-file", str(file))
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("Restores can write to sales: Memory (T-1).\n")
    assert "used only for restores" in ended.out
    assert "Next: unlost restore plan sales" in ended.out
    assert WRITE_SECRET not in ended.out + ended.err


def test_the_secret_of_the_reader_is_not_taken_for_it(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLOST_PASSWORD", WRITE_SECRET)
    ended = nights("org", "writer", "sales")
    assert ended.code == ExitCode.NOT_ALLOWED
    assert "The password of the write user is missing." in ended.err
    assert "UNLOST_WRITER_PASSWORD" in ended.err


def test_what_a_writer_lacks_is_said_and_ends_with_3(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLOST_WRITER_PASSWORD", WRITE_SECRET)
    nights.world.connector.writer("one").lacking = (LACKS,)
    ended = nights("org", "writer", "sales")
    assert ended.code == ExitCode.FINDINGS
    assert "It lacks 1 permission:\n  - May not create contacts.\n" in ended.out
    told = nights("org", "writer", "sales", "--json").json
    assert (told["known_before"], [one["table"] for one in told["missing"]]) == (True, ["Contact"])


def test_only_settings_that_differ_are_given(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlost.catalog.orgs.orgs import get_org
    from unlost.catalog.orgs.writers import find_writer

    monkeypatch.setenv("UNLOST_WRITER_PASSWORD", WRITE_SECRET)
    options = ("--speed", "0", "--no-quiet", "--exclude", "A", "--exclude", "B")
    assert nights("org", "writer", "sales", *options).code == ExitCode.OK
    oid = get_org("sales").oid
    given = {"speed": 0, "quiet": False, "exclude": ["A", "B"]}
    assert find_writer(oid) == given
    assert get_org("sales").config["speed"] == 1
    monkeypatch.setenv("UNLOST_WRITER_PASSWORD", WRITE_SECRET)
    assert nights("org", "writer", "sales").code == ExitCode.OK  # its secret was renewed
    assert find_writer(oid) == given


def test_the_writer_of_an_unknown_org_is_refused(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLOST_WRITER_PASSWORD", WRITE_SECRET)
    ended = nights("org", "writer", "sails")
    assert ended.code == ExitCode.FAILED
    assert "sails" in ended.err


def test_help_of_the_writer_shows_the_options_of_all_connectors(sales: Terminal) -> None:
    assert "NAME" in sales("org", "writer", "--help").out
    assert "--password-file" in sales("org", "writer", "sales", "--help").out


def test_without_a_writer_a_plan_is_a_preview_and_cannot_run(
    nights: Terminal, tmp_path: Path
) -> None:
    words = ("--record", f"Account/{CUSTOMER}", "--out", str(tmp_path / "plan.json"))
    planned = nights("restore", "plan", "sales", *words)
    assert planned.code == ExitCode.OK
    assert "write user" in planned.out
    ended = nights("restore", "run", str(tmp_path / "plan.json"))
    assert ended.code == ExitCode.NOT_ALLOWED
    assert "write user" in ended.err
    assert SECRET not in planned.out + ended.err


# --- plan and show --------------------------------------------------------------------------------


def test_a_plan_is_shown_as_a_tree_with_what_it_costs(shop: Terminal, tmp_path: Path) -> None:
    out = str(tmp_path / "plan.json")
    words = ("--lost-between", "1", "2", "--out", out)
    ended = shop("restore", "plan", "sales", *words)
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("sales: 26 records, planned 2026-")
    assert "  Account  1 create\n  Contact  25 create\n" in ended.out
    assert "       26 will be created, with new ids\n" in ended.out
    assert "Estimated cost: " in ended.out
    assert "under a minute." in ended.out
    assert f"Nothing was written yet. Run it: unlost restore run {out}" in ended.out
    shown = shop("restore", "show", out)
    assert (shown.code, shown.out) == (ExitCode.OK, ended.out.partition("\n\nNothing")[0] + "\n")
    told = shop("restore", "show", out, "--json").json
    assert told["summary"]["records"] == 26
    assert told["file"] == out


def test_a_plan_names_the_groups_that_people_know(shop: Terminal, tmp_path: Path) -> None:
    out = str(tmp_path / "plan.json")
    ended = shop("restore", "plan", "sales", "--lost-between", "1", "2", "--out", out)
    known, _, by_table = ended.out.partition("By table:\n")
    assert "  Schoko Zürich (0040017): 1 Account, 25 Contacts\n" in known
    assert "  Account  1 create\n" in by_table
    told = shop("restore", "show", out, "--json").json
    (group,) = told["groups"]
    assert (group["record"], group["count"], told["group_count"]) == (CUSTOMER, 26, 1)


def test_single_records_are_one_group_and_only_the_first_groups_are_listed(
    shop: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform(shop).delete("Account", "A40018", by="U1")
    shop("backup", "sales")
    out = str(tmp_path / "plan.json")
    ended = shop("restore", "plan", "sales", "--lost-between", "1", "3", "--out", out)
    assert "Contacts\n  1 Account\nBy table:" in ended.out
    monkeypatch.setattr("unlost.app.actions.restores.restore_plan.GROUPS", 1)
    assert "Contacts\n  … and 1 more group\nBy table:" in shop("restore", "show", out).out


def test_what_shall_come_back_otherwise_is_told_without_its_values(
    shop: Terminal, tmp_path: Path
) -> None:
    out, record = str(tmp_path / "plan.json"), f"Account/{CUSTOMER}"
    words = ("--record", record, "--set", f"{record}.Name=Secret", "--empty", f"{record}.Phone")
    ended = shop("restore", "plan", "sales", *words, "--out", out)
    assert ended.code == ExitCode.OK
    assert "        1 of them with edited values\n" in ended.out
    assert f"          {record}: Name, Phone\n" in ended.out
    assert "Secret" not in ended.out + shop("restore", "show", out, "--json").out
    assert shop("restore", "run", out).code == ExitCode.OK
    (cells,) = [
        one.cells for _, one in platform(shop).live("Account") if one.cells["Name"] == "Secret"
    ]
    assert cells.get("Phone") is None
    words = ("--record", record, "--instead", "Account/1", "--out", str(tmp_path / "other.json"))
    assert shop("restore", "plan", "sales", *words).code == ExitCode.USAGE


def test_what_cannot_be_written_is_marked_and_ends_with_3(shop: Terminal, tmp_path: Path) -> None:
    held = platform(shop)
    held.allow(without(held.capability("Contact"), WriteOp.CREATE))
    shop.world.connector.writer("one").lacking = (LACKS,)
    out = str(tmp_path / "plan.json")
    words = ("--record", f"Account/{CUSTOMER}", "--out", out)
    ended = shop("restore", "plan", "sales", *words)
    assert ended.code == ExitCode.FINDINGS
    assert "       25 cannot be written\n" in ended.out
    assert "Notes:\n" in ended.out
    assert "  ✗ " in ended.out
    assert "May not create contacts." in ended.out
    assert shop("restore", "show", out).code == ExitCode.FINDINGS
    run = shop("restore", "run", out)
    assert run.code == ExitCode.FINDINGS
    assert "       25 not written\n" in run.out
    assert run.out.count("  ✗ Contact/") == 20, "not all of them are listed"
    assert "Retry the failed records: unlost restore retry restore-" in run.out


def test_only_the_record_alone_comes_back_if_so_wished(shop: Terminal, tmp_path: Path) -> None:
    words = ("--record", f"Account/{CUSTOMER}", "--no-related", "--at", "1")
    ended = shop("restore", "plan", "sales", *words, "--out", str(tmp_path / "p"), "--json")
    assert ended.json["summary"]["records"] == 1


def test_changed_columns_are_put_back(shop: Terminal, tmp_path: Path) -> None:
    shop.world.clock.advance(days=1)
    shop.world.org.update("Account", "A40018", {"Phone": "overwritten"})
    assert shop("backup", "sales").code == ExitCode.OK
    out = str(tmp_path / "plan.json")
    words = ("--changed-between", "2", "3", "--table", "Account", "--column", "Phone")
    ended = shop("restore", "plan", "sales", *words, "--out", out)
    assert "        1 will be updated\n" in ended.out
    assert "        1 updated\n" in shop("restore", "run", out).out
    assert dict(platform(shop).live("Account"))["A40018"].cells["Phone"] == "+41 40018"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--record", "Account"),
        ("--record", f"Account/{CUSTOMER}", "--lost-between", "1", "2"),
        ("--lost-between", "1", "live"),
        ("--lost-between", "1"),
    ],
)
def test_what_is_asked_for_must_be_clear(
    shop: Terminal, tmp_path: Path, words: tuple[str, ...]
) -> None:
    out = tmp_path / "plan.json"
    assert shop("restore", "plan", "sales", *words, "--out", str(out)).code == ExitCode.USAGE
    assert not out.exists()


def test_a_plan_that_was_edited_is_refused(shop: Terminal, plan: str) -> None:
    told = json.loads(Path(plan).read_bytes())
    Path(plan).write_text(json.dumps(told | {"steps": []}))
    for verb in ("show", "run"):
        ended = shop("restore", verb, plan, "--json")
        assert ended.code == ExitCode.FAILED
        assert ended.json["error"]["code"] == "plan-edited"


# --- runs -----------------------------------------------------------------------------------------


def test_a_run_says_what_came_back(shop: Terminal, plan: str) -> None:
    ended = shop("restore", "run", plan)
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("sales: restored in under a second with ")
    assert "       26 created, with new ids\n" in ended.out
    assert "Record by record: unlost runs restore-" in ended.out
    assert "Retry the failed records" not in ended.out
    again = shop("restore", "run", plan)
    said = "This plan was already run. Nothing was written this time. The earlier result:\n"
    assert (again.code, again.out) == (ExitCode.OK, said + ended.out)


def test_what_came_back_otherwise_is_named(shop: Terminal, tmp_path: Path) -> None:
    held = platform(shop)
    never = (NeverColumn("Number", NeverReason.AUTO_NUMBER),)
    usual = held.capability("Account")
    held.allow(replace(usual, settable=usual.settable - {"Number"}, never=never))
    out = str(tmp_path / "plan.json")
    words = ("--record", f"Account/{CUSTOMER}", "--no-related", "--out", out)
    assert shop("restore", "plan", "sales", *words).code == ExitCode.OK
    ended = shop("restore", "run", out)
    assert ended.code == ExitCode.OK
    assert "  1 record with columns that cannot be set" in ended.out
    assert "Number" in ended.out
    run = shop("restore", "run", out, "--json").json["run"]
    detail = shop("runs", run).out
    assert f"  Account/{CUSTOMER} as " in detail
    assert "    Number: auto-number\n" in detail


def test_a_full_org_parks_the_run_which_is_gone_on_with(shop: Terminal, plan: str) -> None:
    writer = shop.world.connector.writer("one")
    writer.full_after = 10
    ended = shop("restore", "run", plan)
    assert ended.code == ExitCode.FAILED
    assert "10 of 26 records are restored; 16 are missing." in ended.err
    (listed,) = [one for one in shop("runs", "--json").json["runs"] if one["kind"] == "restore"]
    assert listed["state"] == "parked"
    assert "10 of 26 records are restored" in shop("runs", listed["run"]).out
    writer.full_after = None
    resumed = shop("restore", "resume", listed["run"])
    assert resumed.code == ExitCode.OK
    assert "       26 created, with new ids\n" in resumed.out


def test_what_failed_is_tried_again(shop: Terminal, plan: str) -> None:
    held = platform(shop)
    held.unique.append(("Contact", ("Name",)))
    held.org.create("Contact", {"Name": "Contact 3"}, record="TWIN")
    ended = shop("restore", "run", plan)
    assert ended.code == ExitCode.FINDINGS
    assert "        1 could not be written\n" in ended.out
    run = shop("restore", "run", plan, "--json").json["run"]
    assert "could not" not in shop("runs", run).out
    assert "TWIN has this value already" in shop("runs", run).out
    held.delete("Contact", "TWIN", by="U1")
    again = shop("restore", "retry", run)
    assert again.code == ExitCode.OK
    assert "        1 created, with new ids\n" in again.out
    whole = shop("restore", "retry", f"{run}-try-2", "--json")
    assert whole.json["error"]["code"] == "run-whole"


def test_what_failed_for_a_value_is_tried_again_with_another(shop: Terminal, plan: str) -> None:
    held = platform(shop)
    held.unique.append(("Contact", ("Name",)))
    for number in (3, 4):
        held.org.create("Contact", {"Name": f"Contact {number}"})
    run = shop("restore", "run", plan, "--json").json["run"]
    records = [one for one in shop("runs", run, "--json").json["records"] if one["code"]]
    one, other = (f"Contact/{record['record']}" for record in records)
    wrong = shop("restore", "retry", run, "--set", one)
    assert wrong.code == ExitCode.USAGE
    assert "TABLE/ID.COLUMN=VALUE" in wrong.err
    words = (
        "--set-all",
        "Contact.Name=New",
        "--set",
        f"{one}.Name=Newer",
        "--empty",
        f"{other}.Name",
    )
    none = shop("restore", "retry", run, "--code", "another", *words)
    assert "No records failed" in none.err
    ended = shop("restore", "retry", run, "--code", records[0]["code"], *words)
    assert ended.code == ExitCode.OK
    names = [record.cells.get("Name") for _, record in held.live("Contact")]
    assert names.count("Newer") == names.count(None) == 1


def test_runs_are_listed(sales: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sales("runs").out == "No runs yet.\n"
    assert sales("backup", "sales").code == ExitCode.OK
    lines = sales("runs").out.splitlines()
    assert lines[1].split()[1:4] == ["sales", "backup", "done"]
    monkeypatch.setattr("unlost.cli.verbs.runs.runs.MOST", 0)
    assert "… and 1 older run; --json lists all." in sales("runs").out


def test_one_run_is_told_record_by_record(
    shop: Terminal, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shop("restore", "run", plan, "--json").json["run"]
    told = shop("runs", run).out
    assert told.startswith(f"{run}: restore of sales, done, started 2026-")
    assert f"  Account/{CUSTOMER} as " in told
    monkeypatch.setattr("unlost.cli.verbs.runs.runs.MOST", 20)
    assert "… and 6 more records; --json lists all." in shop("runs", run).out
    assert len(shop("runs", run, "--json").json["records"]) == 26


@pytest.mark.parametrize("words", [("restore", "resume"), ("restore", "retry"), ("runs",)])
def test_an_unknown_run_is_told(shop: Terminal, words: tuple[str, ...]) -> None:
    ended = shop(*words, "restore-none", "--json")
    assert ended.code == ExitCode.FAILED
    assert ended.json["error"]["code"] == "run-unknown"


def test_late_columns_are_no_mystery(shop: Terminal, tmp_path: Path) -> None:
    """A status that records are born with is set when all is there."""
    held = platform(shop)
    held.allow(replace(held.capability("Account"), late=(LateColumn("Number", "draft"),)))
    out = str(tmp_path / "plan.json")
    words = ("--record", f"Account/{CUSTOMER}", "--no-related", "--out", out)
    shop("restore", "plan", "sales", *words)
    assert shop("restore", "run", out).code == ExitCode.OK
    (live,) = [one for key, one in held.live("Account") if one.cells["Name"] == "Schoko Zürich"]
    assert live.cells["Number"] == "0040017"


# --- correct --------------------------------------------------------------------------------------


def test_a_record_is_corrected_with_values_of_a_backup_and_typed_ones(
    shop: Terminal, tmp_path: Path
) -> None:
    record, out = "Account/A40018", tmp_path / "correction.json"
    shop.world.org.update("Account", "A40018", {"Phone": "+41 1", "Name": "Wrong"})
    type_at(shop.world, "backup", "sales")
    correct = ("restore", "correct", "sales", record, "--out", str(out))
    ended = shop(*correct, "--take", "Phone@1", "--set", "Name=Right", "--clear", "Number")
    assert ended.code == ExitCode.OK
    assert "1 record, planned" in ended.out
    assert f"{record}: Name, Number, Phone" in ended.out
    assert "Right" not in ended.out
    assert shop("restore", "run", str(out)).code == ExitCode.OK
    cells = dict(platform(shop).live("Account"))["A40018"].cells
    assert (cells["Phone"], cells["Name"], cells.get("Number")) == ("+41 40018", "Right", None)


def test_a_corrected_record_is_created_beside_the_live_one(shop: Terminal, tmp_path: Path) -> None:
    out = str(tmp_path / "copy.json")
    before = len(list(platform(shop).live("Account")))
    correct = ("restore", "correct", "sales", "Account/A40018", "--as-new", "--out", out)
    assert shop(*correct, "--set", "Name=Second").code == ExitCode.OK
    assert shop("restore", "run", out).code == ExitCode.OK
    assert len(list(platform(shop).live("Account"))) == before + 1


def test_a_correction_without_a_value_says_how(shop: Terminal, tmp_path: Path) -> None:
    ended = shop("restore", "correct", "sales", "Account/A40018", "--out", str(tmp_path / "p.json"))
    assert ended.code == ExitCode.USAGE
    assert "--take, --set or --clear" in ended.err


def test_columns_of_many_records_are_put_back_unless_they_changed_since(
    shop: Terminal, tmp_path: Path
) -> None:
    out = str(tmp_path / "plan.json")
    for record in ("A40018", "A40019"):
        shop.world.org.update("Account", record, {"Phone": "wrong"})
    type_at(shop.world, "backup", "sales")
    shop.world.org.update("Account", "A40019", {"Phone": "by hand"})
    words = ("--record", "Account/A40018", "--record", "Account/A40019", "--column", "Phone")
    newest = str(shop.world.app.vault.snapshots(get_org("sales").oid)[-1].number)
    shop("restore", "plan", "sales", *words, "--at", "1", "--unless-since", newest, "--out", out)
    shop("restore", "run", out)
    live = dict(platform(shop).live("Account"))
    assert [live[r].cells["Phone"] for r in ("A40018", "A40019")] == ["+41 40018", "by hand"]


# --- undo -----------------------------------------------------------------------------------------


def test_an_undo_leaves_out_a_record(shop: Terminal, plan: str, tmp_path: Path) -> None:
    run = shop("restore", "run", plan, "--json").json["run"]
    contact = next(record for record, _ in platform(shop).live("Contact"))
    words = ("undo", "sales", run, "--without", f"Contact/{contact}")
    planned = shop(*words, "--out", str(tmp_path / "undo.json"))
    assert planned.code == ExitCode.FINDINGS, "the customer cannot be deleted"
    assert f"The undo leaves out 1 record of Contact: {contact}." in planned.out
    assert "1 record of Account stay" in planned.out
    assert "E-mails and messages that the org sent cannot be taken back." in planned.out
    shop("restore", "run", str(tmp_path / "undo.json"))
    assert [record for record, _ in platform(shop).live("Contact")] == [contact]


def test_an_unknown_record_is_not_left_out(shop: Terminal, plan: str, tmp_path: Path) -> None:
    run = shop("restore", "run", plan, "--json").json["run"]
    words = ("undo", "sales", run, "--without", "Contact/typo")
    refused = shop(*words, "--out", str(tmp_path / "undo.json"))
    assert "did not write Contact/typo" in refused.err
    assert not (tmp_path / "undo.json").exists()
