"""A button in the org opens a record here: after a sign-in, at the address that was requested."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import PASSWORD, browser, person, text
from unit.web.providers import SIGN_IN, FakeProvider, provider
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Role

RECORD = "Account/A40017/"
LINK = f"/open/sales/{RECORD}"
PAGE = f"/orgs/sales/records/{RECORD}related/"


@pytest.fixture
def acme(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    return provider(world, monkeypatch)


def lena(world: World, *, password: bool = False) -> None:
    """A viewer whom the provider knows."""
    user = person(world, "lena", email="lena@acme.example")
    if not password:
        user.set_unusable_password()
        user.save()


def sent_to_provider(answer: Any) -> bool:
    return bool(answer.status_code == 302 and answer["Location"].startswith(SIGN_IN))


def back(client: Client, answer: Any) -> Any:
    """The answer after the provider sends the person back."""
    state = parse_qs(urlsplit(answer["Location"]).query)["state"][0]
    return client.get("/account/sso/acme/callback/", {"state": state, "code": "once"})


def test_it_leads_to_the_related_records(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert client.get(LINK)["Location"] == PAGE
    assert client.get(f"{LINK}?state=archived")["Location"] == f"{PAGE}?state=archived"
    assert client.get(f"{LINK}?state=other&next=//evil.example")["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


def test_the_org_may_be_named_by_its_own_id(world: World, sign_in: SignIn) -> None:
    tenant = get_org("sales").identity.tenant
    assert sign_in(Role.VIEWER).get(f"/open/{tenant}/{RECORD}")["Location"] == PAGE


def test_the_id_of_an_org_has_15_or_18_characters(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlost.connectors.salesforce.ids import candidates

    long = get_org("sales").identity.tenant
    monkeypatch.setattr(
        type(world.connector), "record_ids", lambda self, text: [*candidates(text), long]
    )
    assert sign_in(Role.VIEWER).get(f"/open/00D0Y000002abcd/{RECORD}")["Location"] == PAGE


def test_an_org_of_others_is_not_found(world: World, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    unknown = client.get(f"/open/other/{RECORD}")
    assert unknown.status_code == 404
    tenant = get_org("sales").identity.tenant
    # A role without the right to read.
    assert sign_in(Role.AUDITOR).get(f"/open/{tenant}/{RECORD}").status_code in (403, 404)


def test_without_a_provider_the_sign_in_page_leads_to_the_record(world: World) -> None:
    lena(world, password=True)
    client = browser()
    answer = client.get(LINK)
    assert answer["Location"] == f"/account/login/?next={LINK.replace('/', '%2F')}"
    assert LINK in text(client.get(answer["Location"]))
    sent = {"login": "lena", "password": PASSWORD, "next": LINK}
    assert client.post("/account/login/", sent)["Location"] == LINK
    assert client.get(LINK)["Location"] == PAGE


def test_the_only_way_to_sign_in_is_taken_without_a_click(world: World, acme: FakeProvider) -> None:
    lena(world)
    acme.vouch("lena@acme.example")
    client = browser()
    answer = client.get(f"{LINK}?state=archived")
    assert sent_to_provider(answer)
    assert back(client, answer)["Location"] == f"{LINK}?state=archived"
    assert client.get(f"{LINK}?state=archived")["Location"] == f"{PAGE}?state=archived"


def test_who_has_a_password_chooses_how_to_sign_in(world: World, acme: FakeProvider) -> None:
    lena(world, password=True)
    client = browser()
    answer = client.get(LINK)
    assert answer["Location"].startswith("/account/login/?next=")
    page = text(client.get(answer["Location"]))
    assert "Sign in with Acme" in page
    assert f'name="next" value="{LINK}"' in page


def test_a_removed_person_with_a_password_does_not_count(world: World, acme: FakeProvider) -> None:
    lena(world)
    old = person(world, "old")
    old.is_active = False
    old.save()
    assert sent_to_provider(browser().get(LINK))


def test_a_link_can_name_the_provider(world: World, acme: FakeProvider) -> None:
    lena(world, password=True)
    acme.vouch("lena@acme.example")
    client = browser()
    answer = client.get(f"{LINK}?sso=acme&state=archived")
    assert sent_to_provider(answer)
    assert back(client, answer)["Location"] == f"{LINK}?state=archived"
    assert browser().get(f"{LINK}?sso=other")["Location"].startswith("/account/login/?next=")


def test_a_provider_that_is_away_does_not_block_the_sign_in(
    world: World, acme: FakeProvider
) -> None:
    lena(world)
    acme.away = True
    assert browser().get(LINK)["Location"].startswith("/account/login/?next=")


def test_other_pages_never_go_to_a_provider_by_themselves(world: World, acme: FakeProvider) -> None:
    lena(world)
    for page in (PAGE, "/?sso=acme", f"/orgs/sales/?sso=acme&next={LINK}"):
        assert browser().get(page)["Location"].startswith("/account/login/?next=")
    assert browser().post(LINK)["Location"].startswith("/account/login/?next=")


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_sign_in_leads_to_no_other_site(world: World, there: str) -> None:
    lena(world, password=True)
    sent = {"login": "lena", "password": PASSWORD, "next": there}
    assert browser().post("/account/login/", sent)["Location"] == "/"


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/"])
def test_a_link_leads_to_no_other_site(world: World, acme: FakeProvider, there: str) -> None:
    lena(world)
    acme.vouch("lena@acme.example")
    client = browser()
    answer = client.get(LINK, {"next": there})
    landed = back(client, answer)["Location"]
    assert landed.startswith(LINK)
    assert client.get(landed)["Location"] == PAGE
    assert get_user_model().objects.get(username="lena").last_login is not None
