"""What shall come back otherwise, by keys alone and without scripts: from a page to the new preview."""

import json
from pathlib import Path
from typing import Any

import pytest

from browser.conftest import RESTORE_SECRET, Console, Visit

CUSTOMER = "0040017"
LONG = 60_000  # milliseconds: a plan looks at the org
PHONE = {"viewport": {"width": 380, "height": 800}, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def lost(console: Console) -> str:
    """The id of the lost customer; the org has a write user."""
    console.simulator.admin.post(
        "apps", consumer_key="chocolate-restore", consumer_secret=RESTORE_SECRET,
        run_as="lotte.devos@chocolate.example",
    )  # fmt: skip
    console.unlost(
        "org", "writer", "sales", "--client-id", "chocolate-restore",
        UNLOST_WRITER_CLIENT_SECRET=RESTORE_SECRET,
    )  # fmt: skip
    hits = json.loads(console.unlost("find", CUSTOMER, "--json"))["hits"]
    return str(next(hit["record"] for hit in hits if hit["table"] == "Account"))


@pytest.fixture(scope="module")
def failed(console: Console, lost: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A restore in which the customer was refused for its phone number."""
    plan: Path = tmp_path_factory.mktemp("plans") / "plan.json"
    console.simulator.admin.post(
        "rules/validation", object="Account", on=["insert", "update"], name="Told",
        where="Phone = '1'", message="Phones have more digits.", field="Phone",
    )  # fmt: skip
    record = f"Account/{lost}"
    console.unlost(
        "restore", "plan", "sales", "--record", record, "--no-related", "--out", str(plan),
        "--set", f"{record}.Phone=1",
    )  # fmt: skip
    done = json.loads(console.unlost("restore", "run", str(plan), "--json"))
    return str(done["run"])


def planned(lena: Any) -> None:
    """Wait until the plan's preview is there."""
    lena.page.wait_for_url("**/restores/*/")
    lena.page.get_by_role("button", name="Restore 1 record").wait_for(timeout=LONG)


def fit(lena: Any) -> None:
    """Nothing that axe objects to, and no wider than the window."""
    assert not lena.violations()
    wide = lena.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    assert not wide, "the page is wider than the window"


def test_a_field_of_what_failed_is_set_in_three_acts(failed: str, visit: Visit) -> None:
    lena = visit(bypass_csp=True, **PHONE)
    lena.open(f"/runs/{failed}/")
    fit(lena)
    summary = lena.page.get_by_text("Set a field of these records, then retry")
    lena.reach(summary)
    lena.acts += 1
    lena.page.keyboard.press("Enter")
    fit(lena)
    field = lena.page.get_by_label("Field", exact=True)
    lena.reach(field)
    lena.acts += 1
    field.select_option("Phone")
    lena.type(lena.page.get_by_label("Value for all of them"), "0470 1")
    lena.press(lena.page.get_by_role("button", name="Retry the selected records"))
    planned(lena)
    assert lena.acts == 3
    assert lena.page.get_by_role("term").filter(has_text="With edited values").count() == 1


def test_values_of_a_record_are_changed_without_scripts(
    failed: str, lost: str, visit: Visit
) -> None:
    lena = visit(java_script_enabled=False)
    lena.open(f"/runs/{failed}/")
    lena.page.get_by_role("button", name="Retry the selected records").click()
    button = lena.page.get_by_role("button", name="Restore 1 record")
    for _ in range(60):
        if button.count():
            break
        lena.page.wait_for_timeout(1_000)
        lena.page.reload()
    lena.page.get_by_role("link", name="1 Account", exact=True).click()
    lena.page.get_by_role("link", name="Change values").click()
    lena.page.wait_for_url(f"**/edit/Account/{lost}/")
    lena.page.locator("#id_value-Phone").fill("0470 1")
    lena.page.get_by_role("button", name="Plan again with these values").click()
    lena.page.wait_for_url("**/restores/*/")


def test_the_pages_are_fit_for_everybody(failed: str, visit: Visit) -> None:
    lena = visit(bypass_csp=True, **PHONE)
    lena.open(f"/runs/{failed}/")
    lena.press(lena.page.get_by_role("button", name="Retry the selected records"))
    planned(lena)
    people = lena.page.get_by_text("Assign records to other people")
    lena.reach(people)
    lena.page.keyboard.press("Enter")
    fit(lena)
    lena.press(lena.page.get_by_role("link", name="1 Account", exact=True))
    fit(lena)
    lena.press(lena.page.get_by_role("link", name="Change values"))
    fit(lena)
    assert lena.page.get_by_label("Leave empty").count() > 3
