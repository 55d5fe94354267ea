"""The sign-in by browser at Salesforce: the address, the exchange, and hosts that get no token."""

import re
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from fakes.salesforce import HOST, ORG_ID, FakeSalesforce, id_of
from fakes.wire import context, json_answer
from unlost.connectors.salesforce import AuthFlow, SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.access import signin
from unlost.connectors.salesforce.access.browser import SalesforceBrowserSignIn
from unlost.connectors.salesforce.access.methods import RULES
from unlost.model.errors import NotAllowed
from unlost.model.ports.source import Context
from unlost.model.source.sign_in import SignInCode, SignInRequest

LOGIN = "https://login.salesforce.com"
CALLBACK = "https://unlost.example/connect/callback/"
CODE = SignInCode("aPrx", CALLBACK, "v" * 43)


def config(login: str = LOGIN) -> SalesforceConfig:
    return SalesforceConfig(login_url=login, client_id="key", auth=AuthFlow.REFRESH_TOKEN)


@pytest.fixture
def org() -> FakeSalesforce:
    return FakeSalesforce(auth=AuthFlow.REFRESH_TOKEN)


@pytest.fixture
def signing_in(org: FakeSalesforce) -> SalesforceBrowserSignIn:
    found = SalesforceConnector(org.wire.transport).browser_sign_in()
    assert found is not None
    return found


def tokens(**fields: str | None) -> httpx.Response:
    user = f"{LOGIN}/id/{ORG_ID}/{id_of('005', 1)}"
    every = {
        "access_token": "00D!1", "refresh_token": "5Aep", "instance_url": HOST, "id": user,
        **fields,
    }  # fmt: skip
    return json_answer({name: value for name, value in every.items() if value is not None})


def answer(org: FakeSalesforce, response: httpx.Response) -> None:
    org.wire.on("POST", r"/services/oauth2/token$", lambda _: response)


def redeem(found: SalesforceBrowserSignIn, **secrets: str) -> Context:
    mine = context(**secrets)
    found.redeem(config(), mine, CODE)
    return mine


@pytest.mark.parametrize(
    ("login", "host"),
    [
        (LOGIN, "login.salesforce.com"),
        ("https://test.salesforce.com/", "test.salesforce.com"),
        (f"{HOST}/lightning/page/home", "acme.my.salesforce.com"),
    ],
)
def test_the_address_is_that_of_the_login_host(
    signing_in: SalesforceBrowserSignIn, login: str, host: str
) -> None:
    address = signing_in.address(config(login), SignInRequest(CALLBACK, "s&1", "ch"))
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", host, "/services/oauth2/authorize")
    assert dict(parse_qsl(parts.query)) == {
        "response_type": "code",
        "client_id": "key",
        "redirect_uri": CALLBACK,
        "scope": "api refresh_token",
        "state": "s&1",
        "code_challenge": "ch",
        "code_challenge_method": "S256",
        "prompt": "login consent",
    }


def test_a_code_is_exchanged_for_a_refresh_token(
    org: FakeSalesforce, signing_in: SalesforceBrowserSignIn
) -> None:
    answer(org, tokens())
    mine = redeem(signing_in, client_secret="s3cret", refresh_token="old")
    assert mine.secrets.get("refresh_token") == "5Aep"
    (call,) = org.wire.calls
    assert call.url == f"{LOGIN}/services/oauth2/token"
    assert parse_qs(call.content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["aPrx"],
        "redirect_uri": [CALLBACK],
        "client_id": ["key"],
        "client_secret": ["s3cret"],
        "code_verifier": ["v" * 43],
    }


def test_an_app_without_secret_needs_none(
    org: FakeSalesforce, signing_in: SalesforceBrowserSignIn
) -> None:
    answer(org, tokens())
    redeem(signing_in)
    assert b"client_secret" not in org.wire.calls[0].content


@pytest.mark.parametrize(
    ("instance", "code"),
    [
        ("https://evil.example", "salesforce-instance-foreign"),
        ("https://acme.force.com", "salesforce-instance-foreign"),
        ("http://acme.my.salesforce.com", "salesforce-instance"),
        ("", "salesforce-instance"),
    ],
)
def test_tokens_of_a_foreign_host_are_not_taken(
    org: FakeSalesforce, signing_in: SalesforceBrowserSignIn, instance: str, code: str
) -> None:
    answer(org, tokens(instance_url=instance))
    with pytest.raises(NotAllowed) as caught:
        redeem(signing_in)
    assert caught.value.code == code


def test_a_redirect_of_the_token_host_is_not_followed(
    org: FakeSalesforce, signing_in: SalesforceBrowserSignIn
) -> None:
    answer(org, httpx.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(NotAllowed) as caught:
        redeem(signing_in)
    assert caught.value.code == "source-redirects"
    assert {call.url.host for call in org.wire.calls} == {"login.salesforce.com"}


def test_a_sign_in_that_cannot_be_renewed_is_refused(
    org: FakeSalesforce, signing_in: SalesforceBrowserSignIn
) -> None:
    answer(org, tokens(refresh_token=None))
    with pytest.raises(NotAllowed) as caught:
        redeem(signing_in)
    assert caught.value.code == "sign-in-not-lasting"
    assert "refresh_token" in caught.value.next_step


@pytest.mark.parametrize(
    ("error", "description", "code"),
    [
        ("invalid_grant", "expired authorization code", "salesforce-code-expired"),
        ("invalid_grant", "invalid code verifier", "salesforce-code-foreign"),
        ("invalid_grant", "redirect_uri must match configuration", "salesforce-callback"),
        ("invalid_client_id", "client identifier invalid", "salesforce-client-id"),
        ("invalid_client", "invalid client credentials", "salesforce-client-secret"),
        ("invalid_grant", "something else", "salesforce-sign-in"),
    ],
)
def test_refusals_of_the_exchange(
    org: FakeSalesforce,
    signing_in: SalesforceBrowserSignIn,
    error: str,
    description: str,
    code: str,
) -> None:
    answer(org, json_answer({"error": error, "error_description": description}, 400))
    with pytest.raises(NotAllowed) as caught:
        redeem(signing_in)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("error", "description", "code"),
    [
        ("access_denied", "end-user denied authorization", "salesforce-denied"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "salesforce-not-approved"),
        ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved", "salesforce-not-approved"),
        ("", "", "sign-in-refused"),
    ],
)
def test_refusals_on_the_page(
    signing_in: SalesforceBrowserSignIn, error: str, description: str, code: str
) -> None:
    refusal = signing_in.refusal(config(), error=error, description=description)
    assert refusal.code == code


def test_all_codes_of_a_failed_sign_in_are_known_as_such() -> None:
    """The connector may not import the module of the codes: it imports the network."""
    source = Path(signin.__file__).read_text("utf-8")
    codes = {hint.code for hint in signin.HINTS}
    assert codes <= RULES.errors
    assert codes <= set(re.findall(r'"(salesforce-[a-z-]+)"', source))


def test_every_method_is_a_flow_and_every_flow_a_method() -> None:
    assert [method.name for method in RULES.methods] == [
        AuthFlow.REFRESH_TOKEN, AuthFlow.CLIENT_CREDENTIALS, AuthFlow.JWT_BEARER,
    ]  # fmt: skip
    connector = SalesforceConnector()
    for method in RULES.methods:
        made = SalesforceConfig(HOST, "key", AuthFlow(method.name), "user")
        required = {secret.name for secret in connector.secrets(made) if secret.required}
        browser = {"refresh_token"} if method.browser else set()
        assert required - browser <= set(method.secrets), method.name
