"""Nights come and go by themselves against a served org, and what breaks reaches people.

The vault, the database and the queue are real; the home's clock is moved by hand.
"""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fakes.mail import MailSink, mail_server
from integration.cli.conftest import Program, add_org
from unlost.app.compose import Application, open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

BEGAN = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)  # when the served org opens
OPENED = ("--opens", BEGAN.isoformat())
TABLES = ("Account", "Contact", "Case")


class Receiver(BaseHTTPRequestHandler):
    """A webhook's other end."""

    told: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *told: object) -> None:
        """Say nothing."""


class ByItself:
    """A home with one org, and the two who are told."""

    def __init__(self, program: Program, served: SimulatorProcess) -> None:
        self.program, self.served = program, served
        self.clock = VirtualClock(BEGAN)
        self.mails = MailSink()
        self.hooks: list[dict[str, Any]] = []
        self.mail_port = 0
        self.hook = ""

    def opened(self, cancel_flag: CancellationFlag) -> Application:
        return open_application(self.program.home, clock=self.clock, cancel_flag=cancel_flag)

    def pass_time(self, *, hours: float) -> None:
        self.clock.advance(hours=hours)
        self.served.admin.post("clock/advance", seconds=int(hours * 3600))

    def look(self) -> None:
        Service(self.opened, CancellationFlag()).run(once=True)

    def snapshots(self) -> int:
        return len(self.program("snapshots", "chocolate", "--json").json["snapshots"])

    def nights(self) -> list[tuple[str, str, int]]:
        shown = self.program("schedule", "show", "chocolate", "--json").json["schedules"][0]
        return [(one["name"], one["state"], one["failures"]) for one in shown["nights"]]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[ByItself]:
    receiver = type("Told", (Receiver,), {"told": []})
    web = ThreadingHTTPServer(("127.0.0.1", 0), receiver)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with SimulatorProcess(*OPENED) as served, mail_server() as (mails, port):
        program = Program(tmp_path / "home")
        assert program("init", str(program.home), "--recovery-out", str(tmp_path / "s")).code == 0
        tables = [word for table in TABLES for word in ("--include", table)]
        assert add_org(program, served.url, more=tables).code in {0, 3}
        made = ByItself(program, served)
        made.mails = mails
        made.hooks = receiver.told  # type: ignore[attr-defined]
        made.mail_port = port
        words = ("alert", "channel", "it", "email", "--host", "127.0.0.1", "--security", "none")
        told = ("--port", str(port), "--from", "u@example.com", "--to", "it@example.com")
        assert program(*words, *told).code == 0
        hook = f"http://127.0.0.1:{web.server_address[1]}/hook"
        made.hook = hook
        words = ("alert", "channel", "hook", "webhook", "--url", hook, "--allow-private")
        assert program(*words).code == 0
        with open_application(program.home, clock=made.clock) as app:
            from unlost.app.actions.backups.schedule import ScheduleChange, change

            change(app, "chocolate", ScheduleChange(at="01:30", window=0))
        yield made
    web.shutdown()
    web.server_close()


def test_nights_come_and_go_and_what_breaks_reaches_people(alone: ByItself) -> None:
    alone.pass_time(hours=6)
    alone.look()
    alone.pass_time(hours=2)
    alone.look()
    assert alone.nights() == [("2026-11-03T01:30", "done", 0)]
    assert alone.snapshots() == 1
    alone.look()
    assert alone.snapshots() == 1, "a night is made once"

    alone.served.admin.fault("empty_500", path="/sobjects/?$", times=0)
    alone.pass_time(hours=24)
    for _ in range(3):
        alone.look()
        alone.pass_time(hours=0.3)
    assert alone.nights()[0][:2] == ("2026-11-04T01:30", "waiting")
    gaps, told = alone.hooks
    assert gaps["rule"] == "incomplete", "the certificate of few tables names a gap"
    assert (told["event"], told["rule"], told["org"]) == ("opened", "night-failed", "chocolate")
    assert told["heads"][0]["backup"] == 1
    _, mail = alone.mails.texts
    assert "[Unlost] The backup of chocolate of 2026-11-04 failed" in mail
    assert "unlost backup chocolate" in mail

    assert alone.served.admin.unhit_faults() == []
    alone.served.admin.post("faults/clear")
    alone.pass_time(hours=2)
    alone.look()
    assert alone.nights()[0][:2] == ("2026-11-04T01:30", "done")
    assert alone.snapshots() == 2
    assert [(one["event"], one["rule"]) for one in alone.hooks[2:]] == [
        ("resolved", "night-failed")
    ]
    assert "Resolved: " in alone.mails.texts[-1]


def test_cases_are_read_every_hour_and_the_night_goes_on_from_there(alone: ByItself) -> None:
    """What is created and lost again within a day is kept."""
    with open_application(alone.program.home, clock=alone.clock) as app:
        from unlost.app.actions.backups.schedule import ScheduleChange, change

        assert change(app, "chocolate", ScheduleChange(hourly="case")).schedule.hourly == ("Case",)
    alone.pass_time(hours=8)
    alone.look()
    admin = alone.served.admin
    contacts = [row["Id"] for row in admin.get("export", object="Contact")["rows"][:3]]
    brief = {"Subject": "Created and lost again", "ContactId": contacts[0], "Origin": "Email"}
    (made,) = admin.post("records/insert", object="Case", rows=[brief])["ids"]
    admin.post("records/update", object="Contact", changes={contacts[1]: {"Title": "Later"}})
    alone.pass_time(hours=1)
    alone.look()
    admin.post("records/delete", object="Case", ids=[made])
    alone.pass_time(hours=1)
    alone.look()
    listed = alone.program("snapshots", "chocolate", "--json").json["snapshots"]
    assert [info["only"] for info in listed] == [[], ["Case"], ["Case"]]
    counts = [[info["counts"][kind] for kind in ("created", "changed", "deleted")]
              for info in listed[1:]]  # fmt: skip
    assert counts == [[1, 0, 0], [0, 0, 1]]
    shown = alone.program("show", "chocolate", f"Case/{made}", "--at", "2", "--json").json
    assert (shown["alive"], shown["values"]["Subject"]) == (True, brief["Subject"])
    assert not alone.program("show", "chocolate", f"Case/{made}", "--json").json["alive"]
    alone.pass_time(hours=22)
    alone.look()
    alone.look()
    night = alone.program("snapshots", "chocolate", "--json").json["snapshots"][-1]
    assert (night["only"], night["counts"]["changed"]) == ([], 1)
    hour = alone.program("runs", "--json").json["runs"][1]
    assert (hour["hourly"], hour["state"]) == (True, "done")
