"""kill -9 at any moment of a backup: the last snapshot stays exact, the next call goes on.

The real program, the real simulator, real kills. Twenty kills in the everyday suite, two hundred in
the deep one; moments are drawn by a seed that the failure prints.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from unlost_simulators.process import SimulatorProcess

UNLOST = Path(sys.executable).with_name("unlost")
DONE = {0, 3}


@dataclass(frozen=True, slots=True)
class Org:
    """A home with one org, played by a simulator."""

    home: Path
    simulator: SimulatorProcess

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [UNLOST, *arguments],
            env={**os.environ, "UNLOST_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, *arguments: str) -> dict[str, Any]:
        process = self.start(*arguments, "--json")
        out, err = process.communicate(timeout=120)
        assert process.returncode in DONE, f"{arguments}: {out}{err}"
        answer: dict[str, Any] = json.loads(out)
        return answer

    def kill_a_backup(self, after: float) -> bool:
        """Start a backup and kill it; False if it was done before."""
        process = self.start("backup", "chocolate")
        time.sleep(after)
        process.kill()
        process.communicate()
        if process.returncode >= 0:
            assert process.returncode in DONE
        return process.returncode < 0

    def runs(self) -> list[str]:
        return [night["run"] for night in self.ask("snapshots", "chocolate")["snapshots"]]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    secret = tmp_path / "secret"
    secret.write_text("not-a-secret-chocolate")
    with SimulatorProcess() as simulator:
        made = Org(tmp_path / "home", simulator)
        made.ask("init", str(made.home), "--recovery-out", str(tmp_path / "sheet.txt"))
        made.ask(
            *("org", "add", "salesforce", "chocolate", "--login-url", simulator.url),
            *("--client-id", "chocolate-backup", "--client-secret-file", str(secret)),
        )
        yield made


def live_with_kills(org: Org, *, nights: int, kills: int, seed: int) -> None:
    """Each night is killed again and again, then left to end; nothing is lost, nothing doubled."""
    dice = random.Random(seed)
    longest = 12.0
    for night in range(nights):
        if night:
            org.simulator.admin.post("story/ordinary-day")
            org.simulator.admin.post("clock/advance", days=1)
        for _ in range(kills):
            before = org.runs()
            killed = org.kill_a_backup(dice.uniform(0.2, longest))
            after = org.runs()
            assert after[: len(before)] == before, "a committed night changed"
            assert len(after) - len(before) <= 1, "one run made two nights"
            assert killed or len(after) == len(before) + 1, "a finished night is not there"
            assert org.ask("verify", "--level", "full")["damages"] == []
        started = time.monotonic()
        last = org.ask("backup", "chocolate")
        longest = max(1.0, 0.9 * (time.monotonic() - started)) if night else 4.0
        runs = org.runs()
        assert len(set(runs)) == len(runs), "a night is there twice"
        assert runs[-1] == last["run"]
        assert_the_snapshot_is_the_org(org)
    assert org.ask("verify", "--level", "deep")["damages"] == []


def assert_the_snapshot_is_the_org(org: Org) -> None:
    certificate = org.ask("certificate", "chocolate")["certificate"]
    truth = org.simulator.admin.get("holds")
    held = {line["table"]: line["held"] for line in certificate["tables"]}
    wrong = {
        name: (rows, truth[name]["live"])
        for name, rows in held.items()
        if name in truth and truth[name]["live"] != rows and name not in COMPUTED
    }
    assert held, certificate
    assert not wrong


# Tables whose rows the simulator computes for whoever asks: it holds none of them itself.
COMPUTED = frozenset({"UserPermissionAccess", "EntityDefinition", "FieldDefinition"})


@pytest.mark.network
@pytest.mark.timeout(570)
def test_twenty_kills_lose_nothing_and_double_nothing(org: Org) -> None:
    live_with_kills(org, nights=2, kills=10, seed=20261124)


@pytest.mark.deep
@pytest.mark.network
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_kills_lose_nothing_and_double_nothing(org: Org, seed: int) -> None:
    live_with_kills(org, nights=4, kills=10, seed=seed)
