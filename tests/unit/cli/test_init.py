"""unlost init: the sheet is confirmed by typing two groups back, or written to a file."""

from pathlib import Path

import pytest

from terminals import Terminal
from unlost.cli.exits import ExitCode
from unlost.cli.verbs.vault import init as module
from unlost.vault.format.recovery import RecoverySheet


class Typist:
    """Types groups back; ``wrong`` times a wrong one first."""

    def __init__(self, *, wrong: int = 0) -> None:
        self.wrong = wrong
        self.sheet: RecoverySheet | None = None
        self.asked: list[int] = []

    def prompt(self, text: str, *, err: bool) -> str:
        assert err
        assert self.sheet is not None
        number = int(text.split()[-1])
        self.asked.append(number)
        if self.wrong:
            self.wrong -= 1
            return "0000"
        return self.sheet.groups()[number - 1].lower()


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Typist:
    typist = Typist()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", typist.prompt)
    real = RecoverySheet.text

    def text(sheet: RecoverySheet) -> str:
        typist.sheet = sheet
        return real(sheet)

    monkeypatch.setattr(RecoverySheet, "text", text)
    return typist


def test_in_a_script_the_sheet_goes_to_a_file(unlost: Terminal, tmp_path: Path) -> None:
    ended = unlost("init", str(tmp_path / "new"), "--recovery-out", str(tmp_path / "sheet"))
    assert ended.code == ExitCode.OK
    assert f"export UNLOST_HOME={tmp_path / 'new'}" in ended.out
    assert "Print the recovery sheet" in ended.out
    assert "UNLOST RECOVERY SHEET" in (tmp_path / "sheet").read_text()


def test_without_a_terminal_a_file_must_be_named(unlost: Terminal, tmp_path: Path) -> None:
    ended = unlost("init", str(tmp_path / "new"))
    assert ended.code == ExitCode.USAGE
    assert "--recovery-out" in ended.err
    assert not (tmp_path / "new").exists()


def test_at_a_terminal_two_groups_are_typed_back(
    unlost: Terminal, tmp_path: Path, at_terminal: Typist
) -> None:
    ended = unlost("init", str(tmp_path / "new"), "--json")
    assert ended.code == ExitCode.OK
    assert len(set(at_terminal.asked)) == 2
    assert "UNLOST RECOVERY SHEET" in ended.err
    assert ended.json["recovery_sheet"] is None
    assert at_terminal.sheet is not None
    assert at_terminal.sheet.groups()[3] not in ended.out


def test_a_mistyped_group_may_be_typed_again(
    unlost: Terminal, tmp_path: Path, at_terminal: Typist
) -> None:
    at_terminal.wrong = 1
    ended = unlost("init", str(tmp_path / "new"))
    assert ended.code == ExitCode.OK
    assert "does not match the sheet" in ended.err
    assert len(at_terminal.asked) == 4


def test_whoever_cannot_type_it_back_has_no_vault(
    unlost: Terminal, tmp_path: Path, at_terminal: Typist
) -> None:
    at_terminal.wrong = 2 * module.TRIES
    ended = unlost("init", str(tmp_path / "new"))
    assert ended.code == ExitCode.NOT_ALLOWED
    assert not (tmp_path / "new" / "vault" / "vault.json").exists()


def test_a_new_machine_uses_the_sheet(unlost: Terminal, tmp_path: Path) -> None:
    vault, sheet = str(tmp_path / "vault"), tmp_path / "sheet"
    unlost("init", str(tmp_path / "old"), "--vault", vault, "--recovery-out", str(sheet))
    command = ("init", str(tmp_path / "new"), "--vault", vault, "--from-sheet")
    assert unlost(*command, str(tmp_path / "nothing")).code == ExitCode.USAGE
    ended = unlost(*command, str(sheet), "--json")
    assert ended.code == ExitCode.OK
    assert ended.json["vault"] == vault
