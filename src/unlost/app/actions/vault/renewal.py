"""Renew the vault's master key, so that stolen keys do not open anything written afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from unlost.app.access import Where, action
from unlost.app.compose import Application, vault_of
from unlost.app.home.home_keys import (
    SERVICE_KEY,
    GivenKey,
    OpenedKeys,
    draft_of,
    open_keys,
    service_slots,
)
from unlost.app.home.sealed_key import present_sealer
from unlost.app.vault.home_copy import renew_copies
from unlost.app.vault.new_keys import check_service_file, drafted_key, fresh_name, locked_keys
from unlost.catalog.orgs.orgs import list_orgs
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.access import Right, Trace
from unlost.model.errors import IntegrityError
from unlost.model.message import message
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.key_slots import list_slots
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import SERVICE_SLOT, move_service_key
from unlost.vault.maintenance.verify.lost_keys import lost_keys
from unlost.vault.stores.probe import FOLDER as PROBE_FOLDER


class LostKeys(StrEnum):
    """The policy for org keys of which no copy opens."""

    REFUSE = "refuse"  # a renewal: they could not be restored from a mirror any more
    GIVE_UP = "give up"


class RenewalAuthority(StrEnum):
    """The authority for a renewal."""

    OWNER = "owner"  # the recovery sheet or a passphrase, which signs the handover
    LOST = "lost"  # both are lost: this home's service key, and the right to delete in the vault


@dataclass(frozen=True, slots=True)
class RenewalResult:
    """A renewed master key. ``slot`` opens it with ``key_file``; ``ended`` no longer count."""

    vault_id: str
    slot: str
    key_file: str
    ended: tuple[str, ...]
    orgs: int


@action("key.renew", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def renew(
    app: Application,
    hand_over: Callable[[RecoverySheet], None],
    given_key: GivenKey = SERVICE_KEY,
    *,
    authority: RenewalAuthority = RenewalAuthority.OWNER,
    on_lost_keys: LostKeys = LostKeys.REFUSE,
) -> RenewalResult:
    """Renew the master key, with a new recovery sheet and a new key for the service.

    ``hand_over`` shows the sheet, and raises if it was not written down: then nothing is changed.
    Afterwards no other slot opens the vault, and new objects are encrypted with new org keys.
    Raises UsageError (``key-is-credential``), NotAllowed (``key-outdated``, ``sheet-needed``),
    Conflict (``keys-in-hand``), IntegrityError (``org-key-lost``), StoreError.
    """
    check_service_file(
        message("", "Then renew the master key from a shell, outside of the systemd unit.")
    )
    with locked_keys(app.locks):
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy, given_key=given_key)
        if authority is RenewalAuthority.OWNER:
            opened.keys.owner.known_secret()
        else:
            _check_may_delete(app, opened.store)
        if on_lost_keys is LostKeys.REFUSE:
            _check_no_key_is_lost(app, opened)
        return _renewed(app, hand_over, opened)


def _check_may_delete(app: Application, store: Store) -> None:
    """Raise StoreError (``store-may-not-delete``) before anyone writes down a sheet for nothing."""
    name = f"{PROBE_FOLDER}{app.entropy.bytes(8).hex()}"
    store.put_new(name, b"")
    store.delete(name)


def _check_no_key_is_lost(app: Application, opened: OpenedKeys) -> None:
    """Raise IntegrityError (``org-key-lost``): a renewal takes over only the keys that are there.

    A key that came back from a mirror later would not be valid any more.
    """
    vault = vault_of(opened.store, opened.keys, app.clock, app.entropy)
    for org in list_orgs():
        if lost := lost_keys(vault.org_vault(org.oid), seen=SqlWitness().get(org.oid)):
            raise IntegrityError(
                "org-key-lost",
                "No copy of the key in “{folder}” can be decrypted, and the data of {org} needs it. "
                "After a renewal of the master key, this key could not be restored any more.",
                next_step="Restore it from a mirror with `unlost verify --repair-from PLACE`, then "
                "renew the master key. If there is no mirror, the data is lost: add "
                "`--give-up-lost-keys`.",
                folder=lost[0],
                org=org.name,
            )


def _renewed(
    app: Application, hand_over: Callable[[RecoverySheet], None], opened: OpenedKeys
) -> RenewalResult:
    store, old = opened.store, opened.keys
    finish_renewal(store, old)  # an earlier one that was interrupted
    former_slots = tuple(slot_state.slot for slot_state in list_slots(store, old))
    new = old.successor()
    slot = fresh_name((*service_slots(app.home), SERVICE_SLOT)[0], entropy=app.entropy)
    hand_over(recovery_sheet(new))
    draft, key_file = draft_of(app.home), app.home.service_key
    sealer = present_sealer(key_file)
    key = drafted_key(opened, new, draft, slot=slot, entropy=app.entropy, sealer=sealer)
    renew_master(store, old, new, key=key, sheet_confirmed_at=app.clock.now(), entropy=app.entropy)
    move_service_key(draft, key_file)
    finish_renewal(store, new)
    app.open_anew()
    renew_copies(app)
    orgs = len(list_orgs())
    return RenewalResult(new.vault.hex(), slot, str(key_file), former_slots, orgs)
