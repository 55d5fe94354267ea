"""Choosing, previewing and running restores, page by page."""

import threading

import pytest
from django.test import Client

from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, choose, plan_at_once, queries, start
from unlost.app.restores import plan_files
from unlost.catalog.models import PlanRow
from unlost.catalog.runs.plans import find_plan
from unlost.catalog.runs.runs import find_run
from unlost.model.access import Role
from unlost.web.parts import background


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


@pytest.fixture
def client(shop: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return answer.content.decode()


def name_of(place: str) -> str:
    return place.strip("/").rpartition("/")[2]


# --- choosing -------------------------------------------------------------------------------------


def test_a_lost_record_is_restored_from_its_page(client: Client) -> None:
    page = told(client, f"/orgs/sales/records/Account/{CUSTOMER}/")
    assert "Preview the restore of this record" in page
    assert "Restore this version" in page
    plan = choose(client, what="records", record=f"Account/{CUSTOMER}")
    assert "Restore 4 records to sales" in told(client, plan), "with all that belonged to it"


def test_a_record_was_in_the_plan_through_an_id(client: Client) -> None:
    plan = choose(client, what="records", record=f"Account/{CUSTOMER}")
    page = told(client, f"{plan}records/Contact/")
    assert "through <bdi>Account Schoko Zürich</bdi>" in page


def test_the_values_of_a_plan_do_not_say_who_changed_the_record(shop: Shop, client: Client) -> None:
    shop.org.update("Account", "A40018", {"Phone": "overwritten"}, by="U1")
    number = shop.night()
    plan = choose(client, what="records", record="Account/A40018", at=str(number - 1))
    assert "last changed by <bdi>Ada Admin</bdi>" in told(client, f"{plan}groups/Account/")
    assert "last changed by <bdi>Ada Admin</bdi>" in told(client, f"{plan}records/Account/")


def test_the_next_step_of_a_plan_that_failed_was_a_command(client: Client) -> None:
    plan = choose(client, what="changed", a="2", b="2", table="Account", column="Name")
    page = told(client, plan)
    assert "Choose two different backups in Compare." in page
    assert "unlost snapshots" not in page


def test_the_preview_of_a_plan_of_minutes_broke(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    row = PlanRow.objects.get(pk=name_of(plan))
    for minutes, words in ((0.2, "less than a minute"), (1.2, "1 minute<"), (2.6, "3 minutes")):
        row.summary = {**row.summary, "minutes": minutes}
        row.save()
        assert words in told(client, plan)


def test_an_older_version_is_restored_from_the_timeline(shop: Shop, client: Client) -> None:
    shop.org.update("Account", "A40018", {"Phone": "overwritten"})
    number = shop.night()
    page = told(client, "/orgs/sales/records/Account/A40018/")
    assert page.count("Restore this version") == 1, "the newest one is what it is"
    plan = choose(client, what="records", record="Account/A40018", at=str(number - 1))
    assert "1 will be updated" in told(client, plan)
    assert "Phone" in told(client, f"{plan}records/Account/")


def test_fields_of_all_changed_records_are_put_back(shop: Shop, client: Client) -> None:
    for record in ("A40018", "A40019"):
        shop.org.update("Account", record, {"Phone": "overwritten", "Name": f"New {record}"})
    number = shop.night()
    asked = {"a": number - 1, "b": number, "table": "Account", "column": "Phone"}
    page = told(client, choose(client, what="changed", **asked))
    assert "Restore 2 records to sales" in page
    assert "Only the selected records" not in page, "nothing else comes with them"


def test_only_ticked_records_come(client: Client) -> None:
    plan = choose(client, what="records", record=["Account/" + CUSTOMER], at="2")
    assert "as of backup 2" in told(client, plan)


def test_nothing_ticked_is_told(client: Client) -> None:
    answer = client.post("/orgs/sales/restores/", {"what": "records", "at": "2"})
    assert answer.status_code == 400
    assert "No record was selected." in answer.content.decode()


# --- while it is planned --------------------------------------------------------------------------


def test_planning_goes_on_beside_and_the_page_looks_again(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[object] = []
    monkeypatch.setattr(background, "begin", later.append)
    plan = choose(client, what="lost", a="2", b="3")
    page = told(client, plan)
    assert "is being planned" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Refresh" in page
    piece = client.get(plan, headers={"HX-Request": "true"})
    assert (piece.status_code, b"<html" in piece.content) == (200, False)
    (work,) = later
    work()  # type: ignore[operator]
    made = client.get(plan, headers={"HX-Request": "true"})
    assert made.status_code == 286, "it stops asking"
    assert "Restore 4 records to sales" in made.content.decode()
    assert "every 2s" not in made.content.decode()


def test_it_is_planned_in_a_thread_of_the_console(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    plan = choose(client, what="lost", a="2", b="3")
    for thread in threading.enumerate():
        if thread.name == "beside":
            thread.join(30)
    assert "Restore 4 records to sales" in told(client, plan)


def test_a_console_that_was_restarted_says_that_planning_broke_off(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "begin", lambda _work: None)
    plan = choose(client, what="lost", a="2", b="3")
    shop.world.clock.advance(seconds=300)
    assert "Planning was interrupted" in told(client, plan)
    plan_at_once(monkeypatch)
    again = client.post(f"{plan}again/")
    assert "Restore 4 records to sales" in told(client, again["Location"])


def test_why_there_is_no_plan_is_told(client: Client) -> None:
    page = told(client, choose(client, what="records", record="Account/nobody"))
    assert "The vault has no record nobody" in page
    assert "Plan again" in page
    assert "Restore " in page
    assert "records to sales" not in page


# --- the preview ----------------------------------------------------------------------------------


def test_the_preview_tells_all_that_will_happen(shop: Shop, client: Client) -> None:
    page = told(client, choose(client, what="lost", a="2", b="3"))
    for part in (
        "Will be created, with new ids",
        "API calls",
        "Storage needed",
        "Estimated time",
    ):
        assert part in page
    assert "will get a new id. Links from other systems keep the old one." in page
    assert page.index("Links from other systems") < page.index("Records to restore")
    assert shop.live("Contact") == {}


def test_a_table_that_is_not_ticked_does_not_come(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    every = ["Account", "Contact", "Paper"]
    answer = client.post(f"{plan}without/", {"every-table": every, "table": every[:2]})
    page = told(client, answer["Location"])
    assert "Restore 3 records to sales" in page
    assert "Left out:" in page


def test_a_record_that_is_not_ticked_does_not_come(shop: Shop, client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    page = told(client, f"{plan}records/Contact/")
    keys = [part.split('"')[0] for part in page.split('name="every-record" value="')[1:]]
    assert len(keys) == 2
    answer = client.post(f"{plan}without/", {"every-record": keys, "record": keys[:1]})
    assert "Restore 3 records to sales" in told(client, answer["Location"])


def test_with_everything_ticked_there_is_nothing_to_plan_again(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    answer = client.post(f"{plan}without/", {"every-table": "Paper", "table": "Paper"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Nothing was selected to be left out." in page
    assert "Restore 4 records to sales" in page, "the preview is still there"


def test_a_table_in_two_branches_is_left_out_if_one_is_not_ticked(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    answer = client.post(f"{plan}without/", {"every-table": ["Paper", "Paper"], "table": "Paper"})
    assert "Restore 3 records to sales" in told(client, answer["Location"])


def test_what_needs_no_writing_has_no_button(client: Client) -> None:
    page = told(client, choose(client, what="records", record="Account/A40018"))
    assert "Nothing has to be written" in page
    assert "record to sales" not in page


def test_a_plan_that_only_keeps_newer_values_does_not_call_them_correct(
    shop: Shop, client: Client
) -> None:
    shop.org.update("Account", "A40018", {"Phone": "overwritten"})
    number = shop.night()
    shop.org.update("Account", "A40018", {"Phone": "newer"})
    asked = {"a": number - 1, "b": number, "table": "Account", "column": "Phone"}
    page = told(client, choose(client, what="changed", **asked))
    assert "will keep newer values" in page
    assert "The records keep their newer values" in page
    assert "already correct." not in page


# --- running --------------------------------------------------------------------------------------


def test_the_name_of_a_production_org_is_typed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlost.catalog.models import Org

    monkeypatch.setattr(plan_files, "TYPED_FROM", 3)
    Org.objects.update(kind="production")
    plan = choose(client, what="lost", a="2", b="3")
    assert 'name="typed"' in told(client, plan)
    answer = client.post(f"{plan}run/", {"typed": "salse"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Its name was not entered" in page
    assert 'value="salse"' in page, "nothing typed is lost"
    assert find_run(start(client, plan, typed="sales")) is not None


def test_a_plan_that_was_run_cannot_be_run_again(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    run = start(client, plan)
    again = client.post(f"{plan}run/")
    assert again.status_code == 409
    assert run in again.content.decode()


def test_a_plan_is_forgotten(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    assert "4 records to sales" in told(client, "/runs/")
    answer = client.post(f"{plan}drop/", follow=True)
    assert "The plan was discarded" in answer.content.decode()
    assert find_plan(name_of(plan)) is None
    assert client.get(plan).status_code == 404


# --- who ------------------------------------------------------------------------------------------

PAGES = ("", "records/Account/")
ACTS = ("without/", "again/", "drop/", "run/")


def test_who_may_not_restore_is_refused(client: Client, sign_in: SignIn) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    other = sign_in(Role.OPERATOR)
    for part in PAGES:
        assert other.get(f"{plan}{part}").status_code == 403
    for part in ACTS:
        assert other.post(f"{plan}{part}").status_code == 403
        assert other.get(f"{plan}{part}").status_code == 405, "a change is a POST"
    assert other.post("/orgs/sales/restores/", {"what": "lost"}).status_code == 403
    assert PlanRow.objects.get().state == "made"


def test_plans_of_other_orgs_are_not_there(client: Client, sign_in: SignIn) -> None:
    plan = choose(client, what="lost", a="2", b="3").replace("/sales/", "/nowhere/")
    assert [client.get(f"{plan}{part}").status_code for part in PAGES] == [404, 404]
    assert [client.post(f"{plan}{part}").status_code for part in ACTS] == [404] * 4


def test_who_may_not_restore_sees_no_button(shop: Shop, sign_in: SignIn) -> None:
    page = told(sign_in(Role.OPERATOR), f"/orgs/sales/records/Account/{CUSTOMER}/")
    assert "Preview the restore" not in page
    assert "Restore this version" not in page


def test_a_preview_asks_the_database_little(client: Client) -> None:
    plan = choose(client, what="lost", a="2", b="3")
    for place in (plan, f"{plan}records/Contact/"):
        found = queries(client, place)
        assert len(found) <= MOST_QUERIES, found
