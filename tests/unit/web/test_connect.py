"""The wizard that connects an org: five steps, nothing kept before the last, no secret in a page."""

import re

import pytest
from django.test import Client

from homes import SECRET, World, fill
from unit.web.conftest import SignIn
from unlost.catalog.models import Secret
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.catalog.runs.schedules import schedule_of
from unlost.model.access import Role
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.checklist import ChecklistStep, CheckState
from unlost.testing.org import MemoryOrg
from unlost.web.parts import background

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")
KIND = {"connector": "memory", "name": "shop"}
SIGN_IN = {"address": "two", "speed": "3", "secret-password": SECRET}
HOUR = {"nightly": "on", "at": "02:30", "window": "15", "blackout": "08:00-18:00", "calls": "40"}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orgs are looked at before the answer, and not in a thread beside."""
    monkeypatch.setattr(background, "begin", lambda work: work())


@pytest.fixture
def other(world: World) -> MemoryOrg:
    org = world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other shop")
    fill(org)
    return org


@pytest.fixture
def admin(sign_in: SignIn, other: MemoryOrg) -> Client:
    return sign_in()


def at_checklist(client: Client, **typed: str) -> str:
    client.post("/connect/", KIND)
    answer = client.post("/connect/sign-in/", {**SIGN_IN, **typed}, follow=True)
    assert answer.redirect_chain[-1][0] == "/connect/checklist/"
    return answer.content.decode()


def picked(client: Client, *left_out: str, **more: str) -> str:
    """Send the list of tables without some; returns where it leads."""
    page = client.get("/connect/scope/").content.decode()
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    assert set(left_out) <= set(shown)
    tables = [name for name in shown if name not in left_out]
    answer = client.post("/connect/scope/", {"shown": shown, "table": tables, **more})
    return str(answer["Location"])


def test_five_steps_protect_an_org(world: World, other: MemoryOrg, admin: Client) -> None:
    other.findings = [GAP]
    answer = admin.post("/connect/", KIND)
    assert answer["Location"] == "/connect/sign-in/"
    told = at_checklist(admin)
    assert "Other shop" in told
    assert "1 gap" in told
    assert "Mail is hidden." in told
    assert find_org("shop") is None, "nothing is kept before the last step"
    assert list(world.vault.orgs()) == [get_org("sales").oid]
    assert picked(admin) == "/connect/hour/"
    answer = admin.post("/connect/hour/", HOUR, follow=True)
    assert answer.redirect_chain[-1][0] == "/orgs/shop/"
    assert "shop is connected." in answer.content.decode()
    org = get_org("shop")
    assert org.config == {"address": "two", "speed": 3, "quiet": False, "exclude": []}
    assert world.app.secrets(org.oid).get("password") == SECRET
    schedule = schedule_of(org.oid).schedule
    assert schedule.nightly is not None
    assert (f"{schedule.nightly:%H:%M}", schedule.window, schedule.calls) == ("02:30", 15, 40)
    assert admin.get("/connect/hour/")["Location"] == "/connect/checklist/", "the draft is gone"
    assert admin.get("/connect/checklist/")["Location"] == "/connect/sign-in/"


def test_a_wrong_password_is_told_beside_the_form_and_nothing_typed_is_lost(
    admin: Client,
) -> None:
    admin.post("/connect/", KIND)
    wrong = {**SIGN_IN, "secret-password": "wrong horse"}
    answer = admin.post("/connect/sign-in/", wrong, follow=True)
    told = answer.content.decode()
    assert answer.redirect_chain[-1][0] == "/connect/sign-in/"
    assert "The password is wrong." in told
    assert 'value="two"' in told
    assert "wrong horse" not in told
    assert "A value is stored" in told
    assert find_org("shop") is None


def test_a_secret_is_kept_while_another_field_is_put_right(admin: Client) -> None:
    admin.post("/connect/", KIND)
    wrong = {**SIGN_IN, "speed": "fast", "secret-token": "line one\nline two"}
    told = admin.post("/connect/sign-in/", wrong).content.decode()
    assert "Enter a whole number." in told
    assert '<details class="rare" open>' in told
    assert SECRET not in told
    assert "line one" not in told
    right = {**SIGN_IN, "secret-password": ""}
    answer = admin.post("/connect/sign-in/", right)
    assert answer["Location"] == "/connect/checklist/"


def test_drafts_lie_sealed(admin: Client) -> None:
    at_checklist(admin)
    held = str(dict(admin.session))
    assert "draft:connect" in held
    assert SECRET not in held
    assert "two" not in held


def test_a_secret_that_is_missing_is_asked_for_at_its_field(admin: Client) -> None:
    admin.post("/connect/", KIND)
    answer = admin.post("/connect/sign-in/", {**SIGN_IN, "secret-password": ""})
    assert answer.status_code == 400
    told = answer.content.decode()
    place = told.index("id_secret-password")
    assert place < told.index("Required to sign in.") < told.index("id_secret-token")


def test_tables_are_left_out_by_choice_without_looking_again(world: World, admin: Client) -> None:
    at_checklist(admin)
    page = admin.get("/connect/scope/").content.decode()
    assert page.count('type="checkbox" name="table"') == page.count(" checked")
    looked = len(world.connector.contexts)
    assert picked(admin, "AccountHistory", "User") == "/connect/hour/"
    assert len(world.connector.contexts) == looked
    page = admin.get("/connect/scope/").content.decode()
    assert "2 left out" in page
    admin.post("/connect/hour/", HOUR)
    assert get_org("shop").config["exclude"] == ["AccountHistory", "User"]


def test_tables_show_their_records_and_their_size(admin: Client, other: MemoryOrg) -> None:
    at_checklist(admin)
    accounts = len(other.tables["Account"].records)
    page = admin.get("/connect/scope/?q=account").content.decode()
    assert 'value="User"' not in page
    row = page[page.index('value="Account"') :]
    assert f">{accounts}</td>" in row[: row.index("</tr>")]
    assert "kB" in row[: row.index("</tr>")]


def test_a_search_for_tables_keeps_what_was_left_out_on_another_page(admin: Client) -> None:
    at_checklist(admin)
    assert picked(admin, "AccountHistory", q="user", search="1") == "/connect/scope/?q=user"
    page = admin.get("/connect/scope/?q=user").content.decode()
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    assert "User" in shown
    assert "AccountHistory" not in shown
    nothing = {"shown": shown, "table": shown, "q": "user", "none": "1"}
    assert admin.post("/connect/scope/", nothing)["Location"] == "/connect/scope/?q=user"
    every = admin.get("/connect/scope/").content.decode()
    assert f"{1 + len(shown)} left out" in every
    everything = {"shown": shown, "q": "", "every": "1"}
    assert admin.post("/connect/scope/", everything)["Location"] == "/connect/scope/?q="
    assert "1 left out" in admin.get("/connect/scope/").content.decode()


def test_tables_are_paged_and_a_page_keeps_what_was_left_out(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("forms.table_picker.PAGE", "pages.orgs.connect.TABLES_SHOWN"):
        monkeypatch.setattr(f"unlost.web.{place}", 2)
    at_checklist(admin)
    page = admin.get("/connect/scope/").content.decode()
    first = re.findall(r'name="shown" value="([^"]+)"', page)
    total = re.search(r"1 to 2 of (\d+)", page)
    assert len(first) == 2
    assert total is not None
    assert "Previous page" not in page
    sent = {"shown": first, "table": first[1:], "q": "", "to": "2"}
    following = admin.post("/connect/scope/", sent)["Location"]
    assert following == "/connect/scope/?q=&start=2"
    page = admin.get(following).content.decode()
    second = re.findall(r'name="shown" value="([^"]+)"', page)
    assert second
    assert not {*first} & {*second}
    assert "1 left out" in page
    assert 'name="to" value="0"' in page
    none = {"shown": second, "q": "", "none": "1"}
    assert admin.post(following, none)["Location"] == following, "it stays on the page"
    assert f"{1 + len(second)} left out" in admin.get("/connect/scope/").content.decode()
    found = {"shown": second, "q": "user", "search": "1", "table": second}
    assert admin.post(following, found)["Location"] == "/connect/scope/?q=user"
    far = admin.get("/connect/scope/?start=900").content.decode()
    assert f"1 to 2 of {total[1]}" in far, "a page that does not exist is the first one"


def test_the_checklist_shows_what_is_missing_and_what_to_click(world: World, admin: Client) -> None:
    world.connector.source("two").steps = (
        ChecklistStep("app", "The app", "Make it.", "Else nothing.", CheckState.DONE),
        ChecklistStep("all", "See all", "Click here.", "Else half.", CheckState.MISSING),
    )
    told = at_checklist(admin)
    assert told.index("The app") < told.index("See all") < told.index("Click here.")
    assert "Else half." in told
    assert "Make it." not in told, "a step that is done needs no words"


def test_looking_again_shows_what_was_allowed_meanwhile(other: MemoryOrg, admin: Client) -> None:
    other.findings = [GAP]
    assert "Mail is hidden." in at_checklist(admin)
    other.findings = []
    told = admin.post("/connect/checklist/", {"again": "1"}, follow=True)
    assert "The backup user can see all data" in told.content.decode()


@pytest.mark.parametrize("name", ["sales", "-x", ""])
def test_a_name_that_is_taken_or_cannot_be_typed(admin: Client, name: str) -> None:
    answer = admin.post("/connect/", {**KIND, "name": name})
    assert answer.status_code == 400
    assert answer.content.decode().count("errorlist") == 1


def test_a_kind_that_is_not_there(admin: Client) -> None:
    answer = admin.post("/connect/", {**KIND, "connector": "nothing"})
    assert answer.status_code == 400
    assert "There is no connector named" in answer.content.decode()


def test_an_org_that_is_protected_already_is_told_before_the_last_step(admin: Client) -> None:
    admin.post("/connect/", KIND)
    answer = admin.post("/connect/sign-in/", {**SIGN_IN, "address": "one"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/connect/sign-in/"
    assert "is already protected as" in answer.content.decode()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"at": ""}, "Enter a start time"),
        ({"at": "25:00"}, "Enter a valid time."),
        ({"blackout": "at night"}, "is not a valid time of day"),
        ({"blackout": "00:00-12:00\n12:00-00:00"}, "leave no time of the day"),
        ({"calls": "5"}, "greater than or equal to 15"),
    ],
)
def test_an_hour_that_cannot_be(admin: Client, wrong: dict[str, str], told: str) -> None:
    at_checklist(admin)
    answer = admin.post("/connect/hour/", {**HOUR, **wrong})
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert find_org("shop") is None


def test_an_org_that_went_away_before_the_last_step_is_not_kept(
    world: World, admin: Client
) -> None:
    at_checklist(admin)
    world.connector.orgs["two"] = world.org
    world.connector.sources.clear()
    answer = admin.post("/connect/hour/", HOUR)
    assert answer.status_code == 400
    assert find_org("shop") is None
    assert Secret.objects.count() == 1


def test_steps_begin_at_the_beginning(admin: Client) -> None:
    assert admin.get("/connect/").status_code == 200
    assert admin.get("/connect/sign-in/")["Location"] == "/connect/"
    assert admin.get("/connect/scope/")["Location"] == "/connect/checklist/"
    assert admin.get("/connect/checklist/")["Location"] == "/connect/sign-in/"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER, Role.AUDITOR])
def test_only_who_manages_the_home_connects(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert client.get("/connect/").status_code == 403
    assert client.post("/connect/", KIND).status_code == 403
