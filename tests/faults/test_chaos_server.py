"""Two services of one home in PostgreSQL: killed, frozen, cut off, the database started again.

As ``test_chaos``, but who dies may stay dead for a while: the other one does what it left. A process
that lost its session of the database ends by itself and is started again, as systemd would.
"""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.test_chaos import DAY, Machine, judge, machine
from patience import HANGING
from postgres import Postgres, postgres

pytestmark = [pytest.mark.full, pytest.mark.network]

KILL, GONE, FREEZE, RESTART, CUT = "kill", "gone", "freeze", "restart", "cut"
MINUTE = 60
ALL = (KILL, GONE, FREEZE, RESTART, CUT)


@dataclass
class Pair:
    """Two services of one home, and their database."""

    machine: Machine
    server: Postgres

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [one for one in self.machine.services if one.poll() is None]

    def supervise(self, *, least: int = 2) -> None:
        """Start again what ended by itself, so that so many are there."""
        while len(self.alive) < least:
            self.machine.start()

    def strike(self, what: str, dice: random.Random) -> None:
        time.sleep(dice.uniform(0.05, 2.5))
        victim = dice.choice(self.alive)
        match what:
            case "kill":
                self._kill(victim)
                self.supervise()
            case "gone":  # for good: the night must be done without it
                self._kill(victim)
            case "freeze":  # its session ends meanwhile, and another takes its work
                victim.send_signal(signal.SIGSTOP)
                self.server.cut()
                self._others_restart(victim)
                time.sleep(dice.uniform(5.0, 8.0))
                victim.send_signal(signal.SIGCONT)
            case "restart":
                self.server.restart()
            case _:
                self.machine.cut(dice)

    def _kill(self, victim: subprocess.Popen[bytes]) -> None:
        victim.kill()
        victim.wait()

    def _others_restart(self, frozen: subprocess.Popen[bytes]) -> None:
        """Those that run see that their session ended, and are started again."""
        for one in self.alive:
            if one is not frozen:
                assert one.wait(HANGING) != 0
                self.machine.start()


@contextmanager
def pair(tmp_path: Path) -> Iterator[Pair]:
    with postgres() as server, machine(tmp_path, "--database", server.database()) as made:
        yield Pair(made, server)


def live(made: Pair, *, nights: int, seed: int, whats: tuple[str, ...] = ()) -> None:
    """Nights with a disaster each."""
    dice = random.Random(seed)
    made.supervise()
    machine = made.machine
    machine.until(machine.up, "a service")
    for number in range(nights):
        machine.later(DAY)
        what = whats[number] if whats else dice.choice(ALL)
        made.strike(what, dice)
        machine.met[what] = machine.met.get(what, 0) + 1

        def done(number: int = number, what: str = what) -> bool:
            made.supervise(least=1 if what == GONE else 2)
            night = next(iter(machine.nights()), None)  # none where nobody began it yet
            state = night["state"] if night is not None else ""
            if state == "waiting":  # for its next try, which is not far
                machine.later(MINUTE)
            return len(machine.snapshots()) > number and state == "done"

        machine.until(done, f"night {number + 1} after {machine.met}")
        machine.simulator.admin.post("faults/clear")
        made.supervise()


@pytest.mark.deep
def test_disasters_of_some_nights_with_two_workers_and_a_server(tmp_path: Path) -> None:
    with pair(tmp_path) as made:
        live(made, nights=5, seed=20261126, whats=(GONE, RESTART, FREEZE, KILL, CUT))
        judge(made.machine, nights=5)


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(2))
def test_disasters_of_many_nights_with_two_workers_and_a_server(tmp_path: Path, seed: int) -> None:
    with pair(tmp_path) as made:
        live(made, nights=25, seed=seed)
        judge(made.machine, nights=25)
        assert set(made.machine.met) == set(ALL)
