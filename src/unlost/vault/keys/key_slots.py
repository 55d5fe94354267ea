"""The slots of an opened vault: list, remove and replace them.

A slot is valid from the entry of the register that lists it until the entry that does not. So
adding, removing or replacing a slot takes effect with one create-only put. A crash before the put
changes nothing; a crash after it leaves copies that open nothing, and repeating the call removes
them. See docs/adr/0026.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from unlost.model.errors import NotAllowed, NotFound, UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.register import Register
from unlost.vault.format.slots import KeyStretch, read_slot
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import check_slot_copy, slots, write_slot
from unlost.vault.keys.register import change_register, digest_of, registered
from unlost.vault.keys.unlock import SlotSecret, slot_copies


class SlotKind(StrEnum):
    """The kind of secret that opens a slot."""

    KEY_FILE = "key file"
    PASSPHRASE = "passphrase"  # noqa: S105 (a word, no secret)
    UNKNOWN = "unknown"  # no copy of it can be read


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot. ``whole`` is the number of its three copies that match the register.

    ``valid`` is False for a slot that an interrupted change left or that was put back: it does not
    open the vault.
    """

    slot: str
    kind: SlotKind
    whole: int
    valid: bool

    @property
    def usable(self) -> bool:
        """True if the slot's secret opens the vault."""
        return self.valid and self.whole > 0


def list_slots(store: Store, keys: Keyring) -> tuple[SlotState, ...]:
    """All slots that the register lists or that have a copy; raises IntegrityError."""
    return _slot_states(store, keys, registered(store, keys))


def remove_slot(store: Store, keys: Keyring, slot: str) -> None:
    """Remove a slot, and what a crash left of it.

    Raises NotFound (``slot-unknown``), NotAllowed (``slot-last``) if no other slot opens the vault.
    """

    def without(register: Register) -> Register:
        slots_left = {name: digest for name, digest in register.slots.items() if name != slot}
        if slot in register.slots:
            _check_open(store, keys, replace(register, slots=slots_left), slot)
        return replace(register, slots=slots_left)

    if slot not in {state.slot for state in list_slots(store, keys)}:
        raise slot_unknown(slot)
    # The register first: a crash after this line leaves copies that open nothing.
    change_register(store, keys, without)
    for name in slot_copies(slot):
        store.delete(name)


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
    """Replace a slot by a slot with a new secret, in one step.

    ``hand_over`` is called while both open the vault, and puts the new secret where it is used.
    Raises NotFound (``slot-unknown``), Conflict (``slot-exists``).
    """
    if slot not in registered(store, keys).slots:
        raise slot_unknown(slot)
    digest = write_slot(store, keys, secret, slot=new, entropy=entropy, stretch=stretch)
    change_register(
        store, keys, lambda register: replace(register, slots={**register.slots, new: digest})
    )
    hand_over()
    remove_slot(store, keys, slot)


def note_sheet(store: Store, keys: Keyring, sheet_confirmed_at: str) -> None:
    """Record in the register when the recovery sheet was written down (RFC 3339)."""
    change_register(store, keys, lambda register: replace(register, sheet=sheet_confirmed_at))


def slot_unknown(slot: str) -> NotFound:
    """The error for a slot that the vault does not have."""
    return NotFound(
        "slot-unknown",
        "The vault has no slot “{slot}”.",
        next_step="List the slots with `unlost key list`.",
        slot=slot,
    )


def _slot_states(store: Store, keys: Keyring, listed: Register) -> tuple[SlotState, ...]:
    names = sorted({*slots(store), *listed.slots})
    return tuple(_slot_state(store, keys, name, listed.slots.get(name)) for name in names)


def _slot_state(store: Store, keys: Keyring, slot: str, digest: str | None) -> SlotState:
    kinds = [kind for name in slot_copies(slot) if (kind := _kind(store, keys, name, digest))]
    kind = kinds[0] if kinds else SlotKind.UNKNOWN
    return SlotState(slot, kind, whole=len(kinds), valid=digest is not None)


def _kind(store: Store, keys: Keyring, name: str, digest: str | None) -> SlotKind | None:
    """The kind of secret for one copy; None if it is damaged or not the copy the register lists."""
    try:
        check_slot_copy(store, keys, name)
        copy = store.get(name)
    except UnlostError:
        return None
    if digest not in (None, digest_of(copy)):
        return None
    slot = read_slot(copy, name=name.split("/")[1])
    return SlotKind.KEY_FILE if slot.stretch is None else SlotKind.PASSPHRASE


def _check_open(store: Store, keys: Keyring, listed: Register, slot: str) -> None:
    """Raise NotAllowed unless one of these slots opens the vault."""
    if not any(state.usable for state in _slot_states(store, keys, listed)):
        raise NotAllowed(
            "slot-last",
            "“{slot}” is the last slot that opens the vault.",
            next_step="Add another slot first (see `unlost key add --help`), then remove this one.",
            slot=slot,
        )
