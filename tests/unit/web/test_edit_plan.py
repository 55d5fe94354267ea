"""Restores whose records come back otherwise, page by page: values typed, records given to others."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER
from unit.app.test_otherwise import Firm
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, choose, goes_on, live, plan_at_once, queries, serve, start
from unlost.app.actions.restores import edit_plan
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role
from unlost.model.source.schema import Column, WireKind
from unlost.testing.platform import RowRefused

PREVIEW = "Nothing is written until you start the restore."


def lost_firm(world: World) -> Firm:
    """The lost customer of a firm, with columns of more kinds."""
    live(world)
    columns = world.org.tables["Account"].columns
    columns["Vip"] = Column("Vip", WireKind.BOOLEAN, label="Very important")
    columns["Kind"] = Column("Kind", WireKind.TEXT, choices=("Shop", "Maker"))
    columns["Seen"] = Column("Seen", WireKind.INSTANT)
    world.org.update("Account", CUSTOMER, {"Vip": "true", "Kind": "Museum"})
    return Firm(world)


after_loss = scene(lost_firm)


@pytest.fixture
def firm(world: World, after_loss: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Firm]:
    plan_at_once(monkeypatch)
    with goes_on(world, after_loss) as made:
        yield made


@pytest.fixture
def client(firm: Firm, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


@pytest.fixture
def plan(client: Client) -> str:
    return choose(client, what="records", record=[f"Account/{CUSTOMER}"])


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return str(answer.content.decode())


def form_of(page: str) -> dict[str, str]:
    """What a browser would send if nothing were changed."""
    main = page.split('id="main"')[1]
    inputs = re.findall(r'<input type="(?:text|date)" name="([^"]+)" value="([^"]*)"', main)
    areas = re.findall(r'<textarea name="([^"]+)"[^>]*>\r?\n?(.*?)</textarea>', main, re.DOTALL)
    found = dict(inputs) | {
        name: body.replace("\r\n", "\n").replace("\n", "\r\n") for name, body in areas
    }
    for name, body in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        found[name] = chosen[1] if chosen else ""
    return found


# --- values ---------------------------------------------------------------------------------------


def test_each_record_of_a_plan_leads_to_its_values(client: Client, plan: str) -> None:
    page = told(client, f"{plan}records/Account/")
    (link,) = re.findall(r'href="([^"]+/edit/[^"]+)"', page)
    assert link == f"{plan}edit/Account/{CUSTOMER}/"
    page = told(client, link)
    assert PREVIEW in page
    assert '<bdi>Owner of it</bdi></label><input type="text" name="value-Owner"' in page
    assert "Now: Wim." in page
    assert '<option value="true" selected>yes</option>' in page
    assert '<option value="Museum" selected>' in page, "though the org does not offer it any more"
    assert 'type="date" name="value-Since"' in page
    assert "<textarea" in page
    assert "Such as 2026-03-04T14:30" in page


def test_a_form_that_is_sent_as_it_came_changes_nothing(client: Client, plan: str) -> None:
    place = f"{plan}edit/Account/{CUSTOMER}/"
    sent = form_of(told(client, place))
    assert sent["value-Text"] == "one\r\ntwo"
    answer = client.post(place, sent)
    assert answer.status_code == 400
    assert "No value was changed." in answer.content.decode()


def test_a_record_comes_back_with_what_was_typed(firm: Firm, client: Client, plan: str) -> None:
    place = f"{plan}edit/Account/{CUSTOMER}/"
    sent = form_of(told(client, place))
    sent |= {
        "value-Name": "Typed <b>",
        "empty-Text": "on",
        "value-Vip": "",
        "value-Since": "2026-03-04",
    }
    answer = client.post(place, sent)
    assert answer.status_code == 302
    page = told(client, answer["Location"])
    assert "With edited values" in page
    assert "get values or owners that were chosen for this plan" in page
    (again,) = re.findall(
        r'href="([^"]+/edit/[^"]+)"', told(client, f"{answer['Location']}records/Account/")
    )
    page = told(client, again)
    assert 'value="Typed &lt;b&gt;"' in page
    assert "It was: Schoko Zürich" in page
    run = start(client, answer["Location"])
    assert serve(firm, run) is RunState.DONE
    live = firm.live("Account")[firm.named("Account", "Typed <b>")]
    assert (live.get("Text"), live.get("Vip"), live["Since"]) == (None, None, "2026-03-04")


def test_what_cannot_be_a_value_is_told_beside_its_field(client: Client, plan: str) -> None:
    place = f"{plan}edit/Account/{CUSTOMER}/"
    sent = form_of(told(client, place)) | {"value-Seen": "soon", "value-Name": "Kept"}
    answer = client.post(place, sent)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "The value for Seen is not valid. Enter a date and time" in page
    assert 'value="Kept"' in page, "nothing typed is lost"
    assert client.post(place, sent | {"value-Seen": "2026-03-04T14:30"}).status_code == 302


def test_a_table_of_which_nothing_can_be_set(firm: Firm, client: Client) -> None:
    usual = firm.platform.capability("Paper")
    firm.platform.allow(replace(usual, settable=frozenset(), changeable=frozenset()))
    plan = choose(client, what="records", record=[f"Paper/{firm.paper}"])
    page = told(client, f"{plan}edit/Paper/{firm.paper}/")
    assert "No field of this table can be set" in page


# --- people ---------------------------------------------------------------------------------------


def test_records_are_given_to_somebody_else(firm: Firm, client: Client, plan: str) -> None:
    page = told(client, plan)
    assert "Assign records to other people" in page
    assert "<bdi>Wim</bdi>" in page
    assert "not active" in page
    assert f'<option value="{firm.here}" dir="auto">Lotte</option>' in page
    answer = client.post(f"{plan}give/", {f"to-Person/{firm.gone}": firm.here})
    assert answer.status_code == 302
    assert "<bdi>Lotte</bdi>" in told(client, answer["Location"])
    run = start(client, answer["Location"])
    assert serve(firm, run) is RunState.DONE
    assert firm.live("Account")[firm.named("Account", "Schoko Zürich")]["Owner"] == firm.here


def test_the_number_of_people_is_not_0(client: Client, plan: str) -> None:
    page = told(client, plan)
    assert 'Assign records to other people <span class="count">1</span>' in page


def test_nobody_chosen_is_told_on_the_preview(client: Client, plan: str) -> None:
    answer = client.post(f"{plan}give/", {"to-Person/x": ""})
    assert answer.status_code == 400
    assert "The new owner of the records is missing" in answer.content.decode()


def test_of_many_people_the_id_is_typed(
    firm: Firm, client: Client, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_plan, "MOST_PEOPLE", 1)
    page = told(client, plan)
    assert "There are too many people for a list" in page
    assert re.search(rf'<input id="to-1" name="to-Person/{firm.gone}"', page)


def test_a_page_offers_no_more_lists_than_it_can_bear(
    firm: Firm, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = firm.org.create("Account", {"Name": "Other", "Owner": firm.young})
    firm.night()
    firm.platform.delete("Account", other, by="U1")
    firm.platform.purge_bin()
    firm.night()
    plan = choose(client, what="records", record=[f"Account/{CUSTOMER}", f"Account/{other}"])
    assert told(client, plan).count('name="to-Person/') == 2
    monkeypatch.setattr(edit_plan, "MOST_OPTIONS", 3)
    page = told(client, plan)
    assert '<span class="count">2</span>' in page, "those without a list count too"
    assert page.count('name="to-Person/') == 1
    assert "1 more person is referenced" in page


# --- what failed ----------------------------------------------------------------------------------


def failed(firm: Firm, client: Client) -> str:
    """A restore in which both contacts failed."""
    for _ in range(2):
        firm.writer.faults.plant("row", RowRefused("RULE", "No contact today."), table="Contact")
    run = start(client, choose(client, what="records", record=[f"Account/{CUSTOMER}"]))
    assert serve(firm, run) is RunState.DONE
    return run


def test_a_field_is_set_for_all_that_failed(firm: Firm, client: Client) -> None:
    run = failed(firm, client)
    page = told(client, f"/runs/{run}/")
    assert "Set a field of these records, then retry" in page
    assert '<option value="Name" dir="auto">Name</option>' in page
    (cause,) = re.findall(r'name="cause-0" value="([^"]+)"', page)
    sent = {"cause-0": cause, "column-0": "Name", "value-0": "Both", "code": cause.split("/")[1]}
    answer = client.post(f"/runs/{run}/retry/", sent)
    assert answer.status_code == 302
    assert "2" in told(client, answer["Location"])
    assert serve(firm, start(client, answer["Location"])) is RunState.DONE
    assert [one["Name"] for one in firm.live("Contact").values()] == ["Both", "Both"]


def test_a_wrong_value_is_told_and_stays_typed(firm: Firm, client: Client) -> None:
    firm.org.tables["Contact"].columns["Born"] = Column("Born", WireKind.DATE)
    firm.night()
    run = failed(firm, client)
    sent = {"cause-0": "Contact/write-refused", "column-0": "Account", "value-0": "no id"}
    answer = client.post(f"/runs/{run}/retry/", sent)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "has this name, number or id." in page
    assert 'value="no id"' in page
    assert '<option value="Account" dir="auto" selected>' in page
    assert "<details open>" in page


def test_who_may_not_restore_sees_no_field(firm: Firm, client: Client, sign_in: SignIn) -> None:
    run = failed(firm, client)
    page = told(sign_in(Role.OPERATOR), f"/runs/{run}/")
    assert "No contact today." in page
    assert "Set a field" not in page


# --- who ------------------------------------------------------------------------------------------


def test_who_may_not_restore_is_refused(client: Client, plan: str, sign_in: SignIn) -> None:
    other = sign_in(Role.OPERATOR)
    place = f"{plan}edit/Account/{CUSTOMER}/"
    assert other.get(place).status_code == 403
    assert other.post(place).status_code == 403
    assert other.post(f"{plan}give/").status_code == 403
    assert client.get(f"{plan}give/").status_code == 405
    assert client.get(f"{plan}edit/Account/nobody/").status_code == 404


def test_the_pages_ask_the_database_little(client: Client, plan: str) -> None:
    for place in (plan, f"{plan}edit/Account/{CUSTOMER}/"):
        found = queries(client, place)
        assert len(found) <= MOST_QUERIES, found


def test_the_page_explains_itself(client: Client, plan: str) -> None:
    page = told(client, f"{plan}edit/Account/{CUSTOMER}/")
    sheet = re.search(r'<div class="sheet">(.*?)</div>', page, re.DOTALL)
    assert sheet is not None
    assert 3 <= sheet[1].count("<p>") <= 6
    fields = re.findall(r'<(?:input|select|textarea)\b(?![^>]*type="hidden")[^>]*>', page)
    for field in fields:
        found = re.search(r'\bid="([^"]+)"', field)
        assert found is not None, field
        assert f'for="{found[1]}"' in page, field
