"""A console over a home that lived through some nights of the chocolate maker."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from browser.visitor import Visitor
from unlost_simulators.process import SimulatorProcess
from warmed import START, warm_process

SECRET = "not-a-secret-chocolate"
RESTORE_SECRET = "not-a-secret-restore"
ADMINISTRATOR = "lotte.devos@chocolate.example"
PASSWORD = "correct horse battery staple"
UNLOST = Path(sys.executable).with_name("unlost")
PATIENCE = 45_000  # milliseconds, on a busy machine
MOST_TEXT = 4_000  # characters of a page beside a failure
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers talk to consoles on loopback, and take their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.network)
            item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what the open pages said."""
    report = yield
    if call.when == "call" and report.failed:
        report.sections.extend((visitor.page.url, _text(visitor)) for visitor in OPENED)
    return report


def _text(visitor: Visitor) -> str:
    try:
        return visitor.page.inner_text("main", timeout=5_000)[:MOST_TEXT]
    except PlaywrightError as error:  # the failure itself is to be seen
        return str(error)


@dataclass
class Console:
    """A home whose console runs, and the org behind it."""

    home: Path
    simulator: SimulatorProcess
    process: subprocess.Popen[str] | None = None
    url: str = ""
    first: str = ""  # the path that makes the first admin

    def unlost(self, *words: str, **environment: str) -> str:
        """A command on the machine itself."""
        done = subprocess.run(
            [*(START if _door() else [UNLOST]), *words],
            env=self._environment() | environment | _door(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3), done.stdout + done.stderr
        return done.stdout

    def up(self) -> None:
        """Start the service with its console, on any free port."""
        self.process = subprocess.Popen(
            [UNLOST, "up", "--port", "0"],
            env=self._environment() | {"PYTHONUNBUFFERED": "1", "UNLOST_STYLE_PAGE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"http://[^/\s]+", line)
            if found is not None:
                self.url = found[0]
                self.first = json.loads(self.unlost("user", "link", "--json"))["path"]
                return
        raise AssertionError("the console did not start")

    def down(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=60)
            self.process = None

    def _environment(self) -> dict[str, str]:
        return outer_environment() | {"UNLOST_HOME": str(self.home)}


def outer_environment() -> dict[str, str]:
    """The variables of these tests that the program may see."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("UNLOST", "DJANGO"))}


DOORS: list[Path] = []  # to the process that runs commands, while there is one


def _door() -> dict[str, str]:
    """The variable that names it to a command."""
    return {"WARM": str(DOORS[0])} if DOORS else {}


@pytest.fixture(scope="session", autouse=True)
def _warm() -> Iterator[None]:
    """One process imports the program for all commands; consoles are started as people start them."""
    with warm_process(outer_environment()) as door:
        DOORS.extend([door] if door is not None else [])
        yield
        DOORS.clear()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=os.environ["UNLOST_BROWSER"], args=ARGUMENTS
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """An org with two nights; between them a customer and other records were lost."""
    with lived(tmp_path_factory.mktemp("console"), let_write) as made:
        yield made


@contextmanager
def lived(folder: Path, prepare: Callable[[Console], None]) -> Iterator[Console]:
    """A console whose org lived through two nights; ``prepare`` readies the home before them."""
    with SimulatorProcess("--scenario", "chocolate") as simulator:
        made = Console(folder / "home", simulator)
        made.unlost("init", str(made.home), "--recovery-out", str(folder / "sheet"))
        made.unlost(
            "org", "add", "salesforce", "sales", "--login-url", simulator.url,
            "--client-id", "chocolate-backup", UNLOST_CLIENT_SECRET=SECRET,
        )  # fmt: skip
        prepare(made)
        made.unlost("backup", "sales")
        lose(simulator)
        made.unlost("backup", "sales")
        made.up()
        try:
            yield made
        finally:
            made.down()


def restore_app(console: Console) -> None:
    """An app for restores, made in the org by its administrator."""
    console.simulator.admin.post(
        "apps", consumer_key="chocolate-restore", consumer_secret=RESTORE_SECRET,
        run_as=ADMINISTRATOR,
    )  # fmt: skip


def let_write(console: Console) -> None:
    """An identity for restores."""
    restore_app(console)
    console.unlost("org", "writer", "sales", "--client-id", "chocolate-restore",
                   UNLOST_WRITER_CLIENT_SECRET=RESTORE_SECRET)  # fmt: skip


def lose(simulator: SimulatorProcess) -> None:
    """What goes wrong at the chocolate maker between the two nights."""
    simulator.admin.post("clock/advance", hours=20)
    simulator.admin.post("records/update-where", object="Account", set={"Phone": "+32 9 000 00 00"},
                         limit=30)  # fmt: skip
    simulator.admin.post("story/delete-customer")
    simulator.admin.post("clock/advance", hours=4)


@pytest.fixture(scope="session")
def admin(console: Console, browser: Browser) -> dict[str, Any]:
    """The cookies of the first admin, made by the link that the console printed."""
    return first_admin(console, browser)


def first_admin(console: Console, browser: Browser) -> dict[str, Any]:
    """Make the first admin; the cookies of the session."""
    context = browser.new_context(locale="en-US")
    visitor = Visitor(context, console.url)
    visitor.open(console.first)
    for label, text in (
        ("User name", "lena"), ("Your name", "Lena Chocolat"),
        ("Password", PASSWORD), ("Repeat the password", PASSWORD),
    ):  # fmt: skip
        visitor.type(visitor.page.get_by_label(label, exact=True), text)
    visitor.send()
    visitor.page.wait_for_url(f"{console.url}/")
    visitor.done()
    state: dict[str, Any] = dict(context.storage_state())
    context.close()
    return state


type Visit = Callable[..., Visitor]
OPENED: list[Visitor] = []  # by the test that runs


@pytest.fixture
def visit(console: Console, browser: Browser, admin: dict[str, Any]) -> Iterator[Visit]:
    """A visitor who is signed in as the admin; what went wrong on the way fails the test."""

    def made(**options: Any) -> Visitor:
        told = {"storage_state": admin, "locale": "en-US", **options}
        context = browser.new_context(**told)
        context.set_default_timeout(PATIENCE)
        OPENED.append(Visitor(context, console.url))
        return OPENED[-1]

    yield made
    opened = OPENED.copy()
    OPENED.clear()
    for visitor in opened:
        visitor.done()
        visitor.context.close()
