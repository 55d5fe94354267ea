"""Lists of records: pages, order, columns, selections, downloads, and who sees what."""

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from django.http.response import StreamingHttpResponse
from django.test import Client

from homes import World
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.doors import text
from unit.web.losses import plan_at_once, queries, serve, start
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.restores import queued_restore
from unlost.app.actions.restores.kept_plan import show_stored_plan
from unlost.catalog.models import ListColumnsRow, SelectionRow
from unlost.catalog.people.audit import newest
from unlost.model.access import Role
from unlost.web.pages.records import record_list as module

LIST, TICKS = "/orgs/sales/list/", "/orgs/sales/ticks/"
RELATED = {"kind": "related", "table": "Contact", "of": f"Account/{CUSTOMER}", "at": "2"}
LOST = {"kind": "changed", "change": "deleted", "table": "Contact", "older": "2", "newer": "3"}


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A page shows one of the two lost contacts."""
    plan_at_once(monkeypatch)
    monkeypatch.setattr(module, "PAGE", 1)
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)
    return shop


def rows(client: Client, **asked: str) -> list[dict[str, str]]:
    answer = client.get(f"{LIST}csv/", asked)
    assert isinstance(answer, StreamingHttpResponse), answer.content
    content = b"".join(answer).decode()  # type: ignore[arg-type]
    assert answer["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(content)))


def names(client: Client, **asked: str) -> list[str]:
    return [row["Name"] for row in rows(client, **asked)]


def title(page: str) -> str:
    return page.partition("<h1>")[2].partition("</h1>")[0]


def link(page: str, of: str) -> str:
    """The address of a list to which a page leads, that of a table."""
    links = re.findall(r'href="(/orgs/sales/list/\?[^"]*)"', page)
    return next(one for one in map(unescape, links) if f"table={of}" in one)


def field(page: str, name: str) -> str:
    return unescape(page.partition(f'name="{name}" value="')[2].partition('"')[0])


def test_all_related_records_can_be_reached(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    record = text(client.get(f"/orgs/sales/records/Account/{CUSTOMER}/related/"))
    place = link(record, "Contact")
    page = text(client.get(place))
    assert title(page) == "Contacts: 2 records"
    assert "1 to 1 of 2" in page
    assert len(queries(client, place)) <= 12


def test_a_list_is_sorted_both_ways(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert names(client, **RELATED, sort="Name") == ["Ann", "Ben"]
    assert names(client, **RELATED, sort="Name", down="1") == ["Ben", "Ann"]
    page = text(client.get(LIST, {**RELATED, "sort": "Modified"}))
    assert 'aria-sort="ascending"' in page
    assert "sort=Modified&amp;down=1" in page


def test_a_list_that_is_too_long_is_not_sorted(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.app.records.lists.order.SORTED", 1)
    client = sign_in(Role.VIEWER)
    assert "too long to be sorted" in text(client.get(LIST, RELATED))
    answer = client.get(LIST, {**RELATED, "sort": "Name"})
    assert answer.status_code == 400
    assert "list-too-long" in text(answer)


def test_chosen_columns_are_remembered_for_the_person_and_table(
    shop: Shop, sign_in: SignIn
) -> None:
    client = sign_in(Role.VIEWER)
    here = text(client.get(LIST, RELATED))
    sent = {"table": "Contact", "here": field(here, "here"), "column": ["Account", "Id"]}
    answer = client.post(f"{LIST}columns/", sent, follow=True)
    page = text(answer)
    assert answer.redirect_chain[0][0].startswith(f"{LIST}?kind=related")
    assert 'value="Account" checked' in page
    assert "<bdi>Schoko Zürich</bdi>" in page, "a reference is shown by its name"
    assert set(rows(client, **RELATED)[0]) == {"Id", "Name", "Account", "Id (Id)"}
    other = sign_in(Role.RESTORER)
    assert 'value="Account" checked' not in text(other.get(LIST, RELATED))
    client.post(f"{LIST}columns/", {**sent, "usual": "1"})
    assert ListColumnsRow.objects.count() == 0


def test_a_download_is_safe_for_spreadsheets_and_audited(shop: Shop, sign_in: SignIn) -> None:
    shop.org.create("Contact", {"Name": "=1+1", "Account": "A40018"})
    shop.night()
    client = sign_in(Role.VIEWER)
    asked = {"kind": "related", "table": "Contact", "of": "Account/A40018"}
    assert names(client, **asked) == ["'=1+1"]
    (entry,) = newest(most=1)
    assert entry.deed.act == "record.list-csv"
    assert entry.deed.detail == {"table": "Contact", "records": 1}


def test_hidden_columns_are_in_no_list(shop: Shop, sign_in: SignIn) -> None:
    hide(shop.app, "sales", "Account.Phone")
    asked = {"kind": "changed", "change": "deleted", "table": "Account", "older": "2", "newer": "3"}
    client = sign_in(Role.VIEWER)
    client.post(f"{LIST}columns/", {"table": "Account", "here": "?", "column": ["Phone", "Number"]})
    page = text(client.get(LIST, {**asked, "sort": "Phone"}))
    assert "Phone" not in page
    assert "0040017" in page
    (row,) = rows(client, **asked)
    assert set(row) == {"Id", "Name", "Number"}


def test_all_records_are_selected_without_their_ids(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    page = text(client.get(LIST, LOST))
    of = field(page, "of")
    sent = {"of": of, "here": field(page, "here"), "all": "1"}
    page = text(client.post(TICKS, sent, follow=True))
    (row,) = SelectionRow.objects.all()
    assert row.records == ["*"]
    assert "2 records selected" in page
    assert page.count(" checked aria-label") == 1
    plan = client.post("/orgs/sales/restores/", _form(page, of, selected=True))["Location"]
    made = show_stored_plan(shop.app, "sales", plan.strip("/").rpartition("/")[2])
    assert made.wanted.request.listed is not None
    assert made.wanted.request.records == ()
    assert made.summary is not None
    assert made.summary.changes == 3, "two contacts, and the customer that they need"
    serve(shop, start(client, plan))
    assert {cells["Name"] for cells in shop.live("Contact").values()} == {"Ann", "Ben"}
    assert SelectionRow.objects.count() == 0


def test_single_records_can_be_left_out_of_all(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    page = text(client.get(LIST, LOST))
    of = field(page, "of")
    client.post(TICKS, {"of": of, "here": field(page, "here"), "all": "1"})
    form = _form(page, of, selected=False) | {"listed": "2"}
    told = client.post(TICKS, form, headers={"HX-Request": "true"}).content.decode()
    assert told.startswith("1 record selected")
    plan = client.post("/orgs/sales/restores/", form)["Location"]
    made = show_stored_plan(shop.app, "sales", plan.strip("/").rpartition("/")[2])
    assert made.wanted.request.without == (form["every-record"],)
    client.post(TICKS, {"of": of, "here": field(page, "here"), "clear": "1"})
    assert SelectionRow.objects.count() == 0


def _form(page: str, of: str, *, selected: bool) -> dict[str, Any]:
    key = field(page, "every-record")
    form = {"what": "records", "of": of, "every-record": key, "here": field(page, "here")}
    return form | {"record": key} if selected else form


def test_a_list_is_filtered_by_days(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert names(client, **LOST, since="2000-01-01") == ["Ann", "Ben"]
    assert names(client, **LOST, until="2000-01-01") == []
    assert "No records in this list" in text(client.get(LIST, {**LOST, "until": "2000-01-01"}))
    assert client.get(LIST, {**LOST, "since": "soon"}).status_code == 400


def test_matches_of_a_search_are_a_list_too(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    found = text(client.get("/find/", {"q": "ann", "all": "1", "table": "Contact"}))
    page = text(client.get(link(found, "Contact")))
    assert title(page) == "Contacts: 1 record"
    assert "Preview the restore of the selected records" in page
    asked = {"kind": "matches", "table": "Contact", "q": "ann"}
    assert names(client, **asked) == ["Ann"]
    assert client.get(LIST, {"kind": "matches", "table": "Contact"}).status_code == 400


def test_changed_and_created_records_are_lists_too(shop: Shop, sign_in: SignIn) -> None:
    shop.org.update("Account", "A40018", {"Phone": "+41 1"})
    shop.org.create("Account", {"Name": "New"}, record="A9")
    shop.night()
    client = sign_in(Role.RESTORER)
    between = {"kind": "changed", "table": "Account", "older": "3", "newer": "4"}
    assert names(client, **between, change="changed") == ["Cacao Lyon"]
    assert names(client, **between, change="created") == ["New"]
    page = text(client.get(LIST, {**between, "change": "created"}))
    assert "Preview the restore" not in page


def test_an_address_that_names_no_list_is_refused(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert client.get(LIST).status_code == 400
    assert client.get(LIST, {"kind": "changed", "table": "Account"}).status_code == 400
    assert client.get(LIST, {**RELATED, "table": "Nope"}).status_code == 404


@pytest.mark.parametrize("typed", ["Ann\u00a0x", "A" * 400])
def test_a_list_of_any_search_is_shown_to_who_may_restore(
    shop: Shop, sign_in: SignIn, typed: str
) -> None:
    asked = {"kind": "matches", "table": "Contact", "q": typed}
    assert sign_in(Role.ADMIN).get(LIST, asked).status_code == 200


# --- columns of many records ------------------------------------------------------------------------

CHANGED = {"kind": "changed", "change": "changed", "table": "Account"}
BACK = f"{LIST}columns-back/"


def damaged(shop: Shop) -> dict[str, str]:
    """Two phone numbers get wrong in one backup, and one of them is corrected; that list."""
    for record in ("A40018", "A40019"):
        shop.org.update("Account", record, {"Phone": "Wrong"})
    wrong = shop.night()
    shop.org.update("Account", "A40019", {"Phone": "Right"})
    shop.night()
    return {**CHANGED, "older": str(wrong - 1), "newer": str(wrong)}


def sent_back(page: str, **more: Any) -> dict[str, Any]:
    return {"of": field(page, "of"), "here": field(page, "here"), "put-column": "Phone", **more}


def test_fields_of_a_list_are_put_back_except_where_they_changed_since(
    shop: Shop, sign_in: SignIn
) -> None:
    """A list offered whole records only."""
    listed, client = damaged(shop), sign_in(Role.RESTORER)
    page = text(client.get(LIST, listed))
    assert "Put fields of many records back" in page
    assert f'<option value="{listed["older"]}" selected>' in page
    chosen = {"put-at": listed["older"], "put-since": listed["newer"], "put-every": "1"}
    answer = client.post(BACK, sent_back(page, **chosen))
    preview = text(client.get(answer["Location"]))
    assert "1 record was changed again after the damage" in preview
    serve(shop, start(client, answer["Location"]))
    phones = {key: cells["Phone"] for key, cells in shop.live("Account").items()}
    assert (phones["A40018"], phones["A40019"]) == ("+41 40018", "Right")


def test_fields_of_selected_records_only(shop: Shop, sign_in: SignIn) -> None:
    listed, client = damaged(shop), sign_in(Role.RESTORER)
    page = text(client.get(LIST, listed))
    chosen = {"put-at": listed["older"], "put-since": "", "record": "Account/A40019"}
    answer = client.post(BACK, sent_back(page, **chosen))
    serve(shop, start(client, answer["Location"]))
    phones = {key: cells["Phone"] for key, cells in shop.live("Account").items()}
    assert (phones["A40018"], phones["A40019"]) == ("Wrong", "+41 40019")


def test_records_that_the_backup_does_not_have_are_named(shop: Shop, sign_in: SignIn) -> None:
    shop.org.create("Account", {"Name": "Newcomer", "Phone": "1"})
    listed, client = damaged(shop), sign_in(Role.RESTORER)
    new = shop.named("Account", "Newcomer")
    page = text(client.get(LIST, listed))
    chosen = {"put-at": "1", "record": ["Account/A40018", f"Account/{new}"]}
    answer = client.post(BACK, sent_back(page, **chosen), follow=True)
    assert "1 record is not in this backup and stays as it is: Newcomer." in text(answer)


def test_a_wrong_choice_of_fields_leads_back_to_the_list(shop: Shop, sign_in: SignIn) -> None:
    listed, client = damaged(shop), sign_in(Role.RESTORER)
    page = text(client.get(LIST, listed))
    nothing = client.post(BACK, sent_back(page), follow=True)
    assert "No record was selected." in text(nothing)
    none = {"put-every": "1", "put-at": "1", "put-column": []}
    assert "No field was selected." in text(client.post(BACK, sent_back(page) | none, follow=True))


def test_a_viewer_puts_no_fields_back(shop: Shop, sign_in: SignIn) -> None:
    listed, client = damaged(shop), sign_in(Role.VIEWER)
    assert "Put fields of many records back" not in text(client.get(LIST, listed))
    assert client.post(BACK, {"put-every": "1"}).status_code == 403
