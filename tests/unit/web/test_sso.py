"""Single sign-on: who was added gets in, everybody else is told whom to ask."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth import get_user_model

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import (
    PASSWORD,
    browser,
    clean,
    few_queries,
    noted,
    person,
    sign_in_as,
    signed_in,
    text,
)
from unit.web.providers import ISSUER, SECRET, SIGN_IN, FakeProvider, provider
from unlost.app.actions.people.people import edit, remove
from unlost.app.actions.people.sso import providers
from unlost.app.actions.people.sso import remove as remove_provider
from unlost.catalog.people.sso import Provider, SsoProtocol
from unlost.catalog.people.sso import add_provider as add_row
from unlost.model.access import Role
from unlost.model.errors import UsageError

SENT = {"name": "acme", "title": "Acme", "issuer": ISSUER, "client_id": "console", "secret": SECRET}


@pytest.fixture
def acme(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    return provider(world, monkeypatch)


def test_who_was_added_gets_in_by_a_verified_address_in_any_case(
    world: World, acme: FakeProvider
) -> None:
    person(world, "lena", email="Lena@Acme.example")
    person(world, "other", email="other@acme.example")
    acme.vouch("lena@acme.EXAMPLE")
    client = browser("192.0.2.7")
    answer = acme.sign_in(client)
    assert answer["Location"] == "/"
    assert signed_in(client)
    (entry,) = noted("sign-in")
    assert (entry.deed.actor, entry.deed.outcome) == ("lena", "done")
    assert get_user_model().objects.count() == 2  # nobody was made


def test_the_secret_is_sealed_in_the_home_and_opened_for_the_provider(
    world: World, acme: FakeProvider
) -> None:
    row = SocialApp.objects.get()
    assert row.secret == ""
    assert SECRET not in str(row.settings)
    person(world, "lena", email="lena@acme.example")
    acme.vouch("lena@acme.example")
    acme.sign_in(browser())
    assert SECRET in str(acme.asked)
    assert "code_verifier" in str(acme.asked)  # PKCE


def test_a_password_lasts_for_the_day_when_the_provider_is_away(
    world: World, acme: FakeProvider
) -> None:
    person(world, "lena", email="lena@acme.example")
    acme.vouch("lena@acme.example")
    acme.sign_in(browser())
    assert sign_in_as(browser(), "lena", PASSWORD).status_code == 302


@pytest.mark.parametrize("verified", [False, None])
def test_an_address_that_is_not_verified_lets_nobody_in(
    world: World, acme: FakeProvider, verified: bool | None
) -> None:
    person(world, "lena", email="lena@acme.example")
    acme.vouch("lena@acme.example", verified=verified)
    client = browser()
    answer = acme.sign_in(client)
    assert answer.status_code == 403
    assert "does not say that your e-mail address is verified" in text(answer)
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


def test_a_provider_that_vouches_for_all_its_addresses_is_believed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entra = provider(world, monkeypatch, vouches=True)
    person(world, "lena", email="lena@acme.example")
    entra.vouch("lena@acme.example", verified=None)
    client = browser()
    entra.sign_in(client)
    assert signed_in(client)


def test_anybody_else_reads_whom_to_ask(world: World, acme: FakeProvider) -> None:
    acme.vouch("stranger@acme.example")
    client = browser()
    answer = acme.sign_in(client)
    assert answer.status_code == 403
    clean(answer)
    assert "Ask an Unlost admin in your company" in text(answer)
    assert "stranger@acme.example" in text(answer)
    assert not signed_in(client)
    assert not get_user_model().objects.exists()
    (entry,) = noted("sign-in")
    assert (entry.deed.actor, entry.deed.outcome) == ("stranger@acme.example", "sign-in-uninvited")


def test_no_address_at_all(world: World, acme: FakeProvider) -> None:
    person(world, "lena")  # who has none either
    acme.vouch("")
    answer = acme.sign_in(browser())
    assert answer.status_code == 403
    assert "did not send your e-mail address" in text(answer)


def test_two_people_with_one_address_are_nobody(world: World, acme: FakeProvider) -> None:
    for name in ("lena", "twin"):
        person(world, name)
    get_user_model().objects.update(email="lena@acme.example")  # of an older home
    acme.vouch("lena@acme.example")
    assert acme.sign_in(browser()).status_code == 403


def test_who_was_removed_stays_out(world: World, acme: FakeProvider) -> None:
    person(world, "lena", email="lena@acme.example")
    acme.vouch("lena@acme.example")
    acme.sign_in(browser())
    remove(world.app, "lena")
    client = browser()
    assert acme.sign_in(client)["Location"] == "/account/inactive/"
    assert not signed_in(client)


def test_who_was_removed_before_ever_coming_stays_out(world: World, acme: FakeProvider) -> None:
    person(world, "lena", email="lena@acme.example")
    remove(world.app, "lena")
    acme.vouch("lena@acme.example")
    assert acme.sign_in(browser()).status_code == 403


def test_another_address_is_another_person_to_the_provider(
    world: World, acme: FakeProvider
) -> None:
    person(world, "lena", email="wrong@acme.example")
    acme.vouch("wrong@acme.example", sub="7")
    acme.sign_in(browser())
    edit(world.app, "lena", full_name="", email="lena@acme.example")
    assert acme.sign_in(browser()).status_code == 403
    acme.vouch("lena@acme.example", sub="8")
    assert acme.sign_in(browser()).status_code == 302


def test_a_provider_of_the_same_name_knows_nobody_of_the_one_before(
    world: World, acme: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "lena", email="lena@acme.example")
    acme.vouch("lena@acme.example", sub="1")
    acme.sign_in(browser())
    remove_provider(world.app, "acme")
    other = provider(world, monkeypatch)
    other.vouch("stranger@acme.example", sub="1")
    assert other.sign_in(browser()).status_code == 403


def test_nobody_ties_a_stranger_to_their_own_name(world: World, acme: FakeProvider) -> None:
    person(world, "lena", email="lena@acme.example")
    client = browser()
    sign_in_as(client, "lena")
    acme.vouch("stranger@acme.example")
    there = client.post("/account/sso/acme/?process=connect")
    state = there["Location"].partition("state=")[2].partition("&")[0]
    answer = client.get("/account/sso/acme/callback/", {"state": state, "code": "once"})
    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_provider_that_does_not_answer_is_told_so(world: World, acme: FakeProvider) -> None:
    acme.away = True
    answer = browser().post("/account/sso/acme/?process=login")
    assert answer.status_code == 503
    assert "does not answer" in text(answer)


def test_who_breaks_off_comes_back_to_the_sign_in(world: World, acme: FakeProvider) -> None:
    client = browser()
    there = client.post("/account/sso/acme/?process=login")
    state = there["Location"].partition("state=")[2].partition("&")[0]
    back = {"state": state, "error": "access_denied"}
    answer = client.get("/account/sso/acme/callback/", back, follow=True)
    assert "You cancelled the sign-in" in text(answer)


def test_an_answer_without_a_question_is_refused(world: World, acme: FakeProvider) -> None:
    answer = browser().get("/account/sso/acme/callback/", {"state": "made-up", "code": "x"})
    assert answer.status_code == 401
    clean(answer)
    assert "did not work" in text(answer)


def test_the_sign_in_shows_the_provider_and_may_send_people_there(
    world: World, acme: FakeProvider
) -> None:
    answer = browser().get("/account/login/")
    clean(answer)
    assert "Sign in with Acme" in text(answer)
    assert f"form-action 'self' {SIGN_IN};" in f"{answer['Content-Security-Policy']};"
    assert SIGN_IN not in browser().get("/account/sso-cancelled/")["Content-Security-Policy"]
    asked = browser().get("/account/sso/acme/")
    assert "Go to Acme" in text(asked)
    assert SIGN_IN in asked["Content-Security-Policy"]


def test_a_provider_that_is_not_there(world: World) -> None:
    assert browser().get("/account/sso/nobody/").status_code == 404
    assert browser().get("/account/sso/nobody/callback/").status_code == 404
    answer = browser().get("/account/login/")
    assert "form-action 'self';" in f"{answer['Content-Security-Policy']};"


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider says who it is."""
    monkeypatch.setattr("unlost.app.actions.people.sso.sign_in_origin", lambda issuer: SIGN_IN)


@pytest.mark.usefixtures("described")
def test_an_admin_adds_and_removes_a_provider(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    page = text(admin.get("/settings/sso/"))
    assert "No provider yet" in page
    assert "http://localhost/account/sso/NAME/callback/" in page
    answer = admin.post("/settings/sso/", SENT, follow=True)
    clean(answer)
    assert "can now sign in with Acme" in text(answer)
    assert "http://localhost/account/sso/acme/callback/" in text(answer)
    assert SECRET not in text(answer)
    (held,) = providers(world.app).providers
    assert (held.issuer, held.origin, held.vouches) == (ISSUER, SIGN_IN, False)
    assert noted("sso.add")[0].deed.detail == {"issuer": ISSUER}
    with few_queries():
        admin.get("/settings/sso/")
    answer = admin.post("/settings/sso/acme/remove/", follow=True)
    assert "People can no longer sign in with it" in text(answer)
    assert providers(world.app).providers == ()
    assert admin.post("/settings/sso/acme/remove/").status_code == 404


@pytest.mark.usefixtures("described")
def test_what_is_wrong_stands_beside_the_form(world: World, sign_in: SignIn) -> None:
    admin = sign_in()
    for sent in ({"name": "No Name"}, {"issuer": "nonsense nonsense"}, {"client_id": ""}):
        answer = admin.post("/settings/sso/", SENT | sent)
        assert answer.status_code == 400
        assert "errorlist" in text(answer)
    answer = admin.post("/settings/sso/", SENT | {"name": "Big"})
    assert "lowercase letters" in text(answer)
    assert providers(world.app).providers == ()
    admin.post("/settings/sso/", SENT)
    assert "acme&#x27;" in text(admin.post("/settings/sso/", SENT))


def test_a_provider_that_is_somebody_else_is_not_kept(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(issuer: str) -> str:
        raise UsageError("sso-issuer", "It is somebody else.", next_step="Look again.")

    monkeypatch.setattr("unlost.app.actions.people.sso.sign_in_origin", refuse)
    answer = sign_in().post("/settings/sso/", SENT)
    assert answer.status_code == 400
    assert "It is somebody else. Look again." in text(answer)
    assert ISSUER in text(answer)
    assert SECRET not in text(answer)
    assert providers(world.app).providers == ()


@pytest.mark.parametrize(
    ("role", "org"), [(Role.RESTORER, None), (Role.AUDITOR, None), (Role.ADMIN, "sales")]
)
def test_the_page_is_for_admins_of_the_home(
    world: World, acme: FakeProvider, sign_in: SignIn, role: Role, org: str | None
) -> None:
    client = sign_in(role, org=org)
    assert client.get("/settings/sso/").status_code == 403
    assert client.post("/settings/sso/", SENT | {"name": "evil"}).status_code == 403
    assert client.post("/settings/sso/acme/remove/").status_code == 403
    assert [one.name for one in providers(world.app).providers] == ["acme"]


@pytest.fixture
def without_saml(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the optional part were not installed."""
    monkeypatch.setattr("unlost.app.people.saml.find_spec", lambda name: None)


@pytest.mark.usefixtures("without_saml")
def test_without_its_part_the_page_of_saml_says_how_to_get_it(
    world: World, sign_in: SignIn
) -> None:
    admin = sign_in()
    page = admin.get("/settings/sso/saml/")
    clean(page)
    assert "unlost[saml]" in text(page)
    assert "<textarea" not in text(page)
    sent = admin.post("/settings/sso/saml/", {"name": "acme", "metadata": "<a/>"})
    assert sent.status_code == 400
    assert providers(world.app).providers == ()


def test_a_provider_of_saml_that_the_machine_cannot_speak_to_hides_no_other(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home came from a machine with the part; this one may lack it."""
    provider(world, monkeypatch)
    entity, site = "https://idp.acme.example/metadata", "https://idp.acme.example"
    held = {"sign_in": f"{site}/sso", "certificates": []}
    add_row(Provider("old", "Old", entity, "", site, kind=SsoProtocol.SAML), kept=held)
    assert "Sign in with Acme" in text(browser().get("/account/login/"))
    assert browser().get("/account/sso/old/").status_code == 404
    admin = sign_in()
    page = text(admin.get("/settings/sso/"))
    assert entity in page
    assert "http://localhost/account/saml/old/metadata/" in page
    assert "Old was removed" in text(admin.post("/settings/sso/old/remove/", follow=True))


def test_a_second_factor_of_ones_own_is_asked_for_after_the_company_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who broke into the provider is not in yet."""
    acme = provider(world, monkeypatch)
    lena = person(world, "lena", email="lena@acme.example")
    TOTP.activate(lena, "JBSWY3DPEHPK3PXP")
    acme.vouch("lena@acme.example")
    client = browser()
    assert acme.sign_in(client)["Location"] == "/account/2fa/authenticate/"
    assert not signed_in(client)
