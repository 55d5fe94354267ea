"""Old records leave the org and come back, by keys alone: clicks are counted, axe finds nothing."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.conftest import Console, Visit, first_admin, let_write, lived
from browser.looks import look
from browser.visitor import Visitor

DONE = 120_000  # milliseconds that a plan or a run may take here
TOGETHER = 900  # seconds, on a busy machine
OLD = 3  # closed cases, with a mail each
LOOP = 24  # mails
TICKETS = 3  # cases that another loop opened
SIDES = ("away@inn.example", "service@chocolate.example")
TICKET_SIDES = ("robot@depot.example", "help@chocolate.example")
AUTOMATIC = "Auto-Submitted: auto-replied"


def with_old_cases(console: Console) -> None:
    """Let the write user in, and add cases that were closed long ago."""
    let_write(console)
    post = console.simulator.admin.post
    stamp = f"{datetime.now(UTC) - timedelta(days=900):%Y-%m-%dT%H:%M:%SZ}"
    closed = {"Status": "Closed", "IsClosed": True, "ClosedDate": stamp}
    rows = [{"Subject": f"Old order {number}", **closed} for number in range(OLD)]
    cases = post("records/insert", object="Case", rows=rows, stamp=stamp)["ids"]
    mails = [{"ParentId": case, "Subject": "Pralines", "MessageDate": stamp} for case in cases]
    post("records/insert", object="EmailMessage", rows=mails, stamp=stamp)
    post("records/insert", object="EmailMessage", rows=list(loop_mails("Out of office", SIDES)))
    rows = [{"Subject": f"Ticket {number}"} for number in range(TICKETS)]
    mails = list(loop_mails("Ticket received", TICKET_SIDES))
    opened = mails[0]["MessageDate"]
    tickets = post("records/insert", object="Case", rows=rows, stamp=opened)["ids"]
    for number, mail in enumerate(mails):
        mail["ParentId"] = tickets[number % TICKETS]
    post("records/insert", object="EmailMessage", rows=mails)


def loop_mails(subject: str, sides: tuple[str, str]) -> Iterator[dict[str, object]]:
    """Two machines answer each other, a minute apart."""
    begun = datetime.now(UTC) - timedelta(days=2)
    for number in range(LOOP):
        sender, receiver = sides if number % 2 else sides[::-1]
        yield {
            "Subject": subject,
            "FromAddress": sender,
            "ToAddress": receiver,
            "Headers": AUTOMATIC,
            "MessageDate": f"{begun + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}",
            "TextBody": "I am away. " * 50,
        }


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """An org with old cases."""
    with lived(tmp_path_factory.mktemp("archives"), with_old_cases) as made:
        yield made


@pytest.fixture(scope="module")
def admin(console: Console, browser: Browser) -> dict[str, Any]:
    """The cookies of its first admin."""
    return first_admin(console, browser)


def button(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("button", name=re.compile(name))


def live(console: Console, table: str, subject: str) -> int:
    """The records in the org whose subject begins so."""
    rows = console.simulator.admin.get("export", object=table)["rows"]
    return sum(str(row["Subject"]).startswith(subject) for row in rows)


def old_cases(console: Console) -> int:
    return live(console, "Case", "Old order")


def loop_left(console: Console) -> int:
    return live(console, "EmailMessage", "Out of office")


def put_back(visitor: Visitor) -> None:
    """Undo the run of this page: with two clicks."""
    visitor.press(button(visitor, "^Undo: put the records back"))
    undo = button(visitor, r"^Undo in \d+ records of sales")
    expect(undo).to_be_visible(timeout=DONE)
    visitor.press(undo)
    restored = visitor.page.get_by_role("heading", name="Everything was restored")
    expect(restored).to_be_visible(timeout=DONE)


@pytest.mark.timeout(TOGETHER)
def test_old_cases_leave_the_org_with_three_clicks_and_return_with_two(
    console: Console, visit: Visit
) -> None:
    """The search, the plan and the archive; then the undo and its run."""
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/storage/")
    lena.reach(page.get_by_role("link", name="Find what can be freed"))
    lena.acts += 1
    page.keyboard.press("Enter")
    plan = button(lena, "^Plan this archive.*Cases closed for two years")
    expect(plan).to_be_visible(timeout=DONE)
    lena.press(plan)
    archive = button(lena, r"^Archive \d+ records of sales now")
    expect(archive).to_be_visible(timeout=DONE)
    assert lena.acts == 2
    assert old_cases(console) == OLD, "nothing is deleted before the click"
    look(visit, lena, "archives/plan")
    lena.press(archive)
    expect(page.get_by_role("heading", name="Everything was archived")).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert old_cases(console) == 0
    look(visit, lena, "archives/run")
    run = page.url
    browse_archive(visit, lena)
    lena.open(run.removeprefix(lena.url))
    lena.acts = 3
    put_back(lena)
    assert lena.acts == 5
    assert old_cases(console) == OLD
    lena.open("/runs/?kind=archive")
    links = page.get_by_role("link", name="Archive", exact=True)
    expect(links.first).to_be_visible()
    addresses = [link.get_attribute("href") for link in links.all()]
    assert any(address and address in run for address in addresses)
    look(visit, lena, "archives/runs")


def browse_archive(visit: Visit, lena: Visitor) -> None:
    """From the navigation to the archived records of a table, to one of them, and to the run."""
    page = lena.page
    lena.press(page.get_by_role("link", name="Archive", exact=True).first)
    expect(page.get_by_role("heading", name="By run")).to_be_visible()
    look(visit, lena, "archives/place")
    lena.press(page.get_by_role("link", name="Measure the sizes"))
    expect(page.get_by_text("They needed")).to_be_visible(timeout=DONE)
    lena.press(page.get_by_role("link", name="Cases", exact=True))
    of_cases = re.compile(r"^Cases: [1-9]\d* records$")
    expect(page.get_by_role("heading", name=of_cases)).to_be_visible()
    look(visit, lena, "archives/place-list")
    lena.press(page.get_by_role("rowheader").get_by_role("link").first)
    expect(page.get_by_text("Archived on").first).to_be_visible()
    lena.press(page.get_by_role("link", name="Related records"))
    expect(page.get_by_text("1 archived").first).to_be_visible()
    lena.open("/orgs/sales/archive/")
    expect(button(lena, "^Undo: put the records back").first).to_be_visible()


@pytest.mark.parametrize(
    ("part", "title"),
    [("archive", "Old records"), ("loops", "Mail loops"), ("space", "Free space")],
)
def test_the_lists_are_fit_to_be_seen(visit: Visit, part: str, title: str) -> None:
    lena = visit()
    lena.open(f"/orgs/sales/storage/?show={part}")
    expect(lena.page.get_by_role("heading", name=title)).to_be_visible(timeout=DONE)
    look(visit, lena, f"archives/{part}")


@pytest.mark.timeout(TOGETHER)
def test_the_mails_of_a_loop_leave_with_three_clicks_and_return_with_two(
    console: Console, visit: Visit
) -> None:
    """The search, the plan and the deletion; then the undo and its run."""
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/storage/")
    lena.reach(page.get_by_role("link", name="Find what can be freed"))
    lena.acts += 1
    page.keyboard.press("Enter")
    plan = button(lena, "^Preview the deletion of these mails.*Out of office")
    expect(plan).to_be_visible(timeout=DONE)
    lena.press(plan)
    delete = button(lena, rf"^Delete {LOOP} records of sales now")
    expect(delete).to_be_visible(timeout=DONE)
    assert lena.acts == 2
    assert loop_left(console) == LOOP, "nothing is deleted before the click"
    look(visit, lena, "archives/purge")
    lena.press(delete)
    done = page.get_by_role("heading", name="Everything was deleted, with a copy in the vault")
    expect(done).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert loop_left(console) == 0
    put_back(lena)
    assert lena.acts == 5
    assert loop_left(console) == LOOP


@pytest.mark.timeout(TOGETHER)
def test_the_records_that_a_loop_created_leave_with_three_clicks_and_return_with_two(
    console: Console, visit: Visit
) -> None:
    """From the candidates to the loops, the plan and the deletion; its run is listed as a purge."""
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/storage/?show=space")
    loops = page.get_by_role("link", name="All mail loops")
    expect(loops).to_be_visible(timeout=DONE)
    lena.press(loops)
    plan = button(
        lena, rf"^Preview the deletion of the {TICKETS} Cases that it created.*Ticket received"
    )
    expect(plan).to_be_visible(timeout=DONE)
    lena.press(plan)
    delete = button(lena, rf"^Delete {TICKETS + LOOP} records of sales now")
    expect(delete).to_be_visible(timeout=DONE)
    assert live(console, "Case", "Ticket") == TICKETS, "nothing is deleted before the click"
    look(visit, lena, "archives/purge-created")
    lena.press(delete)
    done = page.get_by_role("heading", name="Everything was deleted, with a copy in the vault")
    expect(done).to_be_visible(timeout=DONE)
    assert lena.acts == 3
    assert live(console, "Case", "Ticket") == live(console, "EmailMessage", "Ticket") == 0
    run = page.url.removeprefix(lena.url)
    put_back(lena)
    assert lena.acts == 5
    assert live(console, "Case", "Ticket") == TICKETS
    assert live(console, "EmailMessage", "Ticket") == LOOP
    lena.open("/runs/?kind=purge")
    addresses = [
        link.get_attribute("href") for link in page.get_by_role("link", name="Purge").all()
    ]
    assert run in addresses


def test_a_policy_is_saved_and_scheduled_by_keys_alone(visit: Visit) -> None:
    """Its page, its preview, and the schedule."""
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/archive-policies/closed-cases/")
    second(page).get_by_label("Value").fill("600")
    lena.press(button(lena, "^Save the policy"))
    expect(page.get_by_text("could leave the org")).to_be_visible(timeout=DONE)
    look(visit, lena, "archives/policy-preview")
    page.get_by_label("Archive after scheduled backups").check()
    lena.press(button(lena, "^Save the policy"))
    expect(page.get_by_text("schedule on", exact=True)).to_be_visible(timeout=DONE)
    expect(second(page).get_by_label("Value")).to_have_value("600")
    look(visit, lena, "archives/policy")
    lena.press(button(lena, "^Remove the policy and its schedule"))
    expect(page.get_by_role("heading", name="Old records")).to_be_visible(timeout=DONE)


@pytest.mark.timeout(TOGETHER)
def test_a_new_policy_with_two_conditions_is_built_and_previewed_by_keys_alone(
    visit: Visit,
) -> None:
    lena = visit()
    page = lena.page
    lena.open("/orgs/sales/storage/?show=archive")
    lena.press(page.get_by_role("link", name="New policy"))
    table = page.get_by_label("Archive records of")
    lena.reach(table)
    table.select_option("Case")
    lena.press(button(lena, "^Continue"))
    look(visit, lena, "archives/policy-new")
    lena.type(page.get_by_label("Name of the policy"), "old-orders")
    for at, (column, comparison, value) in enumerate(
        (("IsClosed", "is", "yes"), ("ClosedDate", "older", "soon")), start=1
    ):
        row = condition(page, at)
        row.get_by_label("Column").select_option(column)
        row.get_by_label("Comparison").select_option(comparison)
        lena.type(row.get_by_label("Value"), value)
    lena.press(button(lena, "^Add a condition$"))
    expect(condition(page, 3)).to_be_visible()
    expect(second(page).get_by_label("Value")).to_have_value("soon")
    lena.allowed.add(400)
    lena.press(button(lena, "^Save the policy"))
    expect(page.get_by_text("Enter a whole number of days")).to_be_visible()
    expect(page.get_by_label("Name of the policy")).to_have_value("old-orders")
    lena.type(second(page).get_by_label("Value"), "700")
    lena.press(button(lena, "^Save the policy"))
    counted = page.get_by_text(re.compile(r"^([1-9]\d*) of \1 records could leave the org\."))
    expect(counted).to_be_visible(timeout=DONE)
    lena.reach(page.get_by_text("As JSON"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="The policy as JSON")).to_contain_text('"days": 700')
    look(visit, lena, "archives/policy-built")
    lena.press(button(lena, "^Remove the policy and its schedule"))


def condition(page: Page, at: int) -> Locator:
    """The row of a condition on the policy's table."""
    return page.get_by_role("group", name=f"Condition {at}", exact=True).first


def second(page: Page) -> Locator:
    return condition(page, 2)


def test_the_page_of_archived_records_at_the_end_of_their_retention_is_fit(visit: Visit) -> None:
    lena = visit()
    lena.open("/orgs/sales/storage/")
    lena.press(lena.page.get_by_role("link", name="Archived records whose retention has ended"))
    nothing = "No archived record has reached the end of its retention."
    expect(lena.page.get_by_text(nothing)).to_be_visible()
    look(visit, lena, "archives/expired")


def test_pasted_ids_are_previewed_and_deleted_by_keys_alone(console: Console, visit: Visit) -> None:
    """A list with a wrong line keeps its text; without the line it is planned and run."""
    lena = visit()
    page = lena.page
    lena.allowed.add(400)
    record = imported(console, "Pasted junk")
    lena.open("/orgs/sales/purge/")
    lena.type(page.get_by_label("Ids", exact=True), f"Id\n{record}\nnothing\n")
    lena.press(button(lena, "^Preview the deletion"))
    expect(page.get_by_text("1 line names no live record")).to_be_visible()
    look(visit, lena, "archives/ids")
    lena.tick(page.get_by_label("Leave these lines out"))
    lena.press(button(lena, "^Preview the deletion"))
    deleted_from_plan(lena, 1)


def test_a_search_and_a_watched_set_lead_to_a_purge_by_keys_alone(
    console: Console, visit: Visit
) -> None:
    lena = visit()
    record = imported(console, "Searched junk")
    lena.open("/find/?q=Searched+junk&table=Account&org=sales&all=1")
    lena.press(button(lena, "^Preview the deletion of all live records"))
    deleted_from_plan(lena, 1)
    watched = imported(console, "Watched junk")
    assert watched != record
    console.unlost("watch", "add", "sales", "Junk", "--record", f"Account/{watched}")
    lena.open("/orgs/sales/watched/Junk/")
    look(visit, lena, "archives/watched")
    lena.press(button(lena, "^Preview the deletion: 1"))
    deleted_from_plan(lena, 1)


def deleted_from_plan(lena: Visitor, count: int) -> None:
    """Run the plan that is shown, and see that it deleted so many records."""
    noun = "record" if count == 1 else "records"
    delete = button(lena, rf"^Delete {count} {noun} of sales now")
    expect(delete).to_be_visible(timeout=DONE)
    lena.press(delete)
    title = "Everything was deleted, with a copy in the vault"
    expect(lena.page.get_by_role("heading", name=title)).to_be_visible(timeout=DONE)


def imported(console: Console, name: str) -> str:
    """Add an account that a backup has; its id."""
    post = console.simulator.admin.post
    [record] = post("records/insert", object="Account", rows=[{"Name": name}])["ids"]
    console.unlost("backup", "sales")
    return str(record)
