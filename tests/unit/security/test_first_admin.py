"""The link that makes the first admin is shown to a person at the machine, and kept in no journal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest

from homes import World
from unit.web.conftest import SignIn
from unlost.catalog.models import LinkRow
from unlost.cli.verbs.runs.up import _console
from unlost.web.serving import ReachedAddress
from unlost.web.signin.rules import DEFAULT_RULES, SignInRules

type Start = Callable[..., str]


@pytest.fixture
def start(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Start:
    """What `unlost up` says when its console starts."""

    @contextmanager
    def served(*_: object, rules: SignInRules) -> Iterator[ReachedAddress]:
        assert rules == DEFAULT_RULES
        yield replace(ReachedAddress(), port=port)

    port = 8484
    monkeypatch.setattr("unlost.web.serving.served", served)
    monkeypatch.setattr("unlost.app.compose.open_application", lambda _: nullcontext(world.app))

    def started(*, terminal: bool, at: int = 8484) -> str:
        nonlocal port
        port = at
        monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
        with _console(world.home.root, ReachedAddress(), DEFAULT_RULES):
            return capsys.readouterr().out

    return started


def test_a_journal_gets_no_link_for_the_first_admin(start: Start) -> None:
    shown = start(terminal=False)
    assert "/start/" not in shown
    assert "Console: http://127.0.0.1:8484/\n" in shown
    assert "`unlost user link`" in shown
    assert not LinkRow.objects.exists(), "there is none that could be guessed"
    assert "`unlost user link --url http://127.0.0.1:8500`" in start(terminal=False, at=8500)


def test_a_terminal_shows_the_link_for_the_first_admin(start: Start) -> None:
    assert "create the first admin: http://127.0.0.1:8484/start/" in start(terminal=True)
    assert LinkRow.objects.count() == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_a_home_with_an_admin_has_no_such_link(
    start: Start, sign_in: SignIn, terminal: bool
) -> None:
    sign_in()
    assert start(terminal=terminal) == "Console: http://127.0.0.1:8484/\n"
    assert not LinkRow.objects.exists()
