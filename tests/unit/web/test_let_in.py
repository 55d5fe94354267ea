"""Every address × every role × an org of others: made from the map of addresses, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.backups.schedule import show as schedules
from unlost.app.actions.people.people import add
from unlost.app.actions.restores.restore_run import runs
from unlost.catalog.orgs.orgs import list_orgs
from unlost.catalog.people.people import list_people
from unlost.model.access import Role
from unlost.model.org import OrgIdentity, OrgKind

FOREIGN = "other"
# Addresses that concern no org, and who of those with a role in one org may open them.
EVERYBODY = frozenset(Role)
READERS = EVERYBODY - {Role.AUDITOR}
OF_HOME = {
    "home": EVERYBODY, "find": READERS, "search-save": READERS, "search-remove": READERS, "losses": READERS, "watches": READERS, "runs": EVERYBODY, "orgs": EVERYBODY,
    "storages": EVERYBODY, "archives": READERS, "alerts": EVERYBODY, "schedules": EVERYBODY, "vault": EVERYBODY,
    "profile": EVERYBODY, "tokens": EVERYBODY,
    "connect": {}, "connect-sign-in": {}, "connect-scope": {}, "connect-hour": {},
    "connect-checklist": {}, "connect-start": {}, "connect-callback": {},
    "alert": {}, "console-address": {}, "channels": {}, "channel-add": {}, "channel-test": {}, "channel-remove": {}, "checks": {},
    "acknowledge": {}, "vault-verify": {}, "vault-mirror": {}, "vault-keys": {},
    "vault-key-test": {}, "people": {}, "person": {}, "person-add": {},
    "person-unlock": {}, "person-role": {}, "person-role-take": {}, "person-link": {},
    "person-remove": {}, "person-return": {}, "person-factors": {}, "sso": {}, "sso-saml": {},
    "sso-remove": {},
    "audit-export": {}, "audit-verify": {}, "token-drop": {},
    "audit": {Role.AUDITOR, Role.ADMIN}, "hidden": {Role.ADMIN},
}  # fmt: skip
OPEN = {"start"}
NOWHERE = {"style"}  # not served unless the service was started for it
VALUES = {
    "table": "Account", "record": "A40017", "plan": "20260302-010000-00000000", "at": "latest",
    "act": "cancel", "channel": "mail", "kind": "email", "name": "ada", "loss": 1, "token": 1, "text": "x",
    "alert": 1, "backup": 1,
}  # fmt: skip


def ours() -> Iterator[tuple[str, set[str]]]:
    """Names of our own addresses, and what each has in its path."""
    for one in get_resolver().url_patterns:
        if isinstance(one, URLPattern):
            assert one.name, one
            yield one.name, set(one.pattern.converters)
        else:
            assert isinstance(one, URLResolver)
            assert str(one.pattern) in {"account/", "api/v1/"}, "an include that nobody looks at"


def address(name: str, parts: set[str], **values: Any) -> str:
    return reverse(name, kwargs={part: (VALUES | values)[part] for part in parts})


@pytest.fixture
def crowd(world: World) -> World:
    """Beside "sales" there is another org, in which the strangers have their roles."""
    from unlost.catalog.orgs.orgs import ProtectedOrg, save_org

    identity = OrgIdentity("memory", "T-other", OrgKind.PRODUCTION, "Other", "UTC")
    oid = world.vault.ensure_org(identity)
    save_org(ProtectedOrg(FOREIGN, oid, identity, world.clock.now(), {"address": "none"}))
    add(world.app, "ada", role=Role.ADMIN)
    return world


def answers(client: Client, path: str) -> Iterator[int]:
    """What both methods are answered; a method that an address does not take tells nothing."""
    for ask in (client.get, client.post):
        status = ask(path).status_code
        if status != 405:
            yield status


def state(world: World) -> tuple[Any, ...]:
    """What nobody of these may change."""
    whole = world.app
    return (
        [(one.id, one.state) for one in world_runs(world)],
        schedules(whole, "sales"),
        [org.name for org in list_orgs()],
        [(one.name, one.active, one.roles) for one in list_people() if one.name == "ada"],
        len(world.vault.commits(list_orgs()[-1].oid)),
    )


def world_runs(world: World) -> Any:
    from unlost.catalog.runs.runs import list_runs

    return list_runs("sales")


@pytest.mark.parametrize("role", Role)
def test_an_org_of_others_is_not_found_by_any_address(
    crowd: World, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(role, org=FOREIGN)
    run = runs(crowd.app).runs[0].run
    before, asked, wrong = state(crowd), 0, []
    for name, parts in ours():
        if parts & {"org", "run"}:
            path = address(name, parts, org="sales", run=run)
            for status in answers(client, path):
                wrong += [(name, status)] if status != 404 else []
                asked += 1
    assert not wrong
    assert asked >= 30
    assert state(crowd) == before


@pytest.mark.parametrize("role", Role)
def test_what_is_of_the_whole_home_is_for_who_has_a_role_in_all(
    crowd: World, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(role, org=FOREIGN)
    names = {name for name, parts in ours() if not parts & {"org", "run"}}
    assert names - OPEN - NOWHERE == set(OF_HOME), "say here who may open a new address"
    before, wrong = state(crowd), []
    for name, parts in ours():
        if name in OF_HOME:
            allowed = role in OF_HOME[name]
            statuses = list(answers(client, address(name, parts)))
            assert statuses, name
            for status in statuses:
                fits = status <= 400 if allowed else status in (403, 404)  # a form may be empty
                wrong += [] if fits else [(name, status)]
    assert not wrong
    assert state(crowd) == before


def test_without_a_sign_in_every_address_asks_for_one(crowd: World) -> None:
    client = Client(SERVER_NAME="localhost")
    for name, parts in ours():
        if name in OPEN:
            continue
        path = address(name, parts, org="sales", run="r")
        for ask in (client.get, client.post):
            answer = ask(path)
            assert answer.status_code == 302, (name, answer.status_code)
            assert answer["Location"].startswith("/account/login/?next=")
