"""The real program against the simulator: a home for each test module."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from once import lead_to, made_once
from unlost.cli.main import main
from unlost_simulators.process import SimulatorProcess

SECRET = "not-a-secret-chocolate"
ADMIN = "lotte.devos@chocolate.example"
WRITER, WRITER_SECRET = "writer-tests", "not-a-secret-writer"
UNLOST = Path(sys.executable).with_name("unlost")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.startswith("{"), self
        return json.loads(self.out)

    @property
    def done(self) -> Any:
        """The JSON of a command that did what it was asked to, perhaps with findings."""
        assert self.code in {0, 3}, self
        return self.json


@dataclass(frozen=True, slots=True)
class Program:
    """The program, working with one home: called in this process, or started as one of its own."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("UNLOST_HOME", str(self.home))
            for name, value in self.environment.items():
                patch.setenv(name, value)
            code = main(words)
        return Ended(code, out.getvalue(), err.getvalue())

    def by_process(self, *words: str) -> Ended:
        with self.started(*words) as process:
            out, err = process.communicate()
        return Ended(process.returncode, out, err)

    def started(self, *words: str) -> subprocess.Popen[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("UNLOST")}
        environment |= {"UNLOST_HOME": str(self.home), "UNLOST_PORT": "0", **self.environment}
        return subprocess.Popen(
            [UNLOST, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def add_org(
    program: Program,
    url: str,
    *,
    name: str = "chocolate",
    key: str = "backup",
    more: Sequence[str] = (),
) -> Ended:
    return Program(program.home, {"UNLOST_CLIENT_SECRET": SECRET})(
        *("org", "add", "salesforce", name, "--login-url", url),
        *("--client-id", f"chocolate-{key}", "--json", *more),
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the chocolate maker's org and one backup, to be copied; its simulator is gone.

    It takes a dozen seconds of a core, so that one process of a run makes it for all.
    """
    return made_once(tmp_path_factory, "first", _backed_up_once) / "home"


def _backed_up_once(folder: Path) -> None:
    made = Program(folder / "home")
    with SimulatorProcess() as served:
        assert made("init", str(made.home), "--recovery-out", str(folder / "sheet.txt")).code == 0
        assert add_org(made, served.url).code in {0, 3}
        assert made("backup", "chocolate").code in {0, 3}


def moved_in(
    first_home: Path, folder: Path, url: str, *, environment: dict[str, str] | None = None
) -> Program:
    """Copy the first home and its sheet into a folder; from now on a simulator at ``url`` answers.

    It must be new: then its org is as it was when the backup was made.
    """
    shutil.copytree(first_home.parent, folder, dirs_exist_ok=True)
    made = Program(folder / "home", environment or {})
    lead_to(url, made.home)
    return made


@pytest.fixture(scope="module")
def program(
    simulator: SimulatorProcess, first_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A home with the chocolate maker's org and one backup."""
    return moved_in(first_home, tmp_path_factory.mktemp("home"), simulator.url)


def with_writer(first_home: Path, folder: Path, served: SimulatorProcess) -> Program:
    """A home whose org has a write user, who may do everything."""
    secret = {"UNLOST_WRITER_CLIENT_SECRET": WRITER_SECRET}
    shop = moved_in(first_home, folder, served.url, environment=secret)
    served.admin.post("apps", consumer_key=WRITER, consumer_secret=WRITER_SECRET, run_as=ADMIN)
    assert shop("org", "writer", "chocolate", "--client-id", WRITER, "--json").done["tenant"]
    return shop
