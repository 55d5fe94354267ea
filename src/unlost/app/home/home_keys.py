"""The key with which a home's service opens the vault, and other keys given by people."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlost.app.home.home import Home
from unlost.app.home.sealed_key import key_file, slot_of
from unlost.app.home.stores import home_store
from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.ports.system import Clock, Entropy
from unlost.model.vault.store import Store
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.service_key import READABLE, move_service_key
from unlost.vault.keys.unlock import (
    ByPassphrase,
    ByRecoverySheet,
    ByServiceKeyFile,
    KeyProvider,
)

CREDENTIAL = "unlost.service-key"  # the name of the key among a unit's systemd credentials
CREDENTIALS = "CREDENTIALS_DIRECTORY"


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """A vault's store and its opened keys."""

    store: Store
    keys: Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenKey:
    """A key given to open the vault; without any, it is the service key.

    ``sheet`` is the text of the recovery sheet, ``passphrase`` belongs to the slot of that name.
    """

    key_file: Path | None = None
    sheet: str = ""
    slot: str = ""
    passphrase: str = ""

    def __repr__(self) -> str:
        return "GivenKey()"

    def provider(self, home: Home) -> KeyProvider:
        """Return the key provider that opens the vault."""
        if self.sheet:
            return ByRecoverySheet(self.sheet)
        if self.passphrase:
            return ByPassphrase(self.passphrase, self.slot, _known_owner(home))
        return key_file(self.key_file or service_key_of(home))


SERVICE_KEY = GivenKey()


def _known_owner(home: Home) -> bytes:
    """Return the public key of the vault's owner from the service key file; empty if unknown."""
    with suppress(UnlostError):  # a sealed file would need its server
        return ByServiceKeyFile(service_key_of(home)).service_key().owner
    return b""


def credential() -> Path | None:
    """Return the key file that systemd passed to this process, if any."""
    folder = os.environ.get(CREDENTIALS)
    file = Path(folder) / CREDENTIAL if folder else None
    return file if file is not None and file.exists() else None


def service_key_of(home: Home) -> Path:
    """Return the key file of the service: systemd's credential, or else the home's file."""
    return credential() or home.service_key


def open_keys(
    home: Home, *, clock: Clock, entropy: Entropy, given_key: GivenKey = SERVICE_KEY
) -> OpenedKeys:
    """Open the keys of a home's vault; raises as ``open_keyring`` does."""
    store = home_store(home, clock=clock)
    try:
        keys = open_keyring(store, given_key.provider(home), entropy=entropy)
    except (NotAllowed, IntegrityError):
        if given_key != SERVICE_KEY:
            raise
        keys = _taken_up(home, store, entropy)
    return OpenedKeys(store, keys)


def draft_of(home: Home) -> Path:
    """Return the path of a new service key until it replaces the present one."""
    return home.service_key.with_name(f"{home.service_key.name}.new")


def _taken_up(home: Home, store: Store, entropy: Entropy) -> Keyring:
    """Finish an interrupted change of the service key that already counts; else raise again."""
    draft = draft_of(home)
    if credential() is None and draft.exists():
        with suppress(NotAllowed, IntegrityError):
            keys = open_keyring(store, key_file(draft), entropy=entropy)
            move_service_key(draft, home.service_key)
            return keys
    return open_keyring(store, SERVICE_KEY.provider(home), entropy=entropy)


def service_slots(home: Home) -> tuple[str, ...]:
    """Return the slots of this home's service, as its key files name them.

    Raises NotAllowed (``key-readable``): otherwise a slot in use could be removed as one of others.
    """
    return tuple(dict.fromkeys(_slots(home)))


def _slots(home: Home) -> Iterator[str]:
    for file in (credential(), home.service_key):
        if file is not None:
            try:
                yield slot_of(file)
            except UnlostError as error:
                if error.code == READABLE:
                    raise
