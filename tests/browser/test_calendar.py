"""The calendar of backups, presets of retention, and the folded menu of a phone, by keys alone."""

import re

from playwright.sync_api import expect

from browser.conftest import Console, Visit
from browser.people import confirm_if_asked

PHONE = {"width": 390, "height": 800}


def test_the_calendar_leads_to_a_comparison_in_three_clicks(console: Console, visit: Visit) -> None:
    lena = visit()
    lena.open("/orgs/sales/")
    lena.press(lena.page.get_by_role("link", name="Calendar of backups"))
    table = lena.page.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_count(7)
    changes = table.get_by_role("link", name=re.compile(r"^[\d,]+ changes? since backup 1$"))
    if not changes.count():  # tests that ran before made backups in the next month
        lena.page.get_by_role("link", name="Previous month").click()
    lena.press(changes)
    lena.page.wait_for_url("**/compare/?a=1&b=2")
    lena.page.go_back()
    lena.press(lena.page.get_by_role("link", name="Certificate 2", exact=True))
    lena.page.wait_for_url("**/certificate/2/")
    assert lena.acts == 3


def test_a_month_without_backups_says_so_and_leads_on(console: Console, visit: Visit) -> None:
    lena = visit(java_script_enabled=False)
    lena.open("/orgs/sales/backups/?month=2020-01")
    expect(lena.page.get_by_text("0 days have a backup.")).to_be_visible()
    lena.press(lena.page.get_by_role("link", name="Next month"))
    lena.page.wait_for_url("**/backups/?month=2020-02")


def test_a_preset_is_previewed_with_one_click(console: Console, visit: Visit) -> None:
    lena = visit()
    lena.open("/orgs/sales/keeping/")
    lena.press(
        lena.page.get_by_role("link", name="30 days daily, 12 months monthly, 7 years yearly")
    )
    expect(lena.page.get_by_role("heading", name="What would be forgotten")).to_be_visible()
    expect(lena.page.get_by_label("Months with one backup each")).to_have_value("12")
    assert lena.acts == 1


def test_the_service_key_is_tested_from_the_page_of_keys(console: Console, visit: Visit) -> None:
    lena = visit()
    lena.open("/vault/keys/")
    confirm_if_asked(lena)
    lena.press(lena.page.get_by_role("button", name="Test the service key"))
    expect(lena.page.get_by_text("The service key opens the vault: slot service.")).to_be_visible()


def test_the_menu_of_a_phone_is_folded_until_it_is_opened(console: Console, visit: Visit) -> None:
    lena = visit(viewport=PHONE, java_script_enabled=False)
    lena.open("/")
    parts = lena.page.get_by_role("navigation", name="Parts of the console")
    vault = parts.get_by_role("link", name="Vault")
    expect(vault).to_be_hidden()
    menu = parts.locator("summary")
    lena.reach(menu)
    lena.page.keyboard.press("Enter")
    expect(vault).to_be_visible()
    lena.press(vault)
    lena.page.wait_for_url("**/vault/")
    expect(vault).to_be_hidden()
    lena.page.set_viewport_size({"width": 1280, "height": 900})
    expect(vault).to_be_visible()
    expect(menu).to_be_hidden()
