"""Health checks of the vault's keys: enough of them, undamaged, and apart from the vault."""

from collections.abc import Iterator
from functools import partial

from unlost.app.compose import Application
from unlost.app.health.health import RepairableCheck, bad, good, warning
from unlost.app.home.home_keys import OpenedKeys, open_keys, service_key_of
from unlost.app.vault.home_copy import copies_name, renew_copies
from unlost.catalog.orgs import forgotten_orgs
from unlost.model.errors import UnlostError
from unlost.vault.format.register import register_name
from unlost.vault.keys.hierarchy import COPIES
from unlost.vault.keys.key_slots import SlotState, ways
from unlost.vault.keys.opening import remove_strange_slots, repair_slot, strange_slots
from unlost.vault.keys.register import mend_register, registered, strange_entries
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, strange_keys
from unlost.vault.keys.shred_proofs import remove_strange_proofs, shredded_orgs, strange_proofs
from unlost.vault.maintenance.shred import finish_shredding, shredding_unfinished

ENOUGH = 2  # key slots, so that one may be lost


def key_checks(app: Application) -> Iterator[RepairableCheck]:
    """Yield the checks of keys; none if the vault does not open, which another check reports."""
    yield from _apart(app)
    try:
        opened = open_keys(app.home, clock=app.clock, entropy=app.entropy)
        slot_states = ways(opened.store, opened.keys)
        sheet = registered(opened.store, opened.keys).sheet
    except UnlostError:
        return
    for way in slot_states:
        yield from _slot(opened, way)
    if is_unfinished(opened.store, opened.keys):
        yield warning(
            "master key",
            "A renewal of the master key was cut off: some keys are still wrapped by an earlier one.",
            "`unlost doctor --repair` finishes it.",
            repair=partial(finish_renewal, opened.store, opened.keys),
        )
    yield from _strange(opened)
    yield from _shredding(app, opened)
    yield from _enough([way.slot for way in slot_states if way.usable], sheet=sheet)


def _strange(opened: OpenedKeys) -> Iterator[RepairableCheck]:
    """Check for foreign objects among the keys, which have no effect."""
    store, keys = opened.store, opened.keys
    if entries := strange_entries(store, keys):
        yield warning(
            "register",
            f"{register_name(entries[0])} and {len(entries) - 1} more do not prove themselves: the newest "
            "whole entry of the register counts.",
            "`unlost doctor --repair` removes them; see then with `unlost key list` whether each key "
            "is there.",
            repair=partial(mend_register, store, keys),
        )
    if found_slots := strange_slots(store):
        yield warning(
            "strange slots",
            f"{len(found_slots)} objects among the slots are none, such as {found_slots[0]}. Somebody put "
            "them there.",
            "Find out who may write to the vault's place; `unlost doctor --repair` removes them.",
            repair=partial(remove_strange_slots, store),
        )
    if found_keys := strange_keys(store, keys):
        yield warning(
            "strange keys",
            f"{len(found_keys)} objects among the keys of orgs count for nothing, such as "
            f"{found_keys[0]}. Somebody put them there.",
            "Find out who may write to the vault's place; `unlost doctor --repair` removes them.",
            repair=partial(finish_renewal, store, keys),
        )


def _shredding(app: Application, opened: OpenedKeys) -> Iterator[RepairableCheck]:
    store, keys = opened.store, opened.keys
    if shredding_unfinished(store, keys):
        yield warning(
            "shredding",
            "Something is left of an org that was shredded; nobody can read it.",
            "`unlost doctor --repair` takes it away.",
            repair=partial(finish_shredding, store, keys),
        )
    if proofs := strange_proofs(store, keys):
        yield warning(
            "shredding proof",
            f"{proofs[0]} says that an org was shredded, and does not count. Somebody put it there.",
            "Find out who may write to the vault's place; `unlost doctor --repair` removes it.",
            repair=partial(remove_strange_proofs, store, keys),
        )
    if copies_name(app, forgotten_orgs(shredded_orgs(store, keys))):
        yield warning(
            "shredding copies",
            "Copies of this home's data in the vault still tell of an org that was shredded.",
            "`unlost doctor --repair` makes a new copy and removes the older ones.",
            repair=partial(renew_copies, app),
        )


def _apart(app: Application) -> Iterator[RepairableCheck]:
    """Warn if vault and key lie in one folder. (A key inside the vault is refused earlier.)"""
    root, vault, key = app.home.root, app.home.vault, service_key_of(app.home)
    if vault is not None and vault.is_relative_to(root) and key.is_relative_to(root):
        yield warning(
            "key place",
            f"The vault and the key that opens it lie in one folder, {root}: a copy of it holds both.",
            "Give the vault another disk or a bucket, or the key to systemd; and never copy the "
            "folder as a whole.",
        )


def _slot(opened: OpenedKeys, way: SlotState) -> Iterator[RepairableCheck]:
    if not way.counts:
        yield warning(
            f"slot {way.slot}",
            f"The slot {way.slot} opens nothing: an interrupted change left it, or somebody put it "
            "back.",
            f"Take it away: unlost key remove {way.slot}",
        )
    elif not way.whole:
        yield bad(
            f"slot {way.slot}",
            f"The slot {way.slot} opens the vault no more: none of its copies is whole.",
            f"Bring keys/{way.slot} back from a copy of the vault, or take it away: "
            f"unlost key remove {way.slot}",
        )
    # Each slot is stored in several copies; one is enough to open.
    elif way.whole < len(COPIES):
        yield warning(
            f"slot {way.slot}",
            f"Of the slot {way.slot} {way.whole} of {len(COPIES)} copies are whole.",
            "`unlost doctor --repair` writes the others anew.",
            repair=partial(_repaired, opened, way.slot),
        )


def _repaired(opened: OpenedKeys, slot: str) -> None:
    repair_slot(opened.store, opened.keys, slot)


def _enough(usable: list[str], *, sheet: str) -> Iterator[RepairableCheck]:
    names = ", ".join(usable)
    if sheet and usable:
        yield good("keys", f"The vault opens by {names}, and by its recovery sheet.")
    elif len(usable) < ENOUGH:
        yield bad(
            "keys",
            f"The vault opens by {names or 'no slot'}, and by nothing else that anybody confirmed.",
            "Take the recovery sheet down, and say so: unlost key sheet",
        )
    else:
        yield warning(
            "keys",
            f"The vault opens by {names}, but nobody confirmed that the recovery sheet was taken "
            "down.",
            "Take it down, and say so: unlost key sheet",
        )
