"""The tasks of a junior admin, by keys alone, with as few clicks as they were designed for; and without JavaScript.

An act on a control counts as a click, typing does not.
"""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as NothingCame

from browser import lived_month
from browser.conftest import PATIENCE, SECRET, Console, Visit, first_admin
from browser.visitor import Visitor
from unlost_simulators.process import SimulatorProcess

DONE = 60_000  # milliseconds that a restore may take here


def backed_up(console: Console) -> None:
    console.simulator.admin.post("clock/advance", hours=24)
    console.unlost("backup", "sales")


SHOPS = (f"Bonbon {number}" for number in itertools.count(1))


@pytest.fixture
def lost(console: Console) -> list[str]:
    """Names of two customers with a contact each, lost last night and out of the recycle bin too."""
    names = [next(SHOPS), next(SHOPS)]
    post = console.simulator.admin.post
    ids = post("records/insert", object="Account", rows=[{"Name": name} for name in names])["ids"]
    people = [{"LastName": f"of {name}", "AccountId": one}
              for name, one in zip(names, ids, strict=True)]  # fmt: skip
    post("records/insert", object="Contact", rows=people)
    backed_up(console)
    post("records/delete", object="Account", ids=ids)
    post("records/empty-bin")
    backed_up(console)
    return names


def live_names(console: Console) -> set[str]:
    return {
        str(row["Name"]) for row in console.simulator.admin.get("export", object="Account")["rows"]
    }


def button(visitor: Visitor, name: str) -> Any:
    return visitor.page.get_by_role("button", name=re.compile(name))


def test_task_2_what_two_nights_differ_in_takes_two_clicks(console: Console, visit: Visit) -> None:
    lena = visit()
    lena.open("/")
    lena.press(lena.page.get_by_role("link", name="Compare", exact=True))
    table = lena.page.get_by_role("table").get_by_role("link").first
    lena.press(table)
    assert lena.page.locator(".records del, .records ins, .records .pill").count() > 0
    assert lena.acts == 2


def test_tasks_3_to_5_what_was_lost_is_back_after_four_clicks(
    console: Console, visit: Visit, lost: list[str]
) -> None:
    lena = visit()
    lena.open("/")
    lena.press(lena.page.get_by_role("link", name=re.compile(r"lost since the previous backup")))
    for name in lost:
        expect(lena.page.get_by_role("link", name=name, exact=True)).to_be_visible()
    lena.press(button(lena, "^Preview the restore of"))
    assert lena.acts == 2, "found, picked and previewed"
    restore = button(lena, r"^Restore \d[\d,]* records? to sales")
    expect(restore).to_be_visible(timeout=DONE)
    assert not live_names(console) & set(lost), "nothing is written before the click"
    if lena.page.get_by_label(re.compile("type its name")).count():
        lena.type(lena.page.get_by_label(re.compile("type its name")), "sales")
    lena.press(restore)
    expect(lena.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert set(lost) <= live_names(console)


def test_a_loss_is_back_after_three_clicks_in_the_inbox(
    console: Console, visit: Visit, lost: list[str]
) -> None:
    lena = visit()
    lena.open("/")
    lena.press(lena.page.get_by_role("link", name="Losses", exact=True))
    lena.press(button(lena, rf"^Preview restore.*{re.escape(lost[0])}"))
    restore = button(lena, r"^Restore \d[\d,]* records? to sales")
    expect(restore).to_be_visible(timeout=DONE)
    lena.press(restore)
    expect(lena.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert lost[0] in live_names(console)
    lena.open("/losses/")
    expect(lena.page.get_by_role("link", name=re.compile(re.escape(lost[0])))).to_have_count(0)
    expect(lena.page.get_by_role("link", name=re.compile(re.escape(lost[1]))).first).to_be_visible()


def test_task_6_rows_that_failed_are_tried_again_with_three_clicks(
    console: Console, visit: Visit, lost: list[str]
) -> None:
    console.simulator.admin.post(
        "rules/validation",
        object="Account",
        message="No customer on Fridays.",
        where="Name != null",
    )
    run = restored(console, lost)
    console.simulator.admin.post("rules/clear")
    assert not live_names(console) & set(lost)
    lena = visit()
    lena.open(f"/runs/{run}/")
    expect(lena.page.get_by_role("heading", name=re.compile("needs? attention"))).to_be_visible()
    expect(lena.page.get_by_text("No customer on Fridays.").first).to_be_visible()
    lena.press(button(lena, "^Retry the selected records"))
    again = button(lena, r"^Restore \d[\d,]* records? to sales")
    expect(again).to_be_visible(timeout=DONE)
    lena.press(again)
    expect(lena.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)
    assert lena.acts <= 3
    assert set(lost) <= live_names(console)


def restored(console: Console, names: list[str]) -> str:
    """A restore by the command line of the customers of these names; the name of its run."""
    hits = [json.loads(console.unlost("find", name, "--json"))["hits"] for name in names]
    records = {
        hit["record"] for found in hits for hit in found
        if hit["table"] == "Account" and not hit["alive"]
    }  # fmt: skip
    plan = str(console.home.with_name("plan.json"))
    chosen = [word for one in sorted(records) for word in ("--record", f"Account/{one}")]
    console.unlost("restore", "plan", "sales", *chosen, "--no-related", "--out", plan)
    console.unlost("restore", "run", plan)
    return str(json.loads(console.unlost("runs", "--json"))["runs"][0]["run"])


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Console]:
    """A console whose org was backed up on six days, and grew by cases: its storage has a forecast."""
    with SimulatorProcess("--scenario", "chocolate") as simulator:
        made = Console(tmp_path / "home", simulator)
        made.unlost("init", str(made.home), "--recovery-out", str(tmp_path / "sheet"))
        made.unlost(
            "org", "add", "salesforce", "sales", "--login-url", simulator.url,
            "--client-id", "chocolate-backup", UNLOST_CLIENT_SECRET=SECRET,
        )  # fmt: skip
        simulator.admin.post("settings", data_storage_mb=100)
        words = (str(made.home), "sales", simulator.admin.root, "5", "1000")
        subprocess.run([sys.executable, lived_month.__file__, *words], check=True)
        made.up()
        try:
            yield made
        finally:
            made.down()


@pytest.mark.timeout(600)
def test_task_8_when_the_storage_is_full_and_what_fills_it_takes_two_clicks(
    grown: Console, browser: Browser
) -> None:
    context = browser.new_context(storage_state=first_admin(grown, browser), locale="en-US")
    context.set_default_timeout(PATIENCE)
    lena = Visitor(context, grown.url)
    lena.open("/")
    expect(lena.page.get_by_role("meter").first).to_be_visible()
    lena.press(lena.page.get_by_role("main").get_by_role("link", name="Storage sales"))
    expect(lena.page.get_by_role("heading", level=1)).to_have_text("Storage of sales")
    for dated in (r"Full, at 100 %: 20\d\d-", r"where no new records can be created: 20\d\d-"):
        expect(lena.page.get_by_text(re.compile(dated)).first).to_be_visible()
    show(lena, lena.page.get_by_role("link", name="Show the usage"))
    largest = lena.page.locator("#filled").get_by_role("row").filter(has_text="Case")
    expect(largest.first).to_be_visible(timeout=DONE)
    assert lena.acts == 2
    lena.done()
    context.close()


def test_task_8_an_alert_leads_to_the_page_that_repairs_it_with_two_clicks(visit: Visit) -> None:
    lena = visit()
    lena.open("/")
    lena.press(lena.page.get_by_role("main").get_by_role("link", name=re.compile("open alerts?")))
    lena.press(lena.page.get_by_role("link", name="See the certificate"))
    assert lena.acts == 2
    expect(lena.page.get_by_text("Sensor_Log__b").first).to_be_visible()
    expect(button(lena, "^Accept").first).to_be_visible()


def show(visitor: Visitor, link: Any) -> None:
    """Follow a link that fills a part of the page; this counts as a click."""
    visitor.reach(link)
    visitor.acts += 1
    visitor.page.keyboard.press("Enter")


def test_ticks_are_kept_as_they_are_made(visit: Visit, lost: list[str]) -> None:
    lena = visit()
    lena.open("/orgs/sales/lost/")
    boxes = [lena.page.get_by_role("checkbox", name=f"Select {name}") for name in lost]
    told = lena.page.get_by_role("status").filter(has_text="selected")
    expect(told).to_have_text("0 records selected")
    for box in boxes:
        lena.tick(box)
        expect(box).to_be_focused()
    expect(told).to_have_text("2 records selected")
    lena.page.reload()
    for box in boxes:
        expect(box).to_be_checked()
    lena.tick(boxes[0])
    lena.press(button(lena, "^Preview only the selected records"))
    expect(lena.page.get_by_text("1 selected record")).to_be_visible()
    lena.open("/orgs/sales/lost/")
    lena.press(button(lena, "^Deselect all"))
    expect(told).to_have_text("0 records selected")
    expect(boxes[1]).not_to_be_checked()


def test_tasks_1_to_5_without_javascript(console: Console, visit: Visit, lost: list[str]) -> None:
    lena = visit(java_script_enabled=False)
    page = lena.page
    lena.open("/")
    page.get_by_role("searchbox").fill(lost[0])
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=re.compile("Changes in"))).to_be_visible()
    page.get_by_role("link", name="Home", exact=True).click()
    page.get_by_role("link", name=re.compile("lost since the previous backup")).click()
    page.get_by_role("checkbox", name=f"Select {lost[0]}").check()
    button(lena, "^Preview only the selected records").click()
    restore = button(lena, r"^Restore \d[\d,]* records? to sales")
    look_until(lena, restore)
    restore.click()
    look_until(lena, page.get_by_role("heading", name="Result"))
    assert lost[0] in live_names(console)
    assert lost[1] not in live_names(console)


def look_until(visitor: Visitor, target: Any, *, by: str = "Refresh") -> None:
    """Without JavaScript a page is looked at again by its link.

    What was asked for before may come only now, and without the link.
    """
    again = visitor.page.get_by_role("link", name=by)
    for _ in range(60):
        expect(target.or_(again).first).to_be_visible()
        if target.is_visible():
            return
        visitor.page.wait_for_timeout(1_000)
        with suppress(NothingCame):
            again.click(timeout=2_000)
    raise AssertionError(f"{target} did not come")


def test_an_org_is_looked_at_without_javascript(console: Console, visit: Visit) -> None:
    lena = visit(java_script_enabled=False)
    page = lena.page
    lena.open("/connect/")
    page.get_by_role("textbox", name="Name", exact=True).fill("once-more")
    button(lena, "^Continue to the sign-in").click()
    button(lena, "^Client credentials").click()
    page.get_by_role("textbox", name="Address", exact=True).fill(console.simulator.url)
    page.get_by_role("textbox", name="Consumer key", exact=True).fill("chocolate-backup")
    page.get_by_label(re.compile("^Consumer secret")).fill(SECRET)
    button(lena, "^Sign in to once-more").click()
    told = page.get_by_role("alert")
    look_until(lena, told, by="Check progress")
    expect(told).to_contain_text("is already protected as")
    expect(page.get_by_role("textbox", name="Consumer key", exact=True)).to_have_value(
        "chocolate-backup"
    )
