"""Settings, people: add somebody, change what they may, let them in by a link, keep them out."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import NEW_PASSWORD, browser, clean, few_queries, person, signed_in, text
from unlost.app.actions.people.people import people
from unlost.app.actions.people.tokens import make
from unlost.catalog.people.people import Person, PersonRole, get_person
from unlost.catalog.people.tokens import actor_of_token
from unlost.model.access import Role

OF_LENA = "/settings/people/of/lena/"
POSTS = ("role/", "role/take/", "link/", "remove/", "return/", "factors/")


@pytest.fixture
def admin(world: World, sign_in: SignIn) -> Client:
    person(world, "lena", email="lena@acme.example")
    return sign_in()


def lena() -> Person:
    return get_person("lena")


def test_all_people_are_listed(admin: Client) -> None:
    admin.get("/")
    with few_queries():
        answer = admin.get("/settings/people/")
    clean(answer)
    page = text(answer)
    for told in ("lena", "lena@acme.example", "viewer in every org", "never"):
        assert told in page


def test_somebody_is_added_with_a_role_in_one_org(admin: Client) -> None:
    assert 'name="role"' in text(admin.get("/settings/people/add/"))
    sent = {
        "name": "omar",
        "full_name": "Omar B",
        "email": "o@acme.example",
        "role": "operator",
        "org": "sales",
    }
    answer = admin.post("/settings/people/add/", sent)
    assert answer["Location"] == "/settings/people/of/omar/"
    added = get_person("omar")
    assert (added.full_name, added.email) == ("Omar B", "o@acme.example")
    assert added.roles == (PersonRole(Role.OPERATOR, "sales"),)
    assert "omar was added" in text(admin.get("/settings/people/of/omar/"))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"name": "lena", "role": "viewer"}, "already a user named &#x27;lena&#x27;"),
        ({"name": "two words", "role": "viewer"}, "Choose a short name without spaces"),
        (
            {"name": "omar", "role": "viewer", "email": "LENA@acme.example"},
            "belongs to another user",
        ),
        ({"name": "omar", "role": "viewer", "email": "no address"}, "valid email address"),
        ({"name": "omar", "role": "king"}, "not one of the available choices"),
        ({"name": "", "role": "viewer"}, "This field is required"),
    ],
)
def test_what_is_wrong_stands_beside_the_form_and_nothing_typed_is_lost(
    world: World, admin: Client, sent: dict[str, str], told: str
) -> None:
    before = people(world.app)
    answer = admin.post("/settings/people/add/", sent | {"full_name": "Kept as typed"})
    assert answer.status_code == 400
    assert told in text(answer)
    assert "Kept as typed" in text(answer)
    assert people(world.app) == before


def test_a_role_is_given_and_taken_away(admin: Client) -> None:
    admin.post(f"{OF_LENA}role/", {"role": "restorer", "org": "sales"})
    assert PersonRole(Role.RESTORER, "sales") in lena().roles
    page = text(admin.get(OF_LENA))
    assert "Remove the role in sales" in page
    admin.post(f"{OF_LENA}role/take/", {"org": ""})
    assert lena().roles == (PersonRole(Role.RESTORER, "sales"),)
    answer = admin.post(f"{OF_LENA}role/", {"role": "restorer", "org": "elsewhere"})
    assert answer.status_code == 400


def test_the_last_admin_stays(world: World, admin: Client) -> None:
    itself = "/settings/people/of/admin-all/"
    answer = admin.post(f"{itself}role/", {"role": "viewer", "org": ""})
    assert answer.status_code == 400
    assert "only admin" in text(answer)
    for change in ("remove/", "role/take/"):
        answer = admin.post(itself + change)
        assert answer.status_code == 409
        assert "last-admin" in text(answer)
    assert get_person("admin-all").roles == (PersonRole(Role.ADMIN, None),)


def test_name_and_address_are_changed(admin: Client) -> None:
    answer = admin.post(OF_LENA, {"full_name": "Lena K", "email": "lk@acme.example"}, follow=True)
    assert "lena was changed" in text(answer)
    assert (lena().full_name, lena().email) == ("Lena K", "lk@acme.example")
    assert admin.post(OF_LENA, {"email": "nonsense"}).status_code == 400


def test_a_link_is_shown_once_and_signs_in(admin: Client) -> None:
    answer = admin.post(f"{OF_LENA}link/")
    clean(answer)
    assert answer["Cache-Control"] == "no-store"
    (path,) = re.findall(r"http://localhost(/start/[a-z0-9]+/)", text(answer))
    assert "/start/" not in text(admin.get(OF_LENA))
    client = browser()
    assert client.post(path, {"password": NEW_PASSWORD, "again": NEW_PASSWORD}).status_code == 302
    assert signed_in(client)
    assert browser().get(path).status_code == 404


def test_who_is_removed_loses_sessions_links_and_the_use_of_tokens(
    world: World, admin: Client
) -> None:
    client = browser()
    client.force_login(
        get_user_model().objects.get(username="lena"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert signed_in(client)
    token = make(world.app, "dashboard", role=Role.VIEWER, owner="lena").text
    (link,) = re.findall(r"(/start/[a-z0-9]+/)", text(admin.post(f"{OF_LENA}link/")))
    assert actor_of_token(token, at=world.clock.now()) is not None

    answer = admin.post(f"{OF_LENA}remove/", follow=True)
    assert "lena was removed" in text(answer)
    assert "Let lena sign in again" in text(answer)
    assert not signed_in(client)
    assert actor_of_token(token, at=world.clock.now()) is None
    assert browser().get(link).status_code == 404
    assert "removed" in text(admin.get("/settings/people/"))

    admin.post(f"{OF_LENA}return/")
    assert lena().active
    assert not signed_in(client)
    assert browser().get(link).status_code == 404


def test_lost_second_factors_are_forgotten_and_sessions_end(world: World, admin: Client) -> None:
    user = get_user_model().objects.get(username="lena")
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    client = browser()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert signed_in(client)
    admin.post(f"{OF_LENA}factors/")
    assert not Authenticator.objects.filter(user=user).exists()
    assert not signed_in(client)


def test_nobody_of_this_name(admin: Client) -> None:
    assert admin.get("/settings/people/of/nobody/").status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER, Role.AUDITOR])
@pytest.mark.parametrize("org", [None, "sales"])
def test_the_pages_are_for_admins_of_the_home(
    world: World, sign_in: SignIn, role: Role, org: str | None
) -> None:
    person(world, "lena")
    client = sign_in(role, org=org)
    for path in ("/settings/people/", "/settings/people/add/", OF_LENA):
        assert client.get(path).status_code == 403
    assert client.post("/settings/people/add/", {"name": "x", "role": "admin"}).status_code == 403
    assert client.post(OF_LENA, {"email": "mine@evil.example"}).status_code == 403
    assert all(client.post(OF_LENA + path).status_code in (400, 403) for path in POSTS)
    assert (lena().active, lena().email) == (True, "")
    assert lena().roles == (PersonRole(Role.VIEWER, None),)
    assert "/settings/people/" not in text(client.get("/settings/"))


def test_an_admin_of_one_org_is_none_of_people(world: World, sign_in: SignIn) -> None:
    person(world, "lena")
    client = sign_in(Role.ADMIN, org="sales")
    assert client.get("/settings/people/").status_code == 403
    answer = client.post(f"{OF_LENA}role/", {"role": "admin", "org": "sales"})
    assert answer.status_code == 403
    assert lena().roles == (PersonRole(Role.VIEWER, None),)


def test_changes_are_not_made_by_a_look(admin: Client) -> None:
    for path in POSTS:
        assert admin.get(OF_LENA + path).status_code == 405
