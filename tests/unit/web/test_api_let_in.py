"""Every operation of the API × every role × an org of others: made from the table of operations."""

import dataclasses
import inspect
import json
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from django.test import Client

from homes import SECRET, WRITE_SECRET, World, fill
from unit.app.shop import CUSTOMER, Shop
from unit.web.test_let_in import FOREIGN, crowd, state
from unlost.app import actions
from unlost.app.access import ACTIONS, UserAction, Where
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.people import sso
from unlost.app.actions.people.people import add, edit, forget_factors
from unlost.app.actions.people.tokens import make
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import runs
from unlost.app.operations import BYTES, OPERATIONS, ApiOperation, Method, as_path, hints
from unlost.catalog.people.audit import newest
from unlost.catalog.people.tokens import actor_of_token
from unlost.model.access import RIGHTS, Role
from unlost.model.errors import NotAllowed
from unlost.testing.org import MemoryOrg

assert crowd  # a fixture
SSO = sso.NewProvider(name="own", title="", issuer="https://i.example", client_id="c", secret="s")
WORDS: Mapping[str, Any] = {
    "org": "sales", "table": "Account", "record": "A40017", "plan": "20260302-010000-00000000",
    "at": "latest", "token": 999, "alert": 999, "backup": 999, "silence": 999, "key": "night-failed:x", "column": "Account.Phone",
}  # fmt: skip
# Asked about one org, these are not told by it; and what is of nobody is everybody's.
ITSELF = {"alert.acknowledge", "alert.show"}
EVERYWHERE = {"restore.approvals", "restore.waiting", "home.overview", "org.list", "run.list", "run.page", "alert.list",
              "keep.show", "schedule.show", "record.find", "vault.show", "token.list", "token.drop", "loss.first",
              "search.list", "search.open", "search.save", "search.drop", "watch.list"}  # fmt: skip


# What a token was made for counts as its owner's role does.
KINDS = [*((role, True) for role in Role), (Role.VIEWER, False), (Role.RESTORER, False)]


def sample(kind: Any) -> Any:
    """A value of a type, the simplest."""
    if dataclasses.is_dataclass(kind):
        needed = [one for one in dataclasses.fields(kind) if _is_needed(one)]
        types = get_type_hints(kind)
        return {one.name: WORDS.get(one.name, sample(types[one.name])) for one in needed}
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if type(None) in get_args(kind):
        return None
    origin = get_origin(kind) or kind
    if origin is Mapping:
        return {}
    return {str: "x", int: 1, float: 1.0, bool: False}.get(origin, [])


def _is_needed(one: dataclasses.Field[Any]) -> bool:
    nothing = dataclasses.MISSING
    return one.default is nothing and one.default_factory is nothing


def ask(
    client: Client,
    operation: ApiOperation,
    headers: Mapping[str, str],
    *,
    body: bytes = b"",
    **more: Any,
) -> Any:
    """The answer to an operation with the simplest values."""
    words = {"run": "restore-none", "name": "nobody", **WORDS, **more}
    types = hints(operation.call)
    told = {
        name: words.get(name, sample(types[name]))
        for name, one in operation.parameters.items()
        if name in more or operation.in_path(name) or one.default is inspect.Parameter.empty
    }
    parts = {name: as_path(value) for name, value in told.items()}
    path = f"/api/v1{operation.path.format(**parts)}"
    left = {name: told[name] for name in operation.free_parameters if name in told}
    if operation.method is Method.GET:
        return client.get(path, left, headers=dict(headers))
    content = left[operation.free_parameters[0]] if operation.alone else left
    sent = body or b"{}" if operation.takes else json.dumps(content).encode()
    media = BYTES if operation.takes else "application/json"
    return client.generic(operation.method.value, path, sent, media, headers=dict(headers))


# They cover all orgs of the actor unless one is named.
OF_ALL_ORGS = {
    "audit.list", "loss.list", "vault.compact", "vault.confirm", "vault.pending",
}  # fmt: skip


def about(operation: ApiOperation, run: str) -> dict[str, str]:
    """The run that is there, and the org where an operation could do without one."""
    return (
        {"run": run}
        if "{run}" in operation.path
        else {"org": "sales"}
        if operation.action in OF_ALL_ORGS
        else {}
    )


def code(answer: Any) -> str:
    if answer.status_code == 200:
        return ""
    return str(answer.json()["error"]["code"])


def action(operation: ApiOperation) -> UserAction:
    assert operation.call
    return ACTIONS[operation.action]


def bearer(
    world: World, role: Role, *, org: str | None = None, bound: bool = False
) -> dict[str, str]:
    """A token of somebody with this role; or of an admin, made for this role alone."""
    owner = add(
        world.app, f"{role.value}-x", role=Role.ADMIN if bound else role, org=None if bound else org
    )
    made = make(
        world.app,
        "t",
        role=role if bound else Role.ADMIN,
        owner=owner.name,
        org=org if bound else None,
    )
    return {"Authorization": f"Bearer {made.text}"}


@pytest.fixture
def client() -> Client:
    return Client(SERVER_NAME="localhost", raise_request_exception=False)


@pytest.mark.parametrize(("role", "bound"), KINDS)
def test_each_operation_is_for_who_has_its_right(
    world: World, client: Client, role: Role, bound: bool
) -> None:
    headers, wrong = bearer(world, role, bound=bound), []
    run = runs(world.app).runs[0].run
    for operation in OPERATIONS:
        known = action(operation)
        answer = ask(client, operation, headers, **about(operation, run))
        content = b"".join(answer) if answer.streaming else answer.content
        assert SECRET.encode() not in content, operation.action
        refused = code(answer) == "not-permitted"
        if refused is (known.right in RIGHTS[role]) or answer.status_code in (401, 422, 500):
            wrong.append((operation.action, answer.status_code, code(answer)))
    assert not wrong


@pytest.mark.parametrize(("role", "bound"), KINDS)
def test_an_org_of_others_is_not_there_for_any_operation(
    crowd: World,
    client: Client,
    role: Role,
    bound: bool,
) -> None:
    headers = bearer(crowd, role, org=FOREIGN, bound=bound)
    run, wrong, asked = runs(crowd.app).runs[0].run, [], 0
    before = state(crowd)
    for operation in OPERATIONS:
        known = action(operation)
        if operation.takes or operation.action in EVERYWHERE | ITSELF:
            continue
        answer = ask(client, operation, headers, **about(operation, run))
        expected = (403, "not-permitted") if known.where is Where.HOME else (404, None)
        if not (answer.status_code == expected[0] and expected[1] in (None, code(answer))):
            wrong.append((operation.action, answer.status_code, code(answer)))
        asked += 1
    assert not wrong
    assert asked > 60
    assert state(crowd) == before


# What a token cannot do, or a program has no use for.
NOT_OFFERED = {
    "backup.run": "the service does it: backup.ask",
    "connector.asks": "the types of the settings are for forms",
    "connector.missing": "org.add says what is missing",
    "org.start-sign-in": "a person signs in, with the console that the org's page leads back to",
    "org.finish-sign-in": "a person signs in, with the console that the org's page leads back to",
    "data.export": "it writes files of the machine where it runs",
    "data.sql": "it runs where the vault is",
    "file.read": "file.open gives the bytes",
    "vault.copy": "it writes to places that the machine reaches",
    "vault.repair": "it reads from places that the machine reaches, and takes its time",
    "salvage.plan": "it reads all of the vault, and stands beside the store",
    "salvage.run": "it gives up what is damaged for ever: whoever stands beside the store decides that",
    "mirror.set": "it writes to places that the machine reaches",
    "mirror.off": "who has the machine says where copies of everything lie",
    "mirror.run": "it takes its time: mirror.ask has the service do it",
    "home.doctor": "it looks at the machine",
    "home.first-admin": "it needs the home's machine",
    "home.first-link": "it needs the home's machine",
    "key.add": "keys are where the home is",
    "key.list": "keys are where the home is",
    "key.remove": "keys are where the home is",
    "key.rekey": "keys are where the home is",
    "key.renew": "keys are where the home is",
    "key.replace": "keys are where the home is",
    "key.sheet": "keys are where the home is",
    "key.test": "keys are where the home is",
    "org.ask-look": "org.add looks and keeps",
    "org.do-look": "org.add looks and keeps",
    "org.drop-look": "org.add looks and keeps",
    "org.keep": "org.add looks and keeps",
    "org.look": "it gives renewed secrets back, to be kept a moment later",
    "org.look-state": "it gives renewed secrets back, to be kept a moment later",
    "person.edit": "a token cannot manage access for people",
    "person.factors": "a token cannot manage access for people",
    "privacy.export": "privacy.download gives the bytes",
    "record.list-save": "record.list-csv, record.list-json and record.list-zip give the bytes",
    "profile.set": "tokens have no profile",
    "record.clear-ticks": "ticks are of pages: restore.choose takes all records at once",
    "record.tick": "ticks are of pages: restore.choose takes all records at once",
    "record.tick-all": "ticks are of pages: restore.choose takes a list at once",
    "record.ticks": "ticks are of pages: restore.choose takes all records at once",
    "record.untick": "ticks are of pages: restore.choose takes all records at once",
    "restore.preview": "restore.groups, restore.people and mass.columns",
    "restore.diff": "restore.diff-stored compares plans of the console",
    "restore.plan": "restore.choose, restore.make and restore.file",
    "restore.plan-take-back": "restore.take-back-user, restore.make and restore.file",
    "restore.resume": "the service does it: run.go-on",
    "restore.retry": "restore.choose",
    "restore.run": "the service does it: restore.start, restore.hand-over",
    "shred.plan": "it is done where the vault is",
    "shred.run": "it is done where the vault is",
    "sso.add": "a token cannot manage access for people",
    "sso.add-saml": "a token cannot manage access for people",
    "token.make": "a token cannot create tokens",
}


def test_each_action_is_offered_or_it_is_said_why_not() -> None:
    for module in walk_packages(actions.__path__, f"{actions.__name__}."):
        import_module(module.name)
    assert set(ACTIONS) - {one.action for one in OPERATIONS} == set(NOT_OFFERED)


@pytest.mark.parametrize(
    "act",
    [
        lambda app: edit(app, "ada", full_name="", email="me@evil.example"),
        lambda app: forget_factors(app, "ada"),
        lambda app: sso.add(app, SSO),
        lambda app: sso.add_saml(app, sso.NewSaml(name="saml", metadata="x")),
    ],
    ids=["address", "factors", "openid", "saml"],
)
def test_a_token_makes_no_way_in_that_outlives_it(world: World, act: Any) -> None:
    """Also where an operation for it were added one day."""
    add(world.app, "ada", role=Role.ADMIN)
    text = make(world.app, "t", role=Role.ADMIN, owner="ada").text
    actor = actor_of_token(text, at=world.clock.now())
    assert actor is not None
    with pytest.raises(NotAllowed) as failed:
        act(world.app.acting(actor))
    assert failed.value.code == "token-people"


def test_without_a_token_no_operation_answers(world: World, client: Client) -> None:
    assert {ask(client, one, {}).status_code for one in OPERATIONS} == {401}


@pytest.fixture
def stranger(shop: Shop) -> dict[str, str]:
    """Who restores in another org, which can be written to as well."""

    world = shop.world
    world.connector.orgs["two"] = other = MemoryOrg(world.clock, tenant="T-2", label="Other")
    fill(other)
    add_org(world.app, NewOrg("memory", FOREIGN, {"address": "two"}, {"password": SECRET}))
    set_writer(world.app, NewWriter(FOREIGN, {}, {"password": WRITE_SECRET}))
    return bearer(world, Role.RESTORER, org=FOREIGN)


def by_name(name: str) -> ApiOperation:
    return next(one for one in OPERATIONS if one.action == name)


def test_a_plan_file_of_an_org_of_others_is_not_taken(
    shop: Shop, client: Client, stranger: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    make_plan(shop.app, PlanRequest("sales", (f"Account/{CUSTOMER}",)), out)
    taking = [one for one in OPERATIONS if one.path.startswith("/plan-files/")]
    assert len(taking) == 4
    for name in (one.action for one in taking):
        answer = ask(client, by_name(name), stranger, body=out.read_bytes())
        assert (answer.status_code, code(answer)) == (404, "org-unknown")
    assert not [line for line in runs(shop.app).runs if line.run.startswith("restore")]


def test_a_restore_of_others_is_not_planned_again_in_ones_own_org(
    shop: Shop, client: Client, stranger: dict[str, str]
) -> None:
    """The run is named in the body, where no action looks whether its org may be seen."""
    run = shop.run(shop.whole_plan()).run
    wanted = {"request": {"org": FOREIGN}, "retry": run}
    answer = ask(client, by_name("restore.choose"), stranger, org=FOREIGN, wanted=wanted)
    assert (answer.status_code, code(answer)) == (404, "run-unknown")
    wanted = {"request": {"org": "sales", "records": ["Account/A40018"]}}
    answer = ask(client, by_name("restore.choose"), stranger, org=FOREIGN, wanted=wanted)
    assert answer.status_code == 200, answer.content
    assert answer.json()["wanted"]["request"]["org"] == FOREIGN, "the address says whose it is"


def test_what_is_done_over_the_api_is_in_the_audit(shop: Shop, client: Client) -> None:
    headers = bearer(shop.world, Role.RESTORER)
    ask(client, by_name("file.open"), headers, record=shop.paper)
    ask(client, by_name("record.lost"), headers)
    ask(client, by_name("restore.drop"), headers)
    deeds = [one.deed for one in newest(most=3)]
    assert [(deed.act, deed.kind.value, deed.org, deed.outcome) for deed in deeds] == [
        ("restore.drop", "token", "sales", "plan-unknown"),
        ("record.lost", "token", "sales", "done"),
        ("file.open", "token", "sales", "done"),
    ]
