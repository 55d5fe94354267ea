"""kill -9 at any moment of a backup: the last snapshot stays exact, the next call goes on.

The real program, the real simulator, real kills. Four kills of backups of a few tables, and two
hundred of the whole org in the deep suite; moments are drawn by a seed. A kill counts only if it
hit a program that was running.
"""

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, add_org
from patience import HANGING
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.long]

DONE = {0, 3}
SOONEST = 0.3  # seconds: before that nothing of ours runs yet
LOOK = 0.005  # seconds between two looks for a run that begins
FIRST_GUESS = 6.0  # seconds that a first backup may take; corrected by those that end
UNENDED = "SELECT id FROM catalog_run WHERE state NOT IN ('done', 'abandoned')"


@dataclass(frozen=True, slots=True)
class Org:
    """A home with one org, played by a simulator. Questions are asked in this process."""

    program: Program
    simulator: SimulatorProcess

    def ask(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = self.program(*words, "--json").done
        return told

    def back_up(self, *, within: float, begun: bool = False) -> Any:
        """What a backup said; None if it took longer than ``within`` seconds and was killed.

        They count from the moment when its run is known, if ``begun``, else from its start. It is a
        process of its own, not measured: a kill would leave half a measurement.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            process = self.program.started("backup", "chocolate", "--json")
        with process:
            while begun and process.poll() is None and not self.unended():
                time.sleep(LOOK)
            try:
                out, err = process.communicate(timeout=within)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
        if process.returncode == -signal.SIGKILL:
            return None
        assert process.returncode in DONE, f"{process.args}: {out}{err}"
        return json.loads(out)

    def runs(self) -> list[str]:
        return [night["run"] for night in self.ask("snapshots", "chocolate")["snapshots"]]

    def unended(self) -> list[str]:
        """Backups that began and did not end, as the home knows them."""
        with closing(sqlite3.connect(self.program.home / "catalog.sqlite")) as database:
            return [run for (run,) in database.execute(UNENDED)]


FEW = ("Account", "Contact", "Case", "EmailMessage", "Attachment", "ContentVersion")


@contextmanager
def served(tmp_path: Path, *more: str) -> Iterator[Org]:
    with SimulatorProcess() as simulator:
        made = Org(Program(tmp_path / "home"), simulator)
        made.ask("init", str(made.program.home), "--recovery-out", str(tmp_path / "sheet.txt"))
        assert add_org(made.program, simulator.url, more=more).code in DONE
        yield made


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with served(tmp_path) as made:
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Org]:
    """Only a few tables are backed up, files among them."""
    with served(tmp_path, *(word for table in FEW for word in ("--include", table))) as made:
        yield made


@dataclass(slots=True)
class Nights:
    """What an org's nights must be, whatever was killed when."""

    org: Org
    dice: random.Random
    longest: float = FIRST_GUESS
    runs: list[str] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)
    kills: int = 0
    resumed: int = 0

    def night(self, *, kills: int) -> None:
        """Kill backups that many times, then let one end: it holds what the org holds.

        The first is killed as soon as its run is known, and so is one more where the others left
        none: every night has one to go on with. On a busy machine kills may hit programs that have
        not come that far, or whose night was just committed.
        """
        until, patience, begun = self.kills + kills, 30 * kills, True
        while self.kills < until:
            patience -= 1
            assert patience, "the program ends before it can be killed"
            self.attempt(
                within=0 if begun else self.dice.uniform(SOONEST, self.longest), begun=begun
            )
            begun = begun and not self.unended
        while not self.unended:
            patience -= 1
            assert patience, "a program that was killed leaves nothing to go on with"
            self.attempt(within=0, begun=True)
        self.attempt(within=HANGING)
        assert self.unended == []
        assert_the_snapshot_is_the_org(self.org)

    def attempt(self, *, within: float, begun: bool = False) -> None:
        """One backup, killed or not: it adds at most the night that was begun, and loses none."""
        began = time.monotonic()
        answer = self.org.back_up(within=within, begun=begun)
        runs = self.org.runs()
        assert runs[: len(self.runs)] == self.runs, "a committed night changed"
        assert len(set(runs)) == len(runs), "a night is there twice"
        added = runs[len(self.runs) :]
        assert len(added) <= 1, "one run made two nights"
        if self.unended:
            assert set(added) <= set(self.unended), "a new run began beside the unended one"
        if answer is None:
            self.kills += 1
        else:
            self.longest = max(2 * SOONEST, time.monotonic() - began)
            self.judge(answer, added)
        self.runs, self.unended = runs, self.org.unended()
        assert len(self.unended) <= (answer is None), "an ended backup left a run open"
        assert self.org.ask("verify", "--level", "full")["damages"] == []

    def judge(self, answer: dict[str, Any], added: list[str]) -> None:
        """A backup that ended: of the run that was killed, where there was one."""
        assert answer["resumed"] == bool(self.unended)
        if self.unended:
            self.resumed += 1
            assert [answer["run"]] == self.unended
        assert answer["run"] in [*self.runs, *added], "a finished night is not there"


def assert_the_snapshot_is_the_org(org: Org) -> None:
    """Cell by cell, through the connector; and in number, as the simulator itself counts."""
    compared = org.ask("compare", "chocolate", "latest", "live")
    assert (compared["tables"], compared["unread"]) == ([], [])
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


def live_with_kills(org: Org, *, nights: int, kills: int, seed: int) -> None:
    """Nights with that many kills each: none is lost, none doubled, and runs were gone on with."""
    lived = Nights(org, random.Random(seed))
    for night in range(nights):
        if night:
            org.simulator.admin.post("story/ordinary-day")
            org.simulator.admin.post("clock/advance", days=1)
        lived.night(kills=kills)
    assert lived.kills >= nights * kills
    assert lived.resumed >= nights, "kills that left nothing to go on with prove nothing"
    assert org.ask("verify", "--level", "deep")["damages"] == []


@pytest.mark.network
@pytest.mark.parametrize("nights", [1, pytest.param(2, marks=pytest.mark.deep)])
def test_some_kills_lose_nothing_and_double_nothing(small: Org, nights: int) -> None:
    live_with_kills(small, nights=nights, kills=4, seed=20261124)


@pytest.mark.deep
@pytest.mark.network
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_kills_lose_nothing_and_double_nothing(org: Org, seed: int) -> None:
    live_with_kills(org, nights=4, kills=10, seed=seed)
