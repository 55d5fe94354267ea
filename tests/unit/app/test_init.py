"""init: a home with a vault, resumable at every step, never over something that is there."""

import stat
from pathlib import Path

import pytest

from unlost.app import compose
from unlost.app.actions.vault import init as module
from unlost.app.actions.vault.init import InitRequest, InitResult, adopt_vault, init
from unlost.app.actions.vault.keys import keys
from unlost.app.home.home import FILE, read_home
from unlost.model.errors import Conflict, NotAllowed, StoreError, UsageError
from unlost.model.org import OrgIdentity
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.stores.local import LocalStore

CLOCK = VirtualClock()


def shown(sheet: RecoverySheet) -> None:
    """A person who takes the sheet down."""


def made(root: Path, **places: Path) -> InitResult:
    return init(InitRequest(root, **places), confirm=shown, clock=CLOCK)


def opened(root: Path) -> compose.Application:
    return compose.open_application(root, clock=CLOCK)


def test_a_home_is_made_and_its_vault_opens(tmp_path: Path) -> None:
    result = made(tmp_path / "home", recovery_out=tmp_path / "sheet.txt")
    home = read_home(tmp_path / "home")
    assert (result.home, result.vault) == (str(home.root), str(home.vault))
    assert result.recovery_sheet == str(tmp_path / "sheet.txt")
    assert result.vault_id in (tmp_path / "sheet.txt").read_text()
    with opened(home.root) as app:
        oid = app.vault.ensure_org(OrgIdentity("memory", "T1"))
        assert list(app.vault.orgs()) == [oid]


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    made(tmp_path / "home", recovery_out=tmp_path / "sheet.txt")
    home = read_home(tmp_path / "home")
    for file in (home.home_key, home.service_key, home.catalog, tmp_path / "sheet.txt"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_vault_and_key_lie_where_they_were_asked_to(tmp_path: Path) -> None:
    result = made(
        tmp_path / "home", vault=tmp_path / "nas" / "vault", service_key=tmp_path / "usb" / "key"
    )
    assert (tmp_path / "nas" / "vault" / "vault.json").exists()
    assert result.service_key == str(tmp_path / "usb" / "key")
    assert result.recovery_sheet is None
    with opened(tmp_path / "home") as app:
        assert app.vault.orgs() == {}


def test_there_is_no_vault_before_the_sheet_is_confirmed(tmp_path: Path) -> None:
    def refuse(sheet: RecoverySheet) -> None:
        assert not (tmp_path / "home" / "vault" / "vault.json").exists()
        raise NotAllowed("sheet-not-confirmed", "No.")

    with pytest.raises(NotAllowed):
        init(InitRequest(tmp_path / "home"), confirm=refuse, clock=CLOCK)
    assert not (tmp_path / "home" / FILE).exists()
    made(tmp_path / "home")
    with opened(tmp_path / "home") as app:
        assert app.vault.orgs() == {}


STEPS = (
    "_make_folders",
    "probe_store",
    "_add_service_key",
    "_hand_over",
    "write_vault_file",
    "connect",
    "write_home",
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_an_init_cut_off_at_any_step_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    real = getattr(module, step)

    def cut(*arguments: object, **options: object) -> None:
        if when == "after":
            real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, step, cut)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "home")
    monkeypatch.setattr(module, step, real)
    if (step, when) == ("write_home", "after"):
        with pytest.raises(Conflict, match="already"):
            made(tmp_path / "home")
    else:
        made(tmp_path / "home")
    with opened(tmp_path / "home") as app:
        assert app.vault.orgs() == {}


def test_a_home_is_not_made_twice(tmp_path: Path) -> None:
    made(tmp_path / "home")
    with pytest.raises(Conflict) as caught:
        made(tmp_path / "home")
    assert caught.value.code == "home-exists"


def test_a_vault_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    made(tmp_path / "one", vault=tmp_path / "vault")
    before = (tmp_path / "vault" / "vault.json").read_bytes()
    with pytest.raises(Conflict) as caught:
        made(tmp_path / "two", vault=tmp_path / "vault")
    assert caught.value.code == "vault-exists"
    assert (tmp_path / "vault" / "vault.json").read_bytes() == before


def test_a_sheet_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "sheet.txt").write_text("the sheet of another vault")
    with pytest.raises(Conflict) as caught:
        made(tmp_path / "home", recovery_out=tmp_path / "sheet.txt")
    assert caught.value.code == "file-exists"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("kind", ["recovery_out", "service_key"])
def test_neither_sheet_nor_key_goes_into_the_vault(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "home", **{kind: tmp_path / "home" / "vault" / "key.txt"})
    assert caught.value.code == "key-in-vault"


def test_a_store_that_does_not_create_once_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network share whose server says yes to two writers of one name."""
    monkeypatch.setattr(LocalStore, "put_new", lambda self, name, data: True)
    with pytest.raises(StoreError) as caught:
        made(tmp_path / "home")
    assert caught.value.code == "store-not-atomic"
    assert not (tmp_path / "home" / FILE).exists()


def test_a_new_machine_opens_the_vault_with_the_sheet(tmp_path: Path) -> None:
    made(tmp_path / "old", vault=tmp_path / "vault", recovery_out=tmp_path / "sheet.txt")
    with opened(tmp_path / "old") as app:
        oid = app.vault.ensure_org(OrgIdentity("memory", "T1"))
    sheet = (tmp_path / "sheet.txt").read_text()
    request = InitRequest(tmp_path / "new", vault=tmp_path / "vault")
    adopt_vault(request, sheet=sheet)
    for root in ("old", "new"):
        with opened(tmp_path / root) as app:
            assert list(app.vault.orgs()) == [oid]


@pytest.mark.parametrize("step", ["_add_service_key", "connect", "write_home"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_new_machine_that_was_cut_off_is_set_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    made(tmp_path / "old", vault=tmp_path / "vault", recovery_out=tmp_path / "sheet.txt")
    sheet = (tmp_path / "sheet.txt").read_text()
    request = InitRequest(tmp_path / "new", vault=tmp_path / "vault")
    real = getattr(module, step)

    def cut(*arguments: object, **options: object) -> None:
        if when == "after":
            real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, step, cut)
    with pytest.raises(KeyboardInterrupt):
        adopt_vault(request, sheet=sheet)
    monkeypatch.setattr(module, step, real)
    if (step, when) == ("write_home", "after"):
        with pytest.raises(Conflict, match="already"):
            adopt_vault(request, sheet=sheet)
    else:
        adopt_vault(request, sheet=sheet)
    with opened(tmp_path / "new") as app:
        assert len(keys(app).slots) == 2, "no slot is left that no file opens"


def test_a_new_machine_overwrites_no_key_and_adds_no_slot_for_nothing(tmp_path: Path) -> None:
    made(tmp_path / "old", vault=tmp_path / "vault", recovery_out=tmp_path / "sheet.txt")
    made(tmp_path / "else")
    key = (tmp_path / "else" / "keys" / "service.key").read_text()
    request = InitRequest(tmp_path / "new", vault=tmp_path / "vault")
    for text in (key, "a letter"):
        request.home().service_key.parent.mkdir(parents=True, exist_ok=True)
        request.home().service_key.write_text(text)
        with pytest.raises(Conflict) as caught:
            adopt_vault(request, sheet=(tmp_path / "sheet.txt").read_text())
        assert caught.value.code == "key-exists"
        assert request.home().service_key.read_text() == text
    with opened(tmp_path / "old") as app:
        assert [line.slot for line in keys(app).slots] == ["service"]


def test_a_mistyped_sheet_makes_no_home(tmp_path: Path) -> None:
    made(tmp_path / "old", vault=tmp_path / "vault")
    other = RecoverySheet(b"v" * 16, b"m" * 32)
    request = InitRequest(tmp_path / "new", vault=tmp_path / "vault")
    for text, code in (("0000", "recovery-mistyped"), (other.text(), "key-wrong")):
        with pytest.raises(NotAllowed) as caught:
            adopt_vault(request, sheet=text, entropy=SeededEntropy())
        assert caught.value.code == code
    assert not (tmp_path / "new").exists()
