"""unlost org: options come from the connector, secrets never from the command line."""

from pathlib import Path

import pytest

from homes import SECRET
from terminals import Terminal
from unlost.app.actions.backups.night import do_night
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.nights import add_night
from unlost.cli.exits import ExitCode
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import message
from unlost.model.source.checklist import ChecklistStep, CheckState

ADD = ("org", "add", "memory", "sales", "--address", "one")
GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")
NOTE = Finding(FindingKind.TABLE_NOT_DATA, Severity.NOTE, "A view.")


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    file = tmp_path / "secret.txt"
    file.write_text(SECRET + "\n")
    return str(file)


def test_an_org_is_added_with_its_secret_from_a_file(unlost: Terminal, secret_file: str) -> None:
    ended = unlost(*ADD, "--password-file", secret_file)
    assert ended.code == ExitCode.OK
    assert "sales was added: Memory (sandbox, T-1)." in ended.out
    assert "The backup user can see all data." in ended.out
    assert "Next: unlost backup sales" in ended.out
    assert SECRET not in ended.out + ended.err


def test_or_from_the_environment(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLOST_PASSWORD", SECRET)
    assert unlost(*ADD).code == ExitCode.OK


def test_or_typed_without_showing(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input and err))
        return SECRET + " "

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("unlost.cli.verbs.orgs.orgs.typer.prompt", prompt)
    assert unlost(*ADD).code == ExitCode.OK
    assert asked == [("Password", True)]


def test_without_a_terminal_nobody_is_asked(unlost: Terminal) -> None:
    ended = unlost(*ADD)
    assert ended.code == ExitCode.NOT_ALLOWED
    assert "Error: The password is missing." in ended.err


def test_wrong_credentials_end_with_4(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLOST_PASSWORD", "wrong")
    ended = unlost(*ADD, "--json")
    assert ended.code == ExitCode.NOT_ALLOWED
    assert ended.json["error"]["code"] == "memory-sign-in"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_secret_file_that_cannot_be_read_is_told(
    unlost: Terminal, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    ended = unlost(*ADD, "--password-file", str(file))
    assert ended.code == ExitCode.USAGE
    assert "cannot be read" in ended.err


def test_a_gap_is_said_with_what_repairs_it(unlost: Terminal, secret_file: str) -> None:
    unlost.world.org.findings = [GAP, NOTE]
    ended = unlost(*ADD, "--password-file", secret_file)
    assert ended.code == ExitCode.FINDINGS
    assert "  - Mail is hidden.\n    Allow it.\n" in ended.out
    assert "A view." not in ended.out
    assert "1 more note" in ended.out
    again = unlost(*ADD, "--json")
    assert [finding["sentence"] for finding in again.json["findings"]] == [
        "Mail is hidden.",
        "A view.",
    ]


def test_settings_of_every_kind_arrive(unlost: Terminal, secret_file: str) -> None:
    from unlost.catalog.orgs.orgs import get_org

    options = ("--speed", "7", "--quiet", "--exclude", "A", "--exclude", "B")
    assert unlost(*ADD, "--password-file", secret_file, *options).code == ExitCode.OK
    config = get_org("sales").config
    assert config == {"address": "one", "speed": 7, "quiet": True, "exclude": ["A", "B"]}
    assert "was updated" in unlost(*ADD).out


def test_orgs_are_listed(sales: Terminal) -> None:
    ended = sales("org", "list")
    assert ended.code == ExitCode.OK
    assert ended.out.splitlines()[1].split() == [
        "sales",
        "memory",
        "Memory",
        "sandbox",
        "0",
        "never",
    ]
    (org,) = sales("org", "list", "--json").json["orgs"]
    assert (org["name"], org["snapshots"], org["last_backup"]) == ("sales", 0, None)


def test_an_empty_home_says_what_to_do(unlost: Terminal) -> None:
    assert "unlost org add" in unlost("org", "list").out


def test_the_checklist_names_what_is_missing_and_what_to_click(sales: Terminal) -> None:
    assert "has no checklist" in sales("org", "checklist", "sales").out
    sales.world.connector.source("one").steps = (
        ChecklistStep(
            "app", "The app", "Make it.", "Else nothing.", CheckState.DONE,
            message("signed-in", "Signed in as {user}.", user="ada"),
        ),
        ChecklistStep("all", "See all", "Click here.", "Else half.", CheckState.MISSING),
    )  # fmt: skip
    ended = sales("org", "checklist", "sales")
    assert ended.code == ExitCode.FINDINGS
    assert "The app: Signed in as ada." in ended.out
    assert (
        ended.out.index("See all") < ended.out.index("Click here.") < ended.out.index("Else half.")
    )
    steps = sales("org", "checklist", "sales", "--json").json["steps"]
    assert [step["state"] for step in steps] == ["done", "missing"]


def test_a_repaired_sign_in_says_what_continues(
    sales: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, oid = sales.world, get_org("sales").oid
    world.app.secrets(oid).put("password", "old password")
    add_night(oid, "2026-03-02", at=world.clock.now())
    do_night(world.app, oid, "2026-03-02")
    monkeypatch.setenv("UNLOST_PASSWORD", SECRET)
    assert "1 run waited for the sign-in; the service continues" in sales(*ADD).out
