"""Manage the keys that open the vault: list, add, remove, replace and test them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import DONE, Where, action
from unlost.app.compose import Application
from unlost.app.home.home_keys import (
    SERVICE_KEY,
    GivenKey,
    OpenedKeys,
    draft_of,
    open_keys,
    service_key_of,
    service_slots,
)
from unlost.app.home.sealed_key import Sealer, present_sealer, slot_of
from unlost.app.vault.new_keys import (
    NewKey,
    check_new,
    check_service_file,
    draft_beside,
    drafted_key,
    fresh_name,
    is_successor,
    locked_keys,
    ready_key,
    refuse_present_file,
    remove_drafted_slot,
    secret_of,
    settle_key,
)
from unlost.catalog.people.audit import newest_times
from unlost.model.access import Right, Trace
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.message import message
from unlost.model.written import written
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.key_slots import (
    SlotKind,
    SlotState,
    add_slot,
    list_slots,
    note_sheet,
    remove_slot,
    replace_slot,
    slot_unknown,
)
from unlost.vault.keys.passphrase import new_stretch
from unlost.vault.keys.register import registered
from unlost.vault.keys.service_key import move_service_key, refuse_key_in_vault

RENEWALS, TEST = ("key.renew", "key.replace"), "key.test"  # in the audit log
OWNER_DIGITS = 16


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key slot; ``service``: this home's service opens the vault with it.

    ``authorizes``: its secret may also change the keys of the vault and destroy orgs.
    """

    slot: str
    kind: SlotKind
    authorizes: bool
    service: bool


@written(sheet_confirmed_at="sheet_taken_down")
@dataclass(frozen=True, slots=True)
class Keys:
    """The key slots of the vault.

    ``sheet_confirmed_at``: when the recovery sheet was last confirmed as written down; None if never.
    ``owner``: the first digits of the public key that signs every change of the keys. ``generation``
    counts the master keys, from 1. ``renewed_at`` and ``tested_at``: when this home last renewed the
    master key or a slot, and tested a key; None if never.
    """

    vault_id: str
    slots: tuple[KeyLine, ...]
    sheet_confirmed_at: datetime | None
    owner: str = ""
    generation: int = 1
    renewed_at: datetime | None = None
    tested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A changed slot. ``key_file`` is the file of a new key, ``replaced`` the removed slot."""

    slot: str
    kind: SlotKind
    key_file: str | None = None
    replaced: str | None = None


@written(remaining="left")
@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """The removed slot, and the remaining ones."""

    slot: str
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyTestResult:
    """A key that opens the vault; ``slot`` is None for the recovery sheet, which has none."""

    vault_id: str
    slot: str | None


@dataclass(frozen=True, slots=True)
class SheetShown:
    """The recovery sheet was shown and written down."""

    vault_id: str
    at: datetime


@action("key.list", Right.MANAGE, where=Where.HOME)
def keys(app: Application, given_key: GivenKey = SERVICE_KEY) -> Keys:
    """List the key slots of the vault; raises the errors of opening the vault."""
    opened = _open(app, given_key)
    own_slots = service_slots(app.home)
    lines = tuple(
        KeyLine(
            slot_state.slot,
            slot_state.kind,
            slot_state.authorizes,
            slot_state.slot in own_slots,
        )
        for slot_state in list_slots(opened.store, opened.keys)
    )
    entry = registered(opened.store, opened.keys)
    times = newest_times((*RENEWALS, TEST), outcome=DONE)
    return Keys(
        opened.keys.vault.hex(),
        lines,
        datetime.fromisoformat(entry.sheet) if entry.sheet else None,
        entry.owner[:OWNER_DIGITS],
        entry.generation,
        max((times[act] for act in RENEWALS if act in times), default=None),
        times.get(TEST),
    )


@action("key.add", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("slot",))
def add(app: Application, slot: str, new: NewKey, given_key: GivenKey = SERVICE_KEY) -> KeyChange:
    """Add a slot for a new key.

    Raises Conflict (``slot-exists``, ``key-exists``, ``keys-in-hand``), UsageError (``slot-name``,
    ``key-unclear``, ``key-in-vault``, ``passphrase-short``, ``passphrase-characters``), NotAllowed
    (``sheet-needed``), StoreError.
    """
    check_new(new, slot)
    with locked_keys(app.locks):
        return _add(app, slot, new, given_key)


def _add(app: Application, slot: str, new: NewKey, given_key: GivenKey) -> KeyChange:
    opened = _open_to_change(app, given_key)
    if new.passphrase:
        add_slot(
            opened.store,
            opened.keys,
            secret_of(new),
            slot=slot,
            entropy=app.entropy,
            stretch=new_stretch(app.entropy),
        )
        return KeyChange(slot, SlotKind.PASSPHRASE)
    file = new.key_file or (app.home.service_key if new.service else None)
    key = ready_key(opened, slot, file, entropy=app.entropy, sealer=new.sealer)
    add_slot(opened.store, opened.keys, key, slot=slot, entropy=app.entropy)
    settle_key(file)
    new.tell_of(key)
    return KeyChange(slot, SlotKind.KEY_FILE, str(file) if file else None)


@action("key.remove", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("slot",))
def remove(app: Application, slot: str, given_key: GivenKey = SERVICE_KEY) -> KeyRemoved:
    """Remove a slot.

    Raises NotFound (``slot-unknown``), NotAllowed (``slot-last``, ``slot-in-use``,
    ``sheet-needed``), Conflict (``keys-in-hand``).
    """
    with locked_keys(app.locks):
        opened = _open_to_change(app, given_key)
        slot_states = list_slots(opened.store, opened.keys)
        _check_not_in_use(app, slot, slot_states)
        remove_slot(opened.store, opened.keys, slot)
    return KeyRemoved(
        slot,
        tuple(slot_state.slot for slot_state in slot_states if slot_state.slot != slot),
    )


@action("key.replace", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("slot",))
def replace(
    app: Application,
    slot: str,
    new: NewKey | None = None,
    given_key: GivenKey = SERVICE_KEY,
    *,
    sealer: Sealer | None = None,
) -> KeyChange:
    """Replace the key of a slot; the old key no longer opens the vault.

    Without ``new``, the new key replaces the key file of the service. ``sealer`` seals it; the
    default is the seal of the present key. Raises as ``add`` and ``remove`` do, UsageError
    (``key-unclear``, ``key-is-credential``).
    """
    with locked_keys(app.locks):
        return _replace(app, slot, new, given_key, sealer)


def _replace(
    app: Application, slot: str, new: NewKey | None, given_key: GivenKey, sealer: Sealer | None
) -> KeyChange:
    opened = _open_to_change(app, given_key)
    if slot not in {slot_state.slot for slot_state in list_slots(opened.store, opened.keys)}:
        raise slot_unknown(slot)
    name = fresh_name(slot, entropy=app.entropy)
    if new is None:
        return _replace_service_key(app, opened, slot, name, sealer)
    _check_not_in_use(app, slot, list_slots(opened.store, opened.keys))
    check_new(new, name)
    if new.key_file is not None:
        refuse_key_in_vault(new.key_file, opened.store)
        refuse_present_file(opened, slot, new.key_file)
        remove_drafted_slot(opened, draft_beside(new.key_file), replacing=slot)
    key = (
        None
        if new.passphrase
        else ready_key(opened, name, new.key_file, entropy=app.entropy, sealer=new.sealer)
    )

    def hand_over() -> None:
        settle_key(new.key_file)
        if key is not None:
            new.tell_of(key)

    replace_slot(
        opened.store,
        opened.keys,
        slot,
        key or secret_of(new),
        new=name,
        entropy=app.entropy,
        stretch=None if key else new_stretch(app.entropy),
        hand_over=hand_over,
    )
    kind = SlotKind.KEY_FILE if key else SlotKind.PASSPHRASE
    return KeyChange(name, kind, str(new.key_file) if new.key_file else None, slot)


@action("key.test", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def tried(app: Application, given_key: GivenKey = SERVICE_KEY) -> KeyTestResult:
    """Test a key by opening the vault; raises the errors of opening the vault."""
    opened = _open(app, given_key)
    # A sheet opens the vault without the register, so an earlier sheet may seem to be good.
    registered(opened.store, opened.keys)
    if given_key.sheet or given_key.passphrase:
        return KeyTestResult(opened.keys.vault.hex(), given_key.slot or None)
    slot = slot_of(given_key.key_file or service_key_of(app.home))
    return KeyTestResult(opened.keys.vault.hex(), slot)


@action("key.sheet", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def sheet(
    app: Application, hand_over: Callable[[RecoverySheet], None], given_key: GivenKey = SERVICE_KEY
) -> SheetShown:
    """Show the recovery sheet; ``hand_over`` raises if it was not written down.

    Raises NotAllowed (``sheet-needed``): a key file does not know the owner's secret.
    """
    opened = _open(app, given_key)
    hand_over(recovery_sheet(opened.keys))
    now = app.clock.now()
    note_sheet(opened.store, opened.keys, now.isoformat())
    return SheetShown(opened.keys.vault.hex(), now)


def _open(app: Application, given_key: GivenKey) -> OpenedKeys:
    return open_keys(app.home, clock=app.clock, entropy=app.entropy, given_key=given_key)


def _open_to_change(app: Application, given_key: GivenKey) -> OpenedKeys:
    """Open the vault with the owner's secret; raises NotAllowed (``sheet-needed``)."""
    opened = _open(app, given_key)
    opened.keys.owner.known_secret()
    return opened


def _check_not_in_use(app: Application, slot: str, slot_states: tuple[SlotState, ...]) -> None:
    """Raise NotAllowed if the service could not open the vault without this slot."""
    own_slots = service_slots(app.home)
    usable = {slot_state.slot for slot_state in slot_states}
    if slot in own_slots and not usable & {
        other_slot for other_slot in own_slots if other_slot != slot
    }:
        raise NotAllowed(
            "slot-in-use",
            "This home's service opens the vault with the slot “{slot}”.",
            next_step="Replace the key of the service with `unlost key replace {slot} --sheet FILE`.",
            slot=slot,
        )


def _replace_service_key(
    app: Application, opened: OpenedKeys, slot: str, name: str, sealer: Sealer | None
) -> KeyChange:
    """Replace the key of this home's service, in the file where the service looks for it."""
    file, own_slots = app.home.service_key, service_slots(app.home)
    check_service_file(message("", "Then run `unlost key remove {slot} --sheet FILE`.", slot=slot))
    if own_slots and slot not in own_slots:
        raise _not_the_services(slot, own_slots)
    draft = draft_of(app.home)
    remove_drafted_slot(opened, draft, replacing=slot)
    key = drafted_key(
        opened,
        opened.keys,
        draft,
        slot=name,
        entropy=app.entropy,
        sealer=sealer or present_sealer(file),
    )
    replace_slot(
        opened.store,
        opened.keys,
        slot,
        key,
        new=name,
        entropy=app.entropy,
        hand_over=lambda: move_service_key(draft, file),
    )
    return KeyChange(name, SlotKind.KEY_FILE, str(file), slot)


def _not_the_services(slot: str, own_slots: tuple[str, ...]) -> UsageError:
    """The error for replacing a key without a place for the new one."""
    successor = next((name for name in own_slots if is_successor(name, of=slot)), None)
    if successor is not None:
        return UsageError(
            "key-unclear",
            "This home's service already uses the slot “{successor}”, which replaces “{slot}”.",
            next_step="Finish the replacement with `unlost key remove {slot} --sheet FILE`.",
            successor=successor,
            slot=slot,
        )
    return UsageError(
        "key-unclear",
        "“{slot}” is not the slot of this home's service, so the place of the new key is missing.",
        next_step="Choose a file with --key-file FILE, or use --passphrase.",
        slot=slot,
    )
