"""Commands against a server: the same words, the same answers, over the API."""

from collections.abc import Iterator

import httpx
import pytest
from django.test import Client

from homes import World
from terminals import Terminal
from unlost.app.actions.backup import backup
from unlost.app.actions.people import add
from unlost.app.actions.tokens import make
from unlost.app.home import read_home_key
from unlost.cli.exits import ExitCode
from unlost.cli.remote import RemoteHome
from unlost.model.access import Role
from unlost.model.errors import NotAllowed, StoreError, UsageError
from unlost.web.serving import Reached, holding, set_up

URL = "https://unlost.acme.example"


class ByClient(httpx.BaseTransport):
    """Answers as the console does, without a socket."""

    def __init__(self) -> None:
        self.client = Client(SERVER_NAME="localhost")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        answer = self.client.generic(
            request.method,
            path,
            data=request.read(),
            content_type=request.headers.get("Content-Type", ""),
            headers={"Authorization": request.headers["Authorization"]},
        )
        return httpx.Response(answer.status_code, content=answer.content)


@pytest.fixture
def far(sales: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal on another machine, and the console of the home that has the org "sales"."""
    world: World = sales.world
    backup(world.app, "sales")
    add(world.app, "lena", role=Role.ADMIN)
    token = make(world.app, "terminal", role=Role.ADMIN, owner="lena").text
    set_up(read_home_key(world.app.home), Reached())
    monkeypatch.delenv("UNLOST_HOME")
    monkeypatch.setenv("UNLOST_URL", URL)
    monkeypatch.setenv("UNLOST_TOKEN", token)
    real = httpx.Client

    def without_socket(**options: object) -> httpx.Client:
        return real(transport=ByClient(), **options)  # type: ignore[arg-type]

    monkeypatch.setattr("unlost.cli.remote.httpx.Client", without_socket)
    with holding(world.app):
        yield sales


@pytest.mark.parametrize(
    "words",
    [
        ("org", "list"),
        ("snapshots", "sales"),
        ("certificate", "sales"),
        ("find", "Schoko"),
        ("history", "sales", "Account", "A40017"),
        ("show", "sales", "Account", "A40017"),
        ("compare", "sales", "latest", "live", "--table", "Account"),
        ("schedule", "show"),
        ("runs",),
        ("alert", "list"),
        ("user", "list"),
        ("token", "list"),
    ],
)
def test_a_command_says_the_same_from_afar(
    far: Terminal, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, there_json = far(*words), far(*words, "--json")
    monkeypatch.delenv("UNLOST_URL")
    monkeypatch.setenv("UNLOST_HOME", str(far.world.home.root))
    here, here_json = far(*words), far(*words, "--json")
    assert there.code == here.code == ExitCode.OK
    assert there.out == here.out
    assert there_json.json == here_json.json


def test_what_is_changed_from_afar_is_changed(far: Terminal) -> None:
    assert far("schedule", "set", "sales", "--at", "04:15").code == ExitCode.OK
    assert "04:15" in far("schedule", "show", "sales").out
    assert far("org", "hide", "sales", "Account.Phone").code == ExitCode.OK
    assert "Account.Phone" in far("org", "hidden", "sales").out
    assert far("org", "unhide", "sales", "Account.Phone").code == ExitCode.OK


def test_errors_come_with_their_codes_and_exits(far: Terminal) -> None:
    ended = far("snapshots", "other", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (ExitCode.FAILED, "org-unknown")
    ended = far("history", "sales", "Account", "A99999", "--json")
    assert ended.json["error"]["code"] == "record-unknown"


def test_what_needs_the_home_says_so(far: Terminal) -> None:
    for words in (("doctor",), ("backup", "sales")):
        ended = far(*words, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (ExitCode.USAGE, "home-needed")


def test_a_home_and_a_server_are_too_much(far: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLOST_HOME", str(far.world.home.root))
    ended = far("org", "list", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (ExitCode.USAGE, "home-and-server")


@pytest.mark.parametrize("url", ["ftp://x", "http://unlost.acme.example", "unlost", "https://"])
def test_only_a_safe_address_is_used(url: str) -> None:
    with pytest.raises(UsageError):
        RemoteHome(url, "unl_x")


def test_a_token_is_needed() -> None:
    with pytest.raises(NotAllowed):
        RemoteHome(URL, None)


def answering(handler: httpx.MockTransport) -> RemoteHome:
    return RemoteHome(URL, "unl_x", client=httpx.Client(transport=handler))


def test_a_server_that_is_away_or_another_is_told() -> None:
    from unlost.app.actions.orgs import list_all

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    def strange(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, content=b"<html>Bad gateway</html>")

    for handler, code in ((away, "server-away"), (strange, "server-strange")):
        with answering(httpx.MockTransport(handler)) as home, pytest.raises(StoreError) as failed:
            list_all(home)  # type: ignore[arg-type]
        assert failed.value.code == code
