"""A gap that cannot be closed is accepted by keys alone, and the org is Protected again."""

import re

from playwright.sync_api import expect

from browser.conftest import Visit

REASON = "Sensor data is kept elsewhere"


def test_a_gap_is_accepted_with_three_clicks_and_reopened(visit: Visit) -> None:
    lena = visit(bypass_csp=True)
    lena.open("/")
    expect(lena.page.get_by_text("Incomplete", exact=True).first).to_be_visible()
    lena.press(lena.page.get_by_role("link", name=re.compile("^See the certificate")).first)
    gaps = lena.page.get_by_role("region", name="Open gaps")
    expect(gaps.get_by_text(re.compile("big object")).first).to_be_visible()
    accept = gaps.get_by_role("button", name="Accept the selected gaps")
    expect(accept).to_be_disabled()
    lena.tick(gaps.get_by_role("checkbox", name=re.compile("big object")).first)
    lena.type(gaps.get_by_label("Reason"), REASON)
    assert not lena.violations()
    lena.press(accept)
    assert lena.acts == 3
    accepted = lena.page.get_by_role("region", name="1 accepted gap")
    expect(accepted.get_by_text(REASON)).to_be_visible()
    expect(lena.page.get_by_text("There are no open gaps.")).to_be_visible()
    lena.open("/orgs/sales/")
    assert not lena.violations()
    expect(lena.page.get_by_text("Protected", exact=True).first).to_be_visible()
    lena.press(lena.page.get_by_role("button", name=re.compile("^Reopen")))
    expect(lena.page.get_by_text("Incomplete", exact=True).first).to_be_visible()
    expect(lena.page.get_by_text("The gap is open again.")).to_be_visible()


def test_a_day_of_the_strip_opens_its_certificate(visit: Visit) -> None:
    lena = visit()
    lena.open("/")
    days = lena.page.get_by_role("list", name="Last 30 days").get_by_role("link")
    lena.press(days.last)
    expect(lena.page.get_by_role("heading", name=re.compile("^Certificate"))).to_be_visible()
    assert lena.acts == 1
