"""Settings: what is accepted, what is refused in words, and what follows from them."""

import dataclasses
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.salesforce import HOST, FakeSalesforce
from fakes.wire import context, json_answer
from unlost.connectors.salesforce import CONNECTOR, AuthFlow, SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.access.signin import HINTS, flow_of
from unlost.connectors.salesforce.http.errors import WORDS
from unlost.kit.oauth import ClientCredentials, JwtBearer, RefreshToken
from unlost.model.errors import NotAllowed, UsageError


def config(**settings: Any) -> SalesforceConfig:
    return SalesforceConfig(**({"login_url": HOST, "client_id": "key"} | settings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"login_url": ""}, "empty address"),
        ({"login_url": "acme.example"}, "no https"),
        ({"login_url": "acme.my.salesforce.com.example"}, "no https"),
        ({"login_url": "http://acme.my.salesforce.com"}, "not an https address"),
        ({"client_id": ""}, "consumer key is missing"),
        ({"auth": AuthFlow.JWT_BEARER}, "needs a user name"),
        ({"api_version": 59.0}, "too old"),
        ({"overlap_minutes": 9}, "lose late changes"),
        ({"page_rows": 0}, "positive"),
        ({"bulk_above": -1}, "positive"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        config(**settings)
    assert words.replace("no https", "not an https") in caught.value.sentence
    assert caught.value.next_step


@pytest.mark.parametrize("host", ["acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"])
def test_a_my_domain_is_taken_as_salesforce_shows_it(host: str) -> None:
    assert config(login_url=f" {host} ").login_url == f"https://{host}"


def test_defaults_are_those_that_the_documentation_names() -> None:
    usual = config()
    assert (usual.version, usual.overlap_minutes, usual.auth) == (
        "v66.0", 60, AuthFlow.CLIENT_CREDENTIALS,
    )  # fmt: skip
    assert usual.token_url == f"{HOST}/services/oauth2/token"


def test_every_field_can_be_shown_in_a_form() -> None:
    for one in dataclasses.fields(SalesforceConfig):
        assert one.metadata["label"], one.name
        assert one.metadata["help"], one.name


def test_plain_http_is_for_this_machine_alone() -> None:
    assert config(login_url="http://127.0.0.1:8080/").token_url.startswith(
        "http://127.0.0.1:8080/s"
    )


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_audience_of_assertions(url: str, audience: str) -> None:
    assert config(login_url=url).jwt_audience == audience
    assert config(login_url=url, audience="https://other").jwt_audience == "https://other"


def test_flows() -> None:
    assert flow_of(config()) == ClientCredentials("key")
    assert flow_of(config(auth=AuthFlow.REFRESH_TOKEN)) == RefreshToken("key")
    assert flow_of(config(auth=AuthFlow.JWT_BEARER, username="me@x")) == JwtBearer(
        "key", "me@x", "https://login.salesforce.com", words=WORDS
    )


@pytest.mark.parametrize(
    ("auth", "names"),
    [
        (AuthFlow.CLIENT_CREDENTIALS, [("client_secret", True)]),
        (AuthFlow.JWT_BEARER, [("private_key", True)]),
        (AuthFlow.REFRESH_TOKEN, [("refresh_token", True), ("client_secret", False)]),
    ],
)
def test_each_sign_in_names_the_secrets_that_it_needs(
    auth: AuthFlow, names: list[tuple[str, bool]]
) -> None:
    fields = CONNECTOR.secrets(config(auth=auth, username="me@x"))
    assert [(one.name, one.required) for one in fields] == names


def test_without_settings_all_secrets_are_named() -> None:
    assert {one.name for one in CONNECTOR.secrets(None)} == {
        "client_secret", "private_key", "refresh_token",
    }  # fmt: skip


def test_settings_of_another_connector_are_refused() -> None:
    with pytest.raises(UsageError), SalesforceConnector().open_source(object(), context()):
        pass


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: f"{hint.error} {hint.contains}")
def test_each_refusal_of_the_sign_in_is_told_with_its_repair(hint: Any) -> None:
    org = FakeSalesforce()
    answer = {
        "error": hint.error or "OAUTH_APP_ACCESS_DENIED",
        "error_description": f"... {hint.contains} ...",
    }
    org.wire.on("POST", "token", json_answer(answer, 400))
    with org.source() as source, pytest.raises(NotAllowed) as caught:
        source.identity()
    assert caught.value.code == hint.code
    assert caught.value.next_step == hint.next_step


def test_a_jwt_sign_in_end_to_end() -> None:
    org = FakeSalesforce(auth=AuthFlow.JWT_BEARER, username="me@x")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    org.context.secrets.put(
        "private_key",
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )
    with org.source() as source:
        assert source.identity().label == "Acme"


def test_a_run_that_breaks_off_deletes_no_job() -> None:
    org = FakeSalesforce()

    def run() -> None:
        with org.source() as source:
            source._bulk._done("750")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert not org.wire.made("DELETE", "jobs")
