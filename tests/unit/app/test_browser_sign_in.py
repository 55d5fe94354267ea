"""Signing in to an org by browser: what binds the return to its start, and where secrets may go."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from fakes.browser_sign_in import FakeBrowser, with_browser
from homes import SECRET, WRITE_SECRET, World
from scenes import with_sales
from unlost.app.actions.orgs.browser_sign_in import OrgUser, finish_sign_in, start_sign_in
from unlost.app.actions.orgs.orgs import NewOrg
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.orgs.sign_in_state import (
    SIGN_IN_LIFETIME,
    SignInReply,
    StartedSignIn,
    challenge_of,
    check_reply,
)
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import NotAllowed, UsageError

REDIRECT = "https://unlost.example/connect/callback/"
NEW = NewOrg("memory", "shop", {"address": "one", "method": "browser"}, {"token": "typed"})
KNOWN = replace(NEW, name="sales", secrets={})


@pytest.fixture
def browser(world: World) -> FakeBrowser:
    return with_browser(world.connector)


def started(world: World, new: NewOrg = NEW) -> StartedSignIn:
    return start_sign_in(world.app, new, redirect=REDIRECT)


def test_the_address_carries_the_state_and_the_challenge_but_no_secret(
    world: World, browser: FakeBrowser
) -> None:
    first, second = started(world), started(world)
    query = dict(parse_qsl(urlsplit(first.address).query))
    assert query == {
        "state": first.state, "challenge": challenge_of(first.verifier), "redirect": REDIRECT,
    }  # fmt: skip
    assert first.verifier not in first.address
    assert len(first.verifier) >= 43
    assert {first.state, first.verifier}.isdisjoint({second.state, second.verifier})


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_becomes_the_secrets_of_the_org_and_nothing_is_stored(
    world: World, browser: FakeBrowser
) -> None:
    begun = started(world)
    reply = SignInReply(**browser.allow(begun.address))
    done = finish_sign_in(world.app, NEW, started=begun, reply=reply)
    assert done.secrets == {"password": SECRET, "token": "typed"}
    (answer,) = browser.redeemed
    assert (answer.redirect, answer.verifier) == (REDIRECT, begun.verifier)


def test_a_code_is_used_once(world: World, browser: FakeBrowser) -> None:
    begun = started(world)
    reply = SignInReply(**browser.allow(begun.address))
    finish_sign_in(world.app, NEW, started=begun, reply=reply)
    with pytest.raises(NotAllowed) as caught:
        finish_sign_in(world.app, NEW, started=begun, reply=reply)
    assert caught.value.code == "memory-code"


def test_a_code_of_another_sign_in_is_worth_nothing(world: World, browser: FakeBrowser) -> None:
    begun, other = started(world), started(world)
    stolen = browser.allow(other.address) | {"state": begun.state}
    with pytest.raises(NotAllowed) as caught:
        finish_sign_in(world.app, NEW, started=begun, reply=SignInReply(**stolen))
    assert caught.value.code == "memory-code"


@pytest.mark.parametrize("state", ["", "another", "ü"])
def test_another_state_is_refused_before_the_code_is_sent(
    world: World, browser: FakeBrowser, state: str
) -> None:
    with pytest.raises(NotAllowed) as caught:
        finish_sign_in(world.app, NEW, started=started(world), reply=SignInReply(state, "code"))
    assert caught.value.code == "sign-in-foreign"
    assert browser.redeemed == []


@pytest.mark.parametrize(
    ("later", "code"),
    [
        (timedelta(0), None),
        (SIGN_IN_LIFETIME, None),
        (SIGN_IN_LIFETIME + timedelta(seconds=1), "sign-in-late"),
        (timedelta(seconds=-1), "sign-in-late"),  # the clock was set back
    ],
)
def test_a_sign_in_lasts_ten_minutes(
    world: World, browser: FakeBrowser, later: timedelta, code: str | None
) -> None:
    begun = started(world)
    reply, now = SignInReply(begun.state, "code"), begun.started_at + later
    if code is None:
        check_reply(begun, reply, now=now)
        return
    with pytest.raises(NotAllowed) as caught:
        check_reply(begun, reply, now=now)
    assert caught.value.code == code


def test_a_denial_is_an_error_with_its_reason(world: World, browser: FakeBrowser) -> None:
    begun = started(world)
    reply = SignInReply(begun.state, error="access_denied")
    with pytest.raises(NotAllowed) as caught:
        finish_sign_in(world.app, NEW, started=begun, reply=reply)
    assert caught.value.code == "memory-denied"


def test_a_connector_without_browser_says_so(world: World) -> None:
    with pytest.raises(UsageError) as caught:
        started(world, NewOrg("memory", "shop", {"address": "one"}))
    assert caught.value.code == "sign-in-no-browser"


# --- stored secrets ------------------------------------------------------------------------------


def signed_in(world: World, browser: FakeBrowser, new: NewOrg, **more: OrgUser) -> str:
    """Sign in; returns the stored secret that went to the login host."""
    begun = started(world, new)
    reply = SignInReply(**browser.allow(begun.address))
    finish_sign_in(world.app, new, started=begun, reply=reply, **more)
    return browser.seen[-1]["token"]


def test_a_stored_secret_goes_only_to_the_address_that_it_was_given_for(
    world: World, browser: FakeBrowser
) -> None:
    with_sales(world)
    org = get_org("sales")
    world.app.secrets(org.oid).put("token", "stored")
    assert signed_in(world, browser, KNOWN) == "stored"
    moved = replace(KNOWN, config={"address": "two", "method": "browser"})
    assert signed_in(world, browser, moved) == ""
    assert signed_in(world, browser, replace(KNOWN, secrets={"token": "typed"})) == "typed"


def test_the_write_user_has_secrets_of_its_own(world: World, browser: FakeBrowser) -> None:
    with_sales(world)
    org = get_org("sales")
    world.app.secrets(org.oid).put("token", "of the backup user")
    assert signed_in(world, browser, KNOWN, user=OrgUser.WRITE) == ""
    set_writer(world.app, NewWriter("sales", {}, {"password": WRITE_SECRET, "token": "its own"}))
    assert signed_in(world, browser, KNOWN, user=OrgUser.WRITE) == "its own"
