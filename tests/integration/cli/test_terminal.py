"""At a real terminal: the sheet is confirmed, secrets do not show, progress does."""

import re
from pathlib import Path

import pytest

from integration.cli.conftest import SECRET, UNLOST, Program, add_org
from integration.cli.pseudo_terminal import PseudoTerminal, at_terminal
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

SHEET_LINE = re.compile(r"^\d\d-\d\d: +(.+)$", re.MULTILINE)


def shown_groups(terminal: PseudoTerminal) -> list[str]:
    """The sheet's groups as a person copies them from the screen."""
    terminal.expect("It opens the vault if everything else is lost")
    return " ".join(SHEET_LINE.findall(terminal.screen)).split()


def test_init_shows_the_sheet_and_has_it_confirmed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with at_terminal(UNLOST, "init", str(home), environment={}) as terminal:
        groups = shown_groups(terminal)
        asked = []
        for _ in range(2):
            asked.append(int(terminal.expect(r"Type group (\d+):")[1]))
            terminal.type(groups[asked[-1] - 1].lower())
        terminal.expect("Next: export UNLOST_HOME=")
        assert terminal.end() == 0
    assert asked[0] < asked[1]
    assert (home / "vault" / "vault.json").exists()
    assert not list(tmp_path.rglob("*sheet*")), "it is nowhere but on the screen"
    assert Program(home)("verify").code == 0


def test_a_mistyped_group_is_asked_again_and_three_times_wrong_makes_no_vault(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    with at_terminal(UNLOST, "init", str(home), environment={}) as terminal:
        shown_groups(terminal)
        for _ in range(3):
            for _ in range(2):
                terminal.expect(r"Type group \d+:")
                terminal.type("0000")
            terminal.expect("does not match the sheet")
        terminal.expect("The recovery sheet was not confirmed")
        assert terminal.end() == 4
    assert not (home / "vault" / "vault.json").exists()


def test_whoever_breaks_off_has_no_vault_and_may_begin_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with at_terminal(UNLOST, "init", str(home), environment={}) as terminal:
        terminal.expect(r"Type group \d+:")
        terminal.break_off("The command was cancelled")
        assert terminal.end() == 1
        assert "Traceback" not in terminal.screen
    assert not (home / "vault" / "vault.json").exists()
    assert Program(home)("init", str(home), "--recovery-out", str(tmp_path / "s")).code == 0


@pytest.fixture
def empty(tmp_path: Path) -> Program:
    """A home without an org."""
    made = Program(tmp_path / "home")
    assert made("init", str(made.home), "--recovery-out", str(tmp_path / "sheet")).code == 0
    return made


def test_a_secret_is_typed_and_never_shown(simulator: SimulatorProcess, empty: Program) -> None:
    words = ("org", "add", "salesforce", "chocolate", "--login-url", simulator.url)
    place = {"UNLOST_HOME": str(empty.home)}
    with at_terminal(
        UNLOST, *words, "--client-id", "chocolate-backup", environment=place
    ) as terminal:
        terminal.expect("Consumer secret:")
        terminal.type_hidden(SECRET)
        terminal.expect("chocolate was added: Kwinten Chocolade NV")
        assert terminal.end() in {0, 3}
        assert SECRET not in terminal.screen
    assert SECRET.encode() not in b"".join(
        file.read_bytes() for file in empty.home.rglob("*") if file.is_file()
    )


def test_a_wrong_secret_typed_is_told_and_nothing_is_kept(
    simulator: SimulatorProcess, empty: Program
) -> None:
    words = ("org", "add", "salesforce", "chocolate", "--login-url", simulator.url)
    place = {"UNLOST_HOME": str(empty.home)}
    with at_terminal(
        UNLOST, *words, "--client-id", "chocolate-backup", environment=place
    ) as terminal:
        terminal.expect("Consumer secret:")
        terminal.type_hidden("mistyped")
        terminal.expect("Error: The consumer key and the consumer secret do not match")
        assert terminal.end() == 4
        assert "mistyped" not in terminal.screen
    assert empty("org", "list", "--json").json["orgs"] == []


def test_a_private_key_is_never_asked_for(simulator: SimulatorProcess, empty: Program) -> None:
    """Nobody types a text of thirty lines: it comes from a file."""
    words = ("org", "add", "salesforce", "chocolate", "--login-url", simulator.url)
    how = ("--client-id", "x", "--auth", "jwt-bearer", "--username", "backup@chocolate.example")
    with at_terminal(
        UNLOST, *words, *how, environment={"UNLOST_HOME": str(empty.home)}
    ) as terminal:
        terminal.expect("Error: The private key is missing")
        terminal.expect("--private-key-file")
        assert terminal.end() == 4


def test_a_backup_shows_how_it_gets_on(simulator: SimulatorProcess, empty: Program) -> None:
    assert add_org(empty, simulator.url).code in {0, 3}
    with at_terminal(
        UNLOST, "backup", "chocolate", environment={"UNLOST_HOME": str(empty.home)}
    ) as terminal:
        terminal.expect(r"reading \w+ · .*rows \(\d")
        terminal.expect("Snapshot 1 of chocolate is stored, with 1 open gap")
        assert terminal.end() in {0, 3}
    last = re.split(r"\x1b\[[0-9;?]*[A-Za-z]", terminal.screen)
    assert "reading" not in last[-1], "the line of progress is gone at the end"
