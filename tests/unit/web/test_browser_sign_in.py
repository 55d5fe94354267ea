"""The console's part of a sign-in by browser: the link out, the way back, and what may come with it."""

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from fakes.browser_sign_in import HOST, FakeBrowser, with_browser
from homes import SECRET, WRITE_SECRET, World, fill
from unit.web.conftest import BACKEND, SignIn
from unit.web.doors import text
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.catalog.orgs.writers import find_writer
from unlost.model.access import Role
from unlost.model.ports.source import Context
from unlost.model.source.sign_in import SignInCode
from unlost.testing.org import MemoryOrg
from unlost.web.parts import background

KIND = {"connector": "memory", "name": "shop"}
FORM = {"method": "browser", "address": "two", "speed": "1"}
SETTINGS = {"method": "browser", "address": "one", "speed": "1", "exclude": ""}
HOUR = {"nightly": "on", "at": "02:30", "window": "15", "blackout": "", "calls": "40"}
CALLBACK = "/connect/callback/"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "begin", lambda work: work())


@pytest.fixture
def browser(world: World) -> FakeBrowser:
    org = world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other shop")
    fill(org)
    return with_browser(world.connector)


@pytest.fixture
def admin(sign_in: SignIn, browser: FakeBrowser) -> Client:
    return sign_in()


def link(page: str) -> str:
    """The address of the org's page, as the link says it."""
    found = re.search(r'id="leave" href="([^"]+)"', page)
    assert found is not None, page
    return unescape(found[1])


def left(client: Client, **typed: str) -> str:
    """Go through the wizard to the link; returns its address."""
    client.post("/connect/", KIND)
    answer = client.post("/connect/sign-in/", {**FORM, **typed})
    assert answer["Location"] == "/connect/start/"
    return link(client.get("/connect/start/").content.decode())


def test_an_org_is_connected_by_browser(world: World, admin: Client, browser: FakeBrowser) -> None:
    address = left(admin)
    assert address.startswith(f"{HOST}/authorize?")
    back = admin.get(CALLBACK, browser.allow(address), follow=True)
    assert back.redirect_chain[-1][0] == "/connect/checklist/"
    assert "Other shop" in back.content.decode()
    assert browser.redeemed[0].redirect.endswith(CALLBACK)
    admin.post("/connect/hour/", HOUR)
    org = get_org("shop")
    assert org.config["method"] == "browser"
    assert world.app.secrets(org.oid).get("password") == SECRET


def test_the_form_is_not_redirected_out_of_the_console(admin: Client) -> None:
    """Browsers block a redirect to another origin after a form: the CSP's form-action."""
    admin.post("/connect/", KIND)
    answer = admin.post("/connect/sign-in/", FORM, follow=True)
    assert [place for place, _ in answer.redirect_chain] == ["/connect/start/"]
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    assert "valid for 10 minutes" in answer.content.decode()


def test_the_callback_address_is_shown_to_copy(admin: Client) -> None:
    admin.post("/connect/", KIND)
    assert f"http://localhost{CALLBACK}" in text(admin.get("/connect/sign-in/"))


def test_an_address_that_orgs_refuse_is_explained(admin: Client) -> None:
    admin.post("/connect/", KIND)
    hint = "Many orgs refuse"
    assert hint not in admin.get("/connect/sign-in/").content.decode()
    assert hint in admin.get("/connect/sign-in/", SERVER_NAME="127.0.0.1").content.decode()


def test_a_way_back_serves_once(admin: Client, browser: FakeBrowser) -> None:
    reply = browser.allow(left(admin))
    assert admin.get(CALLBACK, reply)["Location"] == "/connect/checklist/"
    again = admin.get(CALLBACK, reply)
    assert again.status_code == 403
    assert "sign-in-foreign" in again.content.decode()
    assert len(browser.redeemed) == 1


def test_a_page_that_is_reloaded_during_the_exchange_sends_no_second_code(
    admin: Client, browser: FakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, inner = browser.allow(left(admin)), FakeBrowser.redeem
    codes: list[int] = []

    def slowly(self: FakeBrowser, config: object, context: Context, answer: SignInCode) -> None:
        codes.append(admin.get(CALLBACK, reply).status_code)
        inner(self, config, context, answer)

    monkeypatch.setattr(FakeBrowser, "redeem", slowly)
    assert admin.get(CALLBACK, reply)["Location"] == "/connect/checklist/"
    assert codes == [403]
    assert len(browser.redeemed) == 1


def test_another_state_is_refused_and_the_sign_in_still_waits(
    admin: Client, browser: FakeBrowser
) -> None:
    reply = browser.allow(left(admin))
    wrong = admin.get(CALLBACK, {**reply, "state": "another"})
    assert wrong.status_code == 403
    assert "sign-in-foreign" in wrong.content.decode()
    assert browser.redeemed == []
    assert admin.get(CALLBACK, reply)["Location"] == "/connect/checklist/"


def test_the_way_back_belongs_to_the_session(admin: Client, browser: FakeBrowser) -> None:
    reply = browser.allow(left(admin))
    other = Client(SERVER_NAME="localhost")
    user = get_user_model().objects.get(pk=admin.session["_auth_user_id"])
    other.force_login(user, backend=BACKEND)
    assert "sign-in-foreign" in other.get(CALLBACK, reply).content.decode()
    assert browser.redeemed == []


def test_a_late_way_back_is_refused(world: World, admin: Client, browser: FakeBrowser) -> None:
    reply = browser.allow(left(admin))
    world.clock.advance(seconds=11 * 60)
    page = admin.get(CALLBACK, reply)
    assert page.status_code == 403
    assert "longer than 10 minutes" in page.content.decode()
    assert "/connect/sign-in/" in page.content.decode(), "and leads back to the form"
    assert browser.redeemed == []


def test_a_denial_is_told_and_nothing_is_kept(admin: Client, browser: FakeBrowser) -> None:
    state = browser.allow(left(admin))["state"]
    page = admin.get(CALLBACK, {"error": "access_denied", "state": state})
    assert page.status_code == 403
    assert "memory-denied" in page.content.decode()
    assert find_org("shop") is None


def test_nothing_of_it_lies_in_clear(admin: Client) -> None:
    address = left(admin, **{"secret-token": "typed token"})
    lying = str(dict(admin.session))
    assert "draft:browser-sign-in" in lying
    assert not [word for word in (address, "typed token", "two") if word in lying]


def test_without_a_sign_in_that_waits_the_page_leads_to_the_beginning(admin: Client) -> None:
    assert admin.get("/connect/start/")["Location"] == "/connect/"


# --- methods -------------------------------------------------------------------------------------


def test_the_wizard_shows_the_fields_of_one_method(admin: Client) -> None:
    admin.post("/connect/", KIND)
    page = admin.get("/connect/sign-in/").content.decode()
    assert "Sign in with Memory" in page
    assert "id_secret-token" in page
    assert "id_secret-password" not in page
    assert 'name="quiet"' not in page
    assert 'name="choose" value="password"' in page


def test_another_method_is_chosen_by_a_button_and_nothing_typed_is_lost(
    world: World, admin: Client
) -> None:
    admin.post("/connect/", KIND)
    chosen = {**FORM, "speed": "7", "choose": "password"}
    answer = admin.post("/connect/sign-in/", chosen)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="two"' in page
    assert 'value="7"' in page
    assert "id_secret-password" in page
    assert 'name="quiet"' in page
    typed = {**FORM, "method": "password", "secret-password": SECRET, "quiet": "on"}
    assert admin.post("/connect/sign-in/", typed)["Location"] == "/connect/checklist/"
    admin.post("/connect/hour/", HOUR)
    config = get_org("shop").config
    assert (config["method"], config["quiet"]) == ("password", True)


# --- known orgs ----------------------------------------------------------------------------------


def test_an_expired_sign_in_is_repaired_by_browser(
    world: World, admin: Client, browser: FakeBrowser
) -> None:
    world.app.secrets(get_org("sales").oid).put("password", "expired")
    answer = admin.post("/orgs/sales/settings/", SETTINGS)
    assert answer["Location"] == "/connect/start/"
    reply = browser.allow(link(admin.get("/connect/start/").content.decode()))
    done = admin.get(CALLBACK, reply, follow=True)
    assert done.redirect_chain[-1][0] == "/orgs/sales/"
    assert "answers with the new settings" in done.content.decode()
    assert world.app.secrets(get_org("sales").oid).get("password") == SECRET


def test_settings_are_saved_with_the_stored_sign_in(world: World, admin: Client) -> None:
    page = admin.get("/orgs/sales/settings/").content.decode()
    assert "Save and keep the stored sign-in" in page
    answer = admin.post("/orgs/sales/settings/", {**SETTINGS, "speed": "9", "stored": "1"})
    assert answer["Location"] == "/orgs/sales/"
    assert get_org("sales").config["speed"] == 9


def test_a_write_user_signs_in_by_browser(
    world: World, admin: Client, browser: FakeBrowser
) -> None:
    browser.password = WRITE_SECRET
    answer = admin.post("/orgs/sales/writer/", {**SETTINGS})
    assert answer["Location"] == "/connect/start/"
    page = admin.get("/connect/start/").content.decode()
    assert "as the write user" in page
    done = admin.get(CALLBACK, browser.allow(link(page)))
    assert done["Location"] == "/orgs/sales/writer/?check=1"
    org = get_org("sales")
    assert find_writer(org.oid) == {"method": "browser"}
    assert world.app.writer_secrets(org.oid).get("password") == WRITE_SECRET
    assert world.app.secrets(org.oid).get("password") == SECRET, "the backup user stays"


@pytest.mark.parametrize("page", ["settings", "writer"])
def test_settings_that_were_changed_meanwhile_are_not_overwritten(
    world: World, admin: Client, browser: FakeBrowser, page: str
) -> None:
    world.app.secrets(get_org("sales").oid).put("password", "expired")
    admin.post(f"/orgs/sales/{page}/", {**SETTINGS, "speed": "2"})
    reply = browser.allow(link(admin.get("/connect/start/").content.decode()))
    world.app.secrets(get_org("sales").oid).put("password", SECRET)
    other = {**SETTINGS, "speed": "9", "stored": "1"}
    assert admin.post("/orgs/sales/settings/", other)["Location"] == "/orgs/sales/"
    refused = admin.get(CALLBACK, reply)
    assert refused.status_code == 409
    assert "The settings of sales were changed during this sign-in" in text(refused)
    assert f"/orgs/sales/{page}/" in refused.content.decode()
    assert get_org("sales").config["speed"] == 9
    assert browser.redeemed == [], "the code is not used"


def test_an_error_of_the_org_leads_back_to_its_settings(
    world: World, admin: Client, browser: FakeBrowser
) -> None:
    browser.password = "another password"
    admin.post("/orgs/sales/settings/", SETTINGS)
    reply = browser.allow(link(admin.get("/connect/start/").content.decode()))
    page = admin.get(CALLBACK, reply)
    assert page.status_code == 403
    assert "memory-sign-in" in page.content.decode()
    assert "/orgs/sales/settings/" in page.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER, Role.AUDITOR])
def test_only_who_manages_the_home_comes_back(
    world: World, sign_in: SignIn, browser: FakeBrowser, role: Role
) -> None:
    client = sign_in(role)
    assert client.get("/connect/start/").status_code == 403
    assert client.get(CALLBACK, {"state": "s", "code": "c"}).status_code == 403
    assert client.get("/orgs/sales/checklist/").status_code == 403
