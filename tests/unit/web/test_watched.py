"""Pages of watched records: the list, changes by day, ticked ones and those of a user taken back."""

from collections.abc import Iterator

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import MOST_QUERIES, goes_on, lost_shop, plan_at_once, queries, serve, start
from unlost.app.actions.restores import take_back as module
from unlost.app.records.changes.live_changes import LiveEvents
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role

OTHER = "A40018"
RECORD = f"/orgs/sales/records/Account/{OTHER}/"
PLACE = "/orgs/sales/watched/Mine/"
BOX = 'type="checkbox" name="change"'


def changed_shop(world: World) -> Shop:
    """An account whose phone number and name were changed on two days."""
    shop = lost_shop(world)
    for cells in ({"Phone": "+41 1"}, {"Name": "Wrong"}):
        shop.org.update("Account", OTHER, cells, by="U1")
        shop.night()
    return shop


after_changes = scene(changed_shop)


@pytest.fixture
def shop(world: World, after_changes: Lead) -> Iterator[Shop]:
    """An account whose phone number and name were changed on two days."""
    with goes_on(world, after_changes) as made:
        yield made


@pytest.fixture
def client(shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Client:
    """That account is watched."""
    plan_at_once(monkeypatch)
    client = sign_in(Role.RESTORER)
    watch(client)
    return client


def watch(client: Client, **more: str) -> None:
    sent = {"name": "Mine", "record": f"Account/{OTHER}", **more}
    answer = client.post("/orgs/sales/watched/", sent)
    assert (answer.status_code, answer["Location"]) == (302, PLACE)


def ticks(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split(f'{BOX} value="')[1:]]


def buttons(page: str) -> list[str]:
    parts = page.split('<button type="submit" name="change" value="')[1:]
    return [part.partition('"')[0] for part in parts]


def run(client: Client, shop: Shop, place: str) -> None:
    assert serve(shop, start(client, place)) is RunState.DONE


def test_changes_are_shown_by_day_with_record_user_and_boxes(client: Client) -> None:
    page = text(client.get(PLACE))
    assert page.count('<h2 id="day-') == 2
    assert page.count(BOX) == 2
    assert f'href="{RECORD}"' in page
    assert "Ada Admin" in page
    assert "Preview: take the selected changes back" in page


def test_ticked_changes_are_taken_back_together(client: Client, shop: Shop) -> None:
    answer = client.post(f"{PLACE}take-back/", {"change": ticks(text(client.get(PLACE)))})
    assert answer.status_code == 302
    run(client, shop, answer["Location"])
    cells = shop.live("Account")[OTHER]
    assert (cells["Phone"], cells["Name"] != "Wrong") == ("+41 40018", True)


def test_the_button_of_a_change_takes_it_back_with_the_ticked_ones(
    client: Client, shop: Shop
) -> None:
    """Three changes took five clicks, one of them only to press the button at the end."""
    page = text(client.get(PLACE))
    newest, oldest = buttons(page)
    answer = client.post(f"{PLACE}take-back/", {"change": [ticks(page)[1], newest]})
    run(client, shop, answer["Location"])
    cells = shop.live("Account")[OTHER]
    assert (cells["Phone"], cells["Name"] != "Wrong") == ("+41 40018", True)
    assert oldest.endswith("|"), "it stands for all columns of the change"


def test_everything_of_a_user_is_taken_back(client: Client, shop: Shop) -> None:
    answer = client.post(f"{PLACE}take-back/", {"user": "U1", "since": "", "until": ""})
    run(client, shop, answer["Location"])
    assert shop.live("Account")[OTHER]["Phone"] == "+41 40018"


@pytest.mark.usefixtures("client")
def test_values_that_others_changed_later_are_counted(shop: Shop, sign_in: SignIn) -> None:
    shop.org.update("Account", OTHER, {"Phone": "+41 2"}, by="U2")
    shop.night()
    answer = sign_in(Role.ADMIN).post(f"{PLACE}take-back/", {"user": "U1"}, follow=True)
    assert "1 value stays: others changed it later." in text(answer)


def test_nothing_ticked_says_so_on_the_page(client: Client) -> None:
    answer = client.post(f"{PLACE}take-back/", {}, follow=True)
    assert "There is no change to take back." in text(answer)


@pytest.mark.parametrize("forged", ["x", "Account/A40018|2020-01-01T00:00:00+00:00|Phone"])
def test_a_forged_tick_is_refused(client: Client, forged: str) -> None:
    answer = client.post(f"{PLACE}take-back/", {"change": [forged]}, follow=True)
    page = text(answer)
    assert "A selected change cannot be read." in page or "has no change of Phone" in page


@pytest.mark.usefixtures("client")
def test_a_deleted_record_is_brought_back_from_here(shop: Shop, sign_in: SignIn) -> None:
    shop.platform.delete("Account", OTHER, by="U1")
    shop.night()
    client = sign_in(Role.ADMIN)
    page = text(client.get(PLACE, {"kind": "deleted"}))
    assert "Bring this record back" in page
    assert ticks(page) == buttons(page)
    answer = client.post(f"{PLACE}take-back/", {"change": ticks(page)})
    run(client, shop, answer["Location"])
    assert "Wrong" in {cells["Name"] for cells in shop.live("Account").values()}


def test_filters_stay_in_the_form(client: Client) -> None:
    page = text(client.get(PLACE, {"column": "Account.Phone", "user": "U1"}))
    assert page.count(BOX) == 1
    assert '<option value="Account.Phone" selected>' in page
    none = text(client.get(PLACE, {"user": "nobody"}))
    assert "No changes match these filters." in none


def test_the_sets_are_listed_and_one_is_removed(client: Client) -> None:
    assert f'href="{PLACE}"' in text(client.get("/watched/"))
    assert 'href="/watched/"' in text(client.get("/find/"))
    page = text(client.post(f"{PLACE}remove/", follow=True))
    assert "“Mine” is not watched any more." in page
    assert "Nothing is watched yet" in page
    again = text(client.post(f"{PLACE}remove/", follow=True))
    assert "has no watched set named" in again


def test_a_record_is_added_to_a_set_that_is_there(client: Client) -> None:
    watch(client, record="Account/A40019", deletions="1")
    page = text(client.get(PLACE))
    assert "2 records, with the records that belong to them." in page


def test_a_record_and_a_list_offer_to_be_watched(client: Client) -> None:
    assert 'action="/orgs/sales/watched/"' in text(client.get(RECORD))
    address = "/orgs/sales/list/?kind=related&table=Account&of=User/U1"
    page = text(client.get(address))
    listed = page.partition('name="list" value="')[2].partition('"')[0].replace("&quot;", '"')
    answer = client.post("/orgs/sales/watched/", {"name": "Hers", "list": listed})
    assert answer["Location"] == "/orgs/sales/watched/Hers/"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_a_form_leads_back_only_to_our_own_pages(client: Client, back: str) -> None:
    sent = {"name": "", "record": "Account/1", "back": back}
    assert client.post("/orgs/sales/watched/", sent)["Location"] == "/watched/"


def test_a_wrong_name_leads_back_to_the_record(client: Client) -> None:
    sent = {"name": " ", "record": f"Account/{OTHER}", "back": RECORD}
    answer = client.post("/orgs/sales/watched/", sent, follow=True)
    assert answer.redirect_chain[0][0] == RECORD
    assert "The name of a watched set" in text(answer)


def test_a_viewer_sees_changes_and_takes_nothing_back(client: Client, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    page = text(viewer.get(PLACE))
    assert "+41 1" in page
    assert 'name="change"' not in page
    assert viewer.post(f"{PLACE}take-back/", {"user": "U1"}).status_code == 403
    assert viewer.post("/orgs/sales/watched/", {"name": "x"}).status_code == 403


def test_the_page_asks_the_database_little(client: Client) -> None:
    assert len(queries(client, PLACE)) <= MOST_QUERIES


def test_an_unknown_set_is_not_found(client: Client) -> None:
    assert client.get("/orgs/sales/watched/Nothing/").status_code == 404


def test_the_org_is_read_when_asked_for(client: Client, shop: Shop) -> None:
    shop.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    assert "+41 9" not in text(client.get(PLACE))
    page = text(client.get(PLACE, {"live": "1"}))
    assert "after the newest backup" in page
    tick = next(each for each in ticks(page) if "|live|" in each)
    assert tick in buttons(page)
    answer = client.post(f"{PLACE}take-back/", {"change": tick})
    run(client, shop, answer["Location"])
    assert shop.live("Account")[OTHER]["Phone"] == "+41 1"


def test_a_record_that_was_deleted_since_the_newest_backup_comes_back_from_here(
    client: Client, shop: Shop
) -> None:
    shop.platform.delete("Account", OTHER, by="U1")
    page = text(client.get(PLACE, {"live": "1", "kind": "deleted", "user": "U1"}))
    assert "Bring this record back" in page
    (tick,) = ticks(page)
    answer = client.post(f"{PLACE}take-back/", {"change": tick})
    run(client, shop, answer["Location"])
    assert "Wrong" in {cells["Name"] for cells in shop.live("Account").values()}


def test_a_value_that_changed_after_the_page_was_shown_stays(client: Client, shop: Shop) -> None:
    shop.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    tick = next(each for each in ticks(text(client.get(PLACE, {"live": "1"}))) if "|live|" in each)
    shop.org.update("Account", OTHER, {"Phone": "+41 10"}, by="U1")
    page = text(client.post(f"{PLACE}take-back/", {"change": tick}, follow=True))
    assert "keep their newer values" in page
    assert shop.live("Account")[OTHER]["Phone"] == "+41 10"


# --- times, the org now, created records, alerts ---------------------------------------------------


def test_the_fields_for_the_period_take_times(client: Client) -> None:
    page = text(client.get(PLACE, {"since": "2026-01-02", "until": "2026-12-02"}))
    assert page.count('type="datetime-local" name="since" value="2026-01-02T00:00"') == 2
    assert page.count('type="datetime-local" name="until" value="2026-12-02T23:59"') == 2
    page = text(client.get(PLACE, {"since": "2026-01-02T14:05"}))
    assert 'name="since" value="2026-01-02T14:05"' in page


def test_the_page_offers_to_read_the_org_now(client: Client) -> None:
    page = text(client.get(PLACE))
    assert "Changes since the newest backup are missing here." in page
    assert "live=1" in page
    assert "are missing here" not in text(client.get(PLACE, {"live": "1"}))


def test_what_a_user_did_since_the_newest_backup_is_taken_back(client: Client, shop: Shop) -> None:
    shop.org.update("Account", OTHER, {"Phone": "+41 9"}, by="U1")
    answer = client.post(f"{PLACE}take-back/", {"user": "U1"}, follow=True)
    assert "Changes since the newest backup are not included." in text(answer)
    answer = client.post(f"{PLACE}take-back/", {"user": "U1", "live": "1"})
    run(client, shop, answer["Location"])
    assert shop.live("Account")[OTHER]["Phone"] == "+41 40018"


@pytest.mark.usefixtures("client")
def test_created_records_are_named_and_can_be_deleted(shop: Shop, sign_in: SignIn) -> None:
    """They stayed without a word."""
    created = shop.org.create("Contact", {"Name": "<Copy>", "Account": OTHER}, by="U1")
    shop.night()
    client = sign_in(Role.ADMIN)
    answer = text(client.post(f"{PLACE}take-back/", {"user": "U1"}, follow=True))
    assert "1 record that the user created stays: &lt;Copy&gt;." in answer
    link = answer.partition('<a href="/orgs/sales/watched/')[2].partition('"')[0]
    page = text(client.get(f"/orgs/sales/watched/{link.replace('&amp;', '&')}"))
    assert f'name="record" value="Contact/{created}"' in page
    sent = {"record": f"Contact/{created}", "what": "purge"}
    answer = client.post("/orgs/sales/restores/", sent)
    assert answer.status_code == 302


def test_the_org_names_tables_that_it_does_not_deliver(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "live_events", lambda *_: LiveEvents((), ("Contact",)))
    answer = client.post(f"{PLACE}take-back/", {"user": "U1", "live": "1"}, follow=True)
    assert "The org did not deliver its newest changes of Contact." in text(answer)


def test_the_form_of_a_list_or_record_sets_alerts_on_fields(client: Client) -> None:
    for place in (
        RECORD,
        f"{RECORD}fields/",
        "/orgs/sales/list/?kind=related&table=Account&of=User/U1",
    ):
        assert 'name="column" value="Account.Phone"' in text(client.get(place)), place
    watch(client, column="Account.Phone")
    page = text(client.get(PLACE))
    assert "A change of these fields raises an alert:" in page
    assert 'name="column" value="Account.Phone" checked' in page


def test_the_alerts_of_a_set_are_changed(client: Client) -> None:
    sent = {"deletions": "1", "column": ["Account.Phone", "Account.Name"]}
    page = text(client.post(f"{PLACE}alerts/", sent, follow=True))
    assert "The alerts of “Mine” are saved." in page
    assert 'value="Account.Name" checked' in page
    page = text(client.post(f"{PLACE}alerts/", {}, follow=True))
    assert 'value="Account.Name" checked' not in page
    assert "1 record, with the records that belong to it." in page
    wrong = client.post(f"{PLACE}alerts/", {"column": "Account.Nothing"}, follow=True)
    assert "The newest backup has no column" in text(wrong)
    assert client.post("/orgs/sales/watched/None/alerts/", sent).status_code == 404
