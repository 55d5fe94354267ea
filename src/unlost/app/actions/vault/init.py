"""Create a home and its vault, or a home for an existing vault."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlost.app.home.database import connect, disconnect
from unlost.app.home.home import (
    HOME_KEY_BYTES,
    Home,
    check_outside_vault,
    plan_home,
    write_home,
    write_secret_file,
)
from unlost.app.home.sealed_key import key_file
from unlost.app.home.stores import store_at
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.catalog.home.moving import check_unused
from unlost.model.errors import Conflict, UnlostError
from unlost.model.ports.system import Clock, Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.founding import (
    discard_unfinished_key,
    draft_keyring,
    recovery_sheet,
    write_vault_file,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.service_key import (
    SERVICE_SLOT,
    ServiceKey,
    key_exists,
    write_service_key,
)
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import probe_store
from unlost.vault.stores.reach import check_not_locked


@dataclass(frozen=True, slots=True)
class InitRequest:
    """The places of a new home's parts; None means the default below the home.

    ``database`` is the URL of an empty PostgreSQL database; empty, the home uses files.
    """

    root: Path
    vault: Path | StoreAddress | None = None
    service_key: Path | None = None
    recovery_out: Path | None = None
    database: str = ""

    def home(self) -> Home:
        """Return the home that would be created; raises Conflict, UsageError, StoreError."""
        home = plan_home(
            self.root, vault=self.vault, service_key=self.service_key, database=self.database
        )
        if home.database:
            connect(home.database)
            check_unused()
            disconnect()
        return home


@dataclass(frozen=True, slots=True)
class InitResult:
    """The places of the parts. ``recovery_sheet`` is its file, if it was written to one."""

    home: str
    vault: str
    vault_id: str
    service_key: str
    recovery_sheet: str | None
    database: str | None = None


type Confirm = Callable[[RecoverySheet], None]


def init(
    request: InitRequest,
    *,
    confirm: Confirm,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> InitResult:
    """Create a home and a vault.

    Without a file for the recovery sheet, ``confirm`` shows it to a person, and raises if it was
    not written down. There is no vault until it returns. Call again to redo an interrupted init.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    home = request.home()
    if request.recovery_out is not None:
        _check_sheet_place(request.recovery_out, home)
    store = store_at(home.place, clock=clock)
    # ``vault.json`` is written after the recovery sheet was confirmed.
    if _founded_before(home, store):
        keys = open_keyring(store, key_file(home.service_key), entropy=entropy)
    else:
        keys = draft_keyring(store, entropy=entropy)
        _make_folders(home)
        check_not_locked(home.place, now=clock.now, sleep=clock.sleep)
        probe_store(store, entropy=entropy)
        discard_unfinished_key(home.service_key, store=store)
        _add_service_key(home, store, keys, slot=SERVICE_SLOT, entropy=entropy)
        _hand_over(recovery_sheet(keys), out=request.recovery_out, confirm=confirm)
        write_vault_file(store, keys, created=clock.now(), sheet_confirmed_at=clock.now())
    _settle(home, entropy)
    return _result(home, keys, recovery_out=request.recovery_out)


type Fill = Callable[[Home, Store, Keyring], None]


def adopt_vault(
    request: InitRequest,
    *,
    sheet: str,
    entropy: Entropy | None = None,
    fill: Fill = lambda _home, _store, _keys: None,
) -> InitResult:
    """Create a home for an existing vault, opened with the text of its recovery sheet.

    For a new machine after the old one was lost. Add the orgs again; the vault knows their backups.
    ``fill`` may write files into the home's folder before it becomes a home; if it raises, the
    vault is unchanged.
    """
    entropy = entropy or SystemEntropy()
    home = request.home()
    store = store_at(home.place, clock=SystemClock())
    keys = open_keyring(store, ByRecoverySheet(sheet), entropy=entropy)
    _make_folders(home)
    fill(home, store, keys)
    if not _adopted_before(home, store, keys):
        slot = f"{SERVICE_SLOT}-{entropy.bytes(4).hex()}"
        _add_service_key(home, store, keys, slot=slot, entropy=entropy)
    _settle(home, entropy)
    return _result(home, keys, recovery_out=None)


def _founded_before(home: Home, store: Store) -> bool:
    """True if an earlier init ended just before it wrote ``unlost.toml``."""
    return store.size(VAULT_FILE) is not None and home.service_key.exists()


def _adopted_before(home: Home, store: Store, keys: Keyring) -> bool:
    """True if an earlier call ended after it wrote the key file, which opens this vault.

    Raises Conflict (``key-exists``) for any other file, before the vault gets a slot for nothing.
    """
    if not home.service_key.exists():
        return False
    with suppress(UnlostError):
        if key_file(home.service_key).unlock(store).master == keys.master():
            return True
    raise key_exists(home.service_key)


def _make_folders(home: Home) -> None:
    for folder in (home.root, home.home_key.parent, home.service_key.parent, home.vault):
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _add_service_key(
    home: Home, store: Store, keys: Keyring, *, slot: str, entropy: Entropy
) -> None:
    key = ServiceKey.new(keys, entropy=entropy, slot=slot)
    add_slot(store, keys, key, slot=slot, entropy=entropy)
    write_service_key(key, home.service_key, store=store)


def _hand_over(sheet: RecoverySheet, *, out: Path | None, confirm: Confirm) -> None:
    if out is None:
        confirm(sheet)
    else:
        write_secret_file(out, sheet.text())


def _settle(home: Home, entropy: Entropy) -> None:
    """Create the home's own files; ``unlost.toml`` comes last and makes it a home."""
    _make_folders(home)
    if not home.home_key.exists():
        write_secret_file(home.home_key, entropy.bytes(HOME_KEY_BYTES).hex() + "\n")
    connect(home.catalog)
    disconnect()
    write_home(home)


def _check_sheet_place(out: Path, home: Home) -> None:
    check_outside_vault(out.absolute(), home.vault)
    if out.exists():
        raise Conflict(
            "file-exists",
            "{out} already exists and is not overwritten.",
            next_step="Move the existing file, or choose another file for the recovery sheet.",
            out=out,
        )


def _result(home: Home, keys: Keyring, *, recovery_out: Path | None) -> InitResult:
    return InitResult(
        home=str(home.root),
        vault=str(home.place),
        vault_id=keys.vault.hex(),
        service_key=str(home.service_key),
        recovery_sheet=str(recovery_out.absolute()) if recovery_out else None,
        database=home.database or None,
    )
