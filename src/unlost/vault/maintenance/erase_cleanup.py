"""Remove the objects that an erasure replaced, and repeat until none of them is left.

So are the journals and certificates that a salvage gave up: the rest of a journal is taken for an open one.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.snapshot import CommitKind
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import REMOVING, LiveState, live_objects
from unlost.vault.format.manifest import Manifest
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.dropped_journals import unjournaled

_REKEYING = frozenset({CommitKind.REKEY})  # what they condemned may still be read for some days


def erasures_in(room: OrgVault, state: LiveState) -> list[Manifest]:
    """The commits that erased or replaced something, oldest first."""
    return _of_kind(room, state, REMOVING)


def _salvages_in(room: OrgVault, state: LiveState) -> Iterator[Manifest]:
    """The commits that salvaged, oldest first; one that is lost itself is left out: it erased nothing."""
    for seq, info in sorted(state.commits.items()):
        if info.kind is CommitKind.SALVAGE:
            with suppress(IntegrityError, NotFound):
                yield room.chain.manifest(seq)[0]


def _of_kind(room: OrgVault, state: LiveState, kinds: Collection[CommitKind]) -> list[Manifest]:
    numbers = sorted(seq for seq, info in state.commits.items() if info.kind in kinds)
    return [room.chain.manifest(seq)[0] for seq in numbers]


def remove_erased(room: OrgVault, state: LiveState) -> int:
    """Remove what erasures took out of the chain; bytes that were removed. Safe to repeat."""
    erasures = erasures_in(room, state)
    given_up = any(info.kind is CommitKind.SALVAGE for info in state.commits.values())
    redactions = room.sealed.store.list(object_names.redactions(room.org))
    if not erasures and not given_up and not any(redactions):
        return 0
    size = 0
    for name in _left(room, state, erasures):
        size += room.sealed.store.size(name) or 0
        room.sealed.store.delete(name)
    return size


def is_complete(room: OrgVault, state: LiveState) -> bool:
    """True if nothing that an erasure took out is left in the store."""
    return not any(_left(room, state, erasures_in(room, state)))


def _left(room: OrgVault, state: LiveState, erasures: list[Manifest]) -> Iterator[str]:
    """Objects that are there and must not be: segments and packs, then what told of them; keys of runs that are over."""
    listed = [listed_object.name for listed_object in room.sealed.store.list(f"orgs/{room.org}/")]
    live = {entry.name for entry in live_objects(state, org=room.org)}
    redactions = object_names.redactions(room.org)
    gone = {
        name for erasure in erasures for name in (*erasure.condemned, *erasure.withdrawn)
    } - live
    documents = (object_names.schemas(room.org), object_names.certificates(room.org), redactions)
    if any(name.startswith(documents) and name not in live for name in listed):
        withdrawing = [*_of_kind(room, state, _REKEYING), *_salvages_in(room, state)]
        gone |= {name for manifest in withdrawing for name in manifest.withdrawn} - live
    there = set(listed)
    stood_in = {  # a manifest goes only where what stands in its place is there
        object_names.commit(room.org, object_names.redacted(name))
        for name in state.objects
        if name.startswith(redactions) and name in there
    }
    checkpoints = object_names.checkpoints(room.org)
    newest = object_names.checkpoint(room.org, erasures[-1].seq if erasures else 0)
    journals = tuple(object_names.journal(room.org, run) for run in unjournaled(room, state))
    for name in listed:
        if (
            name in gone
            or name in stood_in
            or name.startswith(journals)
            or (name.startswith(checkpoints) and name < newest)
            or (name.startswith(redactions) and name not in live and _is_late(name, state))
            or _opens_nothing(room, state, name)
        ):
            yield name


def _opens_nothing(room: OrgVault, state: LiveState, name: str) -> bool:
    """True for the key of a run that is over: what the run held, and somebody kept, opens with it."""
    run = object_names.run_of_key(name)
    if not run:
        return False
    over = any(info.run == run for info in state.commits.values())
    return over or not OpenRun(room.org, run, sealed=room.sealed).is_open()


def _is_late(name: str, state: LiveState) -> bool:
    """True if a redaction's commit cannot come any more: another one has its number."""
    return object_names.redacted_by(name) <= state.seq
