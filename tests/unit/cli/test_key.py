"""unlost key: listed, added, tried, replaced, taken away; and the sheet is shown again."""

import re
from pathlib import Path

import pytest

from terminals import Terminal
from unit.cli.test_init import Typist, at_terminal  # noqa: F401 (a fixture)
from unlost.app import compose
from unlost.app.actions.vault.keys import Keys
from unlost.app.actions.vault.rekey import AllRekeyed, OrgRekeyed
from unlost.cli.exits import ExitCode
from unlost.vault.format.slots import KeyStretch

OPEN = compose.open_application
WORDS = "lusab babad gutih tugad"


@pytest.fixture
def home(unlost: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal at a home with a vault on a disk."""
    stretch = KeyStretch(salt="73" * 16, memory=64 * 1024, passes=2, lanes=1)
    monkeypatch.setattr("unlost.app.actions.vault.keys.new_stretch", lambda _: stretch)
    monkeypatch.setattr(compose, "open_application", OPEN)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    made = unlost("init", str(tmp_path / "new"), "--recovery-out", str(tmp_path / "sheet"))
    assert made.code == ExitCode.OK
    monkeypatch.setenv("UNLOST_HOME", str(tmp_path / "new"))
    (tmp_path / "words").write_text(f"{WORDS}\n")
    return unlost


@pytest.fixture
def sheet(tmp_path: Path) -> tuple[str, str]:
    """The option with which a person changes keys."""
    return "--sheet", str(tmp_path / "sheet")


def test_keys_come_and_go(home: Terminal, tmp_path: Path, sheet: tuple[str, str]) -> None:
    told = home("key", "list").out
    assert "service  key file   no" in told
    assert "used by the service of this home" in told
    assert "The recovery sheet was last written down on 20" in told
    assert re.search("signed by the owner's key [0-9a-f]{16}\\.", told)
    assert "The master key is number 1." in told
    assert "last replaced or renewed" not in told
    words = str(tmp_path / "words")
    added = home("key", "add", "office", "--passphrase-file", words, *sheet)
    assert added.out == "The slot office opens the vault with its passphrase.\n"
    usb = str(tmp_path / "usb")
    added = home("key", "add", "usb", "--key-file", usb, *sheet)
    assert f"with the key in {usb}.\nLet only its owner read the file" in added.out
    assert "(slot usb)" in home("key", "test", "--key-file", usb).out
    assert "(slot service)" in home("key", "test").out
    assert "(recovery sheet)" in home("key", "test", "--sheet", str(tmp_path / "sheet")).out
    replaced = home("key", "replace", "usb", "--passphrase-file", words, *sheet, "--json").json
    assert (replaced["replaced"], replaced["kind"]) == ("usb", "passphrase")
    gone = home("key", "remove", "office", "--yes", *sheet)
    assert gone.out.startswith(
        f"The slot office was removed; 2 slots left: service, {replaced['slot']}."
    )
    assert "may have kept the master key" in gone.out
    assert "A key was last replaced or renewed on 20" in home("key", "list").out
    own = home("key", "replace", "service", *sheet)
    assert "The slot service was removed.\nWarning: " in own.out
    service, passphrase = home("key", "list", "--json").json["slots"]
    assert service == {
        "slot": service["slot"], "kind": "key file", "authorizes": False, "service": True,
    }  # fmt: skip
    assert service["slot"].startswith("service-")
    assert passphrase == {
        "slot": replaced["slot"], "kind": "passphrase", "authorizes": True, "service": False,
    }  # fmt: skip
    told = home("key", "list").out
    assert [line.split() for line in told.splitlines()][2] == [
        replaced["slot"],
        "passphrase",
        "yes",
    ]
    assert home("key", "remove", "nobody", "--yes", *sheet).code == ExitCode.FAILED


def test_a_key_can_go_to_another_program(
    home: Terminal, tmp_path: Path, sheet: tuple[str, str]
) -> None:
    ended = home("key", "add", "nightly", "--key-file", "-", *sheet)
    assert ended.out.startswith("unlost-service-key 0\n")
    assert ended.err == "The key of the slot nightly was written to stdout.\n"
    key = tmp_path / "key"
    key.write_text(ended.out)
    key.chmod(0o644)
    refused = home("key", "test", "--key-file", str(key))
    assert refused.code is ExitCode.NOT_ALLOWED
    assert f"chmod 600 {key}" in refused.err
    key.chmod(0o600)
    assert "(slot nightly)" in home("key", "test", "--key-file", str(key)).out
    ended = home("key", "replace", "nightly", "--key-file", "-", *sheet)
    assert ended.out.startswith("unlost-service-key 0\n")


def test_a_passphrase_is_proposed_and_typed(
    home: Terminal, monkeypatch: pytest.MonkeyPatch, sheet: tuple[str, str]
) -> None:
    refused = home("key", "add", "office", "--passphrase", *sheet)
    assert "--passphrase-file" in refused.err
    asked: list[str] = []

    def prompt(text: str, **_: object) -> str:
        asked.append(text)
        return WORDS

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", prompt)
    ended = home("key", "add", "office", "--passphrase")
    assert (ended.code, asked) == (ExitCode.NOT_ALLOWED, []), "nobody types words for nothing"
    ended = home("key", "add", "office", "--passphrase", *sheet)
    assert ended.code == ExitCode.OK
    assert len(ended.err.splitlines()[0].split()) == 7
    assert "(slot office)" in home("key", "test", "--by-passphrase", "office").out
    assert home("key", "list", "--by-passphrase", "office").code == ExitCode.OK
    assert asked == ["Passphrase", "Passphrase of office", "Passphrase of office"]
    del asked[:]
    assert (
        home("key", "remove", "service", "--yes", "--by-passphrase", "office", "--json").failure[
            "code"
        ]
        == "slot-in-use"
    )
    assert home("key", "replace", "service", "--by-passphrase", "office").code == ExitCode.OK
    assert asked == ["Passphrase of office"] * 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            ("add", "x", "--passphrase-file", "/nowhere", "--sheet", "sheet"),
            "passphrase-unreadable",
        ),
        (("add", "x", "--sheet", "sheet"), "key-unclear"),
        (("add", "x", "--sheet", "/nowhere"), "sheet-unreadable"),
        (("remove", "service", "--sheet", "sheet"), "key-not-agreed"),
        (("remove", "x", "--sheet", "sheet", "--by-passphrase", "y"), "way-in-unclear"),
        (("test", "--key-file", "a", "--sheet", "b"), "way-in-unclear"),
        (("sheet",), "sheet-needs-terminal"),
    ],
)
def test_what_is_not_clear_is_told(
    home: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = home("key", *words, "--json")
    assert ended.code == ExitCode.USAGE
    assert ended.failure["code"] == code


def test_a_slot_is_removed_once_somebody_agrees(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: tuple[str, str]
) -> None:
    home("key", "add", "office", "--passphrase-file", str(tmp_path / "words"), *sheet)
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    assert home("key", "remove", "office").code == ExitCode.NOT_ALLOWED
    assert asked == []
    assert home("key", "remove", "office", *sheet).code == ExitCode.OK
    assert asked == ["Remove the slot office? Its key will no longer open the vault."]


@pytest.mark.parametrize(
    "words",
    [
        ("add", "usb", "--key-file", "usb"),
        ("add", "usb", "--key-file", "-"),
        ("add", "usb", "--service"),
        ("add", "office", "--passphrase-file", "words"),
        ("remove", "service", "--yes"),
        ("replace", "service"),
        ("replace", "service", "--key-file", "usb"),
        ("sheet", "--out", "usb"),
        ("renew", "--recovery-out", "usb", "--yes"),
    ],
)
def test_a_key_file_changes_no_keys_and_leaves_no_file(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {file: file.read_bytes() for file in _files(tmp_path)}
    told = home("key", *words)
    assert (told.code, told.out) == (ExitCode.NOT_ALLOWED, "")
    assert "This needs the recovery sheet or a passphrase." in told.err
    assert "Repeat the command with `--sheet FILE`" in " ".join(told.err.split())
    ended = home("key", *words, "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.NOT_ALLOWED, "sheet-needed")
    assert {file: file.read_bytes() for file in _files(tmp_path)} == before


def _files(folder: Path) -> list[Path]:
    """The sheet, the words, and the files of keys and of the register."""
    new = folder / "new"
    files = [*folder.iterdir(), *(new / "keys").rglob("*"), *(new / "vault").rglob("*")]
    return [file for file in files if file.is_file()]


def test_a_sheet_that_was_never_confirmed_is_named(
    home: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Keys("00" * 16, (), None)
    monkeypatch.setattr("unlost.app.actions.vault.keys.keys", lambda *_: nobody)
    told = " ".join(home("key", "list").out.split())
    assert "never confirmed that the recovery sheet was written down" in told
    assert "unlost key sheet --sheet FILE or --by-passphrase SLOT" in told


def test_the_sheet_is_shown_again(
    home: Terminal,
    tmp_path: Path,
    at_terminal: Typist,  # noqa: F811
    sheet: tuple[str, str],
) -> None:
    ended = home("key", "sheet", *sheet)
    assert ended.code == ExitCode.OK
    assert (tmp_path / "sheet").read_text() in ended.err
    assert len(at_terminal.asked) == 2
    at_terminal.wrong = 9
    assert home("key", "sheet", *sheet, "--json").failure["code"] == "sheet-not-confirmed"
    out = tmp_path / "again"
    assert "was written down" in home("key", "sheet", "--out", str(out), *sheet).out
    assert out.read_text() == (tmp_path / "sheet").read_text()


def test_the_master_key_is_renewed(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: tuple[str, str]
) -> None:
    out = tmp_path / "new-sheet"
    wish = ("key", "renew", "--recovery-out", str(out), *sheet)
    assert home("key", "renew", "--json").failure["next_step"].startswith("Add --recovery-out")
    assert home(*wish, "--json").failure["code"] == "key-not-agreed"
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    told = home(*wish).out
    assert asked == ["All other slots and the recovery sheet become invalid. Continue?"]
    assert "has a new master key. Orgs with a new key: 0." in told
    assert "no longer open it: service.\n" in told
    assert "Next: restart the service" in told
    assert "unlost key add NAME --service --sheet FILE" in told
    assert (
        home("key", "test", "--sheet", str(tmp_path / "sheet"), "--json").failure["code"]
        == "key-outdated"
    )
    assert "(recovery sheet)" in home("key", "test", "--sheet", str(out)).out
    third = ("key", "renew", "--recovery-out", str(tmp_path / "third"), "--yes", "--json")
    done = home(*third, "--sheet", str(out)).json
    assert done["slot"].startswith("service-")


def test_with_a_lost_sheet_the_master_key_is_renewed_by_the_service_key(
    home: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: tuple[str, str]
) -> None:
    out = tmp_path / "new-sheet"
    wish = ("key", "renew", "--lost-sheet", "--recovery-out", str(out))
    assert home(*wish, "--json").failure["code"] == "key-not-agreed"
    both = home(*wish, *sheet, "--yes", "--json")  # a person who has the sheet has not lost it
    assert (both.failure["code"], "omit --lost-sheet" in both.failure["next_step"]) == (
        "way-in-unclear",
        True,
    )
    assert not out.exists()
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    told = home(*wish)
    assert (told.code, len(asked)) == (ExitCode.OK, 1)
    assert "other homes will need a new key" in told.err
    assert "has a new master key" in told.out
    assert "(recovery sheet)" in home("key", "test", "--sheet", str(out)).out
    ended = home("key", "test", *sheet, "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.FAILED, "register-damaged")
    assert "newest recovery sheet" in ended.failure["next_step"]
    added = home("key", "add", "usb", "--key-file", str(tmp_path / "usb"), "--sheet", str(out))
    assert added.code == ExitCode.OK


def test_an_object_that_does_not_open_is_named_by_a_rekey(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = OrgRekeyed("sales", 7, 3, 100, 2, "", "orgs/x/packs/y", complete=False)
    monkeypatch.setattr("unlost.app.actions.vault.rekey.rekey", lambda *_: AllRekeyed((one,)))
    told = unlost("key", "rekey").out
    assert "orgs/x/packs/y cannot be decrypted, so the earlier keys stay" in told
    assert "unlost verify --level full" in told


@pytest.mark.parametrize("content", [None, ""])
def test_a_sheet_without_a_text_is_not_the_service_key(
    home: Terminal, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "typed"
    if content is not None:
        file.write_text(content)
    refused = home("key", "test", "--sheet", str(file), "--json")
    assert refused.failure["code"] == "sheet-unreadable"
