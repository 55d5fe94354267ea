"""Every command that the documentation shows is executed, page by page, as a reader would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import ignore_patterns
from urllib.parse import urlsplit

import pytest
from _pytest.mark import ParameterSet

import warm
from fakes.bucket_server import Bucket, serving
from fakes.instance import BACKUP, PASSWORD
from house.coverage_rooms import MOST, STRICT, WHOLE
from once import lead_to, made_once
from patience import HANGING
from postgres import Postgres
from unlost_simulators.servicenow.process import ServiceNowProcess
from warmed import warm_process

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial" / "first-night.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = sorted(page for page in DOCS.rglob("*.md") if BLOCK.search(page.read_text("utf-8")))
# Files that a page shows under their names.
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT_IN_DOCS = "8844"
SHOP_IN_DOCS = "8899"  # of the guide for authors of connectors
INSTANCE_IN_DOCS = "https://acme.service-now.com"
USER_IN_DOCS = "unlost.backup"
BUCKET_IN_DOCS = "http://127.0.0.1:9000"
SOCKETS_IN_DOCS = "/run/postgresql"
DATABASE_IN_DOCS = re.compile(r"postgresql:///(\w+)\?")
# Findings (3) are no failure; and the simulated org's clock stands, so that `doctor` finds its
# newest backup too old (1).
EXIT_CODES_AS_EXPECTED = """unlost() {
    local code=0
    program "$@" || code=$?
    case "$code $1" in "3 "* | "1 doctor") code=0 ;; esac
    return $code
}"""
COLD = 'program() { command unlost "$@"; }'
# A package that a page shows is installed beside Unlost, without the network.
INSTALL = """pip() {
    python -m pip "$@" --quiet --no-deps --no-build-isolation --target site
    export PYTHONPATH=$PWD/site:${PYTHONPATH-}
}"""
WARM = f'program() {{{{ WARM={{socket}} python -S -E {Path(warm.__file__)} "$@"; }}}}'


def commands(page: Path) -> list[str]:
    """The commands of a page's console blocks; a line that ends in a backslash goes on in the next."""
    blocks = BLOCK.findall(page.read_text("utf-8"))
    lines = re.split(r"(?<!\\)\n", "\n".join(blocks))
    typed = [line for line in lines if line.strip()]
    unmarked = [line for line in typed if not line.startswith("$ ")]
    assert not unmarked, f"{page}: lines without a prompt: {unmarked}"
    return [line.removeprefix("$ ") for line in typed]


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page shows."""
    for name, content in FILE.findall(page.read_text("utf-8")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")


def first_night() -> list[str]:
    """The tutorial up to its first certificate: where other pages begin."""
    lines = commands(TUTORIAL)
    end = next(n for n, line in enumerate(lines) if line.startswith("unlost snapshots"))
    return lines[: end + 1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_databases(script: str, server: Postgres) -> str:
    """The script with empty databases of a server in place of those that it names."""
    for name in set(DATABASE_IN_DOCS.findall(script)):
        url = urlsplit(server.database())
        shown = f"postgresql:///{name}?host={SOCKETS_IN_DOCS}"
        assert shown in script
        script = script.replace(shown, f"postgresql://{url.path}?{url.query}")
    return script


@dataclass(frozen=True, slots=True)
class FirstNight:
    """The folder of a reader after the tutorial's first certificate."""

    folder: Path

    def again(self, folder: Path, *, port: int) -> list[str]:
        """Go on from there in another folder: the org is as it was, for a backup changes nothing."""
        left = ignore_patterns("said.txt", "simulator.log")  # an old log says that the org answers
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=left)
        lead_to(f"http://127.0.0.1:{port}", folder / "my-backup")
        lines = first_night()
        org = next(n for n, line in enumerate(lines) if line.startswith("unlost-sim"))
        return [*lines[org : org + 2], *(line for line in lines if line.startswith("export"))]


@pytest.fixture(scope="session")
def program() -> Iterator[str]:
    """The shell's function for ``unlost``: one process imports the program for all commands.

    While coverage is measured, each command does so by itself.
    """
    with warm_process(environment()) as door:
        yield COLD if door is None else WARM.format(socket=door)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, program: str) -> FirstNight:
    """Lived through once in a run; every other page goes on from there."""

    def live(folder: Path) -> None:
        done = run_as_reader(first_night(), folder, port=free_port(), program=program)
        assert done.returncode == 0, f"{done.args}\n{done.stdout}"

    return FirstNight(made_once(tmp_path_factory, "first-night", live))


def environment() -> dict[str, str]:
    """The variables of a reader who has the project's commands on the path."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("UNLOST", "DJANGO"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"UNLOST_PORT": "0", "PATH": path}  # several consoles at a time


def run_as_reader(
    lines: list[str], folder: Path, *, port: int, program: str
) -> subprocess.CompletedProcess[str]:
    """Run lines in one shell with the project's commands on the path; nothing survives it."""
    script = "\n".join(["set -euo pipefail", program, EXIT_CODES_AS_EXPECTED, *lines]).replace(
        PORT_IN_DOCS, str(port)
    )
    said = folder / "said.txt"  # not a pipe: what runs on in the background would keep it open
    with said.open("w") as file:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(timeout=HANGING)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)  # a command passes it on to its fork
            shell.wait()
    return subprocess.CompletedProcess(script, shell.returncode, said.read_text("utf-8"))


def tiered(page: Path) -> ParameterSet:
    """The first tutorial is read each time, every other page by ``make full``."""
    marks = [] if page == TUTORIAL else [pytest.mark.full]
    return pytest.param(page, id=str(page.relative_to(DOCS)), marks=marks)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """An empty bucket."""
    with serving() as running:
        yield running


@pytest.fixture
def instance() -> Iterator[str]:
    """The address of a ServiceNow instance."""
    with ServiceNowProcess() as simulator:
        yield simulator.url


def with_instance(lines: list[str], address: str, folder: Path) -> list[str]:
    """The lines with a simulated instance and its user, whose password is in the named file."""
    (folder / "password.txt").write_text(PASSWORD)
    return [line.replace(INSTANCE_IN_DOCS, address).replace(USER_IN_DOCS, BACKUP) for line in lines]


@pytest.mark.network
@pytest.mark.long
@pytest.mark.parametrize("page", [tiered(page) for page in PAGES])
def test_every_command_shown_works(
    page: Path, tmp_path: Path, program: str, request: pytest.FixtureRequest
) -> None:
    lines = commands(page)
    if any(DATABASE_IN_DOCS.search(line) for line in lines):
        server: Postgres = request.getfixturevalue("server")
        lines = with_databases("\n".join(lines), server).splitlines()
    if any(BUCKET_IN_DOCS in line for line in lines):
        bucket: Bucket = request.getfixturevalue("bucket")
        lines = [line.replace(BUCKET_IN_DOCS, bucket.url) for line in lines]
    if any(INSTANCE_IN_DOCS in line for line in lines):
        lines = with_instance(lines, request.getfixturevalue("instance"), tmp_path)
    if any(line.startswith("pip install") for line in lines):
        # A process that has imported the program does not see what is installed later.
        program = COLD
        lines = [INSTALL, *lines]
    write_files(page, tmp_path)
    shop = str(free_port())
    lines = [line.replace(SHOP_IN_DOCS, shop) for line in lines]
    port = free_port()
    if page.parent != TUTORIAL.parent:  # a tutorial begins at the beginning
        night: FirstNight = request.getfixturevalue("first")
        lines = [*night.again(tmp_path, port=port), *lines]
    done = run_as_reader(lines, tmp_path, port=port, program=program)
    assert done.returncode == 0, f"{done.args}\n{done.stdout}"


PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.full
@pytest.mark.network
@pytest.mark.long
@pytest.mark.parametrize("page", ["howto/read-it-elsewhere.md", "reference/python.md"])
def test_every_program_shown_works(
    page: str, tmp_path: Path, program: str, first: FirstNight
) -> None:
    port = free_port()
    lines = first.again(tmp_path, port=port)
    code = "\n".join(PYTHON.findall((DOCS / page).read_text("utf-8")))
    (tmp_path / "program.py").write_text(code)
    lines.append("python program.py")
    done = run_as_reader(lines, tmp_path, port=port, program=program)
    assert done.returncode == 0, f"{done.args}\n{done.stdout}"


def test_the_readme_opens_with_the_demos_and_the_tests() -> None:
    title, fence, *opening = filter(None, (ROOT / "README.md").read_text("utf-8").splitlines())
    commands = opening[: opening.index("```")]
    assert (title, fence) == ("# Unlost", "```")
    assert [tuple(command.split()[:2]) for command in commands] == [
        ("make", target) for target in ("demo", "demo-storage", "demo-servicenow", "test")
    ]


def test_contributors_read_of_the_shares_that_the_gate_demands() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (rule,) = [part for part in text.split("\n\n") if "Branch coverage" in part]
    assert f"{WHOLE} %" in rule.split(",")[0]
    assert all(f"`{room}`" in rule for room in STRICT)
    assert f"{MOST} %" in rule
    assert "make coverage" in rule


def test_every_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    named = {
        target
        for page in pages
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {"demo", "demo-storage", "test", "coverage", "check"} <= named <= targets


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    missing = [
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if str(page.relative_to(DOCS)) not in navigation
        # The reference of commands leads to the pages of a connector.
        and page.relative_to(DOCS).parts[0] != "connectors"
    ]
    assert not missing
