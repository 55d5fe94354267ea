"""unlost key: listed, added, tried, replaced, taken away; and the sheet is shown again."""

from pathlib import Path

import pytest

from terminals import Terminal
from unit.cli.test_init import Typist, at_terminal  # noqa: F401 (a fixture)
from unlost.app import compose
from unlost.app.actions.vault.rekey import AllRekeyed, OrgRekeyed
from unlost.cli.exits import ExitCode
from unlost.vault.format.slots import KeyStretch

OPEN = compose.open_application
WORDS = "lusab babad gutih tugad"


@pytest.fixture
def home(unlost: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal at a home with a vault on a disk."""
    stretch = KeyStretch(salt=b"s" * 16, memory=64 * 1024, passes=2, lanes=1)
    monkeypatch.setattr("unlost.app.actions.vault.keys.new_stretch", lambda _: stretch)
    monkeypatch.setattr(compose, "open_application", OPEN)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    made = unlost("init", str(tmp_path / "new"), "--recovery-out", str(tmp_path / "sheet"))
    assert made.code == ExitCode.OK
    monkeypatch.setenv("UNLOST_HOME", str(tmp_path / "new"))
    (tmp_path / "words").write_text(f"{WORDS}\n")
    return unlost


def test_keys_come_and_go(home: Terminal, tmp_path: Path) -> None:
    told = home("key", "list").out
    assert "service  key file" in told
    assert "used by the service of this home" in told
    assert "The recovery sheet was last written down on 20" in told
    words = str(tmp_path / "words")
    added = home("key", "add", "office", "--passphrase-file", words)
    assert added.out == "The slot office opens the vault with its passphrase.\n"
    usb = str(tmp_path / "usb")
    added = home("key", "add", "usb", "--key-file", usb)
    assert f"with the key in {usb}.\nLet only its owner read the file" in added.out
    assert "(slot usb)" in home("key", "test", "--key-file", usb).out
    assert "(slot service)" in home("key", "test").out
    assert "(recovery sheet)" in home("key", "test", "--sheet", str(tmp_path / "sheet")).out
    replaced = home("key", "replace", "usb", "--passphrase-file", words, "--json").json
    assert (replaced["replaced"], replaced["kind"]) == ("usb", "passphrase")
    gone = home("key", "remove", "office", "--yes")
    assert gone.out.startswith(
        f"The slot office was removed; 2 slots left: service, {replaced['slot']}."
    )
    assert "may have kept the master key" in gone.out
    own = home("key", "replace", "service")
    assert "The slot service was removed.\nWarning: " in own.out
    assert len(home("key", "list", "--json").json["slots"]) == 2
    assert home("key", "remove", "nobody", "--yes").code == ExitCode.FAILED


def test_a_key_can_go_to_another_program(home: Terminal, tmp_path: Path) -> None:
    ended = home("key", "add", "nightly", "--key-file", "-")
    assert ended.out.startswith("unlost-service-key 0\n")
    assert ended.err == "The key of the slot nightly was written to stdout.\n"
    (tmp_path / "key").write_text(ended.out)
    assert "(slot nightly)" in home("key", "test", "--key-file", str(tmp_path / "key")).out
    ended = home("key", "replace", "nightly", "--key-file", "-")
    assert ended.out.startswith("unlost-service-key 0\n")


def test_a_passphrase_is_proposed_and_typed(
    home: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = home("key", "add", "office", "--passphrase")
    assert "--passphrase-file" in refused.err
    asked: list[str] = []

    def prompt(text: str, **_: object) -> str:
        asked.append(text)
        return WORDS

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", prompt)
    ended = home("key", "add", "office", "--passphrase")
    assert ended.code == ExitCode.OK
    assert len(ended.err.splitlines()[0].split()) == 7
    assert "(slot office)" in home("key", "test", "--by-passphrase", "office").out
    assert home("key", "list", "--by-passphrase", "office").code == ExitCode.OK
    assert asked == ["Passphrase", "Passphrase of office", "Passphrase of office"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "x", "--passphrase-file", "/nowhere"), "passphrase-unreadable"),
        (("add", "x"), "key-unclear"),
        (("remove", "service"), "key-not-agreed"),
        (("test", "--key-file", "a", "--sheet", "b"), "way-in-unclear"),
        (("sheet",), "sheet-needs-terminal"),
    ],
)
def test_what_is_not_clear_is_told(home: Terminal, words: tuple[str, ...], code: str) -> None:
    ended = home("key", *words, "--json")
    assert ended.code == ExitCode.USAGE
    assert ended.failure["code"] == code


def test_a_slot_is_removed_once_somebody_agrees(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home("key", "add", "office", "--passphrase-file", str(tmp_path / "words"))
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    assert home("key", "remove", "office").code == ExitCode.OK
    assert asked == ["Remove the slot office? Its key will no longer open the vault."]


def test_a_slot_that_is_broken_is_a_finding(home: Terminal, tmp_path: Path) -> None:
    home("key", "add", "office", "--passphrase-file", str(tmp_path / "words"))
    for copy in (tmp_path / "new" / "vault" / "keys" / "office").iterdir():
        copy.unlink()
    ended = home("key", "list")
    assert ended.code == ExitCode.FINDINGS
    assert "office   unknown" in ended.out


def test_the_sheet_is_shown_again(
    home: Terminal,
    tmp_path: Path,
    at_terminal: Typist,  # noqa: F811
) -> None:
    ended = home("key", "sheet")
    assert ended.code == ExitCode.OK
    assert (tmp_path / "sheet").read_text() in ended.err
    assert len(at_terminal.asked) == 2
    at_terminal.wrong = 9
    assert home("key", "sheet", "--json").failure["code"] == "sheet-not-confirmed"
    out = tmp_path / "again"
    assert "was written down" in home("key", "sheet", "--out", str(out)).out
    assert out.read_text() == (tmp_path / "sheet").read_text()


def test_the_master_key_is_renewed(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new-sheet"
    wish = ("key", "renew", "--recovery-out", str(out))
    assert home("key", "renew", "--json").failure["next_step"].startswith("Add --recovery-out")
    assert home(*wish, "--json").failure["code"] == "key-not-agreed"
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    told = home(*wish).out
    assert asked == ["All other slots and the recovery sheet become invalid. Continue?"]
    assert "has a new master key, and 0 orgs new keys." in told
    assert "no longer open it: service.\n" in told
    assert "Next: restart the service" in told
    assert (
        home("key", "test", "--sheet", str(tmp_path / "sheet"), "--json").failure["code"]
        == "key-outdated"
    )
    assert "(recovery sheet)" in home("key", "test", "--sheet", str(out)).out
    done = home("key", "renew", "--recovery-out", str(tmp_path / "third"), "--yes", "--json").json
    assert done["slot"].startswith("service-")


def test_an_object_that_does_not_open_is_named_by_a_rekey(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = OrgRekeyed("sales", 7, 3, 100, 2, "", "orgs/x/packs/y", complete=False)
    monkeypatch.setattr("unlost.app.actions.vault.rekey.rekey", lambda *_: AllRekeyed((one,)))
    told = unlost("key", "rekey").out
    assert "orgs/x/packs/y cannot be decrypted, so the earlier keys stay" in told
    assert "unlost verify --level full" in told
