"""What a form asks for, looking before keeping, drafts, and one org at a glance."""

from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from homes import SECRET, WRITE_SECRET, World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.connecting import asks, connectors, missing
from unlost.app.actions.orgs.org_page import org_page, org_settings
from unlost.app.actions.orgs.orgs import NewOrg, keep, preview_org
from unlost.app.actions.orgs.write_access import (
    NewWriter,
    check_writer,
    set_writer,
    writer_settings,
)
from unlost.app.compose import Application
from unlost.app.orgs.connector_settings import bare, settings_of
from unlost.app.orgs.drafts import open_draft, seal_draft
from unlost.catalog.orgs.orgs import find_org, get_org
from unlost.model.access import Actor, ActorKind, Grant, Right, Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.testing.org import MemoryOrg

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")


def new(name: str = "sales", address: str = "one", secret: str = SECRET) -> NewOrg:
    return NewOrg("memory", name, {"address": address}, {"password": secret})


def acting(world: World, role: Role) -> Application:
    return world.app.acting(Actor(ActorKind.PERSON, "ada", (Grant(role),)))


class Way(StrEnum):
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Config:
    url: str = field(metadata={"label": "Address", "help": "Where it is."})
    way: Way = Way.SHORT
    tables: tuple[str, ...] = ()


def test_settings_tell_what_a_form_needs(world: World) -> None:
    connector = world.connector
    connector.config = Config
    url, way, tables = settings_of(connector)
    assert (url.label, url.help, url.required, url.default) == (
        "Address",
        "Where it is.",
        True,
        None,
    )
    assert (way.choices, bare(way.default), way.required) == (("short", "long"), "short", False)
    assert tables.several
    assert bare(tables.default) == []
    assert not way.several
    assert url.choices == ()


def test_connectors_and_what_they_ask_for(world: World) -> None:
    assert "salesforce" in connectors(world.app).names
    asked = asks(world.app, "memory")
    assert [one.name for one in asked.settings] == ["address", "speed", "quiet", "exclude"]
    assert [one.name for one in asked.secrets] == ["password", "token"]
    with pytest.raises(NotFound):
        asks(world.app, "nothing")


def test_missing_secrets_are_named_and_wrong_settings_told(world: World) -> None:
    config = {"address": "one"}
    assert missing(world.app, "memory", config, known=()).secrets == ("password",)
    assert missing(world.app, "memory", config, known=("password",)).secrets == ()
    with pytest.raises(UsageError):
        missing(world.app, "memory", {"address": "one", "speed": "fast"}, known=())


def test_a_look_tells_what_is_hidden_and_keeps_nothing(world: World) -> None:
    world.org.findings = [GAP]
    looked = preview_org(world.app, new())
    assert looked.org.gaps == 1
    assert looked.secrets == {"password": SECRET}
    assert SECRET not in repr(looked)
    assert find_org("sales") is None
    assert not world.vault.orgs()
    kept = keep(world.app, new())
    assert get_org("sales").oid == kept.oid
    assert world.app.secrets(kept.oid).get("password") == SECRET


def test_a_look_at_an_org_with_another_name_is_refused(sales: World) -> None:
    with pytest.raises(Conflict) as caught:
        preview_org(sales.app, new("again"))
    assert caught.value.code == "org-already-protected"


def test_an_org_that_turned_into_another_one_is_not_kept(sales: World) -> None:
    sales.connector.orgs["two"] = MemoryOrg(sales.clock, tenant="T-2", label="Other")
    with pytest.raises(Conflict):
        keep(sales.app, new(address="two"))
    assert get_org("sales").config["address"] == "one"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RESTORER, Role.AUDITOR])
def test_connecting_is_for_who_manages_the_home(sales: World, role: Role) -> None:
    app = acting(sales, role)
    for refused in (
        lambda: connectors(app),
        lambda: asks(app, "memory"),
        lambda: missing(app, "memory", {}, known=()),
        lambda: preview_org(app, new()),
        lambda: keep(app, new()),
        lambda: org_settings(app, "sales"),
        lambda: writer_settings(app, "sales"),
        lambda: check_writer(app, "sales"),
    ):
        with pytest.raises(NotAllowed) as caught:
            refused()
        assert caught.value.code == "not-permitted"


def test_drafts_open_only_where_they_lay(world: World) -> None:
    sealed = seal_draft(world.app, {"password": SECRET}, place="ada/connect")
    assert SECRET not in sealed
    assert open_draft(world.app, sealed, place="ada/connect") == {"password": SECRET}
    assert open_draft(world.app, sealed, place="bob/connect") == {}
    assert open_draft(world.app, "no draft", place="ada/connect") == {}


def test_one_org_at_a_glance(sales: World) -> None:
    before = org_page(sales.app, "sales")
    assert (before.nights, before.proof, before.tables, before.snapshot_count) == ((), None, (), 0)
    sales.org.findings = [GAP]
    for _ in range(2):
        backup(sales.app, "sales")
        sales.clock.advance(days=1)
    page = org_page(sales.app, "sales")
    assert [night.number for night in page.nights] == [2, 1]
    assert page.findings == (GAP,)
    assert [line.table for line in page.tables][:2] == ["Account", "User"]
    assert page.rights == frozenset(Right)
    assert not page.writer
    assert page.calls.share == 50
    assert org_page(acting(sales, Role.AUDITOR), "sales").rights == {Right.LOOK, Right.AUDIT}


def test_settings_of_an_org_tell_which_secrets_are_kept(sales: World) -> None:
    settings = org_settings(sales.app, "sales")
    assert settings.config["address"] == "one"
    assert settings.secrets == {"password"}


def test_a_write_identity_keeps_only_what_differs(sales: World) -> None:
    assert not writer_settings(sales.app, "sales").present
    with pytest.raises(NotAllowed) as caught:
        check_writer(sales.app, "sales")
    assert caught.value.code == "writer-missing"
    set_writer(sales.app, NewWriter("sales", {"speed": 5}, {"password": WRITE_SECRET}))
    settings = writer_settings(sales.app, "sales")
    assert settings.present
    assert settings.config["speed"] == 5
    assert settings.secrets == {"password"}
    backup(sales.app, "sales")
    checked = check_writer(sales.app, "sales")
    assert (checked.tables, checked.missing, checked.known_before) == (3, (), True)


def test_the_backup_user_is_named_when_it_is_made_the_write_user(sales: World) -> None:
    new = NewWriter("sales", {}, {"password": WRITE_SECRET})
    assert not set_writer(sales.app, new).is_backup_user
    sales.connector.backup_user = sales.connector.writer("one").user
    assert set_writer(sales.app, new).is_backup_user
