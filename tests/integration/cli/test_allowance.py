"""A day's API calls are spent in the middle of the first full backup: it parks, and ends later."""

from pathlib import Path

import pytest

from integration.cli.conftest import Program, add_org
from integration.cli.test_by_itself import BEGAN, OPENED
from unlost.app.compose import Application, open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service
from unlost.testing.clock import VirtualClock
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.network]

DAILY = 1000  # calls of the org's day: a first backup of the chocolate maker takes over 300
SHARE = 30  # percent: 20 for backups, 10 for restores


def used(served: SimulatorProcess) -> int:
    return int(served.admin.get("counters")["api_used"])


def test_a_first_backup_parks_when_its_share_is_spent_and_ends_with_a_complete_certificate(
    tmp_path: Path,
) -> None:
    with SimulatorProcess(*OPENED) as served:
        program = Program(tmp_path / "home")
        assert program("init", str(program.home), "--recovery-out", str(tmp_path / "s")).code == 0
        assert add_org(program, served.url).code in {0, 3}
        clock = VirtualClock(BEGAN)

        def opened(cancel_flag: CancellationFlag) -> Application:
            return open_application(program.home, clock=clock, cancel_flag=cancel_flag)

        def pass_time(hours: float) -> None:
            clock.advance(hours=hours)
            served.admin.post("clock/advance", seconds=int(hours * 3600))

        with opened(CancellationFlag()) as app:
            from unlost.app.actions.backups.schedule import ScheduleChange, change

            change(app, "chocolate", ScheduleChange(at="01:30", window=0, calls=SHARE))
        served.admin.post("settings", daily_api_requests=DAILY, used={"DailyApiRequests": 0})
        parked = 0
        for _ in range(10):
            before = used(served)
            Service(opened, CancellationFlag()).run(once=True)
            spent = used(served) - before
            assert spent <= DAILY * (SHARE - 10) // 100, "its own share"
            if program("snapshots", "chocolate", "--json").json["snapshots"]:
                break
            runs = program("runs", "--json").json["runs"]
            parked += [one["state"] for one in runs] == ["parked"]
            pass_time(25)
            assert used(served) < DAILY * 0.5, "another integration still gets its share"
        assert parked >= 2, "it parks for more than one day"
        (night,) = program("snapshots", "chocolate", "--json").json["snapshots"]
        first = program("runs", "--json").json["runs"][-1]
        assert (first["run"], first["state"]) == (night["run"], "done"), "the same run to its end"
        proof = program("certificate", "chocolate", "--json").done
        assert all(
            line["held"] == line["live"] for line in proof["certificate"]["tables"] if line["live"]
        )
        shown = program("schedule", "show", "chocolate", "--json").json["schedules"][0]
        assert {one["failures"] for one in shown["nights"]} == {0}, "to wait is no failure"
