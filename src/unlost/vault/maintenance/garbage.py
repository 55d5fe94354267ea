"""Garbage: objects that no commit refers to any more are condemned first, and removed days later.

A compaction condemns what it replaces. What runs left that came to nothing is found by a look at all
objects. Nothing is removed while a run is open that began before it was condemned, because that run
may still read it; the days between are for readers that opened a snapshot and are slow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.model.snapshot import CommitKind, SnapshotInfo
from unlost.model.upkeep import Sweep
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState, live_objects
from unlost.vault.format.manifest import RunIntent
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.maintenance.maintenance_commit import (
    BEGUN_ANEW,
    MAINTENANCE,
    MaintenanceCommit,
    MaintenanceWork,
    drop_orphans,
    open_runs,
    remove_over,
)
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import committed

GRACE = timedelta(days=7)  # between condemned and removed


@dataclass(frozen=True, slots=True)
class CondemnedObjects:
    """What one commit condemned, and is still there: sizes by name."""

    seq: int
    at: datetime
    objects: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """Bytes of it."""
        return sum(self.objects.values())


def sweep(room: OrgVault, *, run: str) -> Sweep:
    """Remove what may go, and condemn what nobody needs. Not while other maintenance of the org goes on.

    Raises IntegrityError where the chain is not whole: then nothing is removed. StoreError.
    """
    listing = listing_of(room)  # before the runs and the chain are looked at: see ``_stray``
    runs = list(open_runs(room))
    state = room.chain.proved()
    if not state.seq:
        return Sweep()
    remove_over(room)
    remove_erased(room, state)  # of an erasure that was cut off behind its commit
    drop_orphans(room)
    runs = list(_not_over(room, state, runs))
    cut_off = [run_intent for run_intent in runs if run_intent.kind in BEGUN_ANEW]
    runs = [run_intent for run_intent in runs if run_intent.kind not in BEGUN_ANEW]
    pending = list(_pending(room, state, listing))
    now = room.clock.now()
    ripe = [objects for objects in pending if _may_go(objects, runs, now)]
    for name in sorted(name for objects in ripe for name in objects.objects):
        room.sealed.store.delete(name)
    waiting = [objects for objects in pending if objects not in ripe]
    known = {name for objects in pending for name in objects.objects}
    stray = _stray(room, state, listing, runs) - known
    if stray or cut_off:
        fresh = _condemn(room, run, sorted(stray), collected=_gone_up_to(state, waiting))
        for intent in cut_off:  # a commit of theirs that comes late finds its place taken
            OpenRun(room.org, intent.run, sealed=room.sealed).close()
    if stray:
        waiting.append(CondemnedObjects(fresh, now, {name: listing[name] for name in stray}))
    return _told(ripe, waiting, runs, stray=len(stray))


def _not_over(room: OrgVault, state: LiveState, runs: Sequence[RunIntent]) -> Iterator[RunIntent]:
    """Runs that are open; of one that was committed and could not be closed the intent is removed."""
    for intent in runs:
        if committed(state, intent.run) is None:
            yield intent
        else:
            OpenRun(room.org, intent.run, sealed=room.sealed).close()


def collected_up_to(room: OrgVault, state: LiveState) -> int:
    """The newest commit up to which all that was condemned is gone."""
    return _gone_up_to(state, list(_pending(room, state, listing_of(room))))


def _gone_up_to(state: LiveState, waiting: Sequence[CondemnedObjects]) -> int:
    if waiting:
        return waiting[0].seq - 1
    return max((info.number for info in _maintenance(state)), default=0)


def listing_of(room: OrgVault) -> dict[str, int]:
    """Sizes of the objects that may become garbage, by name."""
    folders = (object_names.segments(room.org), object_names.packs(room.org))
    store = room.sealed.store
    return {listed.name: listed.size for folder in folders for listed in store.list(folder)}


def _maintenance(state: LiveState) -> list[SnapshotInfo]:
    """Commits of maintenance, oldest first."""
    return [info for _, info in sorted(state.commits.items()) if info.kind in MAINTENANCE]


def _pending(
    room: OrgVault, state: LiveState, listing: Mapping[str, int]
) -> Iterator[CondemnedObjects]:
    """What was condemned and is still there, oldest first."""
    infos = _maintenance(state)
    live = {entry.name for entry in live_objects(state, org=room.org)}
    done = room.chain.manifest(infos[-1].number)[0].collected if infos else 0
    for info in infos:
        if info.number > done:
            names = room.chain.manifest(info.number)[0].condemned
            there = {n: listing[n] for n in names if n in listing and n not in live}
            if there:
                yield CondemnedObjects(info.number, info.finished, there)


def _may_go(condemned: CondemnedObjects, runs: Sequence[RunIntent], now: datetime) -> bool:
    return now - condemned.at >= GRACE and all(run.base >= condemned.seq for run in runs)


def _stray(
    room: OrgVault, state: LiveState, listing: Mapping[str, int], runs: Sequence[RunIntent]
) -> set[str]:
    """Objects that no commit and no open run has.

    The listing is older than ``runs``, and those are older than ``state``: what was listed belongs
    to a run that was open then, or had ended and is in the state if it came to something.
    """
    live = {entry.name for entry in live_objects(state, org=room.org)}
    folders = (
        [object_names.segments(room.org)] if runs else [""]
    )  # packs do not tell whose they are
    begun = tuple(object_names.segment(room.org, run.segments) for run in runs)
    return {
        name
        for name in listing
        if name not in live and name.startswith(tuple(folders)) and not name.startswith(begun)
    }


def _condemn(room: OrgVault, run: str, names: Sequence[str], *, collected: int) -> int:
    work = MaintenanceCommit(room, run=run, kind=CommitKind.CONDEMN)
    return work.commit(MaintenanceWork(condemned=tuple(names), collected=collected)).number


def _told(
    ripe: Sequence[CondemnedObjects],
    waiting: Sequence[CondemnedObjects],
    runs: Sequence[RunIntent],
    *,
    stray: int,
) -> Sweep:
    oldest = waiting[0] if waiting else None
    holding = [run.run for run in runs if oldest is not None and run.base < oldest.seq]
    return Sweep(
        removed=sum(len(objects.objects) for objects in ripe),
        removed_bytes=sum(objects.bytes for objects in ripe),
        waiting=sum(len(objects.objects) for objects in waiting),
        waiting_bytes=sum(objects.bytes for objects in waiting),
        stray=stray,
        next_at=oldest.at + GRACE if oldest is not None else None,
        held_by=min(holding, default=None),
    )
