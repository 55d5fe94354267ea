"""Tokens: the three grants, their refusals, and their ends."""

import httpx
import pytest

from simulators.servicenow.clients import PASSWORD, Client

CLIENT = {"client_id": "client", "client_secret": "not-a-secret"}
AGENT = {"grant_type": "password", "username": "agent", "password": PASSWORD}


def ask(client: Client, **form: str) -> httpx.Response:
    return client("POST", "/oauth_token.do", data=form, auth=None)


def signed_in(client: Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client("GET", "table/incident", headers=headers, auth=None).status_code


def test_a_password_gives_a_token(client: Client) -> None:
    answer = ask(client, **CLIENT, **AGENT)
    document = answer.json()
    assert answer.status_code == 200
    assert set(document) == {
        "access_token", "refresh_token", "scope", "token_type", "expires_in",
    }  # fmt: skip
    assert (document["token_type"], document["expires_in"]) == ("Bearer", 1799)
    assert signed_in(client, document["access_token"]) == 200


def test_a_token_ends_by_the_virtual_clock_and_is_refreshed(client: Client) -> None:
    first = ask(client, **CLIENT, **AGENT).json()
    client.admin("clock/advance", seconds=1798)
    assert signed_in(client, first["access_token"]) == 200
    client.admin("clock/advance", seconds=1)
    assert signed_in(client, first["access_token"]) == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = ask(client, **CLIENT, **refresh).json()
    assert signed_in(client, second["access_token"]) == 200
    client.admin("clock/advance", days=101)
    assert ask(client, **CLIENT, **refresh).status_code == 401


def test_client_credentials_are_off_by_default(client: Client) -> None:
    form = {**CLIENT, "grant_type": "client_credentials"}
    assert ask(client, **form).status_code == 401
    client.admin("settings", client_credentials=True)
    document = ask(client, **form).json()
    assert "refresh_token" not in document
    assert signed_in(client, document["access_token"]) == 200
    entry = client.see("requests")[-1]
    assert (entry["method"], entry["user"], entry["object"]) == ("GET", "agent", "incident")


def test_the_client_may_sign_in_by_basic(client: Client) -> None:
    answer = client("POST", "/oauth_token.do", data=AGENT, auth=("client", "not-a-secret"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {**AGENT, "client_id": "client", "client_secret": "wrong"},
        {**AGENT, "client_id": "other", "client_secret": "not-a-secret"},
        {**CLIENT, **AGENT, "password": "wrong"},
        {**CLIENT, **AGENT, "username": "stranger"},
        {**CLIENT, "grant_type": "refresh_token", "refresh_token": "unknown"},
        {**CLIENT, "grant_type": "authorization_code"},
        CLIENT,
    ],
)
def test_refusals(client: Client, form: dict[str, str]) -> None:
    answer = ask(client, **form)
    assert answer.status_code == 401
    assert answer.json()["error"]


def test_a_refresh_token_belongs_to_its_client(client: Client) -> None:
    token = client.sim.sessions.grant("agent", "other")
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    assert ask(client, **form).status_code == 401


def test_an_administrator_ends_all_tokens(client: Client) -> None:
    first = ask(client, **CLIENT, **AGENT).json()
    assert client.admin("sessions/expire") == {"ended": 1}
    assert signed_in(client, first["access_token"]) == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert ask(client, **CLIENT, **refresh).status_code == 200
    assert client.admin("sessions/expire", refresh=True) == {"ended": 1}
    assert ask(client, **CLIENT, **refresh).status_code == 401
