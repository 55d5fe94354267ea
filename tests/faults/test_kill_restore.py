"""kill -9 at any moment of a restore: going on ends it exactly, and nothing comes back twice.

The real program against the real simulator. Also with the home's database deleted half-way: the
vault alone knows what was done.
"""

import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from integration.cli.conftest import Program, add_org, first_home, moved_in
from patience import HANGING
from unlost_simulators.process import SimulatorProcess

__all__ = ["first_home"]

pytestmark = [pytest.mark.full, pytest.mark.long]

CUSTOMER = "0040017"
ADMIN = "lotte.devos@chocolate.example"
SECRET = "not-a-secret-writer"
DONE = {0, 3}
SOONEST = 0.6  # seconds: before that nothing of ours runs yet
LATEST = 2.0  # so that a restore is hit several times before it ends
COUNTED = ("Account", "Contact", "Case", "CaseComment", "Opportunity", "Order", "Task", "Note")


@dataclass(slots=True)
class Shop:
    """A home whose org lost a customer and many phone numbers, and a plan to bring them back."""

    program: Program
    simulator: SimulatorProcess
    folder: Path

    def ask(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = self.program(*words, "--json").done
        return told

    def let_write(self) -> None:
        self.simulator.admin.post(
            "apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN
        )
        self.ask("org", "writer", "chocolate", "--client-id", "writer-tests")

    def lose(self) -> None:
        self.simulator.admin.post("story/delete-customer")
        self.simulator.admin.post("clock/advance", days=20)
        self.simulator.admin.post("story/overwrite-phones")

    def plan(self, name: str, *chosen: str) -> Path:
        file = self.folder / name
        self.ask("restore", "plan", "chocolate", *chosen, "--out", str(file))
        return file

    def rows(self) -> Counter[str]:
        """Live rows by table: what was doubled or lost shows."""
        held = self.simulator.admin.get("holds")
        return Counter({name: held[name]["live"] for name in COUNTED})

    def start(self, plan: Path, *, within: float) -> bool:
        """Run the plan; true if it ended, false if it was killed."""
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            process = self.program.started("restore", "run", str(plan), "--json")
        with process:
            try:
                out, err = process.communicate(timeout=within)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
        if process.returncode == -signal.SIGKILL:
            return False
        assert process.returncode in DONE, f"{out}{err}"
        return True


@pytest.fixture
def shop(first_home: Path, tmp_path: Path) -> Iterator[Shop]:
    with SimulatorProcess() as simulator:
        secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
        program = moved_in(first_home, tmp_path, simulator.url, environment=secret)
        made = Shop(program, simulator, tmp_path)
        made.let_write()
        yield made


def restore_with_kills(shop: Shop, *, kills: int, seed: int) -> None:
    """Kill one restore that many times; in the middle the home's database is lost, too."""
    dice, before = random.Random(seed), shop.rows()
    shop.lose()
    shop.ask("backup", "chocolate")
    plan = shop.plan("plan.json", "--lost-between", "1", "2")
    done, hit = False, 0
    while not done and hit < kills:
        done = shop.start(plan, within=dice.uniform(SOONEST, LATEST))
        hit += not done
        if hit == kills // 2 and not done:
            (shop.program.home / "catalog.sqlite").unlink()
            add_org(shop.program, shop.simulator.url)
            shop.let_write()
    assert shop.start(plan, within=HANGING)
    assert hit > 2, "a restore that is never killed proves nothing"
    lost = {name: count - shop.rows()[name] for name, count in before.items()}
    assert not any(lost.values()), f"lost (or doubled, if negative): {lost}"
    rows = shop.simulator.admin.get("export", object="Account")["rows"]
    assert sum(row["Customer_Number__c"] == CUSTOMER for row in rows) == 1
    assert shop.ask("verify", "--level", "full")["damages"] == []
    writes = shop.rows()
    assert shop.start(plan, within=HANGING)
    assert shop.rows() == writes, "running the plan again changed something"


@pytest.mark.deep
@pytest.mark.network
def test_kills_of_a_restore_lose_nothing_and_double_nothing(shop: Shop) -> None:
    restore_with_kills(shop, kills=4, seed=0)


@pytest.mark.deep
@pytest.mark.network
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_of_restores(shop: Shop, seed: int) -> None:
    restore_with_kills(shop, kills=20, seed=seed)
