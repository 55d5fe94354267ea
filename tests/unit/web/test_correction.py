"""The page that corrects a record: versions side by side, another value, a second record."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import MOST_QUERIES, goes_on, lost_shop, plan_at_once, queries, serve, start
from unlost.app.actions.restores.correct import VERSIONS
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role
from unlost.model.source.schema import Column, WireKind

OTHER = "A40018"
PLACE = f"/orgs/sales/records/Account/{OTHER}/correction/"
RECORD = f"/orgs/sales/records/Account/{OTHER}/"


def corrected_shop(world: World) -> Shop:
    """An account that had another phone number and another kind before."""
    shop = lost_shop(world)
    columns = shop.org.tables["Account"].columns
    columns["Kind"] = Column("Kind", WireKind.TEXT, "Kind", choices=("Shop", "Maker"))
    columns["Vip"] = Column("Vip", WireKind.BOOLEAN, "Very important")
    columns["Phone"] = replace(columns["Phone"], label="Telephone")
    for cells in ({"Kind": "Shop", "Vip": "true"}, {"Phone": "+41 1", "Kind": "Maker"}):
        shop.org.update("Account", OTHER, cells)
        shop.night()
    return shop


after_changes = scene(corrected_shop)


@pytest.fixture
def shop(world: World, after_changes: Lead) -> Iterator[Shop]:
    """An account that had another phone number and another kind before."""
    with goes_on(world, after_changes) as made:
        yield made


@pytest.fixture
def client(shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Client:
    plan_at_once(monkeypatch)
    return sign_in(Role.RESTORER)


def run(client: Client, shop: Shop, place: str) -> None:
    """Start the plan at a place, and let the service run it."""
    assert serve(shop, start(client, place)) is RunState.DONE


def picks(page: str, column: str) -> list[str]:
    """The values of the radio buttons of a column."""
    parts = page.split(f'name="pick-{column}" value="')[1:]
    return [part.partition('"')[0] for part in parts]


def test_a_column_shows_its_versions_with_time_and_user(client: Client) -> None:
    page = text(client.get(PLACE))
    assert "<bdi>Telephone</bdi>" in page
    assert "Newest backup: +41 1" in page
    assert "+41 40018 (until" in page
    assert "changed by Ada Admin)" in page
    assert "Newest backup: yes" in page, "truth values are words"
    assert len(picks(page, "Phone")) == 4, "now, the earlier one, empty, another"


def test_columns_without_an_earlier_value_are_folded(client: Client) -> None:
    changed, _, others = text(client.get(PLACE)).partition('<details class="rare">')
    assert 'name="pick-Phone"' in changed
    assert 'name="pick-Name"' in others


def test_the_record_leads_to_the_page_and_an_earlier_value_is_restored(
    client: Client, shop: Shop
) -> None:
    assert f'href="{PLACE}"' in text(client.get(RECORD))
    earlier = picks(text(client.get(PLACE)), "Phone")[1]
    answer = client.post(PLACE, {"pick-Phone": earlier})
    assert answer.status_code == 302
    preview = text(client.get(answer["Location"]))
    assert "will be updated" in preview or "1 record" in preview
    run(client, shop, answer["Location"])
    cells = shop.live("Account")[OTHER]
    assert (cells["Phone"], cells["Kind"]) == ("+41 40018", "Maker")


def test_another_value_is_typed_without_choosing_a_button(client: Client, shop: Shop) -> None:
    answer = client.post(PLACE, {"value-Phone": "+41 99", "pick-Number": "empty"})
    run(client, shop, answer["Location"])
    cells = shop.live("Account")[OTHER]
    assert (cells["Phone"], cells.get("Number")) == ("+41 99", None)


def test_a_second_record_is_created_beside(client: Client, shop: Shop) -> None:
    count = len(shop.live("Account"))
    answer = client.post(PLACE, {"value-Name": "Second", "beside": "on"})
    preview = text(client.get(answer["Location"]))
    assert "will be created beside the present one" in preview
    run(client, shop, answer["Location"])
    assert len(shop.live("Account")) == count + 1


def test_a_button_and_a_typed_value_together_are_refused(client: Client) -> None:
    answer = client.post(PLACE, {"pick-Phone": "empty", "value-Phone": "+41 99"})
    assert answer.status_code == 400
    assert "Choose a value above or enter one here, not both." in text(answer)
    assert 'value="+41 99"' in text(answer), "what was typed stays"


def test_a_value_of_the_wrong_kind_is_named_at_its_field(client: Client, shop: Shop) -> None:
    shop.org.add_column("Account", "Sales", WireKind.DECIMAL, value="1")
    shop.night()
    answer = client.post(PLACE, {"value-Sales": "much"})
    assert answer.status_code == 400
    assert "Enter a number, such as 12.50." in text(answer)


def test_nothing_chosen_says_so(client: Client) -> None:
    answer = client.post(PLACE, {})
    assert answer.status_code == 400
    assert "Choose an earlier value, or enter one." in text(answer)


def test_a_forged_choice_is_refused(client: Client) -> None:
    assert client.post(PLACE, {"pick-Phone": "2020-01-01T00:00:00+00:00"}).status_code == 400


def test_a_deleted_record_is_corrected_as_it_comes_back(client: Client) -> None:
    page = text(client.get("/orgs/sales/records/Account/A40017/correction/"))
    assert "This record was deleted." in page
    assert "Newest backup: +41 40017" in page


def test_an_unknown_record_is_not_found(client: Client) -> None:
    assert client.get("/orgs/sales/records/Account/Nobody/correction/").status_code == 404


def test_a_viewer_may_not_correct(client: Client, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    assert viewer.get(PLACE).status_code == 403
    assert PLACE not in text(viewer.get(RECORD))


def test_the_page_asks_the_database_little(client: Client) -> None:
    assert len(queries(client, PLACE)) <= MOST_QUERIES


def test_every_earlier_value_can_be_reached(client: Client, shop: Shop) -> None:
    """Twelve values were offered, and the others could not be reached."""
    for number in range(VERSIONS + 2):
        shop.world.clock.advance(hours=1)
        shop.org.update("Account", OTHER, {"Phone": f"+41 7{number}"})
        shop.night()
    page = text(client.get(PLACE))
    assert "+41 40018 (until" not in page
    assert 'name="more" value="Phone"' in page
    assert 'name="more" value="Kind"' not in page
    sent = {"pick-Kind": picks(page, "Kind")[1], "value-Name": "Typed", "beside": "on"}
    page = text(client.post(PLACE, sent | {"more": "Phone"}))
    assert "+41 40018 (until" in page
    assert 'name="more" value="Phone"' not in page
    assert 'value="Typed"' in page, "values that were chosen before stay"
    assert page.count(" checked") >= 3
    oldest = picks(page, "Phone")[-3]
    answer = client.post(PLACE, {"every": "Phone", "pick-Phone": oldest})
    assert answer.status_code == 302
    run(client, shop, answer["Location"])
    assert shop.live("Account")[OTHER]["Phone"] == "+41 40018"


def test_a_change_of_the_history_chooses_its_earlier_values(client: Client, shop: Shop) -> None:
    """From the page of a record it took a click for each value."""
    link = text(client.get(RECORD)).partition(f'href="{PLACE}?')[2].partition('"')[0]
    address = f"{PLACE}?{link.replace('&amp;', '&')}"
    page = text(client.get(address))
    chosen = [
        part.partition('"')[0]
        for part in page.split('name="pick-')[1:]
        if " checked" in part.partition(">")[0]
    ]
    assert {name for name in chosen if name} >= {"Phone", "Kind"}
    sent = {
        f"pick-{column}": next(each for each in picks(page, column) if "T" in each)
        for column in ("Phone", "Kind")
    }
    answer = client.post(address, sent)
    run(client, shop, answer["Location"])
    cells = shop.live("Account")[OTHER]
    assert (cells["Phone"], cells["Kind"]) == ("+41 40018", "Shop")


@pytest.mark.parametrize("query", ["until=x&column=Nothing", "until=", "column=%00"])
def test_an_address_that_names_no_change_chooses_nothing(client: Client, query: str) -> None:
    assert client.get(f"{PLACE}?{query}").status_code == 200
