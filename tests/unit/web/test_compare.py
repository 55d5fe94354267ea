"""Comparing nights and finding what was lost, as pages."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, goes_on, live, queries
from unlost.app.actions.backups.backup import backup
from unlost.catalog.people.audit import every
from unlost.model.access import Role
from unlost.model.source.schema import ColumnTrait
from unlost.web.pages.records import compare as module

COMPARE, LOST = "/orgs/sales/compare/", "/orgs/sales/lost/"


def with_changes(world: World) -> None:
    """Of three accounts one changed and one is new."""
    live(world)
    world.clock.advance(days=1)
    world.org.update("Account", "A40018", {"Phone": "<b>overwritten</b>"})
    world.org.create("Account", {"Name": "New one"}, record="A50000")
    backup(world.app, "sales")


after_changes = scene(with_changes)


@pytest.fixture
def changed(world: World, after_changes: Lead) -> Iterator[World]:
    """Of three accounts one changed and one is new."""
    with goes_on(world, after_changes):
        yield world


def test_the_last_two_nights_are_compared_table_by_table(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in(Role.VIEWER).get(COMPARE).content.decode()
    assert '<option value="2" selected>' in page
    assert '<option value="3" selected>' in page
    assert "?table=Account" in page
    assert "?table=Contact" in page
    assert "?table=User" not in page, "nothing of it differs"


def test_a_table_is_compared_field_by_field(changed: World, sign_in: SignIn) -> None:
    page = sign_in(Role.RESTORER).get(COMPARE, {"table": "Account"}).content.decode()
    assert "&lt;b&gt;overwritten&lt;/b&gt;" in page
    assert "+41 40018" in page
    assert 'value="Account/A40018"' in page, "it can be ticked"
    assert 'value="Account/A50000"' not in page, "it was not there at the first night"
    assert 'name="column" value="Phone"' in page


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        (ColumnTrait.CALCULATED, "the org calculates it"),
        (ColumnTrait.AUTO_NUMBER, "the org numbers it"),
        (None, "it is read-only"),
    ],
)
def test_a_column_that_cannot_be_put_back_was_offered(
    world: World, sign_in: SignIn, trait: ColumnTrait | None, words: str
) -> None:
    org = world.connector.orgs["one"]
    columns = org.tables["Account"].columns
    name, phone = columns["Name"], columns["Phone"]
    columns["Name"] = replace(name, traits=name.traits | {ColumnTrait.UPDATABLE})
    traits = phone.traits | ({trait} if trait else set())
    columns["Phone"] = replace(phone, label="Line", traits=frozenset(traits))
    backup(world.app, "sales")
    world.clock.advance(days=1)
    org.update("Account", "A40018", {"Phone": "+41 1", "Name": "Renamed"})
    backup(world.app, "sales")
    page = sign_in(Role.RESTORER).get(COMPARE, {"table": "Account"}).content.decode()
    assert 'name="column" value="Name"' in page
    assert 'name="column" value="Phone"' not in page
    assert f"<bdi>Line</bdi> ({words})" in page


def test_columns_that_the_org_sets_are_left_out(world: World, sign_in: SignIn) -> None:
    world.clock.advance(days=1)
    world.org.update("Account", "A40018", {"Phone": "+41 1"})
    backup(world.app, "sales")
    page = sign_in(Role.RESTORER).get(COMPARE, {"table": "Account"}).content.decode()
    assert "+41 1" in page
    assert "Modified" not in page


def two_users(world: World) -> None:
    """Two accounts changed, each by another user."""
    org = world.connector.orgs["one"]
    org.create("User", {"Name": "Ben Berger"}, record="U2")
    backup(world.app, "sales")
    world.clock.advance(days=1)
    org.update("Account", "A40017", {"Phone": "+41 17"}, by="U1")
    org.update("Account", "A40018", {"Phone": "+41 18"}, by="U2")
    backup(world.app, "sales")


def test_a_card_does_not_say_who_changed_the_record(world: World, sign_in: SignIn) -> None:
    two_users(world)
    page = sign_in(Role.RESTORER).get(COMPARE, {"table": "Account"}).content.decode()
    card = page[page.index("A40018") :].split("</li>")[0]
    assert "last changed by <bdi>Ben Berger</bdi>" in card
    assert '<option value="U2">Ben Berger (1)</option>' in page
    assert '<option value="U1">Ada Admin (1)</option>' in page


def test_changes_of_one_person_cannot_be_seen_alone(world: World, sign_in: SignIn) -> None:
    two_users(world)
    asked = {"table": "Account", "by": "U2"}
    page = sign_in(Role.RESTORER).get(COMPARE, asked).content.decode()
    assert "A40018" in page
    assert "A40017" not in page
    assert '<option value="U2" selected>Ben Berger (1)</option>' in page
    assert 'Changed <span class="count">1</span>' in page
    assert '<input type="hidden" name="by" value="U2">' in page, "the repair is limited too"
    assert "Restore fields of 1 changed record" in page


def test_a_person_of_the_live_org_is_shown_and_filtered(world: World, sign_in: SignIn) -> None:
    two_users(world)
    world.connector.orgs["one"].update("Account", "A40018", {"Phone": "+41 1"}, by="U1")
    client = sign_in(Role.RESTORER)
    asked = {"table": "Account", "a": "3", "b": "live"}
    page = client.get(COMPARE, asked).content.decode()
    assert "last changed by <bdi>Ada Admin</bdi>" in page
    assert "A40018" in client.get(COMPARE, asked | {"by": "U1"}).content.decode()
    assert "No differences here" in client.get(COMPARE, asked | {"by": "U2"}).content.decode()


def test_the_list_of_a_comparison_keeps_the_person(world: World, sign_in: SignIn) -> None:
    two_users(world)
    client = sign_in(Role.RESTORER)
    asked = {"table": "Account", "by": "U2", "kind": "changed"}
    page = client.get(COMPARE, asked).content.decode()
    (link,) = [
        part.split('"')[0] for part in page.split('href="') if part.startswith("/orgs/sales/list/")
    ]
    listed = client.get(link.replace("&amp;", "&")).content.decode()
    assert "A40018" in listed
    assert "A40017" not in listed
    assert "last changed by Ben Berger" in listed


def test_a_record_in_which_only_the_org_set_columns_says_so(
    changed: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_without_system", lambda row: replace(row, changes=()))
    page = sign_in(Role.RESTORER).get(COMPARE, {"table": "Account"}).content.decode()
    assert page.count("Only fields changed that the org sets automatically") == 1


def test_one_kind_of_change_is_shown_alone(changed: World, sign_in: SignIn) -> None:
    client = sign_in()
    created = client.get(COMPARE, {"table": "Account", "kind": "created"}).content.decode()
    assert "New one" in created
    assert "A40018" not in created
    lost = client.get(COMPARE, {"table": "Account", "kind": "deleted"}).content.decode()
    assert "No differences here" in lost
    assert client.get(COMPARE, {"table": "Account", "kind": "odd"}).status_code == 200


def test_who_only_reads_gets_nothing_to_tick(changed: World, sign_in: SignIn) -> None:
    page = sign_in(Role.VIEWER).get(COMPARE, {"table": "Account"}).content.decode()
    assert "checkbox" not in page
    assert "Preview" not in page


def test_long_lists_come_in_pages(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    client = sign_in()
    first = client.get(LOST).content.decode()
    assert "1 to 3 of 4" in first
    assert "start=3" in first
    assert "Preview the restore of all 4 records" in first, "not of this page alone"
    rest = client.get(LOST, {"start": "3"}).content.decode()
    assert "4 to 4 of 4" in rest
    assert "recipe.txt" in rest
    assert "Schoko Zürich" not in rest
    monkeypatch.setattr(module, "PAGE", 1)
    second = client.get(COMPARE, {"table": "Contact", "start": "1"}).content.decode()
    assert "2 to 2 of 2" in second
    assert client.get(LOST, {"start": "-1x"}).status_code == 200


def test_with_the_org_now_one_table_is_chosen_first(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    calls = len(shop.world.connector.contexts)
    page = client.get(COMPARE, {"a": "2", "b": "live"}).content.decode()
    assert "choose the table" in page
    assert len(shop.world.connector.contexts) == calls, "the org is not asked yet"
    told = client.get(COMPARE, {"a": "2", "b": "live", "table": "Account"}).content.decode()
    assert "Schoko Zürich" in told
    assert len(shop.world.connector.contexts) > calls
    assert 'name="what" value="lost"' not in told, "only ticked records: there is no second night"


def test_lost_records_of_one_table_are_shown_alone(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in().get(LOST, {"table": "Contact"}).content.decode()
    assert "2 records lost" in page
    assert "Schoko Zürich" not in page
    assert 'name="table" value="Contact"' in page


def test_the_address_keeps_what_was_chosen(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in().get(COMPARE, {"a": "1", "b": "3"}).content.decode()
    (link,) = [
        part.split('"')[0] for part in page.split('href="') if "table=Account" in part.split('"')[0]
    ]
    asked = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
    assert asked == {"a": ["1"], "b": ["3"], "table": ["Account"]}


def test_a_night_alone_is_compared_with_the_one_before_it(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in().get(COMPARE, {"b": "2"}).content.decode()
    assert '<option value="1" selected>' in page
    assert '<option value="2" selected>' in page
    assert sign_in(Role.VIEWER).get(COMPARE, {"b": "live"}).status_code == 200


def test_other_orgs_are_one_click_away(shop: Shop, sign_in: SignIn) -> None:
    page = sign_in(Role.VIEWER, org="sales").get(LOST).content.decode()
    assert '<a href="/orgs/sales/lost/" aria-current="true">' in page


def test_one_night_alone_says_what_to_do(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    for place in (COMPARE, LOST):
        page = client.get(place)
        assert page.status_code == 200
        assert "There is only one backup so far" in page.content.decode()
    assert "lost since the previous backup" not in client.get("/").content.decode()


def test_nothing_that_differs_is_told(world: World, sign_in: SignIn) -> None:
    world.clock.advance(days=1)
    backup(world.app, "sales")
    client = sign_in()
    assert "No differences" in client.get(COMPARE).content.decode()
    assert "No records were lost" in client.get(LOST).content.decode()


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"a": "9", "b": "1"}, 404), ({"a": "odd", "b": "1"}, 400), ({"table": "Nothing"}, 404)],
)
def test_what_is_not_there_is_told(
    shop: Shop, sign_in: SignIn, asked: dict[str, str], status: int
) -> None:
    client = sign_in()
    for place in (COMPARE, LOST):
        assert client.get(place, asked).status_code == status


@pytest.mark.parametrize("place", [COMPARE, LOST])
def test_who_may_not_read_is_refused(shop: Shop, sign_in: SignIn, place: str) -> None:
    assert sign_in(Role.AUDITOR).get(place).status_code == 403
    assert sign_in().get(place.replace("sales", "nowhere")).status_code == 404


def test_what_was_looked_at_is_noted(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    client.get(LOST)
    client.get(COMPARE, {"table": "Account"})
    deeds = [one.deed for one in every() if one.deed.act.startswith("record.")]
    noted = [(deed.act, deed.subject) for deed in deeds if deed.actor == "viewer-all"]
    assert noted == [("record.lost", "2/3"), ("record.compare", "2/3/Account")]


@pytest.mark.parametrize(
    "place", [COMPARE, f"{COMPARE}?table=Account", LOST, f"/orgs/sales/records/Account/{CUSTOMER}/"]
)
def test_a_page_asks_the_database_little(shop: Shop, sign_in: SignIn, place: str) -> None:
    found = queries(sign_in(), place)
    assert len(found) <= MOST_QUERIES, found


def test_a_table_of_an_org_with_a_single_night_broke(world: World, sign_in: SignIn) -> None:
    page = sign_in().get("/orgs/sales/compare/?table=Account")
    assert page.status_code == 200
    assert "Account" in page.content.decode()
