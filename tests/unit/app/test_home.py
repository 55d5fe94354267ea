"""The home: written whole, read strictly, its keys never beside the vault."""

import stat
from pathlib import Path

import pytest

from homes import make_home
from unlost.app.home.home import (
    FILE,
    check_keys_outside_vault,
    plan_home,
    read_home,
    read_home_key,
    write_home,
    write_secret_file,
)
from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    StoreError,
    UsageError,
)


def code_of(caught: pytest.ExceptionInfo[Exception]) -> str:
    return caught.value.code  # type: ignore[attr-defined, no-any-return]


def test_a_home_comes_back_as_it_was_written(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert read_home(tmp_path / "home") == home
    assert home.vault == tmp_path / "home" / "vault"
    assert home.service_key == tmp_path / "home" / "keys" / "service.key"


def test_a_home_can_be_moved_with_what_lies_in_it(tmp_path: Path) -> None:
    make_home(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    assert read_home(tmp_path / "new").vault == tmp_path / "new" / "vault"


def test_a_vault_elsewhere_keeps_its_address(tmp_path: Path) -> None:
    vault = tmp_path / 'a "quoted" \\ place' / "vault"
    home = plan_home(tmp_path / "home", vault=vault, service_key=tmp_path / "key")
    home.root.mkdir()
    write_home(home)
    assert read_home(home.root) == home
    assert home.vault == vault


def test_a_relative_folder_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = plan_home(Path("home"), vault=Path("v"), service_key=None)
    assert (home.root, home.vault) == (tmp_path / "home", tmp_path / "v")


def test_a_home_is_not_made_over_another(tmp_path: Path) -> None:
    make_home(tmp_path / "home")
    with pytest.raises(Conflict) as caught:
        plan_home(tmp_path / "home", vault=None, service_key=None)
    assert code_of(caught) == "home-exists"


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UsageError, match=r"photo\.jpg") as caught:
        plan_home(tmp_path, vault=None, service_key=None)
    assert code_of(caught) == "home-not-empty"


def test_what_an_interrupted_init_left_is_no_stranger(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "catalog.sqlite").touch()
    (tmp_path / "catalog.sqlite-wal").touch()
    assert plan_home(tmp_path, vault=None, service_key=None).root == tmp_path


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        plan_home(tmp_path / "file", vault=None, service_key=None)
    assert code_of(caught) == "home-not-a-folder"
    with pytest.raises(NotFound) as missing:
        read_home(tmp_path / "file")
    assert code_of(missing) == "home-missing"


@pytest.mark.parametrize("place", ["vault/service.key", "vault/deep/er/service.key"])
def test_a_key_in_the_vaults_folder_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_home(tmp_path / "home", vault=None, service_key=tmp_path / "home" / place)
    assert code_of(caught) == "key-in-vault"


def test_a_vault_around_the_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan_home(tmp_path / "home", vault=tmp_path, service_key=None)
    assert code_of(caught) == "key-in-vault"


def test_a_link_does_not_hide_that_the_key_lies_in_the_vault(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    home.vault.mkdir()
    (home.vault / "service.key").touch()
    home.service_key.symlink_to(home.vault / "service.key")
    with pytest.raises(UsageError):
        check_keys_outside_vault(home)
    with pytest.raises(UsageError):
        read_home(home.root)


def test_no_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read_home(tmp_path)
    assert code_of(caught) == "home-missing"
    assert "unlost init" in caught.value.next_step


def test_a_home_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home.root / FILE).write_text("format = 4\n[vault]\nplace = 'elsewhere'\n")
    with pytest.raises(StoreError, match="format 4") as caught:
        read_home(home.root)
    assert code_of(caught) == "home-newer"
    assert "Update Unlost" in caught.value.next_step


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format = ",
        "format = 'one'",
        "format = 1",
        "format = 1\nvault = 3",
        "format = 1\n[vault]\naddress = 'vault'",
        "\x00",
    ],
)
def test_a_damaged_home_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(IntegrityError) as caught:
        read_home(tmp_path)
    assert code_of(caught) == "home-damaged"


def test_a_home_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(IntegrityError):
        read_home(tmp_path)


def test_the_home_key_has_32_bytes(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert read_home_key(home) == b"\xab" * 32
    for text in ("ab" * 31, "no hex", "Ä"):
        home.home_key.write_text(text)
        with pytest.raises(NotAllowed) as caught:
            read_home_key(home)
        assert code_of(caught) == "home-key-missing"
    home.home_key.unlink()
    with pytest.raises(NotAllowed):
        read_home_key(home)


def test_a_secret_file_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "new" / "sheet.txt"
    write_secret_file(file, "first")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(Conflict) as caught:
        write_secret_file(file, "second")
    assert code_of(caught) == "file-exists"
    assert file.read_text() == "first"


def test_a_secret_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises((StoreError, Conflict)):
        write_secret_file(tmp_path / "folder", "text")
    with pytest.raises(StoreError) as caught:
        write_secret_file(tmp_path / ("x" * 300), "text")
    assert code_of(caught) == "file-not-written"
