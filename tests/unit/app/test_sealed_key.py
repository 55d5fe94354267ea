"""The service's key is sealed by somebody else's server, and the vault opens while that one says so."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import transit
from fakes.transit import KEY, TOKEN, Bao
from unit.app.test_keys import Machine, app, cheap, failing, machine, owner, slots, with_org
from unlost.app.actions.vault.keys import add, keys, replace, tried
from unlost.app.actions.vault.renewal import renew
from unlost.app.compose import Application
from unlost.app.home.home_keys import GivenKey, draft_of
from unlost.app.home.sealed_key import FIRST, Sealer, key_file, slot_of
from unlost.app.vault.new_keys import NewKey
from unlost.model.errors import NotAllowed, TransientError, UnlostError
from unlost.vault.keys.service_key import ServiceKey

__all__ = ("app", "cheap", "machine", "with_org")  # fixtures

pytestmark = pytest.mark.network


@pytest.fixture
def bao() -> Iterator[Bao]:
    with transit.serving() as running:
        yield running


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
def sealer(bao: Bao, token: Path) -> Sealer:
    return Sealer(bao.url, KEY, str(token))


@pytest.fixture
def sealed(app: Application, machine: Machine, sealer: Sealer) -> str:
    """The service's own key is sealed; the name of its slot."""
    return replace(app, "service", given_key=owner(machine), sealer=sealer).slot


def why(call: Callable[[], object]) -> UnlostError:
    with pytest.raises(UnlostError) as refused:
        call()
    return refused.value


def test_the_services_key_is_sealed_and_the_file_tells_no_key(
    app: Application, machine: Machine, sealer: Sealer, bao: Bao
) -> None:
    before = app.home.service_key.read_text()
    slot = replace(app, "service", given_key=owner(machine), sealer=sealer).slot
    text = app.home.service_key.read_text()
    assert text.startswith(FIRST)
    assert TOKEN not in text
    opened = key_file(app.home.service_key).service_key()
    assert opened.slot == slot == slot_of(app.home.service_key)
    assert opened.key.hex() not in text
    assert opened.key != ServiceKey.parse(before).key
    assert tried(app).slot == slot
    assert [one.slot for one in keys(app).slots if one.service] == [slot]
    assert slots(app) == [slot]
    assert app.home.service_key.stat().st_mode & 0o777 == 0o600


def test_it_stays_sealed_when_it_is_replaced_and_when_the_master_key_is_renewed(
    app: Application, machine: Machine, sealed: str
) -> None:
    again = replace(app, sealed, given_key=owner(machine)).slot
    assert app.home.service_key.read_text().startswith(FIRST)
    renewed = renew(app, lambda _sheet: None, owner(machine))
    assert app.home.service_key.read_text().startswith(FIRST)
    assert tried(app).slot == renewed.slot != again


def test_another_key_is_sealed_into_a_file_or_told(
    app: Application, machine: Machine, tmp_path: Path, sealer: Sealer
) -> None:
    file, told = tmp_path / "safe" / "unlost.key", list[str]()
    add(app, "safe", NewKey(key_file=file, sealer=sealer), owner(machine))
    assert tried(app, GivenKey(key_file=file)).slot == "safe"
    add(app, "unit", NewKey(tell=told.append, sealer=sealer), owner(machine))
    (tmp_path / "told.key").touch(mode=0o600)
    (tmp_path / "told.key").write_text(told[0])
    assert tried(app, GivenKey(key_file=tmp_path / "told.key")).slot == "unit"
    wish = NewKey(passphrase="words that nobody would put together", sealer=sealer)
    failing(lambda: add(app, "words", wish, owner(machine)), "key-unclear")


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (503, b'{"errors":["Vault is sealed"]}', "transit-away", "503 (Vault is sealed)"),
        (429, b"", "transit-away", "429"),
        (200, b"<html>", "transit-away", "not from a transit engine"),
        (200, b'{"data":{"plaintext":"%%%"}}', "transit-away", "not text"),
        (400, b'{"errors":["encryption key not found"]}', "transit-refused", "key not found"),
        (403, b'{"errors":["permission denied"]}', "transit-refused", "permission denied"),
    ],
)
def test_what_the_server_says_is_told_and_any_other_key_opens(
    app: Application,
    machine: Machine,
    sealed: str,
    bao: Bao,
    status: int,
    body: bytes,
    code: str,
    said: str,
) -> None:
    words = "words that nobody would put together"
    add(app, "words", NewKey(passphrase=words), owner(machine))
    bao.status, bao.body = status, body
    error = why(lambda: tried(app))
    assert error.code == code
    assert said in error.sentence
    assert isinstance(error, TransientError if code == "transit-away" else NotAllowed)
    assert "recovery sheet" in error.next_step
    assert tried(app, GivenKey(slot="words", passphrase=words)).slot == "words"


def test_a_key_that_is_gone_there_opens_nothing_any_more(
    app: Application, sealed: str, bao: Bao
) -> None:
    bao.keys.clear()
    failing(lambda: tried(app), "transit-refused")


def test_nobody_is_asked_without_a_token_and_a_wrong_one_is_refused(
    app: Application, sealed: str, bao: Bao, token: Path
) -> None:
    token.write_text("s.another")
    failing(lambda: tried(app), "transit-refused")
    asked = len(bao.asked)
    token.write_text("two words")
    failing(lambda: tried(app), "transit-token")
    token.unlink()
    failing(lambda: tried(app), "transit-token")
    assert len(bao.asked) == asked


def test_a_token_may_be_a_credential_of_systemd(
    app: Application, machine: Machine, bao: Bao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = Sealer(bao.url, KEY, "bao-token")
    failing(
        lambda: replace(app, "service", given_key=owner(machine), sealer=sealer), "transit-token"
    )
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "bao-token").write_text(TOKEN)
    slot = replace(app, "service", given_key=owner(machine), sealer=sealer).slot
    assert tried(app).slot == slot


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://bao.example:8200"},
        {"address": "bao.example"},
        {"address": "https://"},
        {"address": "https://[::1"},
        {"key": "../sys/raw"},
        {"mount": "transit/../sys"},
        {"mount": ""},
        {"ca_file": "/no/such/file.pem"},
    ],
)
def test_what_cannot_be_asked_safely_is_refused_before_anything_changes(
    app: Application, machine: Machine, sealer: Sealer, bao: Bao, wrong: dict[str, str]
) -> None:
    told = {name: getattr(sealer, name) for name in ("address", "key", "token_file", "mount")}
    before = app.home.service_key.read_text()
    by, wished = owner(machine), Sealer(**{**told, **wrong})
    failing(lambda: replace(app, "service", given_key=by, sealer=wished), "transit-unclear")
    assert app.home.service_key.read_text() == before
    assert not draft_of(app.home).exists()
    assert slots(app) == ["service"]
    assert bao.asked == []


def test_a_server_that_is_away_leaves_the_key_as_it_is(
    app: Application, machine: Machine, token: Path
) -> None:
    nobody = Sealer("http://127.0.0.1:9", KEY, str(token))
    failing(
        lambda: replace(app, "service", given_key=owner(machine), sealer=nobody), "transit-away"
    )
    assert tried(app).slot == "service"


def test_a_torn_file_says_so(app: Application, sealed: str) -> None:
    text = app.home.service_key.read_text()
    for torn in (text[:40], f"{FIRST}\n", text.replace('"slot"', '"slut"'), text + "more"):
        app.home.service_key.write_text(torn)
        failing(lambda: tried(app), "key-file-damaged")
        assert not [one for one in keys_by_sheet(app) if one]


def keys_by_sheet(app: Application) -> list[bool]:
    """Whether a slot is the service's, as far as its file tells."""
    from unlost.app.home.home_keys import service_slots

    return [bool(one) for one in service_slots(app.home)]
