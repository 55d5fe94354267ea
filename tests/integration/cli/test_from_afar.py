"""The same commands from another machine, against a service that runs: find, back up, plan, restore, save."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.cli.conftest import UNLOST, Ended, Program, moved_in
from integration.cli.test_restore import CUSTOMER, SECRET, live_accounts
from patience import HANGING
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.deep, pytest.mark.long, pytest.mark.network]


@dataclass(frozen=True, slots=True)
class Afar:
    """A machine that has the program, a token, and no home."""

    folder: Path
    url: str
    token: str

    def __call__(self, *words: str) -> Ended:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UNLOST", "DJANGO"))}
        done = subprocess.run(
            [UNLOST, *words],
            env=kept | {"UNLOST_URL": self.url, "UNLOST_TOKEN": self.token},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def home(served: SimulatorProcess, first_home: Path, tmp_path: Path) -> Program:
    """A home with one night, whose org can be written to."""
    secret = {"UNLOST_WRITER_CLIENT_SECRET": SECRET}
    made = moved_in(first_home, tmp_path, served.url, environment=secret)
    writer(made, served)
    return made


def writer(made: Program, served: SimulatorProcess) -> None:
    served.admin.post(
        "apps", consumer_key="writer", consumer_secret=SECRET,
        run_as="lotte.devos@chocolate.example",
    )  # fmt: skip
    assert made("org", "writer", "chocolate", "--client-id", "writer").code in {0, 3}


@pytest.fixture
def afar(home: Program, tmp_path: Path) -> Iterator[Afar]:
    """Another machine, while the service runs with its console."""
    assert home("user", "add", "lena", "--role", "admin").code == 0
    token = home("token", "add", "terminal", "--owner", "lena", "--role", "admin", "--json")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    process = home.started("up", "--port", "0")
    try:
        yield Afar(folder, _address(process), token.json["text"])
    finally:
        process.terminate()
        process.communicate(timeout=HANGING)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"http://[^/\s]+", line)
        if found is not None:
            return found[0]
    raise AssertionError("the console did not start")


def save_a_file(afar: Afar, home: Program, account: str) -> None:
    """A file of a customer comes here as it is there."""
    shown = afar("show", "chocolate", f"Account/{account}", "--json").done
    file = shown["related"]["files"][0]
    record = f"{file['table']}/{file['record']}"
    near, far = afar.folder / "near", afar.folder / "far"
    told = home("file", "chocolate", record, "--out", str(near), "--json").done
    saved = afar("file", "chocolate", record, "--out", str(far), "--json").done
    assert saved == told | {"out": str(far)}
    assert near.read_bytes() == far.read_bytes()
    assert far.stat().st_size == told["size"] > 0


def test_a_customer_comes_back_from_afar(
    afar: Afar, home: Program, served: SimulatorProcess
) -> None:
    hits = afar("find", CUSTOMER, "--json").done["hits"]
    account = next(hit["record"] for hit in hits if hit["table"] == "Account")
    save_a_file(afar, home, account)
    served.admin.post("story/delete-customer")
    night = afar("backup", "chocolate", "--json").done
    assert night["snapshot"] == 2
    assert night["counts"]["deleted"] > 0
    plan = afar.folder / "plan.json"
    words = ("--record", f"Account/{account}", "--out", str(plan), "--json")
    planned = afar("restore", "plan", "chocolate", *words).done
    assert planned["digest"] == json.loads(plan.read_bytes())["digest"]
    assert afar("restore", "show", str(plan), "--json").done["summary"] == planned["summary"]
    assert live_accounts(served) == []
    ran = afar("restore", "run", str(plan), "--json").done
    assert ran["run"] == planned["run"]
    assert len(live_accounts(served)) == 1
    states = {one["run"]: one["state"] for one in afar("runs", "--json").done["runs"]}
    assert states[ran["run"]] == "done"
