"""A new master key for a vault: everything is wrapped anew, and new objects get new org keys.

One create-only put makes it count: the entry of the register that the new master key proves. It also
holds the earlier master keys, sealed, so that whatever was not wrapped anew yet can still be opened.
What comes after it, ``finish_renewal``, may be cut off and done again.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault import places
from unlost.vault.keys import Keyring
from unlost.vault.opening import is_whole, slots, write_slot
from unlost.vault.register import registered, succeed
from unlost.vault.unlock import ServiceKey, slot_copies


def renew_master(
    store: Store,
    keys: Keyring,
    new: Keyring,
    *,
    key: ServiceKey,
    taken_down: datetime,
    entropy: Entropy,
) -> None:
    """Let a drafted master key follow, which this key opens from then on, and no other slot.

    ``taken_down`` is when somebody took the recovery sheet of the new one down. Raises Conflict
    (``slot-exists``), NotAllowed (``key-outdated``) where somebody else was quicker.
    """
    listed: Mapping[str, str] = {
        key.slot: write_slot(store, new, key, slot=key.slot, entropy=entropy)
    }
    succeed(store, keys, new, slots=listed, sheet=taken_down.isoformat())


def finish_renewal(store: Store, keys: Keyring) -> None:
    """Wrap all org keys by the present master key, begin new epochs, and remove what opens no more.

    No change where no renewal was cut off.
    """
    for org in _orgs(store):
        if keys.generation > 1:
            keys.add_org(org)
        for name in keys.earlier_copies(org):
            store.delete(name)
    for slot in _earlier_slots(store, keys):
        for name in slot_copies(slot):
            store.delete(name)


def is_unfinished(store: Store, keys: Keyring) -> bool:
    """True if a renewal was cut off after it counted."""
    if keys.generation == 1:
        return False
    own = f".{keys.generation:08d}"
    orgs = _orgs(store)
    return (
        any(not folder.endswith(own) for org in orgs for folder in keys.folders(org))
        or any(keys.earlier_copies(org) for org in orgs)
        or bool(_earlier_slots(store, keys))
    )


def _orgs(store: Store) -> list[str]:
    """The oids of all orgs."""
    root = places.identities()
    return [listed.name.removeprefix(root) for listed in store.list(root)]


def _earlier_slots(store: Store, keys: Keyring) -> list[str]:
    """Slots that count no more and were not made under the present master key."""
    if keys.generation == 1:
        return []
    counting = registered(store, keys).slots
    return [
        slot
        for slot in slots(store)
        if slot not in counting and not any(map(partial(is_whole, store, keys), slot_copies(slot)))
    ]
