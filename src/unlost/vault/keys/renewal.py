"""Renewal: a new owner's secret for a vault, hence a new master key and a new recovery sheet.

All keys are wrapped anew, and new objects get new org keys. One create-only put makes it valid: the
entry of the register that the new owner signs. The entry also holds the earlier master keys,
sealed, so that keys which are not wrapped anew yet can still be opened. The earlier owner signs the
handover, so that its holders know that they are outdated. The rest is ``finish_renewal``, which
needs no secret, and may be interrupted and repeated. See docs/adr/0026 and docs/adr/0037.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.register import Handover
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import new_slot
from unlost.vault.keys.register import (
    append_entry,
    complete_entry,
    find_entry,
    handed_over,
    is_entry_of,
    listed_entries,
    registered,
    sealed_earlier,
    shredded_orgs,
)
from unlost.vault.keys.service_key import ServiceKey
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

    ``sheet_confirmed_at``: when the recovery sheet of the new key was written down. If the earlier
    secret is lost, the handover is not signed: then the entries of the earlier owner must be
    removed, so that its keys no longer open the vault. Raises NotAllowed (``key-outdated``) if
    another renewal was quicker, StoreError (``store-may-not-delete``).
    """
    while True:
        present = registered(store, keys)
        new.inherit(keys, orgs=_orgs(store, keys))
        entry = replace(
            present,
            owner=new.owner.public.hex(),
            generation=new.generation,
            sheet=sheet_confirmed_at.isoformat(),
            slots={key.slot: new_slot(new, key, slot=key.slot, entropy=entropy)},
            earlier=sealed_earlier(new),
            handovers=handed_over(keys, new, present),
            checks=new.inherited,
        )
        owner = keys.owner.public
        if append_entry(store, new, entry, after=present.number, owner=owner) is not None:
            break
    _end_earlier(store, new)


def _end_earlier(store: Store, keys: Keyring) -> None:
    """Remove the entries of an earlier owner who signed no handover; raises StoreError."""
    for name in _unended(store, keys):
        store.delete(name)


def _unended(store: Store, keys: Keyring) -> list[str]:
    """The entries with which the keys of an earlier owner, whose secret was lost, still open."""
    stored = find_entry(store, owner=keys.owner.public)
    owners = _unended_owners(stored.entry.handovers) if stored is not None else []
    return [
        name
        for names in (listed_entries(store) if owners else {}).values()
        for name in names
        if any(is_entry_of(store, name, owner) for owner in owners)
    ]


def _unended_owners(handovers: Sequence[Handover]) -> list[bytes]:
    """The owners up to the last one whose secret was lost: no chain of handovers ends them."""
    lost = [place for place, handover in enumerate(handovers) if not handover.signature]
    return [bytes.fromhex(each.owner) for each in handovers[: max(lost, default=-1) + 1]]


def finish_renewal(store: Store, keys: Keyring) -> None:
    """Wrap all org keys by the present master key, begin new epochs, and remove obsolete copies.

    Only keys that the register's entry lists are taken over; planted keys are removed. Raises
    NotAllowed (``key-outdated``). No change if no renewal was interrupted. Nothing is removed of an
    org whose identity key does not open: its copies may be of a master key that came later.
    """
    # A crash may have left a single copy; until it is repeated, its loss would lose the vault.
    complete_entry(store, keys)
    _end_earlier(store, keys)
    for org in _orgs(store, keys):
        if keys.generation > 1:
            keys.take_over(org)
        gone = (*keys.earlier_copies(org), *keys.strange_copies(org)) if keys.opens(org) else ()
        registered(store, keys)  # raises if a newer master key exists, whose copies must stay
        for name in gone:
            store.delete(name)


def is_unfinished(store: Store, keys: Keyring) -> bool:
    """True if a renewal was interrupted after it became valid."""
    if keys.generation == 1:
        return False
    orgs = _orgs(store, keys)
    return bool(_unended(store, keys)) or any(
        keys.pending(org) or keys.earlier_copies(org) for org in orgs
    )


def strange_keys(store: Store, keys: Keyring) -> tuple[str, ...]:
    """The objects among the wrapped keys of orgs that are not valid keys."""
    return tuple(name for org in _orgs(store, keys) for name in keys.strange_copies(org))


def _orgs(store: Store, keys: Keyring) -> list[str]:
    """The oids of all orgs that were not shredded."""
    gone = shredded_orgs(store, keys)
    return [org for org in named_orgs(store) if org not in gone]
