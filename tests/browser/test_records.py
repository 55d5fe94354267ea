"""A record and its lists, by keys alone: a value is put back; a list is sorted, shaped and taken along."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from browser.conftest import Console, Visit
from browser.visitor import Visitor

DONE = 60_000  # milliseconds that a restore may take here
NAME = "Maison Ganache"
BEFORE, AFTER = "+32 9 123 45 67", "+32 9 000 00 00"


@pytest.fixture(scope="module")
def customer(console: Console) -> str:
    """A customer whose telephone number was overwritten last night, with seven contacts; its id."""
    post = console.simulator.admin.post
    row = {"Name": NAME, "AccountNumber": "0077001", "Phone": BEFORE}
    [account] = post("records/insert", object="Account", rows=[row])["ids"]
    people = [{"LastName": f"Person {n}", "AccountId": account} for n in range(7)]
    post("records/insert", object="Contact", rows=people)
    _night(console)
    post("records/update", object="Account", changes={account: {"Phone": AFTER}})
    _night(console)
    return str(account)


@pytest.fixture
def shop(console: Console) -> str:
    """A shop whose telephone number was overwritten last night; its id."""
    post = console.simulator.admin.post
    [account] = post("records/insert", object="Account", rows=[{"Name": "S", "Phone": BEFORE}])[
        "ids"
    ]
    _night(console)
    post("records/update", object="Account", changes={account: {"Phone": AFTER}})
    _night(console)
    return str(account)


def _night(console: Console) -> None:
    console.simulator.admin.post("clock/advance", hours=24)
    console.unlost("backup", "sales")


def button(visitor: Visitor, name: str) -> Any:
    return visitor.page.get_by_role("button", name=re.compile(name))


def phone(console: Console, account: str) -> str:
    rows = console.simulator.admin.get("export", object="Account")["rows"]
    return next(str(row["Phone"]) for row in rows if row["Id"] == account)


def test_an_old_value_is_put_back_with_two_clicks(
    console: Console, visit: Visit, customer: str
) -> None:
    lena = visit()
    lena.open("/")
    lena.type(lena.page.get_by_role("searchbox"), "77001")
    lena.send()
    expect(lena.page.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(lena.page.locator("header.record .number")).to_have_text("0077001")
    lena.press(button(lena, "^Put back this value of .*Phone"))
    restore = button(lena, r"^Restore 1 record to sales")
    expect(restore).to_be_visible(timeout=DONE)
    assert phone(console, customer) == AFTER, "nothing is written before the click"
    lena.press(restore)
    expect(lena.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 2
    assert phone(console, customer) == BEFORE


def test_a_corrected_record_takes_three_clicks_and_its_undo_two(
    console: Console, visit: Visit, shop: str
) -> None:
    """From the page of the record: a change of its history, the preview, the restore; then the undo."""
    lena = visit()
    page = lena.page
    lena.open(f"/orgs/sales/records/Account/{shop}/")
    change = page.locator("ol.timeline > li").filter(has_text=AFTER)
    lena.press(change.get_by_role("link", name="Correct the record with these earlier values"))
    group = page.get_by_role("group", name="Account Phone", exact=True)
    expect(group.get_by_role("radio", name=re.compile(f"^{re.escape(BEFORE)} "))).to_be_checked()
    lena.press(button(lena, "^Preview the correction"))
    restore = button(lena, r"^Restore 1 record to sales")
    expect(restore).to_be_visible(timeout=DONE)
    assert phone(console, shop) == AFTER, "nothing is written before the click"
    lena.press(restore)
    expect(page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert phone(console, shop) == BEFORE
    lena.press(button(lena, "^Undo this restore"))
    undo = button(lena, r"^Undo in 1 record of sales")
    expect(undo).to_be_visible(timeout=DONE)
    lena.press(undo)
    expect(page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 5
    assert phone(console, shop) == AFTER


def test_recent_changes_of_a_set_are_taken_back_with_three_clicks(
    console: Console, visit: Visit, shop: str
) -> None:
    """One box for all of a change, the preview, the restore."""
    changes = {shop: {"Fax": "+49 2", "Website": "wrong.example", "Site": "wrong"}}
    console.simulator.admin.post("records/update", object="Account", changes=changes)
    _night(console)
    console.unlost("watch", "add", "sales", "Mine", "--record", f"Account/{shop}")
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/watched/Mine/")
    lena.tick(page.get_by_role("checkbox", name="Take all of this change back").first)
    lena.press(button(lena, "^Preview: take the selected changes back"))
    restore = button(lena, r"^Restore 1 record to sales")
    expect(restore).to_be_visible(timeout=DONE)
    lena.press(restore)
    expect(page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    rows = console.simulator.admin.get("export", object="Account")["rows"]
    row = next(row for row in rows if row["Id"] == shop)
    assert (row["Fax"], row["Website"], row["Site"]) == (None, None, None)


def test_a_list_is_sorted_shaped_selected_and_saved(
    visit: Visit, customer: str, tmp_path: Path
) -> None:
    lena = visit()
    page = lena.page
    lena.open(f"/orgs/sales/records/Account/{customer}/related/")
    lena.press(page.get_by_role("link", name=re.compile("^All 7: Contacts")))
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("7 records"))
    lena.tick(page.get_by_text("Choose columns"))
    lena.tick(page.get_by_role("checkbox", name="Last Name"))
    lena.press(button(lena, "^Show these columns"))
    head = page.get_by_role("columnheader", name="Last Name")
    for order in ("ascending", "descending"):
        lena.press(head.get_by_role("link"))
        expect(head).to_have_attribute("aria-sort", order)
    expect(page.get_by_role("row").nth(1)).to_contain_text("Person 6")
    lena.press(button(lena, "^Select all 7 records"))
    told = page.get_by_role("status").filter(has_text="selected")
    expect(told).to_have_text("7 records selected")
    lena.tick(page.get_by_role("row").nth(1).get_by_role("checkbox"))
    expect(told).to_have_text("6 records selected")
    assert lena.acts == 8
    link = page.get_by_role("link", name="Download as CSV")
    lena.reach(link)
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    file = tmp_path / "contacts.csv"
    download.value.save_as(file)
    with file.open(encoding="utf-8", newline="") as lines:
        people = [row["Last Name"] for row in csv.DictReader(lines)]
    assert people == [f"Person {n}" for n in reversed(range(7))]


def test_a_search_is_saved_and_opened_again(visit: Visit, customer: str) -> None:
    lena = visit()
    page = lena.page
    lena.open("/find/?all=1&q=ganache")
    lena.tick(page.get_by_text("Saved searches"))
    lena.type(page.get_by_label("Save this search as"), "Ganache")
    lena.send()
    lena.open("/find/")
    lena.press(page.get_by_role("link", name="Ganache", exact=True))
    expect(page.get_by_role("link", name=NAME, exact=True)).to_be_visible()
