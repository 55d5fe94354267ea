"""People, their roles, tokens and links."""

from datetime import timedelta

import pytest

from homes import World
from unlost.app.actions.people.people import (
    add,
    change_role,
    first_admin,
    first_link,
    let_back,
    link,
    people,
    remove,
)
from unlost.app.actions.people.tokens import drop, make, tokens
from unlost.catalog.models import LinkRow, TokenRow
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.people import actor_of, find_person
from unlost.catalog.people.tokens import actor_of_token, find_link, use_link
from unlost.model.access import Actor, ActorKind, Grant, Right, Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError


def person(world: World, name: str, role: Role = Role.VIEWER, org: str | None = None) -> int:
    return add(world.app, name, role=role, org=org).user


def test_somebody_is_added_with_a_role_in_one_org(sales: World) -> None:
    user = person(sales, "lena", Role.OPERATOR, "sales")
    actor = actor_of(user)
    grants = (Grant(Role.OPERATOR, get_org("sales").oid),)
    assert actor == Actor(ActorKind.PERSON, "lena", grants, person="lena")
    (told,) = people(sales.app).people
    assert [(one.role, one.org) for one in told.roles] == [(Role.OPERATOR, "sales")]


def test_roles_are_changed_and_taken(sales: World) -> None:
    user = person(sales, "lena", Role.VIEWER, "sales")
    change_role(sales.app, "LENA", Role.RESTORER, org="sales")
    change_role(sales.app, "lena", Role.AUDITOR)
    actor = actor_of(user)
    assert actor is not None
    assert actor.may(Right.RESTORE, get_org("sales").oid)
    assert actor.may(Right.AUDIT)
    change_role(sales.app, "lena", None, org="sales")
    actor = actor_of(user)
    assert actor is not None
    assert not actor.may(Right.READ, get_org("sales").oid)
    with pytest.raises(NotFound):
        change_role(sales.app, "lena", Role.VIEWER, org="other")
    with pytest.raises(NotFound):
        change_role(sales.app, "nobody", Role.VIEWER)


@pytest.mark.parametrize("name", ["", "two words", "lena/report", "x" * 151, "line\nbreak"])
def test_a_name_must_be_one(sales: World, name: str) -> None:
    with pytest.raises(UsageError):
        person(sales, name)


def test_nobody_is_added_twice(sales: World) -> None:
    person(sales, "lena")
    with pytest.raises(Conflict):
        person(sales, "Lena")
    with pytest.raises(NotFound):
        person(sales, "tom", org="other")
    assert find_person("tom") is None


def test_who_was_removed_does_nothing_any_more(sales: World) -> None:
    person(sales, "ada", Role.ADMIN)
    user = person(sales, "lena")
    made = make(sales.app, "report", role=Role.VIEWER, owner="lena")
    now = sales.clock.now()
    assert actor_of_token(made.text, at=now) is not None
    remove(sales.app, "lena")
    assert actor_of(user) is None
    assert actor_of_token(made.text, at=now) is None
    with pytest.raises(Conflict):
        link(sales.app, "lena")
    let_back(sales.app, "lena")
    assert actor_of(user) is not None
    assert actor_of(99) is None


def test_the_last_admin_stays(sales: World) -> None:
    person(sales, "ada", Role.ADMIN)
    person(sales, "tom", Role.ADMIN, "sales")
    for act in (
        lambda: remove(sales.app, "ada"),
        lambda: change_role(sales.app, "ada", Role.VIEWER),
        lambda: change_role(sales.app, "ada", None),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "last-admin"
    person(sales, "lena", Role.ADMIN)
    remove(sales.app, "ada")
    change_role(sales.app, "tom", None, org="sales")


def test_the_first_admin_is_made_once_by_a_link(sales: World) -> None:
    made = first_link(sales.app)
    assert made is not None
    text = made.path.removeprefix("/start/").removesuffix("/")
    again = first_link(sales.app)
    assert again is not None
    now = sales.clock.now()
    assert find_link(text, at=now) is None, "a newer link takes the place of the older one"
    text = again.path.removeprefix("/start/").removesuffix("/")
    assert use_link(text, at=now) is not None
    first_admin(sales.app, "ada")
    assert first_link(sales.app) is None
    with pytest.raises(Conflict):
        first_admin(sales.app, "eve")


def test_a_link_holds_once_and_for_an_hour(sales: World) -> None:
    user = person(sales, "lena")
    texts = [link(sales.app, "lena").path.split("/")[2] for _ in range(2)]
    now = sales.clock.now()
    assert texts[1] not in str(list(LinkRow.objects.values()))
    assert use_link(texts[0], at=now) is None, "a newer link takes the place of the older one"
    assert use_link(texts[1], at=now + timedelta(hours=1)) is None
    used = use_link(texts[1], at=now)
    assert used is not None
    assert used.user == user
    assert use_link(texts[1], at=now) is None


def test_a_token_is_told_once_and_ends(sales: World) -> None:
    person(sales, "lena", Role.OPERATOR)
    made = make(sales.app, "report", role=Role.OPERATOR, org="sales", days=10, owner="lena")
    assert made.text.startswith("unl_")
    assert made.text not in str(list(TokenRow.objects.values()))
    now = sales.clock.now()
    actor = actor_of_token(made.text, at=now)
    assert actor is not None
    assert (actor.kind, actor.name) == (ActorKind.TOKEN, "lena/report")
    assert actor.may(Right.OPERATE, get_org("sales").oid)
    assert not actor.may(Right.OPERATE)
    assert actor_of_token(made.text, at=now + timedelta(days=10)) is None
    assert actor_of_token(made.text + "x", at=now) is None
    (told,) = tokens(sales.app).tokens
    assert told.used_at == now
    drop(sales.app, told.id)
    assert actor_of_token(made.text, at=now) is None
    with pytest.raises(NotFound):
        drop(sales.app, told.id)


def test_use_is_noted_by_the_minute(sales: World) -> None:
    person(sales, "lena")
    made = make(sales.app, "report", role=Role.VIEWER, owner="lena")
    first = sales.clock.now()
    for seconds in (0, 30, 60):
        actor_of_token(made.text, at=first + timedelta(seconds=seconds))
        (told,) = tokens(sales.app).tokens
        assert told.used_at == (first + timedelta(seconds=60) if seconds == 60 else first)


def test_people_make_their_own_tokens_and_see_no_others(sales: World) -> None:
    person(sales, "lena")
    person(sales, "tom")
    lena = sales.app.acting(Actor(ActorKind.PERSON, "lena", (Grant(Role.VIEWER),), person="lena"))
    tom = sales.app.acting(Actor(ActorKind.PERSON, "tom", (Grant(Role.VIEWER),), person="tom"))
    made = make(lena, "report", role=Role.ADMIN)
    assert made.token.owner == "lena"
    assert tokens(tom).tokens == ()
    with pytest.raises(NotFound):
        drop(tom, made.token.id)
    with pytest.raises(NotAllowed):
        make(tom, "report", role=Role.VIEWER, owner="lena")
    with pytest.raises(NotAllowed):
        make(sales.app, "report", role=Role.VIEWER)
    token = lena.acting(Actor(ActorKind.TOKEN, "lena/report", (Grant(Role.ADMIN),), person="lena"))
    assert [one.id for one in tokens(token).tokens] == [made.token.id]
    with pytest.raises(NotAllowed):
        make(token, "another", role=Role.VIEWER, owner="lena")
    assert actor_of_token(made.text, at=sales.clock.now()).may(Right.MANAGE) is False


@pytest.mark.parametrize(("name", "days"), [("", 9), ("x" * 81, 9), ("x", 0), ("x", 367)])
def test_a_token_has_a_name_and_an_end(sales: World, name: str, days: int) -> None:
    person(sales, "lena")
    with pytest.raises(UsageError):
        make(sales.app, name, role=Role.VIEWER, days=days, owner="lena")


def test_a_token_lets_nobody_in(sales: World) -> None:
    """It ends one day; somebody whom it let in would not."""
    person(sales, "lena")
    token = sales.app.acting(Actor(ActorKind.TOKEN, "ada/x", (Grant(Role.ADMIN),), person="ada"))
    for act in (
        lambda: add(token, "eve", role=Role.ADMIN),
        lambda: change_role(token, "lena", Role.ADMIN),
        lambda: link(token, "lena"),
        lambda: let_back(token, "lena"),
    ):
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.code == "token-people"
