"""Renewal: a new master key for a vault. All keys are wrapped anew; new objects get new org keys.

One create-only put makes it valid: the entry of the register that the new master key proves. The
entry also holds the earlier master keys, sealed, so that keys which are not wrapped anew yet can
still be opened. The rest is ``finish_renewal``, which may be interrupted and repeated. See
docs/adr/0026.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import is_whole, slots, write_slot
from unlost.vault.keys.register import is_single, registered, repeat_entry, write_renewal
from unlost.vault.keys.shred_proofs import shredded_orgs
from unlost.vault.keys.unlock import ServiceKey, slot_copies
from unlost.vault.layout.org_names import named_orgs


def renew_master(
    store: Store,
    keys: Keyring,
    new: Keyring,
    *,
    key: ServiceKey,
    sheet_confirmed_at: datetime,
    entropy: Entropy,
) -> None:
    """Put a drafted master key in force. From then on only ``key`` and its sheet open the vault.

    ``sheet_confirmed_at``: when the recovery sheet of the new key was written down. Raises Conflict
    (``slot-exists``), NotAllowed (``key-outdated``) if another renewal was quicker.
    """
    # No entry lists this slot yet, so a crash before ``write_renewal`` changes nothing.
    listed: Mapping[str, str] = {
        key.slot: write_slot(store, new, key, slot=key.slot, entropy=entropy)
    }
    new.inherit(keys, orgs=_orgs(store, keys), shredded=shredded_orgs(store, keys).keys())
    write_renewal(store, keys, new, slots=listed, sheet=sheet_confirmed_at.isoformat())
    repeat_entry(store, new)


def finish_renewal(store: Store, keys: Keyring) -> None:
    """Wrap all org keys by the present master key, begin new epochs, and remove obsolete copies.

    Only keys that the register's entry lists are taken over; planted keys are removed. Raises
    NotAllowed (``key-outdated``). No change if no renewal was interrupted.
    """
    # A crash may have left a single entry; until it is repeated, its loss would lose the vault.
    repeat_entry(store, keys)
    for org in _orgs(store, keys):
        if keys.generation > 1:
            keys.take_over(org)
        gone = (*keys.earlier_copies(org), *keys.strange_copies(org))
        registered(store, keys)  # raises if a newer master key exists, whose copies must stay
        for name in gone:
            store.delete(name)
    for slot in _earlier_slots(store, keys):
        for name in slot_copies(slot):
            store.delete(name)


def is_unfinished(store: Store, keys: Keyring) -> bool:
    """True if a renewal was interrupted after it became valid."""
    if keys.generation == 1:
        return False
    orgs = _orgs(store, keys)
    return (
        is_single(store, keys)
        or any(keys.pending(org) or keys.earlier_copies(org) for org in orgs)
        or bool(_earlier_slots(store, keys))
    )


def strange_keys(store: Store, keys: Keyring) -> tuple[str, ...]:
    """The objects among the wrapped keys of orgs that are not valid keys."""
    return tuple(name for org in _orgs(store, keys) for name in keys.strange_copies(org))


def _orgs(store: Store, keys: Keyring) -> list[str]:
    """The oids of all orgs that were not shredded."""
    gone = shredded_orgs(store, keys)
    return [org for org in named_orgs(store) if org not in gone]


def _earlier_slots(store: Store, keys: Keyring) -> list[str]:
    """Slots that are no longer valid and were not made under the present master key."""
    if keys.generation == 1:
        return []
    valid_slots = registered(store, keys).slots
    return [
        slot
        for slot in slots(store)
        if slot not in valid_slots
        and not any(map(partial(is_whole, store, keys), slot_copies(slot)))
    ]
