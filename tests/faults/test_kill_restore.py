"""kill -9 at any moment of a restore or an undo: going on ends it exactly, and nothing is doubled.

The real program against the real simulator. Also with the home's database deleted half-way: the
vault alone knows what was done. A bypass of the org's automation is on while it writes, and off after
it.
"""

import json
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
FILES = ("ContentDocument", "ContentVersion", "ContentDocumentLink", "Attachment")
MAILS = ("EmailMessage", "EmailMessageRelation")
QUIET, GREETING = "Quiet", "Greet a new contact"


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

    def hold_automation(self) -> None:
        """Let a trigger greet each new contact with a task, unless the org's bypass is on."""
        post = self.simulator.admin.post
        post("records/insert", object="PermissionSet", rows=[{"Name": QUIET, "Label": QUIET}])
        greeting = {"Subject": GREETING, "WhoId": "{Id}", "Status": "Not Started"}
        post(
            "rules/trigger",
            object="Contact",
            deed="create",
            values=greeting | {"Priority": "Normal"},
            bypass=QUIET,
        )
        self.ask("org", "bypass", "chocolate", "permission-set", QUIET)

    def automation(self) -> tuple[int, int]:
        """The greetings that were sent, and the assignments of the bypass; both must be none."""
        export = self.simulator.admin.get
        tasks = [row["Subject"] for row in export("export", object="Task")["rows"]]
        sets = export("export", object="PermissionSet")["rows"]
        quiet = next(row["Id"] for row in sets if row["Name"] == QUIET)
        given = export("export", object="PermissionSetAssignment")["rows"]
        return tasks.count(GREETING), sum(row["PermissionSetId"] == quiet for row in given)

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

    def everything(self) -> tuple[Counter[str], list[str]]:
        """Live rows by table, with files and mails, and the phone numbers that were overwritten."""
        held = self.simulator.admin.get("holds")
        tables = (*COUNTED, *FILES, *MAILS, "Contract", "OrderItem", "AccountContactRelation")
        contacts = self.simulator.admin.get("export", object="Contact")["rows"]
        phones = sorted(str(row["Phone"]) for row in contacts if not row["IsDeleted"])
        return Counter({name: held[name]["live"] for name in tables}), phones

    def let_delete(self) -> None:
        """Let the write user delete activated contracts, so that an undo keeps nothing."""
        permission = {"permission": "DeleteActivatedContract", "granted": True}
        self.simulator.admin.post("access/permission", username=ADMIN, **permission)

    def undo(self, plan: Path) -> Path:
        """The plan that takes the run of a plan back."""
        run = f"restore-{json.loads(plan.read_text())['id']}"
        file = self.folder / f"undo-{plan.name}"
        self.ask("undo", "chocolate", run, "--out", str(file))
        return file

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
        made.hold_automation()
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
    assert shop.automation() == (0, 0)
    assert shop.ask("verify", "--level", "full")["damages"] == []
    writes = shop.rows()
    assert shop.start(plan, within=HANGING)
    assert shop.rows() == writes, "running the plan again changed something"


def killed(shop: Shop, plan: Path, dice: random.Random, *, kills: int) -> int:
    """Run a plan to its end, through so many kills; returns how many hit it."""
    hit, done = 0, False
    while not done and hit < kills:
        done = shop.start(plan, within=dice.uniform(SOONEST, LATEST))
        hit += not done
    assert shop.start(plan, within=HANGING)
    return hit


def undo_with_kills(shop: Shop, *, kills: int, seed: int) -> None:
    """Kill the undo of a restore that many times, and then the undo of the undo."""
    dice = random.Random(seed)
    shop.let_delete()
    shop.lose()
    shop.ask("backup", "chocolate")
    lost = shop.everything()
    plan = shop.plan("plan.json", "--lost-between", "1", "2")
    assert shop.start(plan, within=HANGING)
    repaired = shop.everything()
    assert repaired != lost
    undo = shop.undo(plan)
    assert killed(shop, undo, dice, kills=kills), "an undo that is never killed proves nothing"
    assert shop.everything() == lost
    assert shop.automation() == (0, 0)
    again = shop.undo(undo)
    killed(shop, again, dice, kills=kills)
    redone, phones = shop.everything()
    assert phones == repaired[1]
    assert not redone - repaired[0], "something is doubled"
    assert shop.automation() == (0, 0)
    outcome = shop.ask("restore", "run", str(again))
    unfinished = Counter(
        one["table"] for one in outcome["records"] if one["ending"] in ("failed", "skipped")
    )
    missing = repaired[0] - redone
    assert not missing - unfinished, f"{missing} are missing, and only {unfinished} are named"
    assert shop.ask("verify", "--level", "full")["damages"] == []


@pytest.mark.network
def test_kills_of_an_undo_lose_nothing_and_double_nothing(shop: Shop) -> None:
    undo_with_kills(shop, kills=2, seed=0)


@pytest.mark.deep
@pytest.mark.network
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills_of_undos(shop: Shop, seed: int) -> None:
    undo_with_kills(shop, kills=10, seed=seed)


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
