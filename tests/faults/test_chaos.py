"""The service under kill -9, freezing, a second worker and an org that loses its answers.

Real processes, the real queue and database (SQLite), a simulator, nights that become due by a clock
that is put forward. Whatever happens: each night is made once, and no run is left behind.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, add_org
from patience import HANGING, until
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

SERVED = Path(__file__).with_name("served.py")
TABLES = ("Account", "Contact", "Case", "EmailMessage", "Attachment")
DAY = 86_400
REFUSED = "Another process already runs the jobs"
KILL, FREEZE, RIVAL, CUT = "kill", "freeze", "rival", "cut"


@dataclass
class Machine:
    """A home, its org, and the service of it, which comes and goes."""

    program: Program
    simulator: SimulatorProcess
    shift: Path
    log: Path
    services: list[subprocess.Popen[bytes]] = field(default_factory=list)
    met: dict[str, int] = field(default_factory=dict)
    begun: int = 0  # where the log of the last start begins

    def up(self) -> bool:
        """True once the service that was started last looks around."""
        return b"service-started" in self.log.read_bytes()[self.begun :]

    def start(self) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("UNLOST")}
        environment.pop("COVERAGE_PROCESS_CONFIG", None)  # a kill would leave half a measurement
        self.begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            made = subprocess.Popen(
                [sys.executable, str(SERVED), str(self.program.home), str(self.shift)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
            )  # fmt: skip
        self.services.append(made)
        return made

    @property
    def service(self) -> subprocess.Popen[bytes]:
        return self.services[-1]

    def later(self, seconds: int) -> None:
        ahead = float(self.shift.read_text("ascii")) + seconds
        self.simulator.admin.post("clock/advance", seconds=seconds)
        self.shift.write_text(str(ahead), "ascii")

    def nights(self) -> list[dict[str, Any]]:
        shown = self.program("schedule", "show", "chocolate", "--json").json["schedules"][0]
        return list(shown["nights"])

    def snapshots(self) -> list[dict[str, Any]]:
        return list(self.program("snapshots", "chocolate", "--json").json["snapshots"])

    def until(self, holds: Callable[[], bool], what: str) -> None:
        until(
            holds,
            seconds=120,
            pause=0.4,
            failure=lambda: f"{what}: {self.log.read_text('utf-8')[-9000:]}",
        )

    # --- what happens ------------------------------------------------------------------------------

    def kill(self, dice: random.Random) -> None:
        """The machine loses power, and starts again."""
        time.sleep(dice.uniform(0.05, 3.0))
        self.service.kill()
        self.service.wait()
        self.start()

    def freeze(self, dice: random.Random) -> None:
        """The process stands still for a while, as on a machine that swaps."""
        time.sleep(dice.uniform(0.1, 2.0))
        self.service.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.5, 2.0))
        self.service.send_signal(signal.SIGCONT)

    def rival(self, dice: random.Random) -> None:
        """Somebody starts a second service: it says so and ends."""
        time.sleep(dice.uniform(0.1, 1.0))
        self.until(self.up, "the first service runs")  # or the second may become the first
        first = self.service
        second = self.start()
        assert second.wait(HANGING) != 0
        self.services.remove(second)
        assert REFUSED in self.log.read_text("utf-8")
        self.begun = 0
        assert first.poll() is None

    def cut(self, dice: random.Random) -> None:
        """The org breaks off some answers, and some calls never hear of what they did."""
        kind = dice.choice(["reply_lost", "unavailable_html"])
        self.simulator.admin.fault(kind, path="/query", skip=dice.randrange(3), times=2)


@contextmanager
def machine(tmp_path: Path, *options: str) -> Iterator[Machine]:
    """A home, made with these options, whose org is backed up every night."""
    with SimulatorProcess() as simulator:
        program = Program(tmp_path / "home")
        sheet = str(tmp_path / "s")
        assert program("init", str(program.home), "--recovery-out", sheet, *options).code == 0
        tables = [word for table in TABLES for word in ("--include", table)]
        assert add_org(program, simulator.url, more=tables).code in {0, 3}
        assert program("schedule", "set", "chocolate", "--at", "00:00", "--window", "0").code == 0
        shift = tmp_path / "shift"
        shift.write_text("0", "ascii")
        made = Machine(program, simulator, shift, tmp_path / "log")
        try:
            yield made
        finally:
            for one in made.services:
                one.kill()
                one.wait()


def live(made: Machine, *, nights: int, seed: int) -> None:
    """Nights with a disaster each."""
    dice = random.Random(seed)
    made.start()
    disasters = {KILL: made.kill, FREEZE: made.freeze, RIVAL: made.rival, CUT: made.cut}
    for number in range(nights):
        made.later(DAY)
        for what in (dice.choice([KILL, FREEZE, RIVAL, CUT]), KILL)[: dice.choice([1, 1, 2])]:
            disasters[what](dice)
            made.met[what] = made.met.get(what, 0) + 1

        def done(number: int = number) -> bool:
            return len(made.snapshots()) > number and made.nights()[0]["state"] == "done"

        made.until(done, f"night {number + 1} after {made.met}")
        made.simulator.admin.post("faults/clear")


def judge(made: Machine, *, nights: int) -> None:
    """Each night once, nothing left behind, the vault whole."""
    if made.service.poll() is None:
        made.until(made.up, "the service")
    for service in made.services:
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            assert service.wait(HANGING) == 0
    found = made.nights()
    assert [one["state"] for one in found] == ["done"] * len(found)
    assert len({one["name"] for one in found}) == len(found) == min(nights, 7)
    held = made.snapshots()
    assert len(held) == nights
    assert len({one["run"] for one in held}) == nights, "no night is doubled"
    runs = made.program("runs", "--json").json["runs"]
    assert {one["state"] for one in runs} == {"done"}
    verified = made.program("verify", "--level", "full", "--json")
    assert (verified.code, verified.json["damages"]) == (0, [])
    log = [json.loads(line) for line in made.log.read_text("utf-8").splitlines()
           if line.startswith("{")]  # fmt: skip
    begun = [one["night"] for one in log if one["event"] == "night-begun"]
    assert len(set(begun)) == len(begun) <= nights, "killed before it told so, but never twice"


@pytest.mark.deep
def test_disasters_of_some_nights_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with machine(tmp_path) as made:
        live(made, nights=5, seed=20261125)
        judge(made, nights=5)
        assert len(made.met) >= 3, made.met


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(4))
def test_disasters_of_many_nights_lose_nothing_and_double_nothing(
    tmp_path: Path, seed: int
) -> None:
    with machine(tmp_path) as made:
        live(made, nights=25, seed=seed)
        judge(made, nights=25)
        assert set(made.met) == {KILL, FREEZE, RIVAL, CUT}
