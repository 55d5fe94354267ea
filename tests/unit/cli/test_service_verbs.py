"""The verbs of what happens by itself: schedule, up, alert, storage."""

import json
import re
import signal
from pathlib import Path

import pytest

from terminals import Terminal
from unlost.alerts.signed_webhook import Webhook
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.catalog.home.copying import dump
from unlost.catalog.vault.checks import save_check
from unlost.cli.exits import ExitCode
from unlost.model.alert import Notification
from unlost.model.errors import NotAllowed
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.runs.night import CheckRecord
from unlost.model.source.quota import Quota
from unlost.model.source.schema import TableTrait, WireKind

GIB = 2.0**30


# --- schedule -------------------------------------------------------------------------------------


def test_an_org_has_a_schedule_from_the_start(sales: Terminal) -> None:
    out = sales("schedule", "show").out
    assert "sales every night at 01:00 UTC, within 60 minutes\n  Next     2026-03-02 01:" in out
    assert "No org is protected yet" not in out


def test_no_org_no_schedule(unlost: Terminal) -> None:
    assert "No org is protected yet" in unlost("schedule", "show").out


def test_a_schedule_is_set_and_shown(sales: Terminal) -> None:
    ended = sales("schedule", "set", "sales", "--at", "03:30", "--window", "0",
                  "--blackout", "08:00-18:00", "--blackout", "22:00-02:00")  # fmt: skip
    assert ended.code == ExitCode.OK
    assert "sales every night at 03:30 UTC\n" in ended.out
    assert "  Blackout 08:00 to 18:00\n  Blackout 22:00 to 02:00\n" in ended.out
    shown = sales("schedule", "show", "sales", "--json").json["schedules"][0]
    assert shown["schedule"]["nightly"] == "03:30:00"
    assert "is not backed up automatically" in sales("schedule", "set", "sales", "--at", "off").out
    assert "Never" not in sales("schedule", "set", "sales", "--blackout", "none").out


def test_tables_are_chosen_for_every_hour_and_let_go_again(sales: Terminal) -> None:
    """Before the first backup the org tells what tables there are; names are known in any case."""
    ended = sales("schedule", "set", "sales", "--hourly", "account, User", "--window", "0")
    assert ended.code == ExitCode.OK
    assert "  Hourly   Account, User\n    next 2026-03-02 02:00 UTC\n" in ended.out
    assert sales("schedule", "set", "sales", "--at", "off").code == ExitCode.OK
    assert sales("backup", "sales").code == ExitCode.OK
    sales.world.clock.advance(hours=1)
    sales.world.org.add_column("User", "Extra")
    assert sales("up", "--once").code == ExitCode.OK
    out = sales("schedule", "show", "sales").out
    assert "sales is not backed up automatically.\n" in out
    assert (
        "    next 2026-03-02 03:00 UTC\n    last 2026-03-02 02:00 UTC done\n"
        "      User was left to the nightly backup: its columns changed.\n"
    ) in out
    shown = sales("schedule", "show", "sales", "--json").json["schedules"][0]
    assert shown["schedule"]["hourly"] == ["Account", "User"]
    assert shown["next_hour"] == "2026-03-02T03:00:00Z"
    assert (shown["last_hour"]["state"], shown["last_hour"]["snapshot"]) == ("done", 2)
    ended = sales("schedule", "set", "sales", "--hourly", "none")
    assert "Hourly" not in ended.out
    assert sales("schedule", "show", "sales", "--json").json["schedules"][0]["next_hour"] is None
    blackout = ["--blackout", "00:30-00:10", "--hourly", "Account"]
    assert "never: blackout hours leave no time" in sales("schedule", "set", "sales", *blackout).out


def test_hours_are_told_apart_from_nights(sales: Terminal) -> None:
    sales("schedule", "set", "sales", "--hourly", "Account", "--window", "0", "--at", "off")
    assert sales("backup", "sales").code == ExitCode.OK
    assert "Tables" not in sales("snapshots", "sales").out
    for _ in range(3):
        sales.world.clock.advance(hours=1)
        assert sales("up", "--once").code == ExitCode.OK
    listed = sales("snapshots", "sales")
    rows = [line.split() for line in listed.out.splitlines()]
    assert ["all" in row for row in rows[1:]] == [True, False, False, False]
    assert [info["only"] for info in sales("snapshots", "sales", "--json").json["snapshots"]] == [
        [], ["Account"], ["Account"], ["Account"],
    ]  # fmt: skip
    told = sales("certificate", "sales")
    assert told.code == ExitCode.OK
    assert "  Only     1 table read since the last nightly backup\n" in told.out
    assert "all others: unlost certificate sales 1\n" in told.out
    runs = sales("runs").out
    assert runs.count("hourly  ") == 1
    assert "… and 2 earlier hourly backups; --json lists all." in runs
    lines = sales("runs", "--json").json["runs"]
    assert [line["hourly"] for line in lines] == [True, True, True, False]
    assert f"{lines[0]['run']}: hourly of sales, done" in sales("runs", lines[0]["run"]).out
    sales("schedule", "set", "sales", "--hourly", "User")
    sales.world.clock.advance(hours=1)
    sales("up", "--once")
    table = sales("certificate", "sales").out
    assert [line.split()[-1] for line in table.splitlines() if line.startswith("Account ")] == [
        "earlier"
    ]


def test_many_tables_of_an_hour_are_counted(sales: Terminal) -> None:
    names = [f"T{number}" for number in range(5)]
    for name in names:
        sales.world.org.add_table(name, {"Name": WireKind.TEXT})
    assert sales("backup", "sales").code == ExitCode.OK
    sales("schedule", "set", "sales", "--hourly", ",".join(names), "--window", "0")
    sales.world.clock.advance(hours=1)
    sales("up", "--once")
    assert "T0, T1, T2 and 2 more" in sales("snapshots", "sales").out


@pytest.mark.parametrize("first", [False, True], ids=["before a backup", "after one"])
@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        ("Acount", "hourly-table-unknown", "Did you mean Account"),
        ("Zzz", "hourly-table-unknown", "unlost certificate sales --full"),
        ("Account,big", "hourly-table-excluded", "unlost org add"),
        ("Setting", "hourly-not-possible", "Remove it from the hourly tables."),
        (" , ", "hourly-table-unnamed", "none"),
    ],
)
def test_tables_that_cannot_be_read_by_the_hour_are_refused(
    sales: Terminal, typed: str, code: str, words: str, first: bool
) -> None:
    org = sales.world.org
    org.add_table("Setting", {"Name": WireKind.TEXT}, traits=frozenset({TableTrait.CENSUS}))
    left_out = Finding(FindingKind.TABLE_EXCLUDED, Severity.NOTE, "Left out.", "", "Big")
    org.findings.append(left_out)
    if first:
        assert sales("backup", "sales").code == ExitCode.OK
    ended = sales("schedule", "set", "sales", "--hourly", typed, "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, code)
    assert words in ended.failure["next_step"]
    assert sales("schedule", "show", "--json").json["schedules"][0]["schedule"]["hourly"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--at", "25:00"], "schedule-unreadable"),
        (["--at", "03:30:10"], "schedule-unreadable"),
        (["--blackout", "08:00"], "schedule-unreadable"),
        (["--window", "1000"], "schedule-invalid"),
        (["--blackout", "00:00-12:00", "--blackout", "12:00-00:00"], "schedule-invalid"),
    ],
)
def test_what_cannot_be_kept_is_refused(sales: Terminal, words: list[str], code: str) -> None:
    ended = sales("schedule", "set", "sales", *words, "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, code)


# --- up -------------------------------------------------------------------------------------------


def test_up_once_does_what_is_due_and_the_schedule_tells(sales: Terminal) -> None:
    assert sales("schedule", "set", "sales", "--at", "03:00", "--window", "0").code == ExitCode.OK
    sales.world.clock.advance(days=3)
    ended = sales("up", "--once")
    assert ended.code == 0, ended.err
    assert (ended.code, ended.out) == (ExitCode.OK, "Done.\n")
    assert "sales" not in ended.err, "the log of machines names nobody"
    shown = sales("schedule", "show", "sales").out
    assert "  2026-03-04 03:00  done\n" in shown
    assert "    replaces the missed backups of 2026-03-02, 2026-03-03\n" in shown


def test_what_failed_stands_beside_its_night(sales: Terminal) -> None:
    assert sales("schedule", "set", "sales", "--at", "03:00", "--window", "0").code == ExitCode.OK

    def refuse() -> None:
        raise NotAllowed("sign-in", "The password is wrong.")

    sales.world.connector.source("one").discover = refuse  # type: ignore[method-assign, assignment]
    sales.world.clock.advance(days=1)
    sales("up", "--once")
    shown = sales("schedule", "show", "sales").out
    assert "  2026-03-02 03:00  given-up\n    The password is wrong.\n" in shown
    listed = sales("alert", "list")
    assert listed.code == ExitCode.FINDINGS
    assert "night-failed/sales  now, since" in listed.out


def test_up_serves_until_it_is_stopped(sales: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[bool] = []

    def run(self: Service, *, once: bool = False) -> None:
        served.append(once)
        signal.raise_signal(signal.SIGTERM)
        assert self.cancel_flag.is_set

    monkeypatch.setattr(Service, "run", run)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        ended = sales("up", "--workers", "2", "--no-console")
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert served == [False]
    assert ended.out.startswith("Unlost runs with ")
    assert ended.out.endswith("Stopped.\n")
    assert not CancellationFlag().is_set


def test_up_needs_a_home(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNLOST_HOME")
    assert unlost("up").code == ExitCode.USAGE


# --- alerts ---------------------------------------------------------------------------------------


def damage(terminal: Terminal, *damages: str) -> None:
    save_check(CheckRecord(terminal.world.clock.now(), "deep", 1, 1, damages))


def test_alerts_are_listed_with_what_to_do_and_acknowledged(sales: Terminal) -> None:
    assert sales("alert", "list").out == (
        "No alerts.\nNo channel receives alerts. Add one with `unlost alert channel NAME KIND`.\n"
    )
    damage(sales, "packs/1 is missing.")
    sales("schedule", "set", "sales", "--at", "off")
    assert sales("backup", "sales").code == ExitCode.OK
    sales("up", "--once")
    ended = sales("alert", "list")
    assert ended.code == ExitCode.FINDINGS
    assert "vault-damaged  now, since 2026-03-02 01:00 UTC\n" in ended.out
    assert "    unlost verify --level full\n" in ended.out
    assert sales("alert", "ack", "vault-damaged").out == "vault-damaged is acknowledged.\n"
    assert "since 2026-03-02 01:00 UTC, acknowledged\n" in sales("alert", "list").out
    damage(sales)
    sales("up", "--once")
    assert sales("alert", "list").code == ExitCode.OK
    assert ", resolved\n" in sales("alert", "list", "--all").out
    ended = sales("alert", "ack", "vault-damaged", "--home", str(sales.world.home.root))
    assert ended.code == ExitCode.FAILED


def test_a_heartbeat_was_said_to_receive_alerts(sales: Terminal) -> None:
    added = sales("alert", "channel", "watch", "heartbeat", "--url", "https://watch.example/ping")
    assert added.out == (
        "Heartbeats are sent to watch. It receives no alerts.\nTest it: unlost alert test watch\n"
    )
    listed = sales("alert", "list").out
    assert "No channel receives alerts." in listed
    assert "Heartbeats are sent to watch\n" in listed


def test_channels_are_added_tried_and_forgotten(
    sales: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    ended = sales("alert", "channel", "hook", "webhook", "--url", "https://hooks.example.com/x",
                  "--secret-file", str(secret), "--quiet", "22:00-07:00", "--zone", "Europe/Zurich")  # fmt: skip
    assert ended.out == "Alerts are sent to hook (webhook).\nTest it: unlost alert test hook\n"
    sent: list[tuple[str | None, Notification]] = []

    def send(self: Webhook, message: Notification) -> None:
        sent.append((self.secret, message))

    monkeypatch.setattr(Webhook, "send", send)
    assert sales("alert", "test").out == "hook: received the test message.\n"
    assert sent[0][0] == "sesame"

    def refuse(self: Webhook, message: Notification) -> None:
        raise NotAllowed("message-refused", "It is not wanted.", next_step="Look at it.")

    monkeypatch.setattr(Webhook, "send", refuse)
    ended = sales("alert", "test", "hook")
    assert (ended.code, ended.out) == (ExitCode.FAILED, "hook: It is not wanted.\n  Look at it.\n")
    assert "Alerts are sent to hook (webhook)\n" in sales("alert", "list").out
    assert b"sesame" not in dump()
    assert sales("alert", "remove", "hook").out == "hook was removed.\n"
    assert sales("alert", "remove", "hook").code == ExitCode.FAILED


def test_a_mail_channel_takes_all_its_settings(sales: Terminal) -> None:
    ended = sales("alert", "channel", "it", "email", "--host", "mail.example.com", "--port", "25",
                  "--security", "none", "--user", "u", "--from", "a@example.com",
                  "--to", "b@example.com", "--to", "c@example.com", "--json")  # fmt: skip
    assert ended.json["settings"] == {
        "host": "mail.example.com", "port": 25, "security": "none", "user": "u",
        "sender": "a@example.com", "to": ["b@example.com", "c@example.com"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x", "email"], "channel-invalid"),
        (["x", "webhook", "--url", "u", "--secret-file", "/nowhere"], "secret-unreadable"),
        (["x", "webhook", "--url", "u", "--quiet", "late"], "schedule-unreadable"),
        (["x", "slack", "--quiet", "22:00-07:00", "--zone", "Mars/Base"], "zone-unknown"),
    ],
)
def test_channels_that_cannot_work_are_refused(
    sales: Terminal, words: list[str], code: str
) -> None:
    ended = sales("alert", "channel", *words, "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, code)


# --- storage --------------------------------------------------------------------------------------


def fill(terminal: Terminal, days: int, daily: float) -> None:
    source = terminal.world.connector.source("one")
    for day in range(days):
        source.quota = (Quota("data storage", (0.5 + daily * day) * GIB, GIB, "bytes"),)
        assert terminal("backup", "sales").code == ExitCode.OK
        terminal.world.clock.advance(days=1)


@pytest.mark.parametrize(
    ("days", "daily", "told"),
    [
        (2, 0.01, "There are too few days of data for a forecast."),
        (12, 0.01, "+10.7 MB a day since 2026-03-06; 105% on 2026-04-"),
        (12, 0.0, "+0 bytes a day since 2026-03-06; it will not become full."),
        (12, 0.06, "it is already over 105%."),
    ],
)
def test_how_a_storage_fills_is_told(sales: Terminal, days: int, daily: float, told: str) -> None:
    fill(sales, days, daily)
    ended = sales("storage", "sales")
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("data storage: ")
    assert told in ended.out


def test_old_versions_of_files_are_listed(sales: Terminal) -> None:
    org = sales.world.org
    columns = {"File": WireKind.TEXT, "Latest": WireKind.TEXT, "Size": WireKind.INTEGER}
    org.add_table("Version", columns | {"Title": WireKind.TEXT})
    old = {"File": "F1", "Latest": "false", "Size": "2048", "Title": "Menu"}
    org.create("Version", dict(old))
    org.create("Version", dict(old))
    fill(sales, 1, 0.01)
    out = sales("storage", "sales").out
    assert "2 old versions of 1 file use 4.1 kB. The org cannot delete them alone. " in out
    assert re.search(r"Menu +2 +4\.1 kB", out)


def test_a_storage_is_drawn(sales: Terminal, tmp_path: Path) -> None:
    fill(sales, 5, 0.01)
    picture = tmp_path / "storage.svg"
    ended = sales("storage", "sales", "--plot", str(picture), "--stop", "90", "--json")
    assert ended.json["storages"][0]["forecast"]["stop"] == 0.9
    assert picture.read_text().startswith("<svg ")
    told = sales("storage", "sales", "--plot", str(picture)).out
    assert told.endswith(f"The chart of the fullest storage is in {picture}.\n")
    ended = sales("storage", "sales", "--plot", str(tmp_path / "no" / "storage.svg"), "--json")
    assert ended.failure["code"] == "file-not-written"
    assert json.dumps(ended.failure)
