"""New keys for the vault: their kinds, and preparing them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category, unidata_version

from unlost.app.home.home_keys import OpenedKeys, credential
from unlost.app.home.sealed_key import Sealer, key_file, slot_of
from unlost.model.errors import Conflict, NotAllowed, UnlostError, UsageError
from unlost.model.message import Message
from unlost.model.ports.system import Entropy
from unlost.model.runs.locks import Locks
from unlost.vault.format.slots import slot_folder
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import list_slots, remove_slot
from unlost.vault.keys.opening import opens_copy
from unlost.vault.keys.unlock import (
    ByPassphrase,
    ServiceKey,
    key_exists,
    slot_copies,
    write_service_key,
)

SHORTEST = 20  # characters of a passphrase
DIFFERENT = 8  # of them: the letter a twenty times is guessed at once
_MADE_UP = re.compile(r"-[0-9a-f]{8}$")
_LONGEST_BASE = 32


LOCK = "keys"


@contextmanager
def locked_keys(locks: Locks) -> Iterator[None]:
    """Block other changes of this home's keys; raises Conflict (``keys-in-hand``)."""
    lock = locks.take(LOCK)
    if lock is None:
        raise Conflict(
            "keys-in-hand",
            "Another user or program is changing the keys of this home.",
            next_step="Wait until it has finished, then try again.",
        )
    try:
        yield
    finally:
        lock.release()


def _silent(_: str) -> None:
    """Ignore the text of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A new key: a file, this home's service key, a passphrase, or a callback that receives it.

    ``tell`` is called with the text of the key file, for keys that must not be on a disk.
    ``sealer`` encrypts a key file.
    """

    key_file: Path | None = None
    service: bool = False
    passphrase: str = ""
    tell: Callable[[str], object] = _silent
    sealer: Sealer | None = None

    def __repr__(self) -> str:
        return "NewKey()"

    def tell_of(self, key: ServiceKey) -> None:
        """Pass the text of the key file to ``tell``, if it is set."""
        if self.tell is not _silent:
            self.tell(key.text() if self.sealer is None else self.sealer.sealed(key))


def check_new(new: NewKey, slot: str) -> None:
    """Raise UsageError unless exactly one kind is given, and a passphrase that is good enough.

    Codes: ``key-unclear``, ``passphrase-short``, ``passphrase-characters``.
    """
    slot_folder(slot)
    kinds = (new.key_file is not None, new.service, bool(new.passphrase), new.tell is not _silent)
    if sum(kinds) != 1:
        raise UsageError(
            "key-unclear",
            "The kind of the new key is not clear.",
            next_step="Use exactly one of --key-file FILE, --service and --passphrase.",
        )
    if new.sealer is not None and new.passphrase:
        raise UsageError(
            "key-unclear",
            "A passphrase cannot be sealed, because it is not stored in a file.",
            next_step="Omit --transit or --passphrase.",
        )
    if new.passphrase:
        _check_passphrase(new.passphrase.strip())


def _check_passphrase(passphrase: str) -> None:
    if len(passphrase) < SHORTEST or len(set(passphrase.casefold())) < DIFFERENT:
        raise UsageError(
            "passphrase-short",
            "A vault passphrase needs at least {shortest} characters, {different} of them different.",
            next_step="Use several unrelated words, or the seven words that Unlost proposes.",
            shortest=SHORTEST,
            different=DIFFERENT,
        )
    # Another release may normalize them in another way: only defined characters are stable
    # (https://www.unicode.org/policies/stability_policy.html).
    unknown = [character for character in passphrase if category(character) == "Cn"]
    if unknown:
        raise UsageError(
            "passphrase-characters",
            "The passphrase contains a character that Unicode {unicode} does not define: {code}.",
            next_step="Use letters, digits and punctuation.",
            unicode=unidata_version,
            code=f"U+{ord(unknown[0]):04X}",
        )


def secret_of(new: NewKey, slot: str) -> ByPassphrase:
    """Return the passphrase of a slot."""
    return ByPassphrase(new.passphrase, slot)


def ready_key(
    opened: OpenedKeys,
    slot: str,
    file: Path | None,
    *,
    entropy: Entropy,
    sealer: Sealer | None = None,
) -> ServiceKey:
    """Create a key in its file, which opens nothing yet, or return that of an interrupted call.

    Raises Conflict (``key-exists``), UsageError (``key-in-vault``), StoreError (``key-unwritten``).
    """
    if file is not None and file.exists():
        return _drafted(opened, slot, file)
    key = ServiceKey.new(opened.keys, entropy=entropy, slot=slot)
    if file is not None:
        write_service_key(key, file, store=opened.store, sealed=sealer.sealed if sealer else None)
    return key


def fresh_name(slot: str, *, entropy: Entropy) -> str:
    """Return a name for the slot that replaces another."""
    return f"{_MADE_UP.sub('', slot)[:_LONGEST_BASE]}-{entropy.bytes(4).hex()}"


def check_service_file(last_step: Message) -> None:
    """Raise UsageError (``key-is-credential``) if the service gets its key from systemd."""
    if credential() is not None:
        raise UsageError(
            "key-is-credential",
            "The service gets its key from systemd, where Unlost cannot write it.",
            next_step="Add a key with `unlost key add NAME --key-file -`, give it to systemd, and "
            "restart the service. {last_step}",
            last_step=last_step,
        )


def drafted_key(
    opened: OpenedKeys,
    keys: Keyring,
    draft: Path,
    *,
    slot: str,
    entropy: Entropy,
    sealer: Sealer | None,
) -> ServiceKey:
    """Create a key for the service in a file beside the present one; it opens nothing yet.

    A draft of an interrupted change is deleted first, with its slot, as it is unused.
    """
    if draft.exists():
        with suppress(NotAllowed):  # a damaged draft opened nothing
            left_slot = slot_of(draft)
            if left_slot in {state.slot for state in list_slots(opened.store, opened.keys)}:
                remove_slot(opened.store, opened.keys, left_slot)
        draft.unlink()
    key = ServiceKey.new(keys, entropy=entropy, slot=slot)
    write_service_key(key, draft, store=opened.store, sealed=sealer.sealed if sealer else None)
    return key


def _drafted(opened: OpenedKeys, slot: str, file: Path) -> ServiceKey:
    try:
        key = key_file(file).service_key()
    except UnlostError:
        raise key_exists(file) from None
    if (key.vault, key.slot) != (opened.keys.vault, slot) or not _waits(opened, key):
        raise key_exists(file)
    return key


def _waits(opened: OpenedKeys, key: ServiceKey) -> bool:
    """Return True if an interrupted call wrote the key's slot; removed slots do not count."""
    return any(
        opens_copy(opened.store, opened.keys, name, secret=key) for name in slot_copies(key.slot)
    )
