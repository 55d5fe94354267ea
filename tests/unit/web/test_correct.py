"""A wrong value is corrected in the console: chosen, planned, agreed to, done, and proved."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unit.web.test_privacy import text_of
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Role
from unlost.web.parts import background

RECORD = "/orgs/sales/records/Account/A40017/"
PAGE = f"{RECORD}correct/"
WRONG, RIGHT = "+41 2", "+41 22 700"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A correction is done before the answer, and not in a thread beside."""
    monkeypatch.setattr(background, "begin", lambda work: work())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is to be done beside, once it is called."""
    left: list[Any] = []
    monkeypatch.setattr(background, "begin", left.append)
    return left


def with_phones(world: World) -> None:
    """The phone changes on two days."""
    live(world)
    for phone in ("+41 1", WRONG):
        world.clock.advance(days=1)
        world.org.update("Account", "A40017", {"Phone": phone})
        backup(world.app, "sales")


wrong_phone = scene(with_phones)


@pytest.fixture
def admin(world: World, sign_in: SignIn, wrong_phone: Lead) -> Iterator[Client]:
    with goes_on(world, wrong_phone):
        yield sign_in()


def hidden(told: str) -> dict[str, Any]:
    """What the form that corrects would send."""
    form = told[told.index('name="plan"') - 50 :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def phones(world: World) -> set[str | None]:
    versions = world.app.whole_vault.history(get_org("sales").oid, "Account", "A40017")
    return {version.cells.get("Phone") for version in versions}


def test_every_version_gets_the_right_value(admin: Client, world: World, at_once: None) -> None:
    told = text_of(admin.get(PAGE))
    assert WRONG in told
    assert "Preview of the correction" not in told.split("<form")[0]
    told = text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT}))
    assert "The org itself has another value." in told
    assert re.search(r"Correct \d+ versions in all backups of sales", told)
    sent = hidden(told)
    told = text_of(admin.post(f"{PAGE}all/", sent | {"typed": "Sales"}), 400)
    assert "This is not the name of the org." in told
    told = text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}, follow=True))
    assert re.search(r"\d+ versions were corrected\.", told)
    assert "Account.Phone" in told  # the proof
    assert phones(world) == {RIGHT}
    told = text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT}))
    assert "No version has a different value." in told
    assert "corrects" not in told


def test_only_the_wrong_value_is_replaced_where_that_was_asked_for(
    admin: Client, world: World, at_once: None
) -> None:
    before = phones(world)
    asked = {"column": "Phone", "value": RIGHT, "limited": "on", "was": "+41 1"}
    sent = hidden(text_of(admin.post(PAGE, asked)))
    assert (sent["limited"], sent["was"]) == ("on", "+41 1")
    text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}, follow=True))
    assert phones(world) == before - {"+41 1"} | {RIGHT}


def test_a_field_is_emptied(admin: Client, world: World, at_once: None) -> None:
    sent = hidden(text_of(admin.post(PAGE, {"column": "Phone", "value": ""})))
    text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}, follow=True))
    assert phones(world) == {None}


def test_something_else_than_the_plan_is_not_corrected(admin: Client, at_once: None) -> None:
    sent = hidden(text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT})))
    told = text_of(
        admin.post(f"{PAGE}all/", sent | {"plan": "other", "typed": "sales"}, follow=True)
    )
    assert "would be corrected now" in told


def test_what_cannot_be_corrected_says_why(admin: Client, world: World) -> None:
    assert "errorlist" in text_of(admin.post(PAGE, {"column": "Nonsense", "value": "x"}), 400)
    hold(world.app, "sales", HoldRequest(record="Account/A40017"))
    told = text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT}), 400)
    assert "held" in told
    assert 'name="plan"' not in told


def test_while_it_is_done_no_other_begins(admin: Client, later: list[Any]) -> None:
    sent = hidden(text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT})))
    told = text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}, follow=True))
    assert "Values are being corrected" in told
    told = text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}), 400)
    assert "are being erased or corrected" in told
    (work,) = later
    work()
    told = text_of(admin.get("/orgs/sales/privacy/", headers={"HX-Request": "true"}), 286)
    assert "were corrected" in told


def test_it_is_for_admins(admin: Client, sign_in: SignIn) -> None:
    assert PAGE in text_of(admin.get(RECORD))
    for role in (Role.VIEWER, Role.OPERATOR, Role.RESTORER):
        client = sign_in(role, org="sales")
        assert PAGE not in text_of(client.get(RECORD))
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}all/", {}).status_code == 403


def test_the_wrong_value_alone_limits_nothing_so_the_tick_is_asked_for(admin: Client) -> None:
    told = text_of(admin.post(PAGE, {"column": "Phone", "value": RIGHT, "was": "+41 1"}), 400)
    assert "Check this box, or leave the wrong value empty." in told
    assert 'name="plan"' not in told


def test_the_plan_shows_what_will_be_written(admin: Client) -> None:
    asked = {"column": "Phone", "value": RIGHT, "limited": "on", "was": "+41 1"}
    told = text_of(admin.post(PAGE, asked))
    assert re.search(rf"New value</dt><dd>.*{re.escape(RIGHT)}", told)
    assert re.search(r"Only where the value is</dt><dd>.*\+41 1", told)
    told = text_of(admin.post(PAGE, {"column": "Phone", "value": ""}))
    assert "empty: the value is removed" in told


def test_a_text_of_several_lines_is_found_whatever_ends_its_lines(
    admin: Client, world: World, at_once: None
) -> None:
    for wrong, right in (("a\r\nb", "c\r\nd"), ("e\nf", "g\nh")):
        world.clock.advance(seconds=1800)  # the admin stays signed in
        world.org.update("Account", "A40017", {"Phone": wrong})
        backup(world.app, "sales")
        browser = {one: "\r\n".join(one.splitlines()) for one in (wrong, right)}
        asked = {"column": "Phone", "value": browser[right], "limited": "on", "was": browser[wrong]}
        sent = hidden(text_of(admin.post(PAGE, asked))) | {
            "value": browser[right],
            "was": browser[wrong],
        }
        text_of(admin.post(f"{PAGE}all/", sent | {"typed": "sales"}, follow=True))
        assert wrong not in phones(world)
        assert right in phones(world)
