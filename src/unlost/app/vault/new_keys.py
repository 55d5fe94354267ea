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
from unlost.vault.format.slots import check_slot_name
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import remove_slot, slot_exists
from unlost.vault.keys.passphrase import Passphrase
from unlost.vault.keys.register import registered
from unlost.vault.keys.service_key import (
    ServiceKey,
    key_exists,
    move_service_key,
    refuse_key_in_vault,
    write_service_key,
)
from unlost.vault.keys.unlock import opens_slot

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
    check_slot_name(slot)
    kinds = (new.key_file is not None, new.service, bool(new.passphrase), new.tell is not _silent)
    if sum(kinds) != 1:
        raise UsageError(
            "key-unclear",
            "The kind of the new key is not clear.",
            next_step="Use exactly one of --key-file FILE, --service, --passphrase and --passphrase-file "
            "FILE.",
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


def ready_key(
    opened: OpenedKeys,
    slot: str,
    file: Path | None,
    *,
    entropy: Entropy,
    sealer: Sealer | None = None,
) -> ServiceKey:
    """Create a key in a draft beside its file, or return that of an interrupted or repeated call.

    ``settle_key`` moves the draft to the file once the vault has the slot, so a key file always
    opens the vault. Raises Conflict (``key-exists``, ``slot-exists``), UsageError
    (``key-in-vault``), StoreError (``key-unwritten``).
    """
    if file is not None:
        refuse_key_in_vault(file, opened.store)
        if file.exists():
            return _repeated(opened, slot, file)
        if (drafted := _opening(opened, slot, draft_beside(file))) is not None:
            return drafted
    if slot in registered(opened.store, opened.keys).slots:
        raise slot_exists(slot)
    if file is None:
        return ServiceKey.new(opened.keys, entropy=entropy, slot=slot)
    draft = draft_beside(file)
    return drafted_key(opened, opened.keys, draft, slot=slot, entropy=entropy, sealer=sealer)


def draft_beside(file: Path) -> Path:
    """Return the path of a new key until it opens the vault."""
    return file.with_name(f"{file.name}.unfinished")


def settle_key(file: Path | None) -> None:
    """Move the draft of a key to its file, as the key opens the vault now."""
    if file is not None and not file.exists():
        move_service_key(draft_beside(file), file)


def refuse_present_file(opened: OpenedKeys, slot: str, file: Path) -> None:
    """Raise Conflict (``key-exists``) if the file for the key that replaces a slot exists.

    Says how to end a replacement that was interrupted when only the earlier slot remained.
    """
    if not file.exists():
        return
    with suppress(NotAllowed):
        present = slot_of(file)
        slots = registered(opened.store, opened.keys).slots
        if present in slots and present != slot and is_successor(present, of=slot):
            raise Conflict(
                "key-exists",
                "The file {path} already has the key of the slot “{present}”.",
                next_step="If an earlier replacement was interrupted, finish it with `unlost key "
                "remove {slot} --sheet FILE`. Otherwise choose another file.",
                path=file,
                present=present,
                slot=slot,
            )
    raise key_exists(file)


def is_successor(name: str, *, of: str) -> bool:
    """Return True if a replacement of this slot may have made up the name."""
    return _MADE_UP.search(name) is not None and _base(name) == _base(of)


def _base(slot: str) -> str:
    return _MADE_UP.sub("", slot)[:_LONGEST_BASE]


def fresh_name(slot: str, *, entropy: Entropy) -> str:
    """Return a name for the slot that replaces another."""
    return f"{_base(slot)}-{entropy.bytes(4).hex()}"


def check_service_file(last_step: Message) -> None:
    """Raise UsageError (``key-is-credential``) if the service gets its key from systemd."""
    if credential() is not None:
        raise UsageError(
            "key-is-credential",
            "The service gets its key from systemd, where Unlost cannot write it.",
            next_step="Add a key with `unlost key add NAME --key-file - --sheet FILE`, give it to "
            "systemd, and restart the service. {last_step}",
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
    """Create a key in a file beside its own; it opens nothing yet.

    A draft of an interrupted change is deleted first.
    """
    draft.unlink(missing_ok=True)
    key = ServiceKey.new(keys, entropy=entropy, slot=slot)
    write_service_key(key, draft, store=opened.store, sealed=sealer.sealed if sealer else None)
    return key


def remove_drafted_slot(opened: OpenedKeys, draft: Path, *, replacing: str) -> None:
    """Remove the slot of a draft that an interrupted replacement left, as nothing uses it."""
    if draft.exists():
        with suppress(NotAllowed):  # a damaged draft opened nothing
            unused = slot_of(draft)
            is_valid = unused in registered(opened.store, opened.keys).slots
            if is_valid and unused != replacing and is_successor(unused, of=replacing):
                remove_slot(opened.store, opened.keys, unused)


def _repeated(opened: OpenedKeys, slot: str, file: Path) -> ServiceKey:
    key = _opening(opened, slot, file)
    if key is None:
        raise key_exists(file)
    return key


def _opening(opened: OpenedKeys, slot: str, file: Path) -> ServiceKey | None:
    """Return the key in a file if it opens this slot; None for any other file.

    Only if the slot is there: the key of a removed slot must not become valid again.
    """
    try:
        key = key_file(file).service_key()
    except UnlostError:
        return None
    entry = registered(opened.store, opened.keys)
    present = entry.slots.get(slot) if (key.vault, key.slot) == (opened.keys.vault, slot) else None
    return key if present is not None and opens_slot(entry, slot, present, secret=key) else None


def secret_of(new: NewKey) -> Passphrase:
    """Return the passphrase of a new slot."""
    return Passphrase(new.passphrase)
