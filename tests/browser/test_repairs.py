"""Mistakes put right by keys alone: changes and merges taken back, and a second person who approves.

Each test counts its clicks. The preview is there before anything is written.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from browser.conftest import PASSWORD, Console, Visit
from browser.looks import look
from browser.people import is_in
from browser.visitor import Visitor

DONE = 60_000  # milliseconds that a plan or a restore may take here
RIGHT, WRONG = "+49 341 1", "+49 341 666"
NUMBERS = itertools.count(1)
BOX = re.compile("^Take back this change of ")


def night(console: Console) -> None:
    console.simulator.admin.post("clock/advance", hours=24)
    console.unlost("backup", "sales")


def button(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("button", name=re.compile(name))


def run(visitor: Visitor, count: str) -> None:
    """Wait for the preview, restore, and wait for the result."""
    restore = button(visitor, rf"^Restore {count} to sales")
    expect(restore).to_be_visible(timeout=DONE)
    visitor.press(restore)
    expect(visitor.page.get_by_role("heading", name="Result")).to_be_visible(timeout=DONE)


def values(console: Console, table: str, column: str) -> dict[str, Any]:
    rows = console.simulator.admin.get("export", object=table)["rows"]
    return {str(row["Id"]): row[column] for row in rows}


@pytest.fixture
def customers(console: Console) -> list[str]:
    """Ids of four watched customers whose numbers were overwritten, the last one's most recently."""
    number = next(NUMBERS)
    post = console.simulator.admin.post
    rows = [{"Name": f"Praliné {number}.{place}", "Phone": RIGHT} for place in range(4)]
    ids = [str(record) for record in post("records/insert", object="Account", rows=rows)["ids"]]
    night(console)
    for record in ids:
        post("records/update", object="Account", changes={record: {"Phone": WRONG}})
        post("clock/advance", hours=1)
    console.unlost("backup", "sales")
    members = [word for record in ids for word in ("--record", f"Account/{record}")]
    console.unlost("watch", "add", "sales", f"Set {number}", *members)
    return [*ids, f"/orgs/sales/watched/Set {number}/"]


def test_three_changes_that_are_ticked_with_shift_are_corrected_with_four_clicks(
    console: Console, visit: Visit, customers: list[str]
) -> None:
    """Two clicks tick three boxes; then the preview, and the restore."""
    *ids, page = customers
    lena = visit()
    lena.open(page)
    boxes = lena.page.get_by_role("checkbox", name=BOX)
    expect(boxes).to_have_count(4)
    lena.tick(boxes.nth(1))
    lena.reach(boxes.nth(3))
    lena.acts += 1
    lena.page.keyboard.press("Shift+Space")
    assert [boxes.nth(place).is_checked() for place in range(4)] == [False, True, True, True]
    lena.press(button(lena, "^Preview: take the selected changes back"))
    expect(button(lena, "^Restore 3 records")).to_be_visible(timeout=DONE)
    phones = values(console, "Account", "Phone")
    assert {phones[record] for record in ids} == {WRONG}, "nothing is written before the click"
    look(visit, lena, "repairs/changes")
    run(lena, "3 records")
    assert lena.acts == 4
    phones = values(console, "Account", "Phone")
    assert [phones[record] for record in ids] == [RIGHT, RIGHT, RIGHT, WRONG]
    look(visit, lena, "repairs/changes-result")


def test_any_three_changes_are_corrected_with_four_clicks(
    console: Console, visit: Visit, customers: list[str]
) -> None:
    """Two are ticked, the third one's own button previews all three; then the restore."""
    *ids, page = customers
    lena = visit()
    lena.open(page)
    boxes = lena.page.get_by_role("checkbox", name=BOX)
    expect(button(lena, "^Preview: take this change back")).to_have_count(4)
    for place in (0, 3):
        lena.tick(boxes.nth(place))
    together = button(lena, "^Preview: this and the selected changes")
    expect(together).to_have_count(2)  # a change with a ticked box has no button
    look(visit, lena, "repairs/ticked")
    lena.press(together.first)
    run(lena, "3 records")
    assert lena.acts == 4
    phones = values(console, "Account", "Phone")
    assert [phones[record] for record in ids] == [RIGHT, WRONG, RIGHT, RIGHT]


def test_one_change_is_corrected_with_two_clicks(
    console: Console, visit: Visit, customers: list[str]
) -> None:
    *ids, page = customers
    lena = visit()
    lena.open(page)
    lena.press(button(lena, "^Preview: take this change back").first)
    run(lena, "1 record")
    assert lena.acts == 2
    phones = values(console, "Account", "Phone")
    assert [phones[record] for record in ids] == [WRONG, WRONG, WRONG, RIGHT]


def test_changes_are_taken_back_without_javascript(
    console: Console, visit: Visit, customers: list[str]
) -> None:
    *ids, page = customers
    lena = visit(java_script_enabled=False)
    lena.open(page)
    lena.page.get_by_role("checkbox", name=BOX).nth(2).check()
    button(lena, "^Preview: this and the selected changes").first.click()
    restore = button(lena, "^Restore 2 records to sales")
    for _ in range(60):
        if restore.count():
            break
        lena.page.wait_for_timeout(1_000)
        lena.page.reload()
    restore.click()
    for _ in range(60):
        if values(console, "Account", "Phone")[ids[3]] == RIGHT:
            break
        lena.page.wait_for_timeout(1_000)
    phones = values(console, "Account", "Phone")
    assert [phones[record] for record in ids] == [WRONG, RIGHT, WRONG, RIGHT]


@pytest.fixture
def merged(console: Console) -> tuple[str, str, str, list[str]]:
    """The number of a customer merged by mistake, its id, the winner's, and those of its contacts."""
    number = next(NUMBERS)
    post = console.simulator.admin.post
    rows = [
        {"Name": f"Nougat {number}", "AccountNumber": f"00990{number:02}", "Phone": WRONG},
        {"Name": f"Trüffel {number}", "AccountNumber": f"00980{number:02}", "Phone": RIGHT},
    ]
    loser, winner = post("records/insert", object="Account", rows=rows)["ids"]
    people = [{"LastName": f"Person {place}", "AccountId": loser} for place in range(3)]
    contacts = post("records/insert", object="Contact", rows=people)["ids"]
    night(console)
    post(
        "records/merge", object="Account", as_="lotte.devos@chocolate.example", master=winner,
        ids=[loser], set={"Phone": WRONG},
    )  # fmt: skip
    night(console)
    return rows[0]["AccountNumber"], str(loser), str(winner), [str(each) for each in contacts]


def test_a_merge_is_taken_back_with_two_clicks(
    console: Console, visit: Visit, merged: tuple[str, str, str, list[str]]
) -> None:
    """The number opens the merged record; its restore gives back the contacts and the winner's value."""
    number, loser, winner, contacts = merged
    lena = visit()
    lena.open("/")
    lena.type(lena.page.get_by_role("searchbox"), number)
    lena.send()
    expect(lena.page.locator("header.record .pill")).to_have_text("merged")
    look(visit, lena, "repairs/merge")
    lena.press(button(lena, "^Preview the restore of this record"))
    expect(button(lena, r"^Restore \d+ records to sales")).to_be_visible(timeout=DONE)
    assert {values(console, "Contact", "AccountId")[each] for each in contacts} == {winner}
    look(visit, lena, "repairs/merge-preview")
    run(lena, r"\d+ records")
    assert lena.acts == 2
    assert {values(console, "Contact", "AccountId")[each] for each in contacts} == {loser}
    assert values(console, "Account", "Phone")[winner] == RIGHT
    look(visit, lena, "repairs/merge-result")


@pytest.fixture
def strict(console: Console) -> Iterator[Console]:
    """Each restore needs a second person, and there is one."""
    console.unlost("org", "approval", "sales", "--records", "0")
    console.unlost("user", "add", "ben", "--role", "restorer", "--org", "sales")
    yield console
    console.unlost("org", "approval", "sales", "--off")


def second_person(console: Console, visit: Visit) -> Visitor:
    """Ben, who opens the link that an admin gave him and chooses a password."""
    ben = visit(storage_state=None)
    link = json.loads(console.unlost("user", "link", "ben", "--json"))
    path = re.search(r"/start/[^/\"\s]+/", json.dumps(link))
    assert path is not None, link
    ben.open(path[0])
    for label in ("Password", "Repeat the password"):
        ben.type(ben.page.get_by_label(label, exact=True), PASSWORD)
    ben.send()
    is_in(ben)
    return ben


def test_a_second_person_approves_with_two_clicks_and_the_first_restores_with_two(
    strict: Console, visit: Visit, customers: list[str]
) -> None:
    *ids, page = customers
    lena = visit()
    lena.open(page)
    lena.press(button(lena, "^Preview: take this change back").first)
    waits = lena.page.get_by_role("heading", name="This restore waits for a second person")
    expect(waits).to_be_visible(timeout=DONE)
    expect(button(lena, "^Restore .* to sales")).to_have_count(0)
    look(visit, lena, "repairs/approval")
    ben = second_person(strict, visit)
    # Plans of other tests may wait too; the newest one stands first.
    waiting = ben.page.get_by_role("heading", name=re.compile("waits? for approval"))
    expect(waiting).to_be_visible()
    ben.press(ben.page.get_by_role("link", name="1 record to sales").first)
    ben.press(button(ben, "^Approve"))
    expect(
        ben.page.get_by_text("You approved this plan. Another person can run it now.")
    ).to_be_visible()
    assert ben.acts == 2
    assert values(strict, "Account", "Phone")[ids[3]] == WRONG, "an approval writes nothing"
    lena.page.reload()
    look(visit, lena, "repairs/approved")
    run(lena, "1 record")
    assert lena.acts == 2
    expect(lena.page.get_by_text(re.compile("Approved by ben"))).to_be_visible()
    assert values(strict, "Account", "Phone")[ids[3]] == RIGHT
    look(visit, lena, "repairs/approved-result")
