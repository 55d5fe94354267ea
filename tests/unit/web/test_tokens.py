"""Settings, tokens: everybody their own, admins all."""

import re

from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import clean, few_queries, text
from unlost.app.actions.people.tokens import tokens
from unlost.catalog.people.tokens import actor_of_token
from unlost.model.access import Right, Role

SENT = {"name": "dashboard", "role": "viewer", "org": "", "days": "30"}


def made(client: Client, **more: str) -> str:
    """The text of a new token, from the page that shows it."""
    answer = client.post("/settings/tokens/", SENT | more)
    assert answer.status_code == 200, text(answer)
    clean(answer)
    (token,) = re.findall(r'value="(unl_[a-z0-9]+)"', text(answer))
    return str(token)


def test_a_token_is_shown_once_and_works(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    token = made(client)
    page = text(client.get("/settings/tokens/"))
    assert token not in page
    assert "dashboard" in page
    actor = actor_of_token(token, at=world.clock.now())
    assert actor is not None
    assert actor.name == "viewer-all/dashboard"
    assert actor.may(Right.READ)


def test_a_token_never_may_more_than_its_owner(world: World, sign_in: SignIn) -> None:
    actor = actor_of_token(made(sign_in(Role.VIEWER), role="admin"), at=world.clock.now())
    assert actor is not None
    assert not actor.may(Right.MANAGE)


def test_what_is_wrong_stands_beside_the_form(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    for sent in ({"days": "400"}, {"name": ""}, {"org": "elsewhere"}):
        answer = client.post("/settings/tokens/", SENT | sent)
        assert answer.status_code == 400
        assert "errorlist" in text(answer)
    assert tokens(world.app).tokens == ()


def test_a_dropped_token_opens_nothing(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    token = made(client)
    (held,) = tokens(world.app).tokens
    answer = client.post(f"/settings/tokens/{held.id}/drop/", follow=True)
    assert "dashboard was deleted" in text(answer)
    assert actor_of_token(token, at=world.clock.now()) is None


def test_others_tokens_are_neither_seen_nor_dropped(world: World, sign_in: SignIn) -> None:
    made(sign_in(Role.VIEWER))
    (held,) = tokens(world.app).tokens
    other = sign_in(Role.RESTORER)
    assert "dashboard" not in text(other.get("/settings/tokens/"))
    assert other.post(f"/settings/tokens/{held.id}/drop/").status_code == 404
    assert other.post("/settings/tokens/", SENT | {"owner": "viewer-all"}).status_code == 200
    assert {one.owner for one in tokens(world.app).tokens} == {"viewer-all", "restorer-all"}


def test_an_admin_sees_all_and_makes_them_for_others(world: World, sign_in: SignIn) -> None:
    sign_in(Role.VIEWER)
    admin = sign_in()
    made(admin, owner="viewer-all")
    admin.get("/")
    with few_queries():
        page = text(admin.get("/settings/tokens/"))
    assert "viewer-all" in page
    assert [one.owner for one in tokens(world.app).tokens] == ["viewer-all"]


def test_without_tokens_the_page_says_what_they_are_for(world: World, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER).get("/settings/tokens/"))
    assert "No tokens yet" in page
    assert 'name="owner"' not in page


def test_a_token_in_an_org_that_one_does_not_see(world: World, sign_in: SignIn) -> None:
    page = text(sign_in(Role.VIEWER, org="sales").get("/settings/tokens/"))
    assert re.findall(r'<option value="(\w+)">', page.partition('name="org"')[2]) == ["sales"]
