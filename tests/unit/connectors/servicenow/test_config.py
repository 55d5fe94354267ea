"""Settings of an instance: what they accept, and what they correct."""

from typing import Any

import pytest

from unlost.connectors.servicenow import CONNECTOR, ServiceNowAuth, ServiceNowConfig
from unlost.connectors.servicenow.access.sign_in import METHODS, RULES
from unlost.model.errors import UsageError


def config(**settings: Any) -> ServiceNowConfig:
    return ServiceNowConfig(**{"url": "https://acme.service-now.com", "username": "b", **settings})


@pytest.mark.parametrize(
    "url",
    ["acme.service-now.com", "https://acme.service-now.com", " https://acme.service-now.com/ "],
)
def test_an_address_is_taken_as_people_write_it(url: str) -> None:
    assert config(url=url).host == "https://acme.service-now.com"
    assert config(url=url).token_url == "https://acme.service-now.com/oauth_token.do"


def test_plain_http_is_for_this_machine_only() -> None:
    assert config(url="http://127.0.0.1:8080").host == "http://127.0.0.1:8080"
    with pytest.raises(UsageError, match="not an https address"):
        config(url="http://acme.service-now.com")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": ""}, "The empty address is not an https address."),
        ({"url": "https://a@acme.service-now.com"}, "not an https address"),
        ({"username": ""}, "The user name is missing."),
        ({"auth": ServiceNowAuth.PASSWORD, "username": ""}, "The user name is missing."),
        ({"auth": ServiceNowAuth.PASSWORD}, "The client ID is missing."),
        ({"auth": ServiceNowAuth.CLIENT_CREDENTIALS}, "The client ID is missing."),
        ({"overlap_minutes": 4}, "An overlap of 4 minutes can lose late changes."),
        ({"page_rows": 0}, "A page cannot have 0 rows."),
        ({"page_rows": 10_001}, "A page cannot have 10001 rows."),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        config(**settings)
    assert caught.value.code == "servicenow-settings"
    assert caught.value.message.next_step


def test_each_sign_in_names_what_it_needs() -> None:
    assert {method.name for method in METHODS} == {auth.value for auth in ServiceNowAuth}
    for method in METHODS:
        auth = ServiceNowAuth(method.name)
        settings = config(auth=auth, client_id="id")
        assert {field.name for field in CONNECTOR.secrets(settings)} == set(method.secrets)
    assert "servicenow-session" in RULES.errors


def test_the_write_user_needs_admin_without_the_role_that_forbids_writes() -> None:
    assert "admin, without snc_read_only" in CONNECTOR.write_permissions()


def test_a_record_has_an_address() -> None:
    record = "0" * 32
    address = CONNECTOR.record_address({"url": "https://acme.service-now.com"}, "incident", record)
    assert address == f"https://acme.service-now.com/incident.do?sys_id={record}"
    assert CONNECTOR.record_address({"url": "ftp://acme"}, "incident", record) == ""
    assert CONNECTOR.record_address({}, "incident", record) == ""


@pytest.mark.parametrize("text", ["0123456789abcdef0123456789ABCDEF", "global", "glide.maint"])
def test_an_id_that_is_no_hexadecimal_number_could_not_be_typed(text: str) -> None:
    assert CONNECTOR.record_ids(text) == (text,)


@pytest.mark.parametrize("text", ["INC0010001", "a^b", "a,b", "a b", "a/b", "", "x" * 33])
def test_a_number_or_a_text_that_no_query_may_have_is_no_id(text: str) -> None:
    assert CONNECTOR.record_ids(text) == ()
