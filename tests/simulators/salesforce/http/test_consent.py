"""The pages of the web server flow, as a browser goes through them."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from unlost_simulators.salesforce.oauth.sessions import s256
from unlost_simulators.salesforce.simulator import Simulator

CALLBACK = "https://unlost.example/connect/callback/"
VERIFIER = "v" * 43
REQUEST = {
    "response_type": "code",
    "client_id": "small-backup",
    "redirect_uri": CALLBACK,
    "state": "s<1>",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}
LOGIN = {"un": "backup@small.example", "pw": "not-a-password"}


def address(**changes: str) -> str:
    query = {name: value for name, value in {**REQUEST, **changes}.items() if value}
    return f"/services/oauth2/authorize?{urlencode(query)}"


def consent(http: Any, **changes: str) -> str:
    """Log in; returns the ticket of the consent page."""
    page = http.post(address(**changes), data=LOGIN)
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def answered(http: Any, answer: str, **changes: str) -> dict[str, str]:
    """The parameters with which the browser comes back to the app."""
    reply = http.post(
        address(**changes), data={"ticket": consent(http, **changes), "answer": answer}
    )
    assert reply.status_code == 302
    assert reply.headers["location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query))


def exchange(http: Any, **form: str) -> Any:
    base = {
        "grant_type": "authorization_code",
        "client_id": "small-backup",
        "client_secret": "not-a-secret",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return http.post("/services/oauth2/token", data={**base, **form})


def test_a_user_logs_in_allows_and_the_app_gets_tokens(http: Any) -> None:
    page = http.get(address())
    assert page.status_code == 200
    assert "Log In" in page.text
    sent = answered(http, "allow")
    assert sent["state"] == "s<1>"
    tokens = exchange(http, code=sent["code"])
    assert tokens.status_code == 200
    assert tokens.json()["refresh_token"]
    again = exchange(http, code=sent["code"])
    assert again.json()["error_description"] == "expired authorization code"


def test_the_verifier_of_another_challenge_gets_nothing_and_uses_the_code_up(
    http: Any,
) -> None:
    code = answered(http, "allow")["code"]
    wrong = exchange(http, code=code, code_verifier="w" * 43)
    assert wrong.json()["error_description"] == "invalid code verifier"
    assert exchange(http, code=code).json()["error_description"] == "expired authorization code"


def test_deny_leads_back_without_a_code(http: Any) -> None:
    sent = answered(http, "deny")
    assert sent["error"] == "access_denied"
    assert sent["state"] == "s<1>"
    assert "code" not in sent


def test_a_wrong_password_shows_the_login_again(http: Any) -> None:
    page = http.post(address(), data={**LOGIN, "pw": "wrong"})
    assert page.status_code == 200
    assert "Please check your username and password." in page.text
    assert 'value="backup@small.example"' in page.text


def test_a_ticket_gives_one_answer(http: Any) -> None:
    ticket = consent(http)
    form = {"ticket": ticket, "answer": "allow"}
    assert http.post(address(), data=form).status_code == 302
    again = http.post(address(), data=form)
    assert again.status_code == 200
    assert "Log In" in again.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"redirect_uri": ""}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch"),
    ],
)
def test_a_wrong_app_or_address_is_shown_and_not_redirected_to(
    sim: Simulator, http: Any, changes: dict[str, str], error: str
) -> None:
    sim.apps.change("small-backup", callbacks=frozenset({CALLBACK}))
    page = http.get(address(**changes))
    assert page.status_code == 400
    assert error in page.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_allowed_goes_back_with_its_error(
    sim: Simulator, http: Any, changes: dict[str, str], error: str
) -> None:
    sim.apps.change("small-backup", require_pkce=True)
    reply = http.get(address(**changes))
    assert reply.status_code == 302
    assert f"error={error}" in reply.headers["location"]


def test_other_methods_are_not_allowed(http: Any) -> None:
    assert http.request("DELETE", address()).status_code == 405
