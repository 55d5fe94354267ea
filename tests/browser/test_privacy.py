"""A privacy request, by keys alone: found, ticked, planned, and given out; with and without scripts."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from browser.conftest import Visit

CUSTOMER = "0040018"
PHONE = {"viewport": {"width": 380, "height": 800}, "color_scheme": "dark"}
ARABIC = {"viewport": {"width": 1280, "height": 900}, "locale": "ar"}


def planned(lena: Any) -> None:
    """Search for a customer, tick it, and see what an erasure would take away."""
    lena.open("/orgs/sales/privacy/")
    lena.type(lena.page.locator("#id_text"), CUSTOMER)
    lena.send()
    lena.tick(lena.page.locator("input[name=record]").first)
    lena.tick(lena.page.locator("#id_related"))
    lena.press(lena.page.locator("section[aria-labelledby=whose] button.main"))
    lena.page.locator("section[aria-labelledby=plan]").wait_for()


@pytest.mark.parametrize("dress", [PHONE, ARABIC], ids=["phone", "arabic"])
def test_a_plan_is_fit_for_everybody(visit: Visit, dress: dict[str, Any]) -> None:
    lena = visit(bypass_csp=True, **dress)
    planned(lena)
    assert lena.acts == 3
    assert not lena.violations()
    wide = lena.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    assert not wide, "the page is wider than the window"


def test_it_is_done_without_scripts(visit: Visit, tmp_path: Path) -> None:
    lena = visit(java_script_enabled=False)
    lena.open("/orgs/sales/privacy/")
    lena.page.locator("#id_text").fill(CUSTOMER)
    lena.page.locator("button[name=search]").click()
    lena.page.locator("input[name=record]").first.check()
    with lena.page.expect_download() as given:
        lena.page.get_by_role("button", name="Download the person's data").click()
    out = tmp_path / "person.zip"
    given.value.save_as(out)
    with ZipFile(out) as archive:
        assert archive.testzip() is None
        assert CUSTOMER in archive.read("index.html").decode()
    lena.page.get_by_role("button", name="Preview the erasure").click()
    lena.page.get_by_label("Type the name of the org to confirm").fill("another")
    with lena.expecting(400):
        lena.page.get_by_role("button", name="of sales from all backups").click()
        lena.page.get_by_text("This is not the name of the org.").wait_for()
