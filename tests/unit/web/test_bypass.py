"""The bypass of an org in the console and the API: its page, its check, and the preview of a plan."""

from typing import Any

import pytest
from django.test import Client

from unit.app.shop import Shop
from unit.web.conftest import SignIn
from unit.web.losses import plan_at_once
from unit.web.test_approvals import ask, bearer, page, planned
from unlost.app.actions.orgs.bypass import change
from unlost.catalog.orgs.bypass import bypass_of
from unlost.model.access import Role
from unlost.model.bypass import Automation, AutomationKind, Bypass, BypassState
from unlost.model.errors import NotAllowed

PAGE = "/orgs/sales/bypass/"
FLAG = Bypass("flag", "Quiet")


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    shop.writer.bypasses[FLAG] = BypassState(on=False)
    return shop


def test_an_admin_names_the_bypass(shop: Shop, sign_in: SignIn) -> None:
    admin = sign_in(Role.ADMIN)
    assert "All automation of this org acts while a restore writes." in page(admin, PAGE)
    assert PAGE in page(admin, "/orgs/sales/settings/")
    assert PAGE in page(admin, "/orgs/sales/")
    assert "The name of a flag." in page(admin, PAGE)
    answer = admin.post(PAGE, {"kind": "flag", "name": "Quiet"})
    assert answer.status_code == 302
    assert bypass_of(shop.oid) == FLAG
    shown = page(admin, PAGE)
    assert "While a restore writes, this bypass is on for the write user:" in shown
    assert 'value="Quiet"' in shown
    admin.post(PAGE, {"kind": "", "name": "Quiet"})
    assert bypass_of(shop.oid) is None


def test_a_bypass_that_the_org_lacks_is_refused_on_the_page(shop: Shop, sign_in: SignIn) -> None:
    answer = sign_in(Role.ADMIN).post(PAGE, {"kind": "flag", "name": "Nothing"})
    assert answer.status_code == 400
    assert "The org has no flag Nothing." in answer.content.decode()
    assert bypass_of(shop.oid) is None


def test_people_without_the_right_to_manage_do_not_see_the_page(
    shop: Shop, sign_in: SignIn
) -> None:
    restorer = sign_in(Role.RESTORER)
    assert restorer.get(PAGE).status_code == 403
    assert PAGE not in page(restorer, "/orgs/sales/")


def test_the_preview_shows_the_bypass_and_what_acts_all_the_same(
    shop: Shop, sign_in: SignIn
) -> None:
    change(shop.app, "sales", kind="flag", name="Quiet")
    trigger = AutomationKind.TRIGGER
    shop.writer.automations = (
        Automation(trigger, "Welcome", "Account"),
        Automation(trigger, "vendor__Sync", "Account", managed=True),
    )
    client = sign_in(Role.RESTORER)
    shown = page(client, planned(client))
    assert "Bypass, on during the run" in shown
    assert "flag Quiet" in shown
    assert "run unless they check the bypass" in shown
    assert "Welcome" in shown
    assert "cannot be switched off" in shown
    assert "vendor__Sync" in shown


def test_the_preview_says_that_the_plan_will_not_run(shop: Shop, sign_in: SignIn) -> None:
    change(shop.app, "sales", kind="flag", name="Quiet")
    refusal = NotAllowed("bypass-refused", "The user may not.", next_step="Let the user.")
    shop.writer.faults.plant("check_bypass", refusal)
    client = sign_in(Role.RESTORER)
    shown = page(client, planned(client))
    assert "This plan will not run" in shown
    assert "Let the user." in shown


def test_the_api_sets_and_shows_it(shop: Shop, sign_in: SignIn) -> None:
    sign_in(Role.ADMIN)
    sign_in(Role.RESTORER)
    admin, other = bearer(shop, "admin-all"), bearer(shop, "restorer-all")
    client = Client(SERVER_NAME="localhost")
    sent: dict[str, Any] = {
        "data": '{"kind": "flag", "name": "Quiet"}',
        "content_type": "application/json",
    }
    status, body = ask(client, "PUT", "/orgs/sales/bypass", headers=admin, **sent)
    assert (status, body["bypass"]) == (200, {"kind": "flag", "name": "Quiet"})
    status, body = ask(client, "PUT", "/orgs/sales/bypass", headers=other, **sent)
    assert (status, body["error"]["code"]) == (403, "not-permitted")
    assert ask(client, "GET", "/orgs/sales/bypass", headers=other)[1]["bypass"]["name"] == "Quiet"
    removed = {"data": "{}", "content_type": "application/json"}
    assert ask(client, "PUT", "/orgs/sales/bypass", headers=admin, **removed)[1]["bypass"] is None
