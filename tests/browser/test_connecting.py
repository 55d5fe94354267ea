"""An org is connected by signing in at its own page, and an expired sign-in is repaired, by keys alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.conftest import PASSWORD, PATIENCE, SECRET, Console
from browser.visitor import Visitor
from unlost_simulators.process import SimulatorProcess

LONG = 60_000  # milliseconds
USER, COMMON_WORD = "backup@chocolate.example", "not-a-password"
MOST_ACTS = 14  # buttons, links and boxes from the empty home to the protected org


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


@pytest.fixture
def lena(fresh: Console, browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(PATIENCE)
    visitor = Visitor(context, fresh.url)
    visitor.open(fresh.first)
    for label, text in (
        ("User name", "lena"), ("Your name", "Lena Chocolat"),
        ("Password", PASSWORD), ("Repeat the password", PASSWORD),
    ):  # fmt: skip
        visitor.type(visitor.page.get_by_label(label, exact=True), text)
    visitor.send()
    visitor.page.wait_for_url(f"{fresh.url}/")
    visitor.acts = 0
    yield visitor
    visitor.done()
    context.close()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(name))


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=re.compile(name)).first


def fit(visitor: Visitor) -> None:
    """The page is whole for everybody; looked at beside, as axe does not run under the CSP."""
    browser = visitor.context.browser
    assert browser is not None
    beside = browser.new_context(storage_state=visitor.context.storage_state(), bypass_csp=True)
    looking = Visitor(beside, visitor.url)
    looking.page.goto(visitor.page.url)
    assert looking.violations() == [], visitor.page.url
    looking.done()
    beside.close()


def signs_in(visitor: Visitor, answer: str) -> None:
    """A person at the page of the org: name, password, and the answer."""
    page = visitor.page
    visitor.press(link(page, r"^Continue to 127\.0\.0\.1"))
    visitor.type(page.get_by_label("Username"), USER)
    visitor.type(page.get_by_label("Password"), COMMON_WORD)
    visitor.send()
    visitor.press(page.get_by_role("button", name=answer, exact=True))


def asks_for_a_sign_in(visitor: Visitor, url: str) -> None:
    """The step of the wizard: the org's own address, and its app."""
    page = visitor.page
    fit(visitor)
    visitor.reach(page.get_by_role("radio", name="Production"))
    page.keyboard.press("ArrowUp")  # around to the last one
    expect(page.get_by_role("radio", name="My Domain, as below")).to_be_checked()
    visitor.type(page.get_by_role("textbox", name="Address", exact=True), url)
    visitor.type(page.get_by_role("textbox", name="Consumer key", exact=True), "chocolate-backup")
    visitor.type(page.get_by_label(re.compile("^Consumer secret")), SECRET)
    visitor.press(button(page, "^Sign in with Salesforce$"))


def test_an_org_is_connected_by_signing_in_and_repaired_when_that_ends(
    fresh: Console, lena: Visitor
) -> None:
    page, admin = lena.page, fresh.simulator.admin
    lena.press(link(page, "^Connect an org"))
    lena.type(page.get_by_role("textbox", name="Name", exact=True), "chocolate")
    lena.press(button(page, "^Continue to the sign-in"))
    callback = page.get_by_text(re.compile("/connect/callback/$")).first.inner_text()
    admin.post(
        "apps", consumer_key="chocolate-backup", callbacks=[callback], require_pkce=True,
        rotate_refresh=True,
    )  # fmt: skip
    asks_for_a_sign_in(lena, fresh.simulator.url)
    fit(lena)
    lena.press(link(page, "^Back to the settings"))
    acts = lena.acts
    denied(lena, fresh.simulator.url)
    lena.acts = acts
    asks_for_a_sign_in(lena, fresh.simulator.url)
    signs_in(lena, "Allow")
    tables = link(page, "^Continue to the tables")
    expect(tables).to_be_visible(timeout=LONG)
    expect(page.get_by_role("heading", name=re.compile("^View All Data"))).to_contain_text("done")
    expect(page.get_by_text(USER)).to_be_visible()
    fit(lena)
    lena.press(tables)
    picks(lena)
    lena.press(button(page, "^Continue to the schedule"))
    lena.press(button(page, "^Protect chocolate"))
    expect(page.get_by_text("chocolate is connected.")).to_be_visible()
    assert lena.acts <= MOST_ACTS, lena.acts
    ended_and_repaired(lena, fresh)


def denied(lena: Visitor, url: str) -> None:
    """Deny leads to an error with a way back."""
    asks_for_a_sign_in(lena, url)
    with lena.expecting(403):
        signs_in(lena, "Deny")
        expect(lena.page.get_by_text("salesforce-denied")).to_be_visible()
    lena.press(link(lena.page, "^Start the sign-in again"))


def picks(lena: Visitor) -> None:
    """All tables are backed up but one, which a search finds."""
    page = lena.page
    fit(lena)
    assert page.get_by_role("checkbox", checked=False).count() == 0
    assert page.get_by_role("checkbox").count() > 40
    lena.type(page.get_by_role("searchbox", name="Find tables"), "idea")
    lena.send()
    lena.tick(page.get_by_role("checkbox", name=re.compile(r"^Ideas? ")).first)
    fit(lena)


def ended_and_repaired(lena: Visitor, fresh: Console) -> None:
    """The sign-in is revoked; the failed backup leads to the credentials, and then continues."""
    page, admin = lena.page, fresh.simulator.admin
    admin.post("sessions/revoke", username=USER)
    lena.press(button(page, "^Back up chocolate now"))
    failed = page.get_by_role("table").get_by_role("link", name=re.compile("Backup")).first
    expect(failed).to_be_visible(timeout=LONG)
    lena.press(failed)
    repair = link(page, "^Credentials of the backup user")
    expect(repair).to_be_visible(timeout=LONG)
    expect(page.get_by_text("salesforce-token-revoked")).to_be_visible()
    fit(lena)
    run = page.url
    lena.acts = 0
    lena.press(repair)
    fit(lena)
    lena.press(button(page, "^Sign in with Salesforce$"))
    signs_in(lena, "Allow")
    expect(page.get_by_text("1 run waited for the sign-in")).to_be_visible(timeout=LONG)
    assert lena.acts <= 4, lena.acts
    until_done(page, run)
    lena.open("/alerts/")
    expect(page.get_by_text(re.compile("The backup of chocolate .* failed"))).to_have_count(0)


def until_done(page: Page, run: str) -> None:
    """The service begins with the run within a minute; then its page shows how it goes on."""
    for _ in range(75):
        page.goto(run)
        if page.get_by_text("failed", exact=True).count() == 0:
            break
        page.wait_for_timeout(1_000)
    expect(page.get_by_text("done", exact=True).first).to_be_visible(timeout=2 * LONG)
