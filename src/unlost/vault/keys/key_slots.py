"""The slots of an opened vault: list, add, remove and replace them.

A slot is valid while the entry of the register in force has it. So adding, removing or replacing a
slot takes effect with one create-only put, and a crash before the put changes nothing. All of it
needs the owner's secret. See docs/adr/0026 and docs/adr/0037.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from unlost.model.errors import Conflict, NotAllowed, NotFound
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.register import RegisterEntry
from unlost.vault.format.sealed import NONCE_BYTES
from unlost.vault.format.slots import (
    KeySlot,
    KeyStretch,
    SlotHolds,
    SlotPlace,
    check_slot_name,
    wrap_key,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import change_register, registered
from unlost.vault.keys.unlock import SlotSecret, opens_slot


class SlotKind(StrEnum):
    """The kind of secret that opens a slot."""

    KEY_FILE = "key file"
    PASSPHRASE = "passphrase"  # noqa: S105 (a word, no secret)


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot. ``authorizes``: its secret may also change the register."""

    slot: str
    kind: SlotKind
    authorizes: bool


def list_slots(store: Store, keys: Keyring) -> tuple[SlotState, ...]:
    """All slots; raises IntegrityError (``register-damaged``)."""
    slots = registered(store, keys).slots
    return tuple(_slot_state(name, slot) for name, slot in sorted(slots.items()))


def _slot_state(name: str, slot: KeySlot) -> SlotState:
    kind = SlotKind.KEY_FILE if slot.stretch is None else SlotKind.PASSPHRASE
    return SlotState(name, kind, authorizes=slot.holds is SlotHolds.OWNER)


def add_slot(
    store: Store,
    keys: Keyring,
    secret: SlotSecret,
    *,
    slot: str,
    entropy: Entropy,
    stretch: KeyStretch | None = None,
) -> None:
    """Add a slot that this secret opens. A passphrase needs a ``stretch``.

    Continues an interrupted call with the same secret. Raises Conflict (``slot-exists``),
    NotAllowed (``sheet-needed``).
    """
    added = new_slot(keys, secret, slot=slot, entropy=entropy, stretch=stretch)

    def with_slot(entry: RegisterEntry) -> RegisterEntry:
        present = entry.slots.get(slot)
        if present is None:
            return replace(entry, slots={**entry.slots, slot: added})
        if not opens_slot(entry, slot, present, secret=secret):
            raise slot_exists(slot)
        return entry

    change_register(store, keys, with_slot)


def new_slot(
    keys: Keyring,
    secret: SlotSecret,
    *,
    slot: str,
    entropy: Entropy,
    stretch: KeyStretch | None = None,
) -> KeySlot:
    """A slot for a secret, which is valid once an entry of the register has it.

    A passphrase gets the owner's secret, a key file only the master key. Raises NotAllowed
    (``sheet-needed``), UsageError (``slot-name``).
    """
    check_slot_name(slot)
    holds = SlotHolds.MASTER if stretch is None else SlotHolds.OWNER
    return wrap_key(
        keys.master() if holds is SlotHolds.MASTER else keys.owner.known_secret(),
        holds=holds,
        stretch=stretch,
        place=SlotPlace(keys.vault.hex(), keys.generation, slot),
        key=secret.wrapping_key(slot, stretch),
        nonce=entropy.bytes(NONCE_BYTES),
    )


def remove_slot(store: Store, keys: Keyring, slot: str) -> None:
    """Remove a slot.

    Raises NotFound (``slot-unknown``), NotAllowed (``slot-last``, ``sheet-needed``).
    """
    seen = False

    def without(entry: RegisterEntry) -> RegisterEntry:
        nonlocal seen
        if slot not in entry.slots and seen:
            return entry  # the first try took effect, and another writer followed it
        if slot not in entry.slots:
            raise slot_unknown(slot)
        seen = True
        remaining = {name: present for name, present in entry.slots.items() if name != slot}
        if not remaining:
            raise _slot_last(slot)
        return replace(entry, slots=remaining)

    change_register(store, keys, without)


def replace_slot(
    store: Store,
    keys: Keyring,
    slot: str,
    secret: SlotSecret,
    *,
    new: str,
    entropy: Entropy,
    stretch: KeyStretch | None = None,
    hand_over: Callable[[], object] = lambda: None,
) -> None:
    """Replace a slot by a slot with a new secret.

    ``hand_over`` is called while both open the vault, and puts the new secret where it is used.
    Raises NotFound (``slot-unknown``), Conflict (``slot-exists``), NotAllowed (``sheet-needed``).
    """
    if slot not in registered(store, keys).slots:
        raise slot_unknown(slot)
    add_slot(store, keys, secret, slot=new, entropy=entropy, stretch=stretch)
    hand_over()
    remove_slot(store, keys, slot)


def note_sheet(store: Store, keys: Keyring, sheet_confirmed_at: str) -> None:
    """Record in the register when the recovery sheet was written down (RFC 3339)."""
    change_register(store, keys, lambda entry: replace(entry, sheet=sheet_confirmed_at))


def slot_unknown(slot: str) -> NotFound:
    """The error for a slot that the vault does not have."""
    return NotFound(
        "slot-unknown",
        "The vault has no slot “{slot}”.",
        next_step="List the slots with `unlost key list`.",
        slot=slot,
    )


def slot_exists(slot: str) -> Conflict:
    """The error for the name of a slot that the vault already has."""
    return Conflict(
        "slot-exists",
        "The vault already has a slot “{slot}”.",
        next_step="Choose another name, or remove that slot first: `unlost key remove {slot} --sheet "
        "FILE`",
        slot=slot,
    )


def _slot_last(slot: str) -> NotAllowed:
    return NotAllowed(
        "slot-last",
        "“{slot}” is the last slot that opens the vault.",
        next_step="Add another slot first (see `unlost key add --help`), then remove this one.",
        slot=slot,
    )
