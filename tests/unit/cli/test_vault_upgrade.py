"""unlost vault upgrade, typed at a home of an earlier release."""

from pathlib import Path

import pytest

from older import written_before
from terminals import Terminal
from unlost.app import compose
from unlost.cli.exits import ExitCode

OPEN = compose.open_application


@pytest.fixture
def home(unlost: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal at a home whose vault is of format 0."""
    monkeypatch.setattr(compose, "open_application", OPEN)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with written_before():
        made = unlost("init", str(tmp_path / "new"), "--recovery-out", str(tmp_path / "sheet"))
    assert made.code == ExitCode.OK
    monkeypatch.setenv("UNLOST_HOME", str(tmp_path / "new"))
    return unlost


def test_it_says_what_it_did_and_that_it_was_done(home: Terminal) -> None:
    told = home("doctor", "--offline").out
    assert "format: The vault is of format 0" in told
    assert "unlost vault upgrade" in told
    done = home("vault", "upgrade")
    assert done.code == ExitCode.OK
    assert done.out.startswith("The vault is whole (full: ")
    assert done.out.endswith("It was of format 0, and is of format 1 from now on.\n")
    again = home("vault", "upgrade", "--level", "quick")
    assert again.out == "The vault is of format 1 already: nothing is to be done.\n"
    assert home("vault", "upgrade", "--json").json["before"] == 1
    assert "format: The vault is of format 1" in home("doctor", "--offline").out


def test_damage_is_refused(home: Terminal, tmp_path: Path) -> None:
    (tmp_path / "new" / "vault" / "keys" / "service" / "2").unlink()
    done = home("vault", "upgrade")
    assert done.code == ExitCode.FAILED
    assert "keys/service/2" in done.err
    assert "--repair-from" in done.err
