"""A restore from the preview without a write user to the links of its result."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.test import Client

from fakes.browser_sign_in import with_browser
from homes import WRITE_SECRET, World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import (
    MOST_QUERIES,
    choose,
    goes_on,
    live,
    plan_at_once,
    queries,
    serve,
    start,
)
from unlost.app.actions.alerts.alerts import watch
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.orgs.hidden_columns import hide_column
from unlost.engine.restore.planning.notes.note_order import SortedNotes
from unlost.model.access import Role

LOST = {"what": "lost", "a": "2", "b": "3"}
PREVIEW = "This preview was made with the backup user"


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


def reading_shop(world: World) -> Shop:
    """The shop after the loss, without a write user."""
    live(world)
    shop = Shop(world)
    shop.lose()
    shop.night()
    return shop


without_writer = scene(reading_shop)


@pytest.fixture
def reading(world: World, without_writer: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop after the loss, without a write user."""
    plan_at_once(monkeypatch)
    with goes_on(world, without_writer) as made:
        yield made


@pytest.fixture
def client(shop: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return answer.content.decode()


def text_of(page: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


# --- without a write user -------------------------------------------------------------------------


def test_the_preview_needs_no_write_user_and_leads_to_it(reading: Shop, sign_in: SignIn) -> None:
    admin = sign_in()
    plan = choose(admin, **LOST)
    page = told(admin, plan)
    assert PREVIEW in page
    assert "Writing 4 records needs the write user" in page
    assert "Restore 4 records to sales" not in page, "it cannot run"
    name = plan.strip("/").rpartition("/")[2]
    (link,) = re.findall(r'href="(/orgs/sales/writer/[^"]*)"', page)
    assert link == f"/orgs/sales/writer/?plan={name}"
    assert "A restore waits for the write user" in told(admin, link)
    answer = admin.post(link, {"address": "one", "speed": "1", "secret-password": WRITE_SECRET})
    assert answer.status_code == 302, answer.content.decode()
    again = answer["Location"]
    assert again.startswith("/orgs/sales/restores/")
    assert again != plan
    assert "Restore 4 records to sales" in told(admin, again)
    old = told(admin, plan)
    assert "Plan again with the write user" in old
    assert admin.post(f"{plan}run/").status_code == 400, "a preview does not run"


def test_a_restore_that_waited_warns_of_a_write_user_that_is_the_backup_user(
    reading: Shop, sign_in: SignIn
) -> None:
    admin = sign_in()
    (link,) = re.findall(r'href="(/orgs/sales/writer/[^"]*)"', told(admin, choose(admin, **LOST)))
    reading.world.connector.backup_user = reading.writer.user
    sent = {"address": "one", "speed": "1", "secret-password": WRITE_SECRET}
    again = admin.post(link, sent)["Location"]
    assert "The write user of sales is its backup user" in told(admin, again)


def test_who_may_not_add_the_write_user_is_led_to_an_admin(reading: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    page = told(client, choose(client, **LOST))
    assert PREVIEW in page
    assert "Ask an Unlost admin to add it" in page
    assert "/orgs/sales/writer/" not in page


def test_a_plan_that_is_gone_does_not_hinder_adding_the_write_user(
    reading: Shop, sign_in: SignIn
) -> None:
    admin = sign_in()
    sent = {"address": "one", "speed": "1", "secret-password": WRITE_SECRET}
    answer = admin.post("/orgs/sales/writer/?plan=20260101-000000-ffffffff", sent)
    assert answer["Location"] == "/orgs/sales/writer/?check=1"
    assert "waits for the write user" not in told(admin, "/orgs/sales/writer/?plan=../x")


@pytest.mark.usefixtures("reading")
def test_after_a_sign_in_by_browser_the_waiting_restore_is_planned_again(
    world: World, sign_in: SignIn
) -> None:
    browser, admin = with_browser(world.connector), sign_in()
    browser.password = WRITE_SECRET
    plan = choose(admin, **LOST)
    (link,) = re.findall(r'href="(/orgs/sales/writer/[^"]*)"', told(admin, plan))
    sent = {"method": "browser", "address": "one", "speed": "1"}
    assert admin.post(link, sent)["Location"] == "/connect/start/"
    page = told(admin, "/connect/start/")
    assert f'href="{link}"' in page, "the way back to the settings keeps the plan"
    (leave,) = re.findall(r'id="leave" href="([^"]+)"', page)
    back = admin.get("/connect/callback/", browser.allow(unescape(leave)))
    again = back["Location"]
    assert again.startswith("/orgs/sales/restores/")
    assert again != plan
    assert "Restore 4 records to sales" in told(admin, again)


@pytest.mark.usefixtures("reading")
def test_a_plan_discarded_during_a_sign_in_by_browser_does_not_hinder_it(
    world: World, sign_in: SignIn
) -> None:
    browser, admin = with_browser(world.connector), sign_in()
    browser.password = WRITE_SECRET
    plan = choose(admin, **LOST)
    name = plan.strip("/").rpartition("/")[2]
    sent = {"method": "browser", "address": "one", "speed": "1"}
    admin.post(f"/orgs/sales/writer/?plan={name}", sent)
    (leave,) = re.findall(r'id="leave" href="([^"]+)"', told(admin, "/connect/start/"))
    admin.post(f"{plan}drop/")
    back = admin.get("/connect/callback/", browser.allow(unescape(leave)))
    assert back["Location"] == "/orgs/sales/writer/?check=1"


# --- groups ---------------------------------------------------------------------------------------


def test_the_preview_names_what_people_know(client: Client) -> None:
    page = told(client, choose(client, **LOST))
    assert re.search(r"Schoko Zürich \W*0040017\W* 1 Account, 2 Contacts, 1 Paper", text_of(page))
    assert page.index("Schoko Zürich") < page.index("The same records by table")


def test_a_group_opens_with_the_values_that_come_back(client: Client) -> None:
    plan = choose(client, **LOST)
    page = told(client, f"{plan}groups/Account/?record={CUSTOMER}")
    assert page.index("Schoko Zürich") < page.index("Ann")
    assert "<ins>" in page
    assert "+41 40017" in page
    assert client.get(f"{plan}groups/Account/?record=A9").status_code == 404


def test_an_overwritten_value_is_shown_before_and_after(shop: Shop, client: Client) -> None:
    for record in ("A40018", "A40019"):
        shop.org.update("Account", record, {"Phone": "overwritten"})
    number = shop.night()
    plan = choose(client, what="changed", a=number - 1, b=number, table="Account", column="Phone")
    assert "2 Accounts" in text_of(told(client, plan))
    page = text_of(told(client, f"{plan}groups/Account/"))
    assert "Cacao Lyon" in page
    assert page.index("overwritten") < page.index("+41 40018")


def test_a_single_record_is_left_out_where_its_values_are_shown(shop: Shop, client: Client) -> None:
    for record in ("A40018", "A40019"):
        shop.org.update("Account", record, {"Phone": "overwritten"})
    number = shop.night()
    plan = choose(client, what="changed", a=number - 1, b=number, table="Account", column="Phone")
    page = told(client, f"{plan}groups/Account/")
    keys = re.findall(r'name="every-record" value="([^"]*)"', page)
    assert keys == ["Account/A40018", "Account/A40019"]
    form = told(client, f"{plan}edit/Account/A40018/")
    assert re.findall(r'name="value-(\w+)"', form) == ["Phone"], "the restore sets no other field"
    answer = client.post(f"{plan}without/", {"every-record": keys, "record": keys[1:]})
    assert "Restore 1 record to sales" in told(client, answer["Location"])


def test_a_group_that_is_not_ticked_does_not_come(shop: Shop, client: Client) -> None:
    shop.platform.delete("Account", "A40018", by="U1")
    shop.night()
    plan = choose(client, what="lost", a="2", b="4")
    page = told(client, plan)
    assert "Restore 5 records to sales" in page
    keys = re.findall(r'name="every-group" value="([^"]*)"', page)
    assert keys == [f"Account/{CUSTOMER}", "Account/"]
    answer = client.post(f"{plan}without/", {"every-group": keys, "group": keys[1:]})
    assert "Restore 1 record to sales" in told(client, answer["Location"])


def test_the_pages_of_groups_ask_the_database_little(client: Client) -> None:
    plan = choose(client, **LOST)
    for place in (plan, f"{plan}groups/Account/?record={CUSTOMER}"):
        found = queries(client, place)
        assert len(found) <= MOST_QUERIES, found


def test_who_may_not_restore_sees_no_group(client: Client, sign_in: SignIn) -> None:
    plan = choose(client, **LOST)
    assert sign_in(Role.OPERATOR).get(f"{plan}groups/Account/").status_code == 403


# --- notes ----------------------------------------------------------------------------------------


def test_three_notes_come_first_and_the_rest_is_counted(client: Client) -> None:
    page = told(client, choose(client, **LOST))
    folded = page.index("more note")
    assert page.index("Links from other systems") > folded, "information is folded"


def test_if_nothing_worse_than_side_effects_is_known_one_line_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "unlost.app.actions.restores.kept_plan.sorted_notes"
    monkeypatch.setattr(place, lambda notes: SortedNotes((), tuple(notes)))
    page = told(client, choose(client, **LOST))
    line = page.index("Nothing is known that would be lost, refused or changed")
    assert page.index("Links from other systems") > line
    assert "more note" not in page


# --- the whole change instead of a selection ------------------------------------------------------


@pytest.fixture
def overwritten(shop: Shop) -> Shop:
    """Thirty of forty phones are overwritten with one value."""
    for number in range(40):
        cells = {"Name": f"Customer {number}", "Phone": f"+41 {number}"}
        shop.org.create("Account", cells, record=f"C{number:02}")
    shop.night()
    watch(shop.app, Watcher())
    for number in range(30):
        shop.org.update("Account", f"C{number:02}", {"Phone": "0"}, by="U1")
    shop.night()
    watch(shop.app, Watcher())
    return shop


def newest(shop: Shop) -> int:
    return int(shop.app.vault.snapshots(shop.oid)[-1].number)


def test_a_comparison_offers_the_whole_repair_above_the_list(
    overwritten: Shop, sign_in: SignIn
) -> None:
    client, number = sign_in(Role.RESTORER), newest(overwritten)
    place = f"/orgs/sales/compare/?a={number - 1}&b={number}&table=Account"
    page = told(client, place)
    button = "Put Phone back in all 30 records"
    assert page.index(button) < page.index("Customer 0")
    assert len(queries(client, place)) <= MOST_QUERIES
    assert button not in told(sign_in(Role.VIEWER), place), "only for people who may restore"


def test_a_preview_of_some_of_the_records_offers_to_put_all_back(
    overwritten: Shop, sign_in: SignIn
) -> None:
    client, number = sign_in(Role.RESTORER), newest(overwritten)
    records = ["Account/C00", "Account/C01"]
    plan = choose(client, what="records", record=records, at=str(number - 1))
    page = told(client, plan)
    assert "Put Phone back in all 30 records" in page
    assert page.index("Put Phone back") < page.index("Restore 2 records to sales")
    assert len(queries(client, plan)) <= MOST_QUERIES
    whole = choose(
        client,
        what="changed",
        a=number - 1,
        b=number,
        table="Account",
        column="Phone",
        change="overwritten",
    )
    assert "Put Phone back" not in told(client, whole), "it is what the plan does"


# --- nothing selected -----------------------------------------------------------------------------


def test_buttons_that_need_a_selection_are_marked(shop: Shop, client: Client) -> None:
    page = told(client, "/orgs/sales/lost/?a=2&b=3")
    assert re.search(r'value="records" data-needs="record" data-elsewhere="0"', page)
    assert "selection.js" in page


def test_a_list_without_a_selection_is_shown_again_with_the_reason(client: Client) -> None:
    sent = {"what": "records", "of": "lost/2/3", "here": "?a=2&b=3", "at": "2"}
    answer = client.post("/orgs/sales/restores/", sent, follow=True)
    assert answer.redirect_chain == [("/orgs/sales/lost/?a=2&b=3", 302)]
    assert "No record was selected." in answer.content.decode()


def test_no_field_selected_is_told(client: Client) -> None:
    sent = {"what": "changed", "a": "2", "b": "3", "table": "Account"}
    answer = client.post("/orgs/sales/restores/", sent)
    assert answer.status_code == 400
    assert "No field was selected." in answer.content.decode()


# --- the result -----------------------------------------------------------------------------------


def test_the_result_names_what_came_back_and_leads_to_it(shop: Shop, client: Client) -> None:
    run = start(client, choose(client, **LOST))
    serve(shop, run)
    page = told(client, f"/runs/{run}/")
    assert "Everything was restored" in page
    assert re.search(r"Schoko Zürich \W*0040017\W* 1 Account, 2 Contacts, 1 Paper", text_of(page))
    live = shop.named("Account", "Schoko Zürich")
    assert f'href="https://one.memory.example/Account/{live}"' in page
    assert "Open in Memory" in page
    assert len(queries(client, f"/runs/{run}/")) <= MOST_QUERIES


def test_the_restored_records_of_a_table_have_pages(shop: Shop, client: Client) -> None:
    run = start(client, choose(client, **LOST))
    serve(shop, run)
    page = told(client, f"/runs/{run}/records/Contact/")
    for name in ("Ann", "Ben"):
        live = shop.named("Contact", name)
        assert f'href="https://one.memory.example/Contact/{live}"' in page
    assert "No record of this table was restored" in told(client, f"/runs/{run}/records/User/")
    assert client.get("/runs/restore-nothing/records/Contact/").status_code == 404


def test_hidden_columns_stay_hidden_in_the_result(
    shop: Shop, client: Client, sign_in: SignIn
) -> None:
    run = start(client, choose(client, **LOST))
    serve(shop, run)
    hide_column(shop.oid, "Account", "Name")
    viewer = sign_in(Role.VIEWER)
    for place in (f"/runs/{run}/", f"/runs/{run}/records/Account/"):
        page = told(viewer, place)
        assert "Schoko Zürich" not in page
        assert CUSTOMER in page
        assert "Schoko Zürich" in told(client, place)


def test_a_retry_without_a_cause_is_not_a_retry_of_all(shop: Shop, client: Client) -> None:
    run = start(client, choose(client, **LOST))
    serve(shop, run)
    answer = client.post(f"/runs/{run}/retry/", {"every-code": "write-refused"})
    assert answer.status_code == 400
    assert "No record was selected." in answer.content.decode()
