"""Where admins must have a second factor, an admin without one sees nothing but its page."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from homes import World
from unit.web.conftest import SignIn, signed_in_just_now
from unit.web.doors import clean, noted, text
from unlost.app.home.home import read_home_key
from unlost.catalog.models import User
from unlost.model.access import Role
from unlost.web.serving import ReachedAddress, set_up
from unlost.web.signin.rules import SignInRules

PAGES = ("/", "/orgs/", "/find/", "/settings/", "/settings/people/", "/settings/tokens/", "/audit/")


@pytest.fixture(autouse=True)
def _required(world: World) -> Iterator[None]:
    cache.clear()
    set_up(read_home_key(world.home), ReachedAddress(), rules=SignInRules(admins_need_factor=True))
    yield
    set_up(read_home_key(world.home), ReachedAddress())


def add_factor(name: str, kind: str = "totp") -> None:
    Authenticator.objects.create(user=User.objects.get(username=name), type=kind, data={})


@pytest.mark.parametrize("org", [None, "sales"])
def test_an_admin_without_a_second_factor_is_sent_to_set_one_up(
    sign_in: SignIn, org: str | None
) -> None:
    admin = sign_in(Role.ADMIN, org=org)
    for page in PAGES:
        assert admin.get(page)["Location"] == "/account/2fa/", page
    admin.post("/settings/", {"theme": "dark"})
    assert not noted("profile.set")
    shown = admin.get("/account/2fa/")
    clean(shown)
    assert "Admins need a second factor here" in text(shown)
    assert admin.get("/runs/", headers={"HX-Request": "true"})["HX-Redirect"] == "/account/2fa/"


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_an_admin_with_a_second_factor_works(sign_in: SignIn, kind: str) -> None:
    admin = sign_in()
    add_factor("admin-all", kind)
    assert [admin.get(page).status_code for page in PAGES] == [200] * len(PAGES)


def test_recovery_codes_alone_are_no_second_factor(sign_in: SignIn) -> None:
    admin = sign_in()
    add_factor("admin-all", "recovery_codes")
    assert admin.get("/")["Location"] == "/account/2fa/"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER, Role.AUDITOR])
def test_others_need_none(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).get("/").status_code == 200


def test_who_becomes_an_admin_needs_one_from_then_on(world: World, sign_in: SignIn) -> None:
    from unlost.catalog.people.people import set_role

    viewer: Client = sign_in(Role.VIEWER)
    assert viewer.get("/").status_code == 200
    set_role("viewer-all", Role.ADMIN, org="sales")
    assert viewer.get("/")["Location"] == "/account/2fa/"
    assert viewer.post("/account/logout/").status_code == 302


def test_an_admin_who_uses_single_sign_on_alone_gets_to_the_second_factor(sign_in: SignIn) -> None:
    """Its page asks for the provider first, whose page must not lead back to the factors."""
    admin = sign_in()
    user = User.objects.get(username="admin-all").pk
    signed_in_just_now(admin, user, ago=3600)
    asked = admin.get("/account/2fa/totp/activate/")["Location"]
    assert asked == "/account/confirm/?next=%2Faccount%2F2fa%2Ftotp%2Factivate%2F"
    assert admin.get(asked).status_code == 200
    signed_in_just_now(admin, user)
    assert admin.get(asked)["Location"] == "/account/2fa/totp/activate/"
    assert admin.get("/account/2fa/totp/activate/").status_code == 200


def test_the_page_of_the_provider_is_for_people_who_are_signed_in(world: World) -> None:
    answer = Client(SERVER_NAME="localhost").get("/account/confirm/?next=/settings/tokens/")
    assert answer["Location"].startswith("/account/login/?next=")
