"""People come in: with a password, a second factor, a passkey and their company's sign-in."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.conftest import Console, Visit
from browser.people import (
    added,
    api,
    code,
    free_port,
    heading,
    is_in,
    is_out,
    next_code,
    proved,
    sign_in,
    sign_out,
    time_to_type,
    virtual_key,
)
from browser.saml_provider import saml_provider
from browser.test_pages import PHONE, WIDE, unfit
from browser.visitor import Visitor
from unit.web.idp import metadata
from unlost.model.access import LOCKED_AFTER

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".browser" / "node_modules"
type Stranger = Callable[[], Visitor]


@pytest.fixture
def stranger(visit: Visit, console: Console) -> Stranger:
    """Somebody in a fresh browser. It names the machine: passkeys belong to names, not to addresses."""

    def made() -> Visitor:
        visitor = visit(storage_state=None)
        visitor.url = console.url.replace("127.0.0.1", "localhost")
        return visitor

    return made


def test_a_password_opens_and_signing_out_closes(console: Console, stranger: Stranger) -> None:
    tom = stranger()
    added(console, tom, "tom")
    sign_out(tom)
    sign_in(tom, "tom", "not his password")
    assert "not correct" in tom.page.get_by_role("main").inner_text()
    sign_in(tom, "tom")
    is_in(tom)
    sign_out(tom)
    tom.page.go_back()  # nothing that was shown is kept by the browser
    assert not tom.page.get_by_role("searchbox").is_visible()


def test_an_authenticator_app_and_a_recovery_code(console: Console, stranger: Stranger) -> None:
    ada = stranger()
    added(console, ada, "ada")
    proved(ada, "/account/2fa/totp/activate/")
    ada.page.get_by_text("No camera?").click()
    secret = ada.page.locator("main details p").inner_text().strip()
    used = time_to_type(ada)
    ada.type(ada.page.locator("#id_code"), code(secret, used))
    ada.send()
    ada.open("/account/2fa/recovery-codes/")
    codes = ada.page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10

    sign_out(ada)
    sign_in(ada, "ada")
    assert heading(ada) == "Your second factor"
    used = time_to_type(ada)
    ada.type(ada.page.locator("#id_code"), code(secret, used))
    ada.send()
    is_in(ada)
    sign_out(ada)
    sign_in(ada, "ada")
    ada.type(ada.page.locator("#id_code"), code(secret, used))  # it counts once
    ada.send()
    assert heading(ada) == "Your second factor"
    ada.type(ada.page.locator("#id_code"), next_code(ada, secret, used))
    ada.send()
    is_in(ada)

    for lets_in in (True, False):  # a recovery code does so once
        sign_out(ada)
        sign_in(ada, "ada")
        ada.type(ada.page.locator("#id_code"), codes[0])
        ada.send()
        if lets_in:
            is_in(ada)
    assert heading(ada) == "Your second factor"
    is_out(ada)


def test_a_passkey_needs_no_password(console: Console, stranger: Stranger) -> None:
    ida = stranger()
    key = virtual_key(ida)
    added(console, ida, "ida")
    proved(ida, "/account/2fa/webauthn/add/")
    ida.type(ida.page.get_by_label("Name", exact=True), "laptop")
    passwordless = ida.page.get_by_role("checkbox")
    if not passwordless.is_checked():
        ida.tick(passwordless)
    ida.press(ida.page.get_by_role("button", name="Add it"))
    ida.open("/account/2fa/webauthn/")
    row = ida.page.get_by_role("row", name="laptop")
    assert "passkey" in row.inner_text()

    sign_out(ida)
    ida.open("/account/login/")
    ida.press(ida.page.get_by_role("button", name="Sign in with a passkey"))
    is_in(ida)
    sign_out(ida)
    key.send("WebAuthn.disable")  # the device is gone
    sign_in(ida, "ida")
    assert heading(ida) == "Your second factor"
    is_out(ida)


def test_too_many_wrong_passwords_lock_a_name_until_it_is_unlocked(
    console: Console, stranger: Stranger
) -> None:
    mia = stranger()
    added(console, mia, "mia")
    sign_out(mia)
    with mia.expecting(429):
        for _ in range(LOCKED_AFTER):
            sign_in(mia, "mia", "a guess")
        assert heading(mia) == "Temporarily locked"
        assert "unlost user unlock NAME" in mia.page.get_by_role("main").inner_text()
        sign_in(mia, "mia")  # the right one does not help now
        assert heading(mia) == "Temporarily locked"
    assert "mia" in console.unlost("user", "locked")
    console.unlost("user", "unlock", "mia")
    sign_in(mia, "mia")
    is_in(mia)


def test_who_is_removed_is_out_with_the_next_request(console: Console, stranger: Stranger) -> None:
    max_ = stranger()
    added(console, max_, "max")
    made = json.loads(console.unlost("token", "add", "report", "--owner", "max", "--json"))
    assert api(console, made["text"]).status_code == 200
    max_.open("/orgs/")
    console.unlost("user", "remove", "max")
    assert api(console, made["text"]).status_code == 401
    is_out(max_)
    console.unlost("user", "reactivate", "max")
    is_out(max_)  # what was ended stays ended
    sign_in(max_, "max")
    is_in(max_)


def test_sessions_end_one_by_one_and_all_others_at_once(
    console: Console, stranger: Stranger
) -> None:
    here, *others = (stranger() for _ in range(4))
    added(console, here, "eva")
    for other in others:
        sign_in(other, "eva")
        is_in(other)
    here.open("/account/sessions/")
    ends = here.page.get_by_role("button", name="End the session at")
    assert ends.count() == len(others)
    here.press(ends.first)
    assert "The session was ended" in here.page.locator("body").inner_text()
    assert here.page.get_by_role("button", name="End the session at").count() == 2
    is_out(others[0])  # sessions are listed in the order of their sign-ins
    others[1].open("/")
    is_in(others[1])
    here.open("/account/sessions/")
    here.press(here.page.get_by_role("button", name="End all other sessions"))
    for other in others:
        is_out(other)
    here.open("/")
    is_in(here)


@pytest.fixture
def acme(console: Console, tmp_path: Path) -> Iterator[str]:
    """A provider of OpenID Connect at an origin, and even a site, of its own."""
    port, ours = free_port(), console.url.replace("127.0.0.1", "localhost")
    process = subprocess.Popen(
        ["node", HERE / "provider.mjs", MODULES, str(port), f"{ours}/account/sso/acme/callback/"],
        env=os.environ | {"NODE_NO_WARNINGS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    while "ready" not in (line := process.stdout.readline()):
        assert line or process.poll() is None, "the provider did not start"
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-the-provider")
    issuer = f"http://127.0.0.1:{port}"
    try:
        console.unlost(
            "sso", "add", "acme", "--issuer", issuer, "--client-id", "console",
            "--secret-file", str(secret), "--title", "Acme",
        )  # fmt: skip
        yield issuer
        console.unlost("sso", "remove", "acme")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def by_acme(visitor: Visitor, issuer: str, address: str) -> None:
    """Sign in at the company's page, and come back."""
    visitor.open("/account/login/")
    visitor.press(visitor.page.get_by_role("button", name="Sign in with Acme"))
    visitor.page.wait_for_url(re.compile(re.escape(issuer)))
    visitor.type(visitor.page.get_by_label("Address"), address)
    visitor.send()


def test_the_company_signs_people_in_whom_an_admin_added(
    console: Console, stranger: Stranger, acme: str
) -> None:
    console.unlost("user", "add", "zoe", "--role", "viewer", "--email", "zoe@acme.example")
    zoe = stranger()
    by_acme(zoe, acme, "Zoe@acme.example")
    is_in(zoe)
    sign_out(zoe)
    zoe.open("/account/login/")  # the company still knows her, and asks nothing
    zoe.press(zoe.page.get_by_role("button", name="Sign in with Acme"))
    is_in(zoe)

    for address, told in (
        ("nobody@acme.example", "No Unlost admin has added this address"),
        ("unverified-zoe@acme.example", "does not say that your e-mail address is verified"),
    ):
        other = stranger()
        with other.expecting(403):
            by_acme(other, acme, address)
        assert heading(other) == "You cannot sign in yet"
        assert told in other.page.get_by_role("main").inner_text()
        is_out(other)
    noted = console.unlost("audit", "list", "--actor", "nobody@acme.example")
    assert "sign-in-uninvited" in noted

    console.unlost("user", "remove", "zoe")
    is_out(zoe)
    zoe.press(zoe.page.get_by_role("button", name="Sign in with Acme"))
    assert "removed you" in zoe.page.get_by_role("main").inner_text()


@pytest.fixture
def saml(console: Console, tmp_path: Path) -> Iterator[str]:
    """A SAML identity provider at a site of its own: its answer comes from there by POST."""
    described = tmp_path / "metadata.xml"
    with saml_provider() as place:
        described.write_text(metadata(sign_in=place))
        console.unlost(
            "sso",
            "add-saml",
            "nano",
            "--metadata",
            str(described),
            "--title",
            "Nano",
            "--trust-emails",
        )
        yield place
        console.unlost("sso", "remove", "nano")


def by_nano(visitor: Visitor, place: str, address: str) -> None:
    visitor.open("/account/login/")
    visitor.press(visitor.page.get_by_role("button", name="Sign in with Nano"))
    visitor.page.wait_for_url(re.compile(re.escape(place)))
    visitor.type(visitor.page.get_by_label("Address"), address)
    visitor.send()
    visitor.press(visitor.page.get_by_role("button", name="Back to Unlost"))


def test_the_company_signs_people_in_by_saml(
    console: Console, stranger: Stranger, saml: str
) -> None:
    console.unlost("user", "add", "uma", "--role", "viewer", "--email", "uma@acme.example")
    uma = stranger()
    by_nano(uma, saml, "uma@acme.example")
    is_in(uma)
    sign_out(uma)

    other = stranger()
    with other.expecting(403):
        by_nano(other, saml, "nobody@acme.example")
    assert heading(other) == "You cannot sign in yet"
    assert "No Unlost admin has added this address" in other.page.get_by_role("main").inner_text()
    is_out(other)


ACCOUNT = (
    "login/", "sessions/", "2fa/", "2fa/webauthn/", "2fa/webauthn/add/", "2fa/totp/activate/",
    "password/change/", "logout/", "saml/nano/login/", "sso/acme/", "sso-cancelled/", "sso-error/",
)  # fmt: skip


@pytest.mark.usefixtures("acme", "saml")
@pytest.mark.parametrize("known", [True, False], ids=["signed in", "strange"])
def test_pages_of_the_account_are_fit_for_everybody(
    visit: Visit, admin: dict[str, Any], known: bool
) -> None:
    visitor = visit(bypass_csp=True, viewport=WIDE, storage_state=admin if known else None)
    wrong: dict[str, Any] = {}
    for path in ACCOUNT:
        with visitor.expecting(401):  # with which allauth says that a sign-in failed
            visitor.open(f"/account/{path}")
        for window in (WIDE, PHONE):
            visitor.page.set_viewport_size(window)
            if found := unfit(visitor):
                wrong[f"{path} {window['width']}"] = found
    assert not wrong, wrong
