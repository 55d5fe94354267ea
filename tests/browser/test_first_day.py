"""The tutorial of the first day, step by step in the browser as its reader goes; its pictures are made here.

The steps are the headings of the page: what is not done here cannot stand there, nor the other way.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, expect

from browser import lived_month
from browser.conftest import PASSWORD, SECRET, Console
from browser.visitor import Visitor
from unlost_simulators.process import SimulatorProcess

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-day.md"
KEPT = PAGE.with_name("first-day")  # the pictures of the page
LOOKED_AT = ROOT / ".browser" / "pictures" / "first-day"
KEEP = "UNLOST_KEEP_PICTURES"  # a variable that is set where the page's pictures are to be renewed
WINDOW = {"width": 1280, "height": 800}
NIGHTS = 14  # of the org whose storage has a forecast
LONG = 120_000  # milliseconds
TOGETHER = 900  # seconds, on a busy machine
NUMBER = "0040017"


@dataclass
class Reader:
    """Who follows the page: says which step comes, and takes the picture of it."""

    visitor: Visitor
    steps: list[str] = field(default_factory=list)

    def step(self, title: str) -> None:
        self.steps.append(title)

    def picture(self, name: str, *, kept: bool = True) -> None:
        folder = KEPT if kept and os.environ.get(KEEP) else LOOKED_AT
        folder.mkdir(parents=True, exist_ok=True)
        self.visitor.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    def fill(self, label: str, text: str) -> None:
        self.visitor.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str) -> None:
        self.button(name).click()

    def button(self, name: str) -> Locator:
        return self.visitor.page.get_by_role("button", name=re.compile(name))

    def follow(self, name: str) -> None:
        self.visitor.page.get_by_role("link", name=re.compile(name)).first.click()

    def heading(self, name: str, *, patience: int = LONG) -> None:
        found = self.visitor.page.get_by_role("heading", name=re.compile(name)).first
        expect(found).to_be_visible(timeout=patience)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Console]:
    """A home that was just made, whose console waits for its first admin."""
    with SimulatorProcess("--scenario", "chocolate") as simulator:
        made = Console(tmp_path / "home", simulator)
        made.unlost("init", str(made.home), "--recovery-out", str(tmp_path / "sheet"))
        made.up()
        try:
            yield made
        finally:
            made.down()


@pytest.mark.timeout(TOGETHER)
def test_the_first_day_goes_as_the_tutorial_says(fresh: Console, browser: Browser) -> None:
    context = browser.new_context(locale="en-US", viewport=WINDOW)
    context.set_default_timeout(LONG)
    reader = Reader(Visitor(context, fresh.url))
    try:
        follow(reader, fresh)
    except (AssertionError, Error):
        assert not reader.visitor.wrong, reader.visitor.wrong  # tells more than what it led to
        raise
    reader.visitor.done()
    context.close()
    assert reader.steps == headings()


def follow(reader: Reader, fresh: Console) -> None:
    """All steps that are done in the browser."""
    begin(reader, fresh)
    connect(reader, fresh)
    first_night(reader)
    lose(reader, fresh)
    look(reader)
    let_write(reader)
    bring_back(reader, fresh)
    storage(reader)


def headings() -> list[str]:
    """The steps of the page that are done in the browser; the first and last are done in a terminal."""
    titles = re.findall(r"^## \d+\. (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [str(title) for title in titles][1:-1]


def begin(reader: Reader, fresh: Console) -> None:
    reader.step("Make yourself the first admin")
    reader.visitor.open(fresh.first)
    for label, text in (
        ("User name", "lena"), ("Your name", "Lena Chocolat"),
        ("Password", PASSWORD), ("Repeat the password", PASSWORD),
    ):  # fmt: skip
        reader.fill(label, text)
    reader.picture("first-admin")
    reader.visitor.page.keyboard.press("Enter")
    reader.heading("^Home$")


def connect(reader: Reader, fresh: Console) -> None:
    reader.heading("Nothing is protected yet")
    reader.picture("empty-home")
    reader.step("Connect the org")
    page = reader.visitor.page
    reader.follow("Connect an org")
    reader.fill("Name", "chocolate")
    reader.press("Continue to the sign-in")
    reader.press("^Client credentials")
    reader.fill("Address", fresh.simulator.url)
    reader.fill("Consumer key", "chocolate-backup")
    page.get_by_label(re.compile("^Consumer secret")).fill(SECRET)
    reader.picture("sign-in")
    reader.press("^Sign in to chocolate")
    reader.heading(r"^\d+ gaps?$")
    reader.picture("scope")
    reader.follow("Continue to the tables")
    reader.press("Continue to the schedule")
    reader.press("^Protect chocolate")
    reader.heading("chocolate")


def first_night(reader: Reader) -> None:
    reader.step("Make the first backup")
    reader.press("^Back up chocolate now")
    finished_backup(reader, "first-backup", backups=1)
    reader.heading("Certificate")
    reader.picture("first-backup-done")


def finished_backup(reader: Reader, picture: str, *, backups: int) -> None:
    """Follow the newest backup until it is done."""
    page = reader.visitor.page
    links = page.get_by_role("table").get_by_role("link", name=re.compile("Backup"))
    expect(links).to_have_count(backups, timeout=LONG)
    links.first.click()
    expect(page.get_by_role("heading", name="Tables")).to_be_visible(timeout=LONG)
    reader.picture(picture, kept=backups == 1)
    expect(page.locator("#job, main").get_by_text("done", exact=True).first).to_be_visible(
        timeout=LONG
    )


def lose(reader: Reader, fresh: Console) -> None:
    reader.step("Lose a customer")
    fresh.simulator.admin.post("story/delete-customer")
    fresh.simulator.admin.post("clock/advance", days=20)
    reader.follow("^Home")
    reader.press("^Back up chocolate now")
    finished_backup(reader, "second-backup", backups=2)
    reader.follow("^Home")
    # The card renews until the comparison with the first backup is done.
    found = reader.visitor.page.get_by_text(re.compile("lost since the previous backup"))
    expect(found).to_be_visible(timeout=LONG)
    reader.picture("home")


def look(reader: Reader) -> None:
    reader.step("See what happened to it")
    page = reader.visitor.page
    page.get_by_role("searchbox").fill(NUMBER)
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/records/Account/**")
    reader.picture("record")
    reader.follow("^Related|Related records")
    reader.picture("related")


def let_write(reader: Reader) -> None:
    reader.step("Let Unlost write")
    page = reader.visitor.page
    reader.follow("^Orgs")
    page.get_by_role("main").get_by_role("link", name="chocolate").first.click()
    reader.follow("Write user|write user")
    page.get_by_label(re.compile("^Consumer key")).fill("chocolate-restore")
    page.get_by_label(re.compile("^Consumer secret")).fill(SECRET)
    reader.picture("writer")
    reader.press("^Sign in and save for restores")
    expect(page.get_by_text("set up", exact=True)).to_be_visible()


def bring_back(reader: Reader, fresh: Console) -> None:
    reader.step("Bring it back")
    reader.follow("^Home")
    reader.follow("lost since the previous backup")
    reader.picture("lost")
    reader.press("^Preview the restore of")
    restore = reader.button(r"^Restore \d[\d,]* records? to chocolate")
    expect(restore).to_be_visible(timeout=LONG)
    reader.picture("preview")
    restore.click()
    reader.heading("Result", patience=LONG)
    reader.picture("restored")
    rows: list[dict[str, Any]] = fresh.simulator.admin.get("export", object="Account")["rows"]
    assert [row["Customer_Number__c"] for row in rows].count(NUMBER) == 1


def storage(reader: Reader) -> None:
    reader.step("See when the storage is full")
    reader.follow("^Storage")
    reader.heading("Storage of chocolate")
    expect(reader.visitor.page.get_by_text("With a backup every night").first).to_be_visible()
    reader.picture("storage")


@pytest.mark.deep
@pytest.mark.timeout(TOGETHER)
def test_after_some_weeks_the_storage_has_a_forecast(fresh: Console, browser: Browser) -> None:
    """The last picture of the page: an org that was backed up every night."""
    fresh.down()
    fresh.unlost(
        "org", "add", "salesforce", "chocolate", "--login-url", fresh.simulator.url,
        "--client-id", "chocolate-backup", UNLOST_CLIENT_SECRET=SECRET,
    )  # fmt: skip
    fresh.simulator.admin.post("settings", data_storage_mb=20)
    words = (str(fresh.home), "chocolate", fresh.simulator.admin.root, str(NIGHTS))
    subprocess.run([sys.executable, lived_month.__file__, *words], check=True)
    fresh.up()
    context = browser.new_context(locale="en-US", viewport=WINDOW)
    context.set_default_timeout(LONG)
    reader = Reader(Visitor(context, fresh.url))
    begin(reader, fresh)
    reader.follow("^Storage")
    reader.heading("Storage of chocolate")
    expect(reader.visitor.page.get_by_text("It has grown by").first).to_be_visible()
    expect(reader.visitor.page.get_by_text("Full, at 100 %:").first).to_be_visible()
    reader.picture("forecast")
    reader.visitor.open("/orgs/chocolate/backups/")
    reader.picture("calendar", kept=False)
    reader.visitor.done()
    context.close()
