"""From a disaster to the repaired record, by keys alone: mass change, lost customer, no write user."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import (
    RESTORE_SECRET,
    Console,
    Visit,
    first_admin,
    lived,
    restore_app,
)
from browser.visitor import Visitor

DONE = 60_000  # milliseconds that a plan or a restore may take here
PHONES = 60
WRONG = (f"+49 000 {number}" for number in itertools.count(1))
NAMES = (f"Confiserie Sonnenschein {number}" for number in itertools.count(1))
AXE = {"bypass_csp": True}  # axe is put into the page
PHONE = {**AXE, "viewport": {"width": 380, "height": 800}, "color_scheme": "dark"}


def backed_up(console: Console) -> int:
    console.simulator.admin.post("clock/advance", hours=24)
    return int(json.loads(console.unlost("backup", "sales", "--json"))["snapshot"])


def rows(console: Console, table: str) -> list[dict[str, Any]]:
    return list(console.simulator.admin.get("export", object=table)["rows"])


def button(visitor: Visitor, name: str) -> Any:
    return visitor.page.get_by_role("button", name=re.compile(name))


def run(visitor: Visitor, restore: Any) -> None:
    """Type the org's name where that is asked for, restore, and wait for the result."""
    typed = visitor.page.get_by_label(re.compile("type its name"))
    if typed.count():
        visitor.type(typed, "sales")
    visitor.press(restore)
    expect(visitor.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)


def look(visit: Visit, visitor: Visitor) -> None:
    """Look at the visitor's page with axe, which the policy of the page does not let in."""
    other = visit(**AXE)
    other.open(visitor.page.url.removeprefix(visitor.url))
    fit(other)


def fit(visitor: Visitor) -> None:
    """Nothing that axe objects to, and no wider than the window."""
    assert not visitor.violations()
    wide = visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    assert not wide, "the page is wider than the window"


@pytest.fixture
def overwritten(console: Console) -> tuple[int, dict[str, str]]:
    """The number of the backup that saw phones overwritten, and the phones before, by id."""
    backed_up(console)
    before = {str(row["Id"]): str(row["Phone"]) for row in rows(console, "Account")}
    # A phone that was empty is filled, not overwritten, and other tests may leave such accounts.
    filled = [record for record, phone in before.items() if phone != "None"][:PHONES]
    wrong = next(WRONG)
    changes = {record: {"Phone": wrong} for record in filled}
    console.simulator.admin.post("records/update", object="Account", changes=changes)
    return backed_up(console), before


@pytest.fixture
def lost(console: Console) -> str:
    """The name of a customer that was lost with its contacts, out of the recycle bin too."""
    name, post = next(NAMES), console.simulator.admin.post
    (account,) = post("records/insert", object="Account", rows=[{"Name": name}])["ids"]
    people = [{"LastName": f"{place} of {name}", "AccountId": account} for place in range(3)]
    post("records/insert", object="Contact", rows=people)
    backed_up(console)
    post("records/delete", object="Account", ids=[account])
    post("records/empty-bin")
    backed_up(console)
    return name


def known(visitor: Visitor, place: str) -> None:
    """Wait until the service has counted the mass changes of a backup."""
    for _ in range(90):
        with visitor.expecting(404):
            answer = visitor.page.goto(visitor.url + place)
        if answer is not None and answer.status == 200:
            return
        visitor.page.wait_for_timeout(1_000)
    raise AssertionError(f"{place} did not come")


def test_a_mass_change_is_put_back_with_two_clicks(
    console: Console, visit: Visit, overwritten: tuple[int, dict[str, str]]
) -> None:
    number, before = overwritten
    lena = visit()
    known(lena, f"/orgs/sales/mass-changes/{number}/")
    lena.press(button(lena, rf"^Put .*Phone back in all {PHONES} records"))
    restore = button(lena, rf"^Restore {PHONES} records to sales")
    expect(restore).to_be_visible(timeout=DONE)
    now = {str(row["Id"]): str(row["Phone"]) for row in rows(console, "Account")}
    changed = sum(before[record] != phone for record, phone in now.items())
    assert changed == PHONES, "nothing is written before the click"
    run(lena, restore)
    assert lena.acts == 2
    after = {str(row["Id"]): str(row["Phone"]) for row in rows(console, "Account")}
    assert after == before
    look(visit, lena)
    lena.press(lena.page.get_by_role("link", name=re.compile(rf"^All {PHONES} ")))
    links = lena.page.get_by_role("link", name=re.compile("^Open in Salesforce"))
    assert links.count() == PHONES
    look(visit, lena)


def test_the_comparison_offers_the_same_above_its_list(
    console: Console, visit: Visit, overwritten: tuple[int, dict[str, str]]
) -> None:
    number, _before = overwritten
    lena = visit()
    known(lena, f"/orgs/sales/mass-changes/{number}/")
    lena.open(f"/orgs/sales/compare/?a={number - 1}&b={number}&table=Account")
    put_back = button(lena, rf"^Put .*Phone back in all {PHONES} records")
    first = lena.page.locator(".records > li").first
    above, below = put_back.bounding_box(), first.bounding_box()
    assert above["y"] < below["y"] < 900, "without scrolling"
    selected = button(lena, "^Preview the restore of the selected records")
    expect(selected).to_be_disabled()
    box = lena.page.get_by_role("checkbox", name=re.compile("^Select ")).first
    lena.tick(box)
    expect(selected).to_be_enabled()
    lena.tick(box)
    expect(selected).to_be_disabled()
    look(visit, lena)


def test_a_lost_customer_comes_back_and_is_opened_in_the_org(
    console: Console, visit: Visit, lost: str
) -> None:
    lena = visit()
    lena.open("/")
    lena.press(lena.page.get_by_role("link", name="Losses", exact=True))
    lena.press(button(lena, rf"^Preview restore.*{re.escape(lost)}"))
    restore = button(lena, r"^Restore 4 records to sales")
    expect(restore).to_be_visible(timeout=DONE)
    assert lena.acts == 2
    group = lena.page.locator(".groups > li").filter(has_text=lost)
    expect(group).to_contain_text(re.compile(r"1 Account, 3 Contacts"))
    look(visit, lena)
    lena.press(group.get_by_role("link"))
    expect(lena.page.locator("ins").filter(has_text=lost).first).to_be_visible()
    look(visit, lena)
    lena.press(lena.page.get_by_role("link", name="Back to the preview"))
    run(lena, restore)
    expect(lena.page.get_by_role("heading", name="Everything was restored")).to_be_visible()
    link = lena.page.get_by_role("link", name=re.compile("Open in Salesforce.*" + re.escape(lost)))
    (live,) = [row["Id"] for row in rows(console, "Account") if row["Name"] == lost]
    assert link.first.get_attribute("href") == f"{console.simulator.url}/{live}"
    look(visit, lena)


def test_the_same_without_javascript_and_on_a_dark_phone(
    console: Console, visit: Visit, lost: str
) -> None:
    lena = visit(java_script_enabled=False)
    page = lena.page
    lena.open("/losses/")
    button(lena, rf"^Preview restore.*{re.escape(lost)}").click()
    page.wait_for_url("**/restores/*/")
    plan, restore = page.url, button(lena, r"^Restore 4 records to sales")
    for _ in range(60):
        if restore.count():
            break
        page.wait_for_timeout(1_000)
        page.goto(plan)
    expect(button(lena, "^Plan again with the selection")).to_be_enabled()
    with lena.expecting(400):
        button(lena, "^Plan again with the selection").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was selected to be left out.")
    small = visit(**PHONE)
    small.open(plan.removeprefix(lena.url))
    fit(small)
    expect(button(small, "^Plan again with the selection")).to_be_disabled()
    small.press(small.page.locator(".groups > li").filter(has_text=lost).get_by_role("link"))
    fit(small)


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Console]:
    """A console whose org has no write user; an app for one is ready in the org."""
    with lived(tmp_path, restore_app) as made:
        yield made


def test_a_preview_without_a_write_user_leads_to_it_and_back(
    reading: Console, browser: Browser
) -> None:
    context = browser.new_context(
        storage_state=first_admin(reading, browser), locale="en-US", **AXE
    )
    lena = Visitor(context, reading.url)
    lena.open("/losses/")
    lena.press(button(lena, "^Preview restore").first)
    add = lena.page.get_by_role("link", name="Add the write user of sales")
    expect(add).to_be_visible(timeout=DONE)
    expect(button(lena, "^Restore .* to sales")).to_have_count(0)
    assert lena.page.locator(".groups > li").count() > 0
    fit(lena)
    lena.press(add)
    lena.type(lena.page.get_by_label("Consumer key"), "chocolate-restore")
    lena.type(lena.page.get_by_label(re.compile("^Consumer secret")), RESTORE_SECRET)
    lena.press(button(lena, "^Sign in and save"))
    restore = button(lena, r"^Restore [\d,]+ records to sales")
    expect(restore).to_be_visible(timeout=DONE)
    run(lena, restore)
    assert lena.acts == 4
    lena.done()
    context.close()
