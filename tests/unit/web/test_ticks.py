"""Records are ticked in lists of several pages: what was ticked on one is there on the next."""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client

from homes import World
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, plan_at_once, queries, serve, start
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores import selections as action
from unlost.app.actions.restores.kept_plan import show_stored_plan
from unlost.catalog.models import PlanRow, SelectionRow
from unlost.model.access import Role
from unlost.web.pages.records import compare as module

COMPARE, LOST, TICKS = "/orgs/sales/compare/", "/orgs/sales/lost/", "/orgs/sales/ticks/"
HTMX = {"HX-Request": "true"}
NEXT, BEFORE, CLEAR, PREVIEW = (
    "Next page",
    "Previous page",
    "Deselect all",
    "Preview only the selected",
)


class Form(HTMLParser):
    """The form of a list's page, as a browser without JavaScript fills and sends it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.hidden: list[tuple[str, str]] = []
        self.boxes: dict[str, bool] = {}
        self.buttons: list[dict[str, str]] = []
        self._inside = self._button = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = told.get("hx-post") == TICKS
        elif tag == "input" and self._inside and told.get("type") == "checkbox":
            self.boxes[told["value"]] = "checked" in told
        elif tag == "input" and self._inside:
            self.hidden.append((told["name"], told.get("value", "")))
        elif tag == "button" and self._inside:
            self.buttons.append({**told, "words": ""})
            self._button = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._button = self._button and tag != "button"

    def handle_data(self, data: str) -> None:
        if self._button:
            self.buttons[-1]["words"] += data

    def sent(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        ticked = [("record", key) for key, on in self.boxes.items() if on]
        for name, value in [*self.hidden, *ticked]:
            found.setdefault(name, []).append(value)
        return found


class Reader:
    """Somebody who looks at a list, ticks and presses buttons."""

    def __init__(self, client: Client, place: str, **asked: str) -> None:
        self.client = client
        self.address = place
        self.open(place, **asked)

    def open(self, place: str, **asked: str) -> None:
        self.form = Form(self.client.get(place, asked).content.decode())

    @property
    def page(self) -> str:
        return self.form.page

    @property
    def ticked(self) -> list[str]:
        return [key for key, on in self.form.boxes.items() if on]

    def tick(self, *keys: str, on: bool = True) -> None:
        for key in keys:
            assert key in self.form.boxes
            self.form.boxes[key] = on

    def press(self, words: str) -> str:
        """Press a button, and read the page that it leads to; the address of that."""
        (button,) = [one for one in self.form.buttons if words in one["words"]]
        sent = self.form.sent() | {button["name"]: [button["value"]]}
        answer = self.client.post(button.get("formaction", "/orgs/sales/restores/"), sent)
        assert answer.status_code == 302, answer.content.decode()
        self.open(answer["Location"])
        return str(answer["Location"])

    def changed(self) -> str:
        """What htmx puts into the page after a tick."""
        return self.client.post(TICKS, self.form.sent(), headers=HTMX).content.decode()


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Four records are lost; a page shows two of them."""
    plan_at_once(monkeypatch)
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "CARDS", 1)
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)
    return shop


@pytest.fixture
def reader(shop: Shop, sign_in: SignIn) -> Reader:
    return Reader(sign_in(Role.RESTORER), LOST)


def every(reader: Reader) -> Iterator[str]:
    """Ticks all of this page, and tells what that was."""
    for key in reader.form.boxes:
        reader.tick(key)
        yield key


def chosen(shop: Shop, plan: str) -> tuple[str, ...]:
    name = plan.strip("/").rpartition("/")[2]
    return show_stored_plan(shop.app, "sales", name).wanted.request.records


# --- over the pages of a list ---------------------------------------------------------------------


def test_the_preview_takes_what_was_ticked_on_all_pages(shop: Shop, reader: Reader) -> None:
    first = list(every(reader))
    assert len(first) == 2
    address = reader.press(NEXT)
    assert parse_qs(urlsplit(address).query) == {"a": ["2"], "b": ["3"], "start": ["2"]}
    assert "2 records selected" in reader.page
    assert "on other pages: 2" in reader.page
    second = list(every(reader))[:1]
    reader.tick(*[key for key in reader.form.boxes if key not in second], on=False)
    plan = reader.press(PREVIEW)
    assert chosen(shop, plan) == (*first, *second)
    assert "3 selected records" in reader.client.get(plan).content.decode()


def test_going_back_shows_what_was_ticked_and_it_can_be_unticked(reader: Reader) -> None:
    first = list(every(reader))
    reader.press(NEXT)
    assert reader.ticked == []
    reader.press(BEFORE)
    assert reader.ticked == first
    assert "on other pages" not in reader.page
    reader.tick(first[0], on=False)
    reader.press(NEXT)
    assert "1 record selected" in reader.page
    reader.press(BEFORE)
    assert reader.ticked == first[1:]


def test_with_javascript_each_tick_is_kept_at_once(reader: Reader) -> None:
    assert 'hx-trigger="change"' in reader.page
    assert '<span id="ticked" role="status">0 records selected</span>' in reader.page
    first = list(every(reader))
    assert reader.changed() == "2 records selected"
    reader.tick(first[0], on=False)
    assert reader.changed() == "1 record selected"
    reader.open(LOST, start="2")  # by whatever link
    assert "1 record selected" in reader.page
    reader.tick(next(iter(reader.form.boxes)))
    assert reader.changed() == "2 records selected · on other pages: 1"


def test_all_is_unticked_with_one_button(reader: Reader) -> None:
    list(every(reader))
    reader.press(NEXT)
    list(every(reader))
    address = reader.press(CLEAR)
    assert parse_qs(urlsplit(address).query)["start"] == ["2"], "the page stays"
    assert reader.ticked == []
    assert "0 records selected" in reader.page
    assert SelectionRow.objects.count() == 0


def test_tabs_of_tables_are_of_the_same_list(reader: Reader) -> None:
    reader.tick(f"Account/{CUSTOMER}")
    reader.changed()
    reader.open(LOST, table="Contact")
    assert "on other pages: 1" in reader.page
    reader.open(LOST, table="Account")
    assert reader.ticked == [f"Account/{CUSTOMER}"]


def test_changes_of_a_table_are_ticked_over_pages_and_kinds(world: World, sign_in: SignIn) -> None:
    world.clock.advance(days=1)
    for record in ("A40017", "A40018"):
        world.org.update("Account", record, {"Phone": "overwritten"})
    backup(world.app, "sales")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CARDS", 1)
        reader = Reader(sign_in(Role.RESTORER), COMPARE, table="Account")
        (first,) = every(reader)
        reader.press(NEXT)
        (second,) = every(reader)
        reader.press(BEFORE)
        assert reader.ticked == [first]
        assert "2 records selected · on other pages: 1" in reader.page
        reader.open(COMPARE, table="Account", kind="changed", start="1")
        assert reader.ticked == [second]


def test_all_changed_records_cannot_be_selected_at_once(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three changed accounts, a page shows one; one of them is left out again."""
    plan_at_once(monkeypatch)
    org = world.connector.orgs["one"]
    accounts = sorted(org.tables["Account"].records)[:3]
    backup(world.app, "sales")
    world.clock.advance(days=1)
    for at, record in enumerate(accounts):
        org.update("Account", record, {"Phone": f"+41 {at}"}, by="U1" if at else "U2")
    backup(world.app, "sales")
    monkeypatch.setattr(module, "CARDS", 1)
    reader = Reader(sign_in(Role.RESTORER), COMPARE, table="Account")
    address = reader.press("Select all 3 records")
    assert urlsplit(address).path == COMPARE, "the page stays"
    assert "3 records selected" in reader.page
    reader.tick(f"Account/{accounts[0]}", on=False)
    assert urlsplit(reader.press(NEXT)).path == COMPARE
    assert reader.ticked == [f"Account/{accounts[1]}"]
    assert "2 records selected" in reader.page
    preview = reader.client.get(reader.press("Preview the restore")).content.decode()
    assert "<dt>Will be updated</dt><dd>2</dd>" in preview
    reader.open(COMPARE, table="Account", by="U1")
    reader.press("Select all 2 records")
    assert "2 records selected" in reader.page


def test_lost_and_changed_records_are_selected_on_their_own_tabs(
    shop: Shop, sign_in: SignIn
) -> None:
    shop.org.update("Account", "A40018", {"Phone": "+41 1"})
    shop.night()
    reader = Reader(sign_in(Role.RESTORER), COMPARE, a="2", b="4", table="Account")
    assert "Select all" not in reader.page
    assert "open “Lost” or “Changed”" in reader.page
    reader.open(COMPARE, a="2", b="4", table="Account", kind="changed")
    reader.press("Select 1 record")
    assert reader.ticked == ["Account/A40018"]


def test_beside_the_org_now_ticks_last_too(shop: Shop, sign_in: SignIn) -> None:
    reader = Reader(sign_in(Role.RESTORER), COMPARE, a="2", b="live", table="Contact")
    (first,) = every(reader)
    address = reader.press(NEXT)
    assert parse_qs(urlsplit(address).query)["b"] == ["live"]
    (second,) = every(reader)
    assert first != second
    plan = reader.press("Preview the restore of the selected records")
    assert chosen(shop, plan) == (first, second)


# --- whose they are, and how many -----------------------------------------------------------------


def test_another_list_has_ticks_of_its_own(reader: Reader) -> None:
    list(every(reader))
    reader.changed()
    reader.open(LOST, a="1", b="3")
    assert "0 records selected" in reader.page
    reader.open(COMPARE, table="Account")
    assert "0 records selected" in reader.page


def test_nobody_else_sees_them(reader: Reader, sign_in: SignIn) -> None:
    list(every(reader))
    reader.changed()
    assert "0 records selected" in Reader(sign_in(), LOST).page


def test_who_only_reads_has_nothing_to_tick(reader: Reader, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    page = viewer.get(LOST).content.decode()
    assert "ticked" not in page.partition("<main")[2]
    assert f'href="?start=2">{NEXT}' in page
    assert viewer.post(TICKS, reader.form.sent()).status_code == 403


def test_only_names_of_records_are_kept(reader: Reader, shop: Shop) -> None:
    list(every(reader))
    sent = reader.form.sent()
    sent["record"] += ["nothing", "/x", "Account/", "Account/a\x00b", "Account/" + "x" * 600]
    reader.client.post(TICKS, sent, headers=HTMX)
    (row,) = SelectionRow.objects.all()
    assert row.records == list(reader.form.boxes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM catalog_selectionrow")
        assert "Schoko" not in str(cursor.fetchall())


def test_they_are_bounded_and_what_is_too_much_is_told(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(every(reader))
    reader.press(NEXT)
    monkeypatch.setattr(action, "MOST", 3)
    list(every(reader))
    assert "At most 3 records of a list can be selected" in reader.changed()
    assert parse_qs(urlsplit(reader.press(BEFORE)).query)["start"] == ["2"], "the page stays"
    assert "At most 3 records of a list can be selected" in reader.page
    assert reader.ticked == []
    assert "2 records selected" in reader.page, "those of before"
    list(every(reader))
    answer = reader.client.post("/orgs/sales/restores/", reader.form.sent() | {"what": ["records"]})
    assert urlsplit(answer["Location"]).path == "/orgs/sales/lost/", "back to the list"
    assert not PlanRow.objects.exists(), "no preview leaves something out"
    reader.press(CLEAR)
    reader.press(BEFORE)
    assert reader.ticked == []


def test_those_of_older_lists_are_forgotten(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(every(reader))
    reader.changed()
    shop.world.clock.advance(seconds=60)
    monkeypatch.setattr(action, "LISTS", 1)
    reader.open(COMPARE, table="Account")
    list(every(reader))
    reader.changed()
    assert SelectionRow.objects.count() == 1
    reader.open(LOST)
    assert "0 records selected" in reader.page


def test_what_was_ticked_long_ago_is_not_shown(reader: Reader, shop: Shop) -> None:
    list(every(reader))
    reader.changed()
    SelectionRow.objects.update(at=shop.world.clock.now() - action.LIFETIME * 2)
    reader.open(LOST)
    assert "0 records selected" in reader.page
    reader.press(NEXT)
    assert SelectionRow.objects.count() == 0


def test_what_is_brought_back_is_not_ticked_any_more(shop: Shop, reader: Reader) -> None:
    reader.tick(f"Account/{CUSTOMER}")
    reader.changed()
    plan = reader.press(PREVIEW)
    reader.open(LOST)
    assert reader.ticked == [f"Account/{CUSTOMER}"], "a preview writes nothing"
    serve(shop, start(reader.client, plan))
    reader.open(LOST)
    assert "0 records selected" in reader.page


# --- what else may be sent ------------------------------------------------------------------------


def test_without_a_list_nothing_is_kept(reader: Reader) -> None:
    for of in ("", "x" * 501, "lost/\x00"):
        assert reader.client.post(TICKS, {"of": of}, headers=HTMX).status_code == 200
    assert reader.client.post(TICKS, {"of": "settings/1", "to": "?x"}).status_code == 404
    assert reader.client.post(TICKS).status_code == 404
    answer = reader.client.post(TICKS, {"of": "lost/2/3", "to": "//elsewhere.example/?a=1"})
    assert answer["Location"].startswith("/orgs/sales/lost/?"), "nowhere else"
    assert SelectionRow.objects.count() == 0


@pytest.mark.parametrize("place", [f"{COMPARE}?table=Contact", LOST])
def test_a_page_with_ticks_asks_the_database_little(reader: Reader, place: str) -> None:
    list(every(reader))
    reader.changed()
    found = queries(reader.client, place)
    assert len(found) <= MOST_QUERIES, found
