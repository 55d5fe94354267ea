"""The page of a record: its head, its history by pages, values for people, system columns."""

from dataclasses import replace

import pytest

from homes import World
from unit.app.shop import CUSTOMER, WRITER, Shop
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import plan_at_once, queries
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.write_access import set_writer
from unlost.model.access import Role
from unlost.model.source.schema import WireKind
from unlost.web.pages.records import history as module

PLACE = f"/orgs/sales/records/Account/{CUSTOMER}/"


def change(world: World, **cells: str) -> None:
    world.clock.advance(days=1)
    world.org.update("Account", CUSTOMER, cells)
    backup(world.app, "sales")


def head_of(page: str) -> str:
    return page.partition('<header class="record head">')[2].partition("</header>")[0]


def test_the_head_has_the_number_and_leads_to_the_org(world: World, sign_in: SignIn) -> None:
    head = head_of(text(sign_in(Role.VIEWER).get(PLACE)))
    assert '<bdi dir="ltr" class="number">0040017</bdi>' in head
    assert f'href="https://one.memory.example/Account/{CUSTOMER}"' in head
    assert "Open in Memory" in head
    assert ">alive<" in head


def test_a_deleted_record_has_its_number_and_no_address(world: World, sign_in: SignIn) -> None:
    world.org.delete("Account", CUSTOMER)
    world.clock.advance(days=1)
    backup(world.app, "sales")
    head = head_of(text(sign_in(Role.RESTORER).get(PLACE)))
    assert ">0040017<" in head
    assert "Open in" not in head
    assert "Preview the restore of this record" in head


def test_a_long_history_has_pages(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENTRIES", 2)
    for number in range(4):
        change(world, Phone=f"+41 {number}")
    client = sign_in(Role.VIEWER)
    page = text(client.get(PLACE))
    assert page.count('<div class="when">') == 2
    assert "1 to 2 of 5" in page
    assert "+41 3" in page
    assert "+41 40017" not in page
    older = text(client.get(PLACE, {"start": "2"}))
    assert "3 to 4 of 5" in older
    assert "Newer" in older
    assert "+41 40017" in older
    assert len(queries(client, PLACE)) <= 12


def test_a_history_is_filtered_by_column_and_user(world: World, sign_in: SignIn) -> None:
    change(world, Phone="+41 1")
    change(world, Name="Chocolat")
    client = sign_in(Role.VIEWER)
    page = text(client.get(PLACE, {"column": "Name"}))
    story = page.partition('<ol class="timeline">')[2]
    assert story.count("<li class=") == 1
    assert "Chocolat" in story
    assert "+41 1" not in story
    assert '<option value="Name" selected>' in page
    assert '<option value="Phone">' in page
    none = text(client.get(PLACE, {"user": "nobody"}))
    assert "No changes match these filters." in none


def test_a_value_is_put_back_through_the_preview(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_at_once(monkeypatch)
    other = "A40018"
    place = f"/orgs/sales/records/Account/{other}/"
    shop.org.update("Account", other, {"Phone": "+41 1"})
    shop.night()
    client = sign_in(Role.RESTORER)
    page = text(client.get(place))
    assert page.count("Put back this value</button>") == 1
    until = page.partition('name="until" value="')[2].partition('"')[0]
    answer = client.post(f"{place}put-back/", {"until": until, "column": "Phone"}, follow=True)
    assert answer.status_code == 200
    assert "will be updated" in text(answer) or "1 record" in text(answer)
    assert client.post(f"{place}put-back/", {"until": "x", "column": "Phone"}).status_code == 404


def test_who_may_not_restore_sees_no_such_button(world: World, sign_in: SignIn) -> None:
    set_writer(world.app, WRITER)
    change(world, Phone="+41 1")
    client = sign_in(Role.VIEWER)
    assert "Put back" not in text(client.get(PLACE))
    assert client.post(f"{PLACE}put-back/", {"until": "x"}).status_code == 403


def test_values_are_shown_for_people_and_raw_on_request(world: World, sign_in: SignIn) -> None:
    world.org.add_column("Account", "Active", WireKind.BOOLEAN, value="true")
    world.org.add_column("Account", "Sales", WireKind.DECIMAL, value="1.5E6")
    world.org.add_column("Account", "Seen", WireKind.INSTANT, value="2026-11-03T23:30:00.000Z")
    columns = world.org.tables["Account"].columns
    columns["Owner"] = replace(columns["Owner"], label="Account owner")
    world.clock.advance(days=1)
    backup(world.app, "sales")
    client = sign_in(Role.VIEWER)
    page = text(client.get(f"{PLACE}fields/"))
    assert '<bdi class="cell" title="true">yes</bdi>' in page
    assert '<bdi class="cell" title="1.5E6">1,500,000</bdi>' in page
    assert 'title="2026-11-03T23:30:00.000Z">2026-11-03 23:30</bdi>' in page
    assert '<a href="/orgs/sales/records/User/U1/"><bdi>Ada Admin</bdi></a>' in page
    raw = text(client.get(f"{PLACE}fields/", {"raw": "1"}))
    assert '<bdi class="cell">1.5E6</bdi>' in raw
    assert "1,500,000" not in raw


def test_system_columns_are_folded(world: World, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER).get(f"{PLACE}fields/"))
    people, _, system = page.partition('<details class="rare"><summary>')
    assert 'title="Phone"' in people
    assert 'title="Id"' not in people
    assert 'title="Id"' in system


def test_a_hidden_column_is_neither_shown_nor_offered(world: World, sign_in: SignIn) -> None:
    change(world, Phone="+41 1")
    change(world, Number="0050000")
    hide(world.app, "sales", "Account.Phone")
    hide(world.app, "sales", "Account.Number")
    page = text(sign_in(Role.VIEWER).get(PLACE))
    assert "+41 1" not in page
    assert '<option value="Phone">' not in page
    assert "0050000" not in page
