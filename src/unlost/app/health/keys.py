"""Health checks of the vault's keys: enough of them, undamaged, and apart from the vault."""

from collections.abc import Iterator, Sequence
from functools import partial

from unlost.app.compose import Application
from unlost.app.health.health import RepairableCheck
from unlost.app.home.home_keys import OpenedKeys, draft_of, open_keys, service_key_of
from unlost.app.vault.home_copy import copies_name, renew_copies
from unlost.catalog.orgs.orgs import ProtectedOrg, forgotten_orgs, list_orgs
from unlost.model.errors import UnlostError
from unlost.vault.keys.key_slots import SlotState, list_slots
from unlost.vault.keys.register import (
    find_entry,
    lacking_copies,
    registered,
    repair_register,
    shredded_orgs,
    strange_entries,
)
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, strange_keys
from unlost.vault.maintenance.shred import finish_shredding, shredding_unfinished


def key_checks(app: Application) -> Iterator[RepairableCheck]:
    """Yield the checks of keys; none if the vault does not open, which another check reports."""
    yield from _apart(app)
    try:
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
        slot_states = list_slots(opened.store, opened.keys)
        sheet = registered(opened.store, opened.keys).sheet
    except UnlostError:
        return
    yield from _draft(app)
    yield from _register(opened)
    if is_unfinished(opened.store, opened.keys):
        yield RepairableCheck.warning(
            "master key",
            "A renewal of the master key was interrupted. Some keys are still encrypted with the old "
            "one.",
            "Finish it with `unlost doctor --repair`.",
            repair=partial(finish_renewal, opened.store, opened.keys),
        )
    for org in list_orgs():
        yield from _org_keys(opened, org)
    if (superseded := _superseded(opened)) is not None:
        yield superseded
        return
    yield from _strange(opened)
    yield from _shredding(app, opened)
    yield from _enough(slot_states, sheet=sheet)


def _superseded(opened: OpenedKeys) -> RepairableCheck | None:
    """Return the check for a home whose orgs have keys under a later master key alone.

    After a renewal with a lost sheet, a thief can put an old entry of the register back. Then the
    earlier key opens the vault again, and everything that is valid looks foreign.
    """
    for org in list_orgs():
        try:
            opened.keys.identity_key(org.oid, "")
        except UnlostError as error:
            if error.code != "key-outdated":
                continue
            return RepairableCheck.bad(
                "master key",
                "The keys of {org} can only be opened with a later master key: the key of this home "
                "seems to be outdated. Nothing is repaired with it.",
                "Move the key file of this home away, and create a new one with `unlost key add NAME "
                "--service --sheet FILE`. If you did not renew the master key, repair the vault from "
                "its mirror with `unlost verify --repair-from PLACE`.",
                org=org.name,
            )
    return None


def _draft(app: Application) -> Iterator[RepairableCheck]:
    """Warn of a change of the service key that was interrupted before it counted."""
    draft = draft_of(app.home)  # opening the vault has taken up a change that already counts
    if draft.exists():
        yield RepairableCheck.warning(
            "service key change",
            "A change of the service key was interrupted, and {file} was left. The present key "
            "stays valid.",
            "Repeat `unlost key replace` or `unlost key renew`. A recovery sheet that the "
            "interrupted renewal showed is not valid: destroy it.",
            file=draft,
        )


def _strange(opened: OpenedKeys) -> Iterator[RepairableCheck]:
    """Check for foreign objects among the keys, which have no effect."""
    store, keys = opened.store, opened.keys
    if entries := strange_entries(store, keys):
        yield RepairableCheck.warning(
            "register",
            "The key register has entries that its owner did not sign ({count}), such as {entry}. "
            "Unlost ignores them.",
            "Find out who can write to the vault, then clean up with `unlost doctor --repair`. If "
            "someone may have the service key, renew the master key with `unlost key renew`.",
            repair=partial(_repair_register, opened),
            count=len(entries),
            entry=entries[0],
        )
    if found_keys := strange_keys(store, keys):
        yield RepairableCheck.warning(
            "unknown keys",
            "Among the org keys are objects that Unlost did not create ({count}), such as "
            "{object}.",
            "Find out who can write to the vault, then clean up with `unlost doctor --repair`.",
            repair=partial(finish_renewal, store, keys),
            count=len(found_keys),
            object=found_keys[0],
        )


def _shredding(app: Application, opened: OpenedKeys) -> Iterator[RepairableCheck]:
    store, keys = opened.store, opened.keys
    if shredding_unfinished(store, keys):
        yield RepairableCheck.warning(
            "shredding",
            "Unreadable objects of a shredded org remain in the vault.",
            "Remove them with `unlost doctor --repair`.",
            repair=partial(finish_shredding, store, keys),
        )
    if copies_name(app, forgotten_orgs(shredded_orgs(store, keys))):
        yield RepairableCheck.warning(
            "shredding copies",
            "Copies of this home's data in the vault still contain an org that was shredded.",
            "Create a new copy and remove the older ones with `unlost doctor --repair`.",
            repair=partial(renew_copies, app),
        )


def _apart(app: Application) -> Iterator[RepairableCheck]:
    """Warn if vault and key lie in one folder. (A key inside the vault is refused earlier.)"""
    root, vault, key = app.home.root, app.home.vault, service_key_of(app.home)
    if vault is not None and vault.is_relative_to(root) and key.is_relative_to(root):
        yield RepairableCheck.warning(
            "key location",
            "The vault and its key are in the same folder, {folder}. A copy of this folder has both.",
            "Move the vault to another disk or a bucket, or give the key to systemd. Never copy the "
            "whole folder.",
            folder=root,
        )


def _register(opened: OpenedKeys) -> Iterator[RepairableCheck]:
    entry = find_entry(opened.store, owner=opened.keys.owner.public)
    if entry is not None and (lacking := lacking_copies(opened.store, entry)):
        yield RepairableCheck.warning(
            "register copies",
            "Copies of the key register are damaged or missing ({count}), such as {object}. The "
            "other copies are intact.",
            "Restore them with `unlost doctor --repair`.",
            repair=partial(_repair_register, opened),
            count=len(lacking),
            object=lacking[0],
        )


def _repair_register(opened: OpenedKeys) -> None:
    repair_register(opened.store, opened.keys)


def _org_keys(opened: OpenedKeys, org: ProtectedOrg) -> Iterator[RepairableCheck]:
    """Warn of damaged copies of an org's keys. A key without an intact copy needs the mirror."""
    if copies := opened.keys.repairable_copies(org.oid):
        yield RepairableCheck.warning(
            f"{org.name}: org keys",
            "Copies of the keys of {org} are damaged or missing ({count}), such as {object}. The "
            "other copies are intact.",
            "Restore them with `unlost doctor --repair`.",
            repair=partial(_repair_org, opened, org.oid),
            org=org.name,
            count=len(copies),
            object=copies[0],
        )


def _repair_org(opened: OpenedKeys, oid: str) -> None:
    opened.keys.repair_org(oid)


def _enough(slot_states: Sequence[SlotState], *, sheet: str) -> Iterator[RepairableCheck]:
    """Check that one more lost key loses neither the data nor the right to change the keys."""
    names = ", ".join(slot_state.slot for slot_state in slot_states)
    if sheet:
        yield RepairableCheck.good(
            "keys", "The vault opens with {names}, and with its recovery sheet.", names=names
        )
    elif any(slot_state.authorizes for slot_state in slot_states):
        yield RepairableCheck.warning(
            "keys",
            "The vault opens with {names}. It was not confirmed that the recovery sheet was written "
            "down.",
            "Write it down, and confirm it, with `unlost key sheet --by-passphrase SLOT`.",
            names=names,
        )
    else:
        yield RepairableCheck.bad(
            "keys",
            "The vault opens with {names}. It was not confirmed that the recovery sheet was written "
            "down, and without it the keys cannot be changed.",
            "If you have the sheet, confirm it with `unlost key sheet --sheet FILE`. Otherwise make a "
            "new one with `unlost key renew --lost-sheet`.",
            names=names,
        )
