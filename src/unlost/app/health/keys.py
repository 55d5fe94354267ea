"""Health checks of the vault's keys: enough of them, undamaged, and apart from the vault."""

from collections.abc import Iterator
from functools import partial

from unlost.app.compose import Application
from unlost.app.health.health import RepairableCheck
from unlost.app.home.home_keys import OpenedKeys, open_keys, service_key_of
from unlost.app.vault.home_copy import copies_name, renew_copies
from unlost.catalog.orgs.orgs import ProtectedOrg, forgotten_orgs, list_orgs
from unlost.model.errors import UnlostError
from unlost.vault.format.register import register_name
from unlost.vault.keys.hierarchy import COPIES
from unlost.vault.keys.key_slots import SlotState, list_slots
from unlost.vault.keys.opening import remove_strange_slots, repair_slot, strange_slots
from unlost.vault.keys.register import registered, repair_register, strange_entries
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, strange_keys
from unlost.vault.keys.shred_proofs import remove_strange_proofs, shredded_orgs, strange_proofs
from unlost.vault.maintenance.shred import finish_shredding, shredding_unfinished

ENOUGH = 2  # key slots, so that one may be lost


def key_checks(app: Application) -> Iterator[RepairableCheck]:
    """Yield the checks of keys; none if the vault does not open, which another check reports."""
    yield from _apart(app)
    try:
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
        slot_states = list_slots(opened.store, opened.keys)
        sheet = registered(opened.store, opened.keys).sheet
    except UnlostError:
        return
    for slot_state in slot_states:
        yield from _slot(opened, slot_state)
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
    yield from _strange(opened)
    yield from _shredding(app, opened)
    yield from _enough(
        [slot_state.slot for slot_state in slot_states if slot_state.usable], sheet=sheet
    )


def _strange(opened: OpenedKeys) -> Iterator[RepairableCheck]:
    """Check for foreign objects among the keys, which have no effect."""
    store, keys = opened.store, opened.keys
    if entries := strange_entries(store, keys):
        yield RepairableCheck.warning(
            "register",
            "The key register has entries that are not authentic ({count}), such as {entry}. "
            "Unlost uses the newest valid entry.",
            "Remove them with `unlost doctor --repair`. Then check with `unlost key list` that no key "
            "is missing.",
            repair=partial(repair_register, store, keys),
            count=len(entries),
            entry=register_name(entries[0]),
        )
    if found_slots := strange_slots(store):
        yield RepairableCheck.warning(
            "unknown slots",
            "Among the key slots are objects that Unlost did not create ({count}), such as "
            "{object}.",
            "Find out who can write to the vault, then clean up with `unlost doctor --repair`.",
            repair=partial(remove_strange_slots, store),
            count=len(found_slots),
            object=found_slots[0],
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
    if proofs := strange_proofs(store, keys):
        yield RepairableCheck.warning(
            "shredding proof",
            "{object} states that an org was shredded, but is not authentic. Unlost ignores it.",
            "Find out who can write to the vault, then clean up with `unlost doctor --repair`.",
            repair=partial(remove_strange_proofs, store, keys),
            object=proofs[0],
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


def _slot(opened: OpenedKeys, slot_state: SlotState) -> Iterator[RepairableCheck]:
    if not slot_state.valid:
        yield RepairableCheck.warning(
            f"slot {slot_state.slot}",
            "The slot {slot} does not open the vault. It remains from an interrupted change, or a "
            "removed slot was restored.",
            "Remove it with `unlost key remove {slot}`.",
            slot=slot_state.slot,
        )
    elif not slot_state.whole:
        yield RepairableCheck.bad(
            f"slot {slot_state.slot}",
            "The slot {slot} no longer opens the vault: all of its copies are damaged.",
            "Restore keys/{slot} from a copy of the vault, or remove the slot with "
            "`unlost key remove {slot}`.",
            slot=slot_state.slot,
        )
    # Each slot is stored in several copies; one is enough to open.
    elif slot_state.whole < len(COPIES):
        yield RepairableCheck.warning(
            f"slot {slot_state.slot}",
            "Only {whole} of {copies} copies of the slot {slot} are undamaged.",
            "Restore the others with `unlost doctor --repair`.",
            repair=partial(_repaired, opened, slot_state.slot),
            whole=slot_state.whole,
            copies=len(COPIES),
            slot=slot_state.slot,
        )


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


def _repaired(opened: OpenedKeys, slot: str) -> None:
    repair_slot(opened.store, opened.keys, slot)


def _enough(usable: list[str], *, sheet: str) -> Iterator[RepairableCheck]:
    names = ", ".join(usable)
    if sheet and usable:
        yield RepairableCheck.good(
            "keys", "The vault opens with {names}, and with its recovery sheet.", names=names
        )
    elif len(usable) < ENOUGH:
        yield RepairableCheck.bad(
            "keys",
            "The vault opens with {names}. There is no confirmed recovery sheet."
            if usable
            else "No slot opens the vault. There is no confirmed recovery sheet.",
            "Write down the recovery sheet, and confirm it, with `unlost key sheet`.",
            names=names,
        )
    else:
        yield RepairableCheck.warning(
            "keys",
            "The vault opens with {names}. It was not confirmed that the recovery sheet was written "
            "down.",
            "Write it down, and confirm it, with `unlost key sheet`.",
            names=names,
        )
