"""The company signs people in by SAML: who proves all of it gets in, and nobody else.

These tests need the optional part; ``make saml`` installs it.
"""

from base64 import b64encode
from copy import deepcopy
from typing import Any

import pytest

pytest.importorskip("xmlsec")

from lxml import etree

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import browser, clean, noted, person, sign_in_as, signed_in, text
from unit.web.idp import (
    CONSOLE,
    ENTITY,
    SIGN_IN,
    Says,
    ask,
    identity,
    metadata,
    send,
    written,
)
from unlost.app.actions.people.sso import NewSaml, add_saml
from unlost.app.actions.people.sso import remove as remove_provider

# python3-saml asks for the time in a way that Python will give up
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
NEW = NewSaml(name="acme", title="Acme", metadata=metadata())


@pytest.fixture
def acme(world: World) -> World:
    """A home in which Lena is known to the company."""
    add_saml(world.app, NEW)
    person(world, "lena", email="lena@acme.example")
    return world


def refused(answer: Any) -> str:
    """The page of somebody who is not let in."""
    assert answer.status_code == 403, answer.status_code
    clean(answer)
    return text(answer)


def test_who_was_added_is_signed_in(acme: World) -> None:
    client = browser("192.0.2.7")
    page = text(client.get("/account/login/"))
    assert "Sign in with Acme" in page
    assert "/account/saml/acme/login/?process=login" in page
    answer = send(client, written(Says(request=ask(client)), signed=identity()))
    assert [where for where, _ in answer.redirect_chain] == ["/account/saml/acme/finish/", "/"]
    assert signed_in(client)
    (entry,) = noted("sign-in")
    assert (entry.deed.actor, entry.deed.outcome) == ("lena", "done")


def test_a_link_from_the_org_leads_straight_to_the_provider(acme: World) -> None:
    link = "/open/sales/Account/A40017/"
    answer = browser().get(f"{link}?sso=acme")
    assert answer.status_code == 302
    assert answer["Location"].startswith(SIGN_IN)
    assert browser().get(link)["Location"].startswith("/account/login/?next=")


def test_a_signature_over_the_whole_answer_alone_is_not_enough(acme: World) -> None:
    client = browser()
    told = written(Says(request=ask(client)), signed=identity(), whole=True)
    assert "it is not signed" in refused(send(client, told))
    assert not signed_in(client)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"begins": -20, "ends": -10}, "too old"),
    "early": ({"begins": 30, "ends": 40}, "not valid yet"),
    "for ever": ({"ends": None}, "it never expires"),
    "for another console": ({"audience": "https://other.example/"}, "for another console"),
    "for nobody": ({"audience": None}, "names no audience"),
    "about nobody": ({"name": None}, "it is invalid"),
    "sent elsewhere": ({"destination": "https://other.example/acs/"}, "for another address"),
    "meant elsewhere": ({"recipient": "https://other.example/acs/"}, "for another sign-in"),
    "bound to nothing": ({"bound": False}, "does not refer to a sign-in"),
    "of another provider": ({"issuer": "https://evil.example/"}, "another provider"),
    "failed": ({"status": "Responder"}, "refused the sign-in"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_prove_everything_is_refused(acme: World, what: str) -> None:
    wrong, why = WRONG[what]
    client = browser()
    told = written(Says(request=ask(client), **wrong), signed=identity())
    assert why in refused(send(client, told)), what
    assert not signed_in(client)


def test_an_answer_that_is_not_signed_is_refused(acme: World) -> None:
    client = browser()
    assert "it is not signed" in refused(send(client, written(Says(request=ask(client)))))
    assert not signed_in(client)


def test_the_signature_of_somebody_else_is_refused(acme: World) -> None:
    client = browser()
    told = written(Says(request=ask(client)), signed=identity("evil"))
    assert "signature is not the provider" in refused(send(client, told))


def test_what_is_changed_after_signing_is_refused(acme: World) -> None:
    client = browser()
    told = written(Says(request=ask(client), email="nobody@acme.example"), signed=identity())
    changed = etree.tostring(told).replace(b"nobody@acme.example", b"lena@acme.example")
    answer = send(client, b64encode(changed).decode())
    assert "signature is not the provider" in refused(answer)


def test_a_second_assertion_beside_the_signed_one_is_refused(acme: World) -> None:
    """The old trick of wrapping: what is signed is not what is read."""
    client = browser()
    told = written(Says(request=ask(client), email="nobody@acme.example"), signed=identity())
    forged = deepcopy(told[-1])
    forged.set("ID", "_a2")
    forged.remove(forged.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    for value in forged.iter(f"{ASSERTION}AttributeValue"):
        value.text = (value.text or "").replace("nobody@", "lena@")
    told.insert(len(told) - 1, forged)
    refused(send(client, told))
    assert not signed_in(client)


def test_an_answer_counts_once(acme: World) -> None:
    client = browser()
    told = written(Says(request=ask(client)), signed=identity())
    send(client, told)
    assert signed_in(client)
    client.post("/account/logout/")
    assert "did not request it" in refused(send(client, told))
    assert not signed_in(client)


def test_an_answer_to_somebody_elses_request_is_refused(acme: World) -> None:
    hers, his = browser(), browser()
    told = written(Says(request=ask(hers)), signed=identity())
    ask(his)
    assert "did not request it" in refused(send(his, told))
    assert not signed_in(his)


def test_an_answer_that_nobody_asked_for_is_refused(acme: World) -> None:
    client = browser()
    told = written(Says(request="_made-up"), signed=identity())
    assert "did not request it" in refused(send(client, told))
    del told.attrib["InResponseTo"]
    assert "did not request it" in refused(send(client, told))


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "%%%",
        "AAAA",
        b64encode(b"<a/>").decode(),
        b64encode(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>').decode(),
        "A" * 300_000,
    ],
    ids=["empty", "no base64", "no XML", "no answer", "entities", "long"],
)
def test_what_is_no_answer_is_refused(acme: World, sent: str) -> None:
    client = browser()
    ask(client)
    refused(send(client, sent))
    assert not signed_in(client)


def test_without_an_answer_there_is_nothing_to_finish(acme: World) -> None:
    client = browser()
    assert "already used" in refused(client.get("/account/saml/acme/finish/"))
    assert client.get("/account/saml/acme/acs/").status_code == 405
    assert client.post("/account/saml/other/acs/", {"SAMLResponse": "x"}).status_code == 404


def test_who_was_not_added_reads_whom_to_ask(acme: World) -> None:
    for says, why in (
        ({"email": "tom@acme.example"}, "No Unlost admin has added this address"),
        ({"verified": "false"}, "does not say that your e-mail address is verified"),
        ({"email": ""}, "did not send your e-mail address"),
    ):
        client = browser()
        told = written(Says(request=ask(client), **says), signed=identity())
        assert why in refused(send(client, told))
        assert not signed_in(client)
    assert {one.deed.outcome for one in noted("sign-in")} == {"sign-in-uninvited"}


def test_a_provider_that_vouches_need_not_say_verified(world: World) -> None:
    add_saml(world.app, NewSaml(name="acme", metadata=metadata(), vouches=True))
    person(world, "lena", email="lena@acme.example")
    client = browser()
    send(client, written(Says(request=ask(client), verified="false"), signed=identity()))
    assert signed_in(client)


def test_each_certificate_that_the_provider_names_proves(world: World) -> None:
    old, new = identity("old"), identity("new")
    add_saml(world.app, NewSaml(name="acme", metadata=metadata(old, new)))
    person(world, "lena", email="lena@acme.example")
    for one in (old, new):
        client = browser()
        send(client, written(Says(request=ask(client)), signed=one))
        assert signed_in(client)


def test_who_was_removed_stays_out(acme: World, sign_in: SignIn) -> None:
    client = browser()
    send(client, written(Says(request=ask(client)), signed=identity()))
    assert signed_in(client)
    sign_in().post("/settings/people/of/lena/remove/")
    assert not signed_in(client)
    again = send(client, written(Says(request=ask(client)), signed=identity()))
    assert again.redirect_chain[-1][0] == "/account/inactive/"
    assert not signed_in(client)


def test_a_provider_that_is_removed_lets_nobody_in(acme: World) -> None:
    client = browser()
    told = written(Says(request=ask(client)), signed=identity())
    remove_provider(acme.app, "acme")
    assert send(client, told).status_code == 404
    assert "Sign in with Acme" not in text(client.get("/account/login/"))


def test_the_sign_in_leads_to_the_provider_and_back_to_the_page(acme: World) -> None:
    client = browser()
    asked = client.get("/account/saml/acme/login/?next=/orgs/")
    assert "Go to Acme" in text(asked)
    assert "form-action 'self' https://idp.acme.example;" in asked["Content-Security-Policy"] + ";"
    page = client.get("/account/login/")
    assert "https://idp.acme.example" in page["Content-Security-Policy"]
    there = client.post("/account/saml/acme/login/?process=login&next=/orgs/")
    assert there["Location"].startswith(SIGN_IN)


def test_a_name_of_one_kind_is_no_address_of_the_other(acme: World) -> None:
    client = browser()
    assert client.get("/account/sso/acme/").status_code == 404
    assert client.post("/account/sso/acme/?process=login").status_code == 404
    assert client.get("/account/sso/acme/callback/").status_code == 404


def test_the_console_describes_itself(world: World) -> None:
    """Also before the provider is added: it asks for this first."""
    answer = browser().get("/account/saml/acme/metadata/")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    told = etree.fromstring(answer.content)
    assert told.get("entityID") == f"{CONSOLE}/metadata/"
    place = told.find(".//{*}AssertionConsumerService")
    assert place is not None
    assert place.get("Location") == f"{CONSOLE}/acs/"
    assert told.find(".//{*}SPSSODescriptor").get("WantAssertionsSigned") == "true"


def test_the_answer_is_kept_out_of_the_reach_of_scripts(acme: World) -> None:
    client = browser()
    ask(client)
    answer = client.post("/account/saml/acme/acs/", {"SAMLResponse": "x"})
    assert answer.status_code == 303
    cookie = answer.cookies["saml-answer"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert cookie["path"] == "/account/saml/acme/finish/"


SENT = {"name": "acme", "title": "Acme", "metadata": metadata(), "entity": "", "sign_in": "",
        "certificate": ""}  # fmt: skip


def test_an_admin_adds_and_removes_one_in_the_console(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    page = text(admin.get("/settings/sso/saml/"))
    assert "http://localhost/account/saml/NAME/metadata/" in page
    answer = admin.post("/settings/sso/saml/", SENT, follow=True)
    assert "can now sign in with Acme" in text(answer)
    assert ENTITY in text(answer)
    assert f"{CONSOLE}/metadata/" in text(answer)
    clean(answer)
    assert noted("sso.add-saml")[0].deed.detail == {"issuer": ENTITY}
    assert "acme&#x27;" in text(admin.post("/settings/sso/saml/", SENT))
    assert "Acme was removed" in text(admin.post("/settings/sso/acme/remove/", follow=True))


def test_its_parts_may_be_told_one_by_one(world: World, sign_in: SignIn) -> None:
    parts = {"metadata": "", "entity": ENTITY, "sign_in": SIGN_IN}
    admin = sign_in()
    wrong = admin.post("/settings/sso/saml/", SENT | parts | {"certificate": "none"})
    assert "This is not a valid certificate" in text(wrong)
    assert wrong.status_code == 400
    nothing = admin.post("/settings/sso/saml/", SENT | {"metadata": ""})
    assert "does not describe a SAML identity provider" in text(nothing)
    admin.post("/settings/sso/saml/", SENT | parts | {"certificate": identity().certificate})
    person(world, "lena", email="lena@acme.example")
    client = browser()
    send(client, written(Says(request=ask(client)), signed=identity()))
    assert signed_in(client)


def test_a_password_goes_on_working(acme: World) -> None:
    client = browser()
    send(client, written(Says(request=ask(client)), signed=identity()))
    again = browser()
    sign_in_as(again, "lena")
    assert signed_in(again)
