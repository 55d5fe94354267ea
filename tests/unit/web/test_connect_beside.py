"""The wizard while it looks at an org: pages answer at once, and tell what came of it when it is there."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from homes import SECRET, MemoryConnector, World, fill
from unit.web.conftest import SignIn
from unlost.app.actions.orgs import previews
from unlost.app.actions.orgs.previews import MOST_TRIES
from unlost.catalog.models import PreviewRow
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.catalog.runs.previews import find_preview
from unlost.testing.org import MemoryOrg
from unlost.testing.source import MemorySource
from unlost.web.parts import background

KIND = {"connector": "memory", "name": "shop"}
SIGN_IN = {"address": "two", "speed": "3", "secret-password": SECRET}
HOUR = {"nightly": "on", "at": "02:30", "window": "15", "blackout": "", "calls": "40"}
CHECKLIST, BACK = "/connect/checklist/", "/connect/sign-in/"
HTMX = {"HX-Request": "true"}

type Work = Callable[[], object]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """What was begun beside, and waits to be done."""
    waiting: list[Work] = []
    monkeypatch.setattr(background, "begin", waiting.append)
    return waiting


@pytest.fixture
def admin(world: World, sign_in: SignIn) -> Client:
    org = world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other shop")
    fill(org)
    client = sign_in()
    client.post("/connect/", KIND)
    return client


def told(client: Client, place: str = CHECKLIST, **headers: str) -> str:
    return client.get(place, headers=headers).content.decode()


def do(later: list[Work]) -> None:
    """What the threads do."""
    while later:
        later.pop(0)()


# --- while it looks -------------------------------------------------------------------------------


def test_the_page_answers_before_the_org_does(
    world: World, admin: Client, later: list[Work]
) -> None:
    opened = len(world.connector.contexts)
    answer = admin.post(BACK, SIGN_IN)
    assert answer["Location"] == CHECKLIST
    assert len(world.connector.contexts) == opened, "the org was not asked within the request"
    page = told(admin)
    assert "Unlost is checking shop" in page
    assert 'hx-trigger="every 2s"' in page
    assert f'href="{CHECKLIST}">Check progress' in page, "without JavaScript it is a link"
    piece = admin.get(CHECKLIST, headers=HTMX)
    assert (piece.status_code, b"<html" in piece.content) == (200, False)
    assert "every 2s" in piece.content.decode()


def test_what_was_found_takes_the_place_of_the_waiting(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, SIGN_IN)
    told(admin)
    do(later)
    piece = admin.get(CHECKLIST, headers=HTMX)
    page = piece.content.decode()
    assert piece.status_code == 286, "it stops asking"
    assert "Other shop" in page
    assert "every 2s" not in page
    assert 'hx-swap-oob="innerHTML:#live"' in page, "it is said to who does not see it"
    assert 'id="look"' in page, "the focus stays where it was"
    assert "csrfmiddlewaretoken" in page, "its form can be sent"
    whole = told(admin)
    assert "Other shop" in whole
    assert "hx-swap-oob" not in whole


def test_why_nothing_was_found_stands_beside_the_sign_in(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, {**SIGN_IN, "secret-password": "wrong horse"})
    do(later)
    piece = admin.get(CHECKLIST, headers=HTMX)
    assert piece["HX-Redirect"] == BACK
    assert admin.get(CHECKLIST)["Location"] == BACK, "also without JavaScript"
    page = told(admin, BACK)
    assert "The password is wrong." in page
    assert 'value="two"' in page, "nothing that was typed is lost"
    assert "wrong horse" not in page
    admin.post(BACK, SIGN_IN)
    do(later)
    assert "Other shop" in told(admin)
    assert "The password is wrong." not in told(admin, BACK)


def test_it_goes_on_in_a_thread_of_the_console(admin: Client) -> None:
    admin.post(BACK, SIGN_IN)
    for thread in threading.enumerate():
        if thread.name == "beside":
            thread.join(30)
    assert "Other shop" in told(admin)


def test_steps_wait_until_it_is_over(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, SIGN_IN)
    assert admin.get("/connect/hour/")["Location"] == CHECKLIST
    assert admin.post("/connect/hour/", HOUR)["Location"] == CHECKLIST
    assert admin.post(CHECKLIST, {"again": "1"})["Location"] == CHECKLIST
    assert admin.get("/connect/scope/")["Location"] == CHECKLIST
    assert admin.post("/connect/scope/", {"shown": "Mail"})["Location"] == CHECKLIST
    assert find_org("shop") is None


# --- begun twice, and broken off ------------------------------------------------------------------


def test_a_look_that_was_begun_twice_is_one(world: World, admin: Client, later: list[Work]) -> None:
    opened = len(world.connector.contexts)
    for _ in range(2):
        admin.post(BACK, SIGN_IN)
    assert PreviewRow.objects.count() == 1
    do(later)
    assert len(world.connector.contexts) == opened + 1
    assert "Other shop" in told(admin)


def test_another_password_is_another_look(world: World, admin: Client, later: list[Work]) -> None:
    admin.post(BACK, {**SIGN_IN, "secret-password": "wrong horse"})
    admin.post(BACK, SIGN_IN)
    assert PreviewRow.objects.count() == 1, "what was asked before is forgotten"
    do(later)
    assert "Other shop" in told(admin)


def test_a_look_whose_console_was_stopped_is_begun_again(
    world: World, admin: Client, later: list[Work]
) -> None:
    admin.post(BACK, SIGN_IN)
    later.clear()
    told(admin)
    assert later == [], "it is about to begin"
    world.clock.advance(seconds=30)
    assert "Unlost is checking shop" in told(admin, **HTMX)
    do(later)
    assert "Other shop" in told(admin)


def test_a_console_that_was_killed_while_it_looked_looks_again(
    world: World, admin: Client, later: list[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.post(BACK, SIGN_IN)

    def killed(*_: object) -> None:
        raise SystemExit

    for tried in range(1, MOST_TRIES + 1):
        with monkeypatch.context() as dying:
            dying.setattr(previews, "preview_org", killed)
            with pytest.raises(SystemExit):
                later.pop()()
        assert PreviewRow.objects.get().tries == tried
        assert "Unlost is checking shop" in told(admin)
        assert len(later) == 1, "it is begun again at once"
    do(later)
    assert admin.get(CHECKLIST)["Location"] == BACK
    assert "was stopped 3 times" in told(admin, BACK), "but not for ever"


def test_the_page_does_not_begin_what_is_being_done(
    world: World, admin: Client, later: list[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.post(BACK, SIGN_IN)
    pages: list[str] = []

    plain = MemoryConnector.source

    def slow(self: MemoryConnector, address: str) -> MemorySource:
        world.clock.advance(seconds=600)
        pages.append(told(admin, **HTMX))
        return plain(self, address)

    monkeypatch.setattr(MemoryConnector, "source", slow)
    (work,) = later
    later.clear()
    work()
    assert len(pages) == 1
    assert "Unlost is checking shop" in pages[0]
    assert later == []
    assert "Other shop" in told(admin)


# --- looking again, and the end -------------------------------------------------------------------


def test_an_org_that_went_away_when_it_was_looked_at_again_keeps_what_was_found(
    world: World, admin: Client, later: list[Work]
) -> None:
    admin.post(BACK, SIGN_IN)
    do(later)
    told(admin)
    gone = world.connector.orgs.pop("two")
    world.connector.sources.clear()
    admin.post(CHECKLIST, {"again": "1"})
    do(later)
    page = admin.get(CHECKLIST, headers=HTMX)
    assert page.status_code == 286
    text = page.content.decode()
    assert 'role="alert"' in text
    assert "Other shop" in text, "what was found before still stands"
    world.connector.orgs["two"] = gone
    admin.post("/connect/hour/", HOUR)
    assert get_org("shop").config["exclude"] == [], "as it was looked at"


def test_another_name_is_not_that_of_what_was_found(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, SIGN_IN)
    do(later)
    told(admin)
    admin.post("/connect/", {**KIND, "name": "bakery"})
    assert admin.get("/connect/hour/")["Location"] == CHECKLIST
    assert admin.get(CHECKLIST)["Location"] == BACK
    admin.post(BACK, {**SIGN_IN, "secret-password": ""})
    do(later)
    told(admin)
    assert admin.post("/connect/hour/", HOUR)["Location"] == "/orgs/bakery/"


def test_a_secret_that_the_sign_in_renewed_opens_the_org_later(
    world: World, admin: Client, later: list[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = MemoryConnector.source

    def renewing(self: MemoryConnector, address: str) -> MemorySource:
        self.contexts[-1].secrets.put("token", "renewed")
        return plain(self, address)

    monkeypatch.setattr(MemoryConnector, "source", renewing)
    admin.post(BACK, {**SIGN_IN, "secret-token": "first"})
    do(later)
    told(admin)
    monkeypatch.undo()
    admin.post("/connect/hour/", HOUR)
    assert world.app.secrets(get_org("shop").oid).get("token") == "renewed"


def test_nothing_of_it_lies_in_clear_and_nothing_stays(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, SIGN_IN)
    lying = [everything()]
    do(later)
    lying.append(everything())
    told(admin)
    lying.append(everything())
    assert not [text for text in lying for word in (SECRET, "Other shop", "T-2") if word in text]
    admin.post("/connect/hour/", HOUR)
    assert find_org("shop") is not None
    assert PreviewRow.objects.count() == 0


def everything() -> str:
    """All that the tables hold which the wizard writes to."""
    found: list[object] = []
    with connection.cursor() as cursor:
        for table in ("catalog_previewrow", "django_session"):
            cursor.execute(f"SELECT * FROM {table}")
            found += cursor.fetchall()
    return str(found)


def test_a_look_that_was_forgotten_is_asked_for_anew(admin: Client, later: list[Work]) -> None:
    admin.post(BACK, SIGN_IN)
    (row,) = PreviewRow.objects.all()
    assert find_preview(row.id) is not None
    row.delete()
    do(later)
    assert admin.get(CHECKLIST)["Location"] == BACK
    page = admin.get(BACK)
    assert page.status_code == 200
    assert "A value is stored" in page.content.decode()
