"""A gap that cannot be closed is accepted by keys alone, and the org is Protected again."""

import re

from playwright.sync_api import expect

from browser.conftest import Console, Visit

READER = "backup@chocolate.example"
REASON = "Data protection rules hide birth dates"


def hide_birth_dates(console: Console, *, hidden: bool) -> None:
    act = "hide-field" if hidden else "show-field"
    console.simulator.admin.post(
        f"access/{act}", username=READER, object="Contact", field="Birthdate"
    )
    console.simulator.admin.post("clock/advance", hours=24)
    console.unlost("backup", "sales")


def test_a_gap_is_accepted_with_three_clicks_and_reopened(console: Console, visit: Visit) -> None:
    hide_birth_dates(console, hidden=True)
    lena = visit(bypass_csp=True)
    lena.open("/")
    expect(lena.page.get_by_text("Incomplete", exact=True).first).to_be_visible()
    lena.press(lena.page.get_by_role("link", name=re.compile("^See the certificate")).first)
    gaps = lena.page.get_by_role("region", name="Not protected")
    expect(gaps.get_by_text(re.compile("Birthdate")).first).to_be_visible()
    lena.tick(gaps.locator("summary").first)
    lena.type(gaps.get_by_label("Reason").first, REASON)
    assert not lena.violations()
    lena.press(gaps.get_by_role("button", name="Accept this gap").first)
    assert lena.acts == 3
    accepted = lena.page.get_by_role("region", name="1 accepted gap")
    expect(accepted.get_by_text(REASON)).to_be_visible()
    expect(lena.page.get_by_text("There are no open gaps.")).to_be_visible()
    assert not lena.violations()
    lena.open("/orgs/sales/")
    expect(lena.page.get_by_text("Protected", exact=True).first).to_be_visible()
    lena.press(lena.page.get_by_role("button", name=re.compile("^Reopen")))
    expect(lena.page.get_by_text("Incomplete", exact=True).first).to_be_visible()
    expect(lena.page.get_by_text("The gap is open again.")).to_be_visible()
    hide_birth_dates(console, hidden=False)


def test_a_day_of_the_strip_opens_its_certificate(console: Console, visit: Visit) -> None:
    lena = visit()
    lena.open("/")
    days = lena.page.get_by_role("list", name="Last 30 days").get_by_role("link")
    lena.press(days.last)
    expect(lena.page.get_by_role("heading", name=re.compile("^Certificate"))).to_be_visible()
    assert lena.acts == 1
