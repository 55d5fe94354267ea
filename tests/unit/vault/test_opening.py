"""Founding and opening a vault: any one secret opens it, a wrong one says so, none lies inside."""

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotFound,
    StoreError,
    UnlostError,
    UsageError,
)
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.slots import KeyStretch
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys import opening
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import (
    add_slot,
    check_slot_copy,
    discard_unfinished_key,
    draft_keyring,
    new_stretch,
    open_keyring,
    recovery_sheet,
    repair_slot,
    slots,
    unlock_keyring,
    write_vault_file,
)
from unlost.vault.keys.unlock import (
    ByPassphrase,
    ByRecoverySheet,
    ByServiceKeyFile,
    ServiceKey,
    new_passphrase,
    write_service_key,
)
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore

CREATED = datetime(2026, 3, 2, tzinfo=UTC)
CHEAP = KeyStretch(salt=b"s" * 16, memory=64 * 1024, passes=2, lanes=1)
WORDS = "lusab babad gutih tugad mudof sinos lanuk"


class Home:
    """A founded vault with all three ways in."""

    def __init__(self, folder: Path, *, seed: int = 1) -> None:
        self.entropy = SeededEntropy(seed)
        self.store = LocalStore(folder / "vault")
        self.key_path = folder / "keys" / "service.key"
        self.keys = draft_keyring(self.store, entropy=self.entropy)
        self.sheet = recovery_sheet(self.keys).text()
        key = ServiceKey.new(self.keys, entropy=self.entropy)
        add_slot(self.store, self.keys, key, slot="service", entropy=self.entropy)
        add_slot(
            self.store,
            self.keys,
            ByPassphrase(WORDS),
            slot="passphrase",
            entropy=self.entropy,
            stretch=CHEAP,
        )
        write_service_key(key, self.key_path, store=self.store)
        write_vault_file(self.store, self.keys, created=CREATED)

    def open(self, provider) -> Keyring:
        return open_keyring(self.store, provider, entropy=self.entropy)

    def spoil(self, name: str, data: bytes) -> None:
        self.store.delete(name)
        self.store.put_new(name, data)

    def flip(self, name: str, at: int = -1) -> None:
        data = bytearray(self.store.get(name))
        data[at] ^= 1
        self.spoil(name, bytes(data))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def code_of(home: Home, provider) -> str:
    with pytest.raises(UnlostError) as error:
        home.open(provider)
    assert error.value.next_step
    return error.value.code


def test_any_one_secret_opens_the_vault(home: Home) -> None:
    for provider in (
        ByServiceKeyFile(home.key_path),
        ByRecoverySheet(home.sheet),
        ByPassphrase(WORDS),
        ByPassphrase(WORDS.upper().replace(" ", "\n  ")),
    ):
        keys = home.open(provider)
        assert (keys.vault, keys.master()) == (home.keys.vault, home.keys.master())
        assert keys.master().hex() not in repr(provider)
        assert repr(keys.master()) not in repr(provider.unlock(home.store))
        assert WORDS not in repr(provider)


def test_no_secret_lies_in_the_vault(home: Home) -> None:
    key = ServiceKey.parse(home.key_path.read_text())
    for listed in home.store.list(""):
        data = home.store.get(listed.name)
        for secret in (home.keys.master(), key.key):
            assert secret not in data
            assert secret.hex().encode() not in data
    assert key.key.hex() not in repr(key)


def test_the_sheet_opens_without_the_slots(home: Home) -> None:
    for listed in list(home.store.list("keys/")):
        home.store.delete(listed.name)
    assert home.open(ByRecoverySheet(home.sheet)).master() == home.keys.master()
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "slot-missing"
    assert code_of(home, ByPassphrase(WORDS)) == "slot-missing"


def test_the_key_file_is_for_its_owner_alone(home: Home) -> None:
    assert stat.S_IMODE(home.key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.key_path.parent.stat().st_mode) == 0o700


def test_a_key_is_never_written_over(home: Home) -> None:
    before = home.key_path.read_bytes()
    key = ServiceKey.new(home.keys, entropy=home.entropy)
    with pytest.raises(Conflict) as error:
        write_service_key(key, home.key_path, store=home.store)
    assert error.value.code == "key-exists"
    assert home.key_path.read_bytes() == before


def test_a_key_that_cannot_be_written_is_told(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    key = ServiceKey.new(home.keys, entropy=home.entropy)
    with pytest.raises(StoreError) as error:
        write_service_key(key, tmp_path / "file" / "key", store=home.store)
    assert error.value.code == "key-unwritten"


def test_a_key_that_was_half_written_is_removed(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unlost.vault.keys.unlock.os.fsync", full)
    key = ServiceKey.new(home.keys, entropy=home.entropy)
    with pytest.raises(StoreError, match="No space left"):
        write_service_key(key, tmp_path / "key", store=home.store)
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("inside", ["service.key", "deep/er/service.key"])
def test_a_key_inside_the_vaults_folder_is_refused(home: Home, inside: str) -> None:
    folder = home.store.properties.folder
    assert folder is not None
    key = ServiceKey.new(home.keys, entropy=home.entropy)
    with pytest.raises(UsageError) as error:
        write_service_key(key, folder / inside, store=home.store)
    assert error.value.code == "key-in-vault"
    assert not (folder / inside).exists()
    (folder / inside).parent.mkdir(parents=True, exist_ok=True)
    (folder / inside).write_text(home.key_path.read_text())
    assert code_of(home, ByServiceKeyFile(folder / inside)) == "key-in-vault"


def test_a_link_into_the_vaults_folder_is_seen_through(home: Home, tmp_path: Path) -> None:
    folder = home.store.properties.folder
    assert folder is not None
    (tmp_path / "elsewhere").symlink_to(folder)
    assert code_of(home, ByServiceKeyFile(tmp_path / "elsewhere" / "key")) == "key-in-vault"
    (folder / "key").write_text(home.key_path.read_text())
    (tmp_path / "key").symlink_to(folder / "key")
    assert code_of(home, ByServiceKeyFile(tmp_path / "key")) == "key-in-vault"


def test_a_key_beside_a_vault_that_is_not_made_yet_is_fine(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "not-yet")
    keys = Keyring(store, vault=bytes(16), master=bytes(32), entropy=SeededEntropy())
    key = ServiceKey.new(keys, entropy=SeededEntropy())
    with pytest.raises(UsageError):
        write_service_key(key, tmp_path / "not-yet" / "key", store=store)
    write_service_key(key, tmp_path / "not-yet-key", store=store)
    assert ServiceKey.parse((tmp_path / "not-yet-key").read_text()) == key


def test_a_missing_key_file_is_told(home: Home, tmp_path: Path) -> None:
    assert code_of(home, ByServiceKeyFile(tmp_path / "none")) == "key-missing"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-3],
        lambda text: text.replace("unlost-service-key 0", "unlost-service-key 1"),
        lambda text: text.replace("unlost", "other"),
        lambda text: re.sub(r"[0-9a-f]{64}", lambda m: m[0][::-1], text),
        lambda text: text + " more",
    ],
)
def test_a_damaged_key_file_is_told(home: Home, spoil) -> None:
    home.key_path.write_text(spoil(home.key_path.read_text()))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "key-file-damaged"


def test_a_key_file_that_is_not_text_is_told(home: Home) -> None:
    home.key_path.write_bytes(os.urandom(200))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "key-file-damaged"


def test_another_vaults_secrets_are_wrong(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other", seed=2)
    assert code_of(home, ByServiceKeyFile(other.key_path)) == "key-wrong"
    assert code_of(home, ByRecoverySheet(other.sheet)) == "key-wrong"
    assert code_of(home, ByPassphrase("some other words")) == "key-wrong"


def test_a_mistyped_sheet_is_told(home: Home) -> None:
    assert code_of(home, ByRecoverySheet(home.sheet.replace("01-06:  ", "01-06:  Z"))) == (
        "recovery-mistyped"
    )


@pytest.mark.parametrize("whole", [1, 2, 3])
def test_one_whole_copy_of_a_slot_will_do(home: Home, whole: int) -> None:
    for copy in {1, 2, 3} - {whole}:
        home.flip(f"keys/service/{copy}", at=0 if copy == 1 else 100)
    home.open(ByServiceKeyFile(home.key_path))


def test_a_slot_without_a_whole_copy_is_told(home: Home) -> None:
    for copy in (1, 2, 3):
        home.spoil(f"keys/service/{copy}", b"rubbish")
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "slot-damaged"


def test_a_passphrase_does_not_open_a_slot_that_has_none(home: Home) -> None:
    assert code_of(home, ByPassphrase(WORDS, slot="service")) == "slot-damaged"


def test_a_slot_of_a_newer_format_is_refused(home: Home) -> None:
    for copy in (1, 2, 3):
        data = bytearray(home.store.get(f"keys/service/{copy}"))
        data[7] = 2
        home.spoil(f"keys/service/{copy}", bytes(data))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "format-newer"


def test_no_vault_and_a_lost_vault_file_are_told_apart(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as error:
        open_keyring(
            LocalStore(tmp_path / "empty"), ByRecoverySheet(home.sheet), entropy=home.entropy
        )
    assert error.value.code == "vault-missing"
    home.store.delete(VAULT_FILE)
    assert code_of(home, ByRecoverySheet(home.sheet)) == "vault-file-missing"
    keys = unlock_keyring(home.store, ByRecoverySheet(home.sheet), entropy=home.entropy)
    assert keys.master() == home.keys.master()


def test_a_damaged_vault_file_is_told(home: Home) -> None:
    data = home.store.get(VAULT_FILE)
    home.spoil(VAULT_FILE, data.replace(b"2026", b"2025"))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "vault-file-damaged"


@pytest.mark.parametrize(("number", "code"), [(2, "format-newer"), (0, "format-unknown")])
def test_a_vault_of_another_format_is_refused_before_any_key_is_asked_for(
    home: Home, number: int, code: str
) -> None:
    founded = home.store.get(VAULT_FILE)
    home.spoil(VAULT_FILE, founded.replace(b'"format":1', b'"format":%d' % number))
    before = {one.name: home.store.get(one.name) for one in home.store.list("")}
    assert code_of(home, ByServiceKeyFile(Path("/none"))) == code
    assert {one.name: home.store.get(one.name) for one in home.store.list("")} == before
    home.spoil(VAULT_FILE, founded)
    home.open(ByServiceKeyFile(home.key_path))


def test_founding_twice_is_refused(home: Home) -> None:
    with pytest.raises(Conflict) as error:
        draft_keyring(home.store, entropy=home.entropy)
    assert error.value.code == "vault-exists"
    with pytest.raises(Conflict):
        write_vault_file(home.store, home.keys, created=CREATED)


def test_founding_over_data_without_a_vault_file_is_refused(home: Home) -> None:
    home.keys.add_org("0a" * 16)
    home.store.delete(VAULT_FILE)
    with pytest.raises(IntegrityError) as error:
        draft_keyring(home.store, entropy=home.entropy)
    assert error.value.code == "vault-file-missing"


def test_an_interrupted_founding_may_be_done_again() -> None:
    store, entropy = MemoryStore(), SeededEntropy()
    first = draft_keyring(store, entropy=entropy)
    add_slot(store, first, ServiceKey.new(first, entropy=entropy), slot="service", entropy=entropy)
    store.delete("keys/service/3")
    keys = draft_keyring(store, entropy=entropy)
    key = ServiceKey.new(keys, entropy=entropy)
    add_slot(store, keys, key, slot="service", entropy=entropy)
    write_vault_file(store, keys, created=CREATED)
    for copy in (1, 2, 3):
        check_slot_copy(store, keys, f"keys/service/{copy}")


def test_a_key_of_an_interrupted_founding_is_removed_and_no_other(
    home: Home, tmp_path: Path
) -> None:
    store, entropy = LocalStore(tmp_path / "new"), SeededEntropy(5)
    keys = draft_keyring(store, entropy=entropy)
    key, path = ServiceKey.new(keys, entropy=entropy), tmp_path / "new.key"
    discard_unfinished_key(path, store=store)
    add_slot(store, keys, key, slot="service", entropy=entropy)
    write_service_key(key, path, store=store)
    for other in (home.key_path, tmp_path / "note.txt"):
        if not other.exists():
            other.write_text("not a key at all")
        before = other.read_bytes()
        with pytest.raises(Conflict) as error:
            discard_unfinished_key(other, store=store)
        assert error.value.code == "key-exists"
        assert other.read_bytes() == before
    discard_unfinished_key(path, store=store)
    assert not path.exists()
    with pytest.raises(Conflict):
        discard_unfinished_key(home.key_path, store=home.store)
    assert home.key_path.exists()


def test_a_slot_is_not_replaced_by_accident(home: Home) -> None:
    with pytest.raises(Conflict) as error:
        add_slot(
            home.store,
            home.keys,
            ServiceKey.new(home.keys, entropy=home.entropy),
            slot="service",
            entropy=home.entropy,
        )
    assert error.value.code == "slot-exists"
    assert slots(home.store) == ("passphrase", "service")


def test_every_bit_of_a_slot_copy_is_proved_without_its_secret(home: Home) -> None:
    name = "keys/passphrase/2"
    data = home.store.get(name)
    check_slot_copy(home.store, home.keys, name)
    for at in range(len(data)):
        home.spoil(name, data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :])
        with pytest.raises((IntegrityError, UsageError)):
            check_slot_copy(home.store, home.keys, name)


def test_a_slot_is_repaired_from_a_whole_copy(home: Home) -> None:
    home.flip("keys/service/1")
    home.store.delete("keys/service/2")
    assert repair_slot(home.store, home.keys, "service") == ("keys/service/1", "keys/service/2")
    for copy in (1, 2, 3):
        check_slot_copy(home.store, home.keys, f"keys/service/{copy}")
    assert repair_slot(home.store, home.keys, "service") == ()
    for copy in (1, 2, 3):
        home.flip(f"keys/service/{copy}")
    with pytest.raises(IntegrityError):
        repair_slot(home.store, home.keys, "service")


def test_seven_words_of_sixteen_bits() -> None:
    words = new_passphrase(SeededEntropy()).split()
    assert len(words) == 7
    shape = re.compile(r"([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]")
    assert all(shape.fullmatch(word) for word in words)
    from unlost.vault.keys.unlock import _word

    assert len({_word(bits) for bits in range(1 << 16)}) == 1 << 16


def test_new_stretches_have_their_own_salt() -> None:
    entropy = SeededEntropy()
    assert new_stretch(entropy).salt != new_stretch(entropy).salt
    assert opening.new_stretch(entropy).within_bounds()
