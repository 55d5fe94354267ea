"""Sessions with a stored secret: the right header, and no secret where it does not belong."""

import base64

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.wire import Wire, json_answer
from unlost.kit.http import (
    AnswerHandling,
    Backoff,
    HttpCall,
    HttpClient,
    HttpPolicy,
    RetryRule,
    RetryTable,
    SourceLabel,
)
from unlost.kit.oauth import oauth_error_factory, understand_oauth
from unlost.kit.sessions import BasicSession, BearerSession, HeaderSession
from unlost.model.errors import NotAllowed, UnlostError, UsageError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget, MemorySecretStore

URL = "https://source.example/thing"
LABEL = SourceLabel("ServiceNow", "servicenow")
SECRET = "hush-hush"


def caller(session: HeaderSession, wire: Wire) -> HttpClient:
    table = RetryTable((RetryRule(AnswerHandling.REAUTH, statuses=frozenset({401})),))
    return HttpClient(
        HttpPolicy(table, understand_oauth, oauth_error_factory(()), backoff=Backoff(2)),
        clock=VirtualClock(),
        entropy=SeededEntropy(),
        budget=FreeBudget(),
        session=session,
        transport=wire.transport,
    )


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":"), min_size=1)
passwords = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names, passwords)
def test_name_and_password_come_back_from_the_header(name: str, password: str) -> None:
    session = BasicSession(name, secrets=MemorySecretStore({"password": password}))
    scheme, _, encoded = session.token().partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode().partition(":") == (name, ":", password)


def test_a_basic_session_signs_calls() -> None:
    wire = Wire()
    wire.on("GET", "thing", json_answer({}))
    session = BasicSession("Aladdin", secrets=MemorySecretStore({"password": "open sesame"}))
    caller(session, wire).send(HttpCall("GET", URL))
    assert (
        wire.calls[0].headers["authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )  # RFC 7617


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "\x7f"])
def test_a_user_name_that_cannot_be_sent_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        BasicSession(name, secrets=MemorySecretStore())
    assert caught.value.code == "user-name-unclear"


def test_a_key_signs_calls_in_its_own_header() -> None:
    wire = Wire()
    wire.on("GET", "thing", json_answer({}))
    secrets = MemorySecretStore({"api_key": SECRET})
    caller(HeaderSession("x-sn-apikey", secrets=secrets), wire).send(HttpCall("GET", URL))
    assert wire.calls[0].headers["x-sn-apikey"] == SECRET
    assert "authorization" not in wire.calls[0].headers


def test_a_bearer_token_signs_calls() -> None:
    wire = Wire()
    wire.on("GET", "thing", json_answer({}))
    secrets = MemorySecretStore({"token": "mF_9.B5f-4.1JqM"})
    caller(BearerSession(secrets=secrets), wire).send(HttpCall("GET", URL))
    assert wire.calls[0].headers["authorization"] == "Bearer mF_9.B5f-4.1JqM"  # RFC 6750


def test_a_bearer_token_that_cannot_be_sent_is_refused() -> None:
    session = BearerSession(secrets=MemorySecretStore({"pat": f"{SECRET}\n"}), stored_as="pat")
    with pytest.raises(NotAllowed, match="stored pat") as caught:
        session.token()
    assert caught.value.code == "secret-unsendable"


@pytest.mark.parametrize("key", [f"{SECRET}\n", f"{SECRET} ", f"{SECRET}é", f"{SECRET}\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_its_text(key: str) -> None:
    """The HTTP library would refuse it, too, with an error that repeats it."""
    session = HeaderSession("x-key", secrets=MemorySecretStore({"api_key": key}))
    with pytest.raises(NotAllowed) as caught:
        session.token()
    assert caught.value.code == "secret-unsendable"
    assert SECRET not in f"{caught.value!r} {caught.value.message}"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(NotAllowed, match="api key") as caught:
        HeaderSession("x-key", secrets=MemorySecretStore()).token()
    assert caught.value.code == "secret-missing"


@pytest.mark.parametrize(
    ("session", "name"),
    [
        (lambda store: BasicSession("me", secrets=store, source=LABEL), "password"),
        (lambda store: HeaderSession("x-key", secrets=store, source=LABEL), "api_key"),
        (lambda store: BearerSession(secrets=store, source=LABEL), "token"),
    ],
    ids=["basic", "header", "bearer"],
)
class TestRefused:
    def test_a_refused_secret_is_not_sent_again(self, session, name: str) -> None:
        """A second wrong password could lock the user."""
        wire = Wire()
        wire.on("GET", "thing", httpx.Response(401))
        store = MemorySecretStore({name: SECRET})
        with pytest.raises(NotAllowed, match="ServiceNow does not accept") as caught:
            caller(session(store), wire).send(HttpCall("GET", URL))
        assert caught.value.code == "secret-refused"
        assert len(wire.calls) == 1
        assert SECRET not in f"{caught.value!r} {caught.value.message}"

    def test_a_secret_that_was_replaced_meanwhile_is_used(self, session, name: str) -> None:
        wire = Wire()
        store = MemorySecretStore({name: SECRET})
        signer = session(store)
        client = caller(signer, wire)

        def refuse(request: httpx.Request) -> httpx.Response:
            store.put(name, "newer")
            return httpx.Response(401)

        wire.on("GET", "thing", refuse, json_answer({}))
        assert client.send(HttpCall("GET", URL)).status == 200
        assert wire.calls[1].headers[signer.header] == signer.token()

    def test_no_secret_stands_in_a_repr_or_an_error(self, session, name: str) -> None:
        signer = session(MemorySecretStore({name: SECRET}))
        wire = Wire()
        wire.on("GET", "thing", httpx.Response(400), httpx.ReadError("x"))
        for _ in range(2):
            with pytest.raises(UnlostError) as caught:
                caller(signer, wire).send(HttpCall("GET", URL))
            shown = f"{signer!r} {caught.value!r} {caught.value.message!r}"
            assert SECRET not in shown
            assert signer.token() not in shown


def test_no_body_stands_in_the_repr_of_a_call() -> None:
    assert SECRET not in repr(HttpCall("POST", URL, body=f"password={SECRET}".encode()))
