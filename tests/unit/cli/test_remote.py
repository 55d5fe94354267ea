"""Commands against a server: the same words, the same answers, over the API."""

from collections.abc import Iterator

import httpx
import pytest

from scenes import Lead, scene, with_a_night
from terminals import Terminal
from unit.cli.served import URL, from_afar
from unlost.cli.exits import ExitCode
from unlost.cli.remote import RemoteHome
from unlost.cli.remote_actions import REMOTE_ACTIONS
from unlost.model.errors import NotAllowed, StoreError, UsageError

after_night = scene(with_a_night)


@pytest.fixture
def far(unlost: Terminal, after_night: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal on another machine, and the console of the home that has the org "sales"."""
    after_night(unlost.world)
    with from_afar(unlost.world, monkeypatch):
        yield unlost


@pytest.mark.parametrize(
    "words",
    [
        ("org", "list"),
        ("snapshots", "sales"),
        ("certificate", "sales"),
        ("find", "Schoko"),
        ("find", "Schoko", "--table", "account", "--state", "live", "--since", "2020-01-01"),
        ("find", "deleted by ada"),
        ("find", "--deleted-by", "Nobody", "--page", "2"),
        ("history", "sales", "Account/A40017"),
        ("show", "sales", "Account/A40017"),
        ("compare", "sales", "latest", "live", "--table", "Account"),
        ("schedule", "show"),
        ("runs",),
        ("alert", "list"),
        ("user", "list"),
        ("token", "list"),
        ("sso", "list"),
        ("user", "locked"),
        ("audit", "verify"),
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


def test_searched_columns_are_chosen_from_afar(far: Terminal) -> None:
    assert "No further columns" in far("org", "searched", "sales").out
    assert "Account.Number" in far("org", "search", "sales", "Account.Number").out
    assert far("org", "searched", "sales", "--json").json["columns"] == ["Account.Number"]
    assert "No further columns" in far("org", "unsearch", "sales", "Account.Number").out
    assert far("org", "unsearch", "sales", "Account.Number").code == ExitCode.FAILED


def test_errors_come_with_their_codes_and_exits(far: Terminal) -> None:
    ended = far("snapshots", "other", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (ExitCode.FAILED, "org-unknown")
    ended = far("history", "sales", "Account/A99999", "--json")
    assert ended.json["error"]["code"] == "record-unknown"


def test_what_needs_the_home_says_so(far: Terminal) -> None:
    token = ("token", "add", "another", "--owner", "lena-admin")
    for words in (("doctor",), ("backup", "sales", "--full"), token):
        ended = far(*words, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (ExitCode.USAGE, "home-needed")


def test_a_home_and_a_server_are_too_much(far: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLOST_HOME", str(far.world.home.root))
    ended = far("org", "list", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (ExitCode.USAGE, "home-and-server")


@pytest.mark.parametrize("url", ["ftp://x", "http://unlost.acme.example", "unlost", "https://"])
def test_only_a_safe_address_is_used(url: str) -> None:
    with pytest.raises(UsageError):
        RemoteHome(url, "unl_x", composed=REMOTE_ACTIONS)


def test_a_token_is_needed() -> None:
    with pytest.raises(NotAllowed):
        RemoteHome(URL, None, composed=REMOTE_ACTIONS)


def answering(handler: httpx.MockTransport) -> RemoteHome:
    return RemoteHome(URL, "unl_x", composed=REMOTE_ACTIONS, client=httpx.Client(transport=handler))


def test_a_server_that_is_away_or_another_is_told() -> None:
    from unlost.app.actions.orgs.orgs import list_all

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    def strange(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(502, content=b"<html>Bad gateway</html>")

    for handler, code in ((away, "server-away"), (strange, "server-strange")):
        with answering(httpx.MockTransport(handler)) as home, pytest.raises(StoreError) as failed:
            list_all(home)  # type: ignore[arg-type]
        assert failed.value.code == code
