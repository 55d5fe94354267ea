"""Founding and opening a vault: any one secret opens it, a wrong one says so, none lies inside."""

import os
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    StoreError,
    UnlostError,
    UsageError,
)
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import RegisterEntry, encode_entry, entry_copies
from unlost.vault.format.slots import KeyStretch, SlotHolds, SlotPlace, wrap_key
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.founding import (
    confirm_vault_file,
    discard_unfinished_key,
    draft_keyring,
    recovery_sheet,
    vault_format,
    write_vault_file,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.opening import open_keyring, unlock_keyring
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.passphrase import Passphrase, new_passphrase, new_stretch
from unlost.vault.keys.register import (
    change_register,
    find_entry,
    lacking_copies,
    newest_entry,
    registered,
    repair_register,
)
from unlost.vault.keys.service_key import ServiceKey, move_service_key, write_service_key
from unlost.vault.keys.unlock import ByPassphrase, ByRecoverySheet, ByServiceKeyFile, unlock_by_key
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore

CREATED = datetime(2026, 3, 2, tzinfo=UTC)
CHEAP = KeyStretch(salt="5a" * 16, memory=64 * 1024, passes=2, lanes=1)
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
            Passphrase(WORDS),
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
        for secret in (home.keys.master(), home.keys.owner.known_secret(), key.key):
            assert secret not in data
            assert secret.hex().encode() not in data
    assert key.key.hex() not in repr(key)


def test_the_sheet_opens_without_the_register(home: Home) -> None:
    for listed in list(home.store.list("register/")):
        home.store.delete(listed.name)
    assert home.open(ByRecoverySheet(home.sheet)).master() == home.keys.master()
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "register-damaged"
    assert code_of(home, ByPassphrase(WORDS)) == "slot-missing"


def test_only_the_sheet_and_a_passphrase_give_the_secret(home: Home) -> None:
    secret = home.keys.owner.known_secret()
    for provider in (ByRecoverySheet(home.sheet), ByPassphrase(WORDS)):
        assert home.open(provider).owner.known_secret() == secret
    keys = home.open(ByServiceKeyFile(home.key_path))
    assert keys.owner == Owner(home.keys.owner.public)
    with pytest.raises(NotAllowed) as error:
        keys.owner.known_secret()
    assert error.value.code == "sheet-needed"
    assert "--sheet" in error.value.next_step


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

    monkeypatch.setattr("unlost.vault.keys.service_key.os.fsync", full)
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
    keys = Keyring.of_secret(store, vault=bytes(16), secret=bytes(32), entropy=SeededEntropy())
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
def test_one_whole_copy_of_the_register_will_do(home: Home, whole: int) -> None:
    for copy in {1, 2, 3} - {whole}:
        home.flip(copies(home)[copy - 1], at=0 if copy == 1 else 100)
    home.open(ByServiceKeyFile(home.key_path))
    home.open(ByPassphrase(WORDS))


def copies(home: Home) -> tuple[str, ...]:
    """The names of the copies of the entry in force."""
    return entry_copies(newest_entry(home.store, home.keys))


def test_a_register_without_a_whole_copy_is_told(home: Home) -> None:
    for name in copies(home):
        home.spoil(name, b"rubbish")
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "register-damaged"
    assert code_of(home, ByPassphrase(WORDS)) == "slot-missing"
    home.open(ByRecoverySheet(home.sheet))


def test_a_passphrase_does_not_open_a_slot_that_has_none(home: Home) -> None:
    with pytest.raises(NotAllowed, match="no slot “service” that a passphrase opens") as error:
        home.open(ByPassphrase(WORDS, slot="service"))
    assert error.value.code == "slot-missing"


def test_a_mistyped_passphrase_is_called_one(home: Home) -> None:
    with pytest.raises(NotAllowed, match="The passphrase does not open the slot") as error:
        home.open(ByPassphrase(f"{WORDS} more"))
    assert (error.value.code, error.value.next_step) == (
        "key-wrong",
        "Type it again, or use the recovery sheet.",
    )


def test_a_key_file_does_not_open_the_slot_of_a_passphrase(home: Home) -> None:
    key = ServiceKey.parse(home.key_path.read_text())
    with pytest.raises(NotAllowed) as error:
        unlock_by_key(home.store, replace(key, slot="passphrase"))
    assert error.value.code == "key-wrong"


def test_a_key_file_opens_no_slot_that_holds_the_secret(home: Home) -> None:
    """Such a slot comes from no release: a key file that could do anything would be a surprise."""
    key = ServiceKey.parse(home.key_path.read_text())
    slot = wrap_key(home.keys.owner.known_secret(), holds=SlotHolds.OWNER, stretch=None,
                    place=SlotPlace(home.keys.vault.hex(), 1, "service"),
                    key=key.wrapping_key("service", None), nonce=b"n" * 12)  # fmt: skip
    change_register(home.store, home.keys, lambda entry: replace(entry, slots={"service": slot}))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "key-wrong"


def test_a_passphrase_whose_slot_holds_the_master_key_opens_nothing(home: Home) -> None:
    slot = wrap_key(home.keys.master(), holds=SlotHolds.MASTER, stretch=CHEAP,
                    place=SlotPlace(home.keys.vault.hex(), 1, "passphrase"),
                    key=Passphrase(WORDS).wrapping_key("passphrase", CHEAP),
                    nonce=b"n" * 12)  # fmt: skip
    change_register(home.store, home.keys, lambda entry: replace(entry, slots={"passphrase": slot}))
    assert code_of(home, ByPassphrase(WORDS)) == "key-wrong"


@pytest.mark.parametrize("stretch", [
    replace(CHEAP, memory=8), replace(CHEAP, memory=1 << 30), replace(CHEAP, passes=1),
    replace(CHEAP, lanes=99), replace(CHEAP, salt="zz"),
])  # fmt: skip
def test_a_passphrase_is_never_stretched_beyond_the_bounds(
    home: Home, monkeypatch: pytest.MonkeyPatch, stretch: KeyStretch
) -> None:
    stretched = counted(monkeypatch)
    slots = registered(home.store, home.keys).slots
    bad = replace(slots["passphrase"], stretch=stretch)
    change_register(home.store, home.keys, lambda entry: replace(entry, slots={"passphrase": bad}))
    assert code_of(home, ByPassphrase(WORDS)) == "slot-missing"
    assert stretched == []


def test_an_entry_of_a_newer_format_is_refused(home: Home) -> None:
    entry = replace(registered(home.store, home.keys), number=9, format=2)
    home.store.put_new(entry_copies(9)[0], encode_entry(entry, sign=home.keys.owner.sign))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "format-newer"
    assert code_of(home, ByRecoverySheet(home.sheet)) == "format-newer"
    assert code_of(home, ByPassphrase(WORDS)) == "format-newer"


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
    store.delete(entry_copies(1)[2])
    keys = draft_keyring(store, entropy=entropy)
    key = ServiceKey.new(keys, entropy=entropy)
    add_slot(store, keys, key, slot="service", entropy=entropy)
    write_vault_file(store, keys, created=CREATED)
    found = find_entry(store, owner=keys.owner.public)
    assert found is not None
    assert lacking_copies(store, found) == []
    assert find_entry(store, owner=first.owner.public) is None
    assert unlock_by_key(store, key).master == keys.master()


def test_a_founding_that_another_one_overtakes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store, entropy = MemoryStore(), SeededEntropy()
    keys, honest = draft_keyring(store, entropy=entropy), store.put_new

    def put_new(name: str, data: bytes) -> bool:
        if name == VAULT_FILE:
            honest(name, b"another vault")
        return honest(name, data)

    monkeypatch.setattr(store, "put_new", put_new)
    with pytest.raises(Conflict) as error:
        write_vault_file(store, keys, created=CREATED)
    assert error.value.code == "vault-exists"


def test_the_time_of_a_confirmed_sheet_is_in_the_register_of_a_new_vault() -> None:
    store, entropy = MemoryStore(), SeededEntropy()
    keys = draft_keyring(store, entropy=entropy)
    write_vault_file(store, keys, created=CREATED, sheet_confirmed_at=CREATED)
    assert registered(store, keys).sheet == CREATED.isoformat()
    assert vault_format(store) == 1


def test_a_vault_file_is_made_durable_once_it_is_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, bytes]] = []
    store, data = MemoryStore(), home.store.get(VAULT_FILE)
    confirm_vault_file(store)
    assert list(store.list("")) == []
    store.put_new(VAULT_FILE, data)
    monkeypatch.setattr(store, "put_new", lambda name, data: tried.append((name, data)) or False)
    confirm_vault_file(store)
    assert tried == [(VAULT_FILE, data)]


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
    assert registered(home.store, home.keys).slots.keys() == {"passphrase", "service"}


def test_every_byte_of_a_copy_of_the_register_is_proved_without_any_secret(home: Home) -> None:
    name, owner, alone = copies(home)[2], home.keys.owner.public, MemoryStore()
    data = home.store.get(name)
    alone.put_new(name, data)
    assert find_entry(alone, owner=owner) is not None
    for at in range(len(data)):
        alone.delete(name)
        alone.put_new(name, data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :])
        assert find_entry(alone, owner=owner) is None


def test_the_register_is_repaired_from_a_whole_copy(home: Home) -> None:
    first, second, third = copies(home)
    home.flip(first)
    home.store.delete(second)
    assert repair_register(home.store, home.keys) == (first, second)
    assert len({home.store.get(name) for name in (first, second, third)}) == 1
    assert repair_register(home.store, home.keys) == ()
    for name in (first, second, third):
        home.flip(name)
    with pytest.raises(IntegrityError) as error:
        repair_register(home.store, home.keys)
    assert error.value.code == "register-damaged"


# --- forged entries against a passphrase -----------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The slots for which a passphrase was stretched, which takes a second each."""
    stretched: list[str] = []
    honest = Passphrase.wrapping_key

    def wrapping_key(self: Passphrase, slot: str, stretch: KeyStretch | None) -> bytes:
        stretched.append(slot)
        return honest(self, slot, stretch)

    monkeypatch.setattr(Passphrase, "wrapping_key", wrapping_key)
    return stretched


def forge(home: Home, count: int, *, named: Owner | None = None, vary: bool = True) -> None:
    """Entries of strangers after the one in force, each with a slot of the passphrase's name."""
    entry = registered(home.store, home.keys)
    for number in range(entry.number + 1, entry.number + 1 + count):
        stranger = Owner.of(number.to_bytes(32))
        salt = number.to_bytes(16).hex() if vary else CHEAP.salt
        slot = replace(entry.slots["passphrase"], stretch=replace(CHEAP, salt=salt))
        named_owner = named or stranger
        wrong = replace(entry, number=number, owner=named_owner.public.hex(),
                        slots={"passphrase": slot})  # fmt: skip
        for name in entry_copies(number):
            home.store.put_new(name, encode_entry(wrong, sign=stranger.sign))


def test_a_few_forged_entries_keep_no_passphrase_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(home, 7)
    stretched = counted(monkeypatch)
    assert home.open(ByPassphrase(WORDS)).master() == home.keys.master()
    assert len(stretched) == 8


@pytest.mark.deep
def test_many_forged_entries_make_a_passphrase_slow_and_keep_it_not_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(home, 40)
    stretched = counted(monkeypatch)
    assert home.open(ByPassphrase(WORDS)).master() == home.keys.master()
    assert len(stretched) == 41
    assert code_of(home, ByPassphrase("wrong words")) == "key-wrong"


@pytest.mark.parametrize("named", ["stranger", "owner"])
def test_forged_entries_keep_no_passphrase_out_where_the_owner_is_known(
    home: Home, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Also if they name the owner, who did not sign them."""
    forge(home, 40, named=home.keys.owner if named == "owner" else None)
    stretched = counted(monkeypatch)
    provider = ByPassphrase(WORDS, owner=home.keys.owner.public)
    assert home.open(provider).master() == home.keys.master()
    assert len(stretched) == 1


def test_forged_entries_that_name_the_owner_cost_no_try(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(home, 40, named=home.keys.owner)
    stretched = counted(monkeypatch)
    assert home.open(ByPassphrase(WORDS)).master() == home.keys.master()
    assert len(stretched) == 1


def test_entries_with_the_same_parameters_cost_one_stretch(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(home, 7, vary=False)
    stretched = counted(monkeypatch)
    assert home.open(ByPassphrase(WORDS)).master() == home.keys.master()
    assert len(stretched) == 1


@pytest.mark.parametrize("same", [True, False])
def test_a_forged_first_copy_hides_no_slot(home: Home, same: bool) -> None:
    """Somebody who may delete puts an entry of a stranger where a copy was."""
    first, entry = copies(home)[0], registered(home.store, home.keys)
    stranger = Owner.of(b"t" * 32)
    slots = entry.slots if same else {}
    wrong = replace(entry, owner=stranger.public.hex(), slots=slots)
    home.spoil(first, encode_entry(wrong, sign=stranger.sign))
    assert home.open(ByPassphrase(WORDS)).master() == home.keys.master()
    home.open(ByServiceKeyFile(home.key_path))


def test_a_slot_that_a_stranger_lists_again_does_not_come_back(home: Home) -> None:
    """The slot itself is genuine, and was removed."""
    old = registered(home.store, home.keys)
    change_register(
        home.store, home.keys, lambda entry: replace(entry, slots={"service": old.slots["service"]})
    )
    stranger = Owner.of(b"t" * 32)
    for number, named in ((8, home.keys.owner), (9, stranger)):
        wrong = replace(old, number=number, owner=named.public.hex())
        for name in entry_copies(number):
            home.store.put_new(name, encode_entry(wrong, sign=stranger.sign))
    assert code_of(home, ByPassphrase(WORDS)) == "key-wrong"
    for name in entry_copies(8):  # the owner's own entry from before, under the number it had
        home.spoil(name, b"junk")
    for name in entry_copies(old.number):
        home.store.put_new(name, encode_entry(old, sign=home.keys.owner.sign))
    assert code_of(home, ByPassphrase(WORDS)) == "slot-missing"


def test_a_register_of_strangers_is_told_from_another_vaults(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other", seed=2)
    for name in copies(home):
        home.spoil(name, b"junk")
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "register-damaged"
    assert code_of(home, ByServiceKeyFile(other.key_path)) == "register-damaged"
    stranger = Owner.of(b"t" * 32)
    entry = RegisterEntry(vault=home.keys.vault.hex(), owner=stranger.public.hex(), number=9)
    home.store.put_new(entry_copies(9)[0], encode_entry(entry, sign=stranger.sign))
    assert code_of(home, ByServiceKeyFile(home.key_path)) == "register-damaged"
    assert code_of(home, ByServiceKeyFile(other.key_path)) == "key-wrong"


@pytest.mark.parametrize("earlier", ["", "zz", "11" * 60])
def test_an_entry_whose_earlier_master_keys_do_not_open_is_damage(home: Home, earlier: str) -> None:
    change_register(home.store, home.keys, lambda entry: replace(entry, earlier=(earlier,)))
    for provider in (ByServiceKeyFile(home.key_path), ByRecoverySheet(home.sheet)):
        assert code_of(home, provider) == "register-damaged"


def test_a_key_file_is_replaced_by_another_at_once(home: Home, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.key"
    write_service_key(ServiceKey.new(home.keys, entropy=home.entropy), fresh, store=home.store)
    text = fresh.read_text()
    move_service_key(fresh, home.key_path)
    assert home.key_path.read_text() == text
    assert not fresh.exists()
    with pytest.raises(StoreError) as error:
        move_service_key(fresh, home.key_path)
    assert error.value.code == "key-unwritten"
    assert home.key_path.read_text() == text


def test_a_sealed_key_file_is_written_and_read_by_another_program(
    home: Home, tmp_path: Path
) -> None:
    key, path = ServiceKey.parse(home.key_path.read_text()), tmp_path / "sealed.key"
    write_service_key(key, path, store=home.store, sealed=lambda key: key.text()[::-1])
    assert code_of(home, ByServiceKeyFile(path)) == "key-file-damaged"
    home.open(ByServiceKeyFile(path, unsealed=lambda text: text[::-1]))


def test_seven_words_of_sixteen_bits() -> None:
    words = new_passphrase(SeededEntropy()).split()
    assert len(words) == 7
    shape = re.compile(r"([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]")
    assert all(shape.fullmatch(word) for word in words)
    from unlost.vault.keys.passphrase import _word

    assert len({_word(bits) for bits in range(1 << 16)}) == 1 << 16


def test_new_stretches_have_their_own_salt() -> None:
    entropy = SeededEntropy()
    assert new_stretch(entropy).salt != new_stretch(entropy).salt
    assert new_stretch(entropy).within_bounds()
