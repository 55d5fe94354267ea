"""Garbage collection: objects that no commit refers to are condemned, and removed days later.

    live ──replaced──▶ condemned in commit n ──7 days, and no open run begun before n──▶ removed
    stray (left by a failed run) ──sweep──▶ condemned ──▶ as above

A compaction condemns the objects that it replaces. A sweep compares the listing of the store with
the live state to find objects that failed runs left behind. An open run that began before the
condemnation may still read a condemned object, so its intent delays the removal. The seven days are
for slow readers that opened a snapshot before. Objects that a foreign commit takes away are not
garbage before that is decided. See docs/adr/0020 and docs/adr/0036.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unlost.model.vault.maintenance_results import Sweep
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo
from unlost.vault.commits.foreign_commits import RemovalGuard
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState, live_objects
from unlost.vault.format.manifest import RunIntent
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.maintenance.maintenance_run import (
    BEGUN_ANEW,
    MAINTENANCE,
    MaintenanceRun,
    MaintenanceWork,
    drop_orphans,
    remove_over,
)
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run
from unlost.vault.write.open_runs import open_runs

GRACE = timedelta(days=7)  # between condemned and removed


@dataclass(frozen=True, slots=True)
class CondemnedObjects:
    """Objects that one commit condemned and that still exist: sizes in bytes by name."""

    seq: int
    at: datetime
    objects: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """Total size in bytes."""
        return sum(self.objects.values())


def sweep(org_vault: OrgVault, *, run: str) -> Sweep:
    """Remove condemned objects that are due, and condemn stray ones.

    No other maintenance of the org may run meanwhile. Raises IntegrityError, before anything is
    removed, if the chain is damaged; raises StoreError.
    """
    listing = listing_of(org_vault)  # before the runs and the chain are looked at: see ``_stray``
    runs = list(open_runs(org_vault))
    state = org_vault.chain.proved()
    if not state.seq:
        return Sweep()
    guard = org_vault.foreign.guard()
    remove_over(org_vault)
    remove_erased(org_vault, state)  # of an erasure that was cut off after its commit
    drop_orphans(org_vault)
    org_vault.chain.drop_damaged_checkpoints()
    runs = list(_not_over(org_vault, state, runs))
    cut_off = [run_intent for run_intent in runs if run_intent.kind in BEGUN_ANEW]
    runs = [run_intent for run_intent in runs if run_intent.kind not in BEGUN_ANEW]
    # The grace period is counted from the commit, so that repeated sweeps do not prolong it.
    pending = list(_pending(org_vault, state, listing, guard))
    now = org_vault.clock.now()
    ripe = [objects for objects in pending if _may_go(objects, runs, now)]
    for name in sorted(name for objects in ripe for name in objects.objects):
        org_vault.sealed.store.delete(name)
    waiting = [objects for objects in pending if objects not in ripe]
    known = {name for objects in pending for name in objects.objects}
    stray = {name for name in _stray(org_vault, state, listing, runs) if not guard.protects(name)}
    stray -= known
    if stray or cut_off:
        collected = _gone_up_to(state, waiting, guard)
        fresh = _condemn(org_vault, run, sorted(stray), collected=collected)
        for intent in cut_off:  # a late commit of such a run now finds its number taken
            OpenRun(org_vault.org, intent.run, sealed=org_vault.sealed).close()
    if stray:
        waiting.append(CondemnedObjects(fresh, now, {name: listing[name] for name in stray}))
    return _sweep_result(ripe, waiting, runs, stray=len(stray))


def _not_over(
    org_vault: OrgVault, state: LiveState, runs: Sequence[RunIntent]
) -> Iterator[RunIntent]:
    """Iterate over the runs that are really open.

    If a run was committed but could not close its intent, the intent is removed here.
    """
    for intent in runs:
        if commit_of_run(state, intent.run) is None:
            yield intent
        else:
            OpenRun(org_vault.org, intent.run, sealed=org_vault.sealed).close()


def collected_up_to(org_vault: OrgVault, state: LiveState) -> int:
    """Return the newest commit up to which all condemned objects are gone."""
    guard = org_vault.foreign.known_guard()
    waiting = list(_pending(org_vault, state, listing_of(org_vault), guard))
    return _gone_up_to(state, waiting, guard)


def _gone_up_to(state: LiveState, waiting: Sequence[CondemnedObjects], guard: RemovalGuard) -> int:
    # What a foreign commit condemned is looked up again once it is confirmed.
    numbers = [*(objects.seq for objects in waiting), *guard.waiting]
    if numbers:
        return min(numbers) - 1
    return max((info.number for info in _maintenance(state)), default=0)


def listing_of(org_vault: OrgVault) -> dict[str, int]:
    """List the objects that may become garbage: sizes in bytes by name."""
    folders = (object_names.segments(org_vault.org), object_names.packs(org_vault.org))
    store = org_vault.sealed.store
    return {listed.name: listed.size for folder in folders for listed in store.list(folder)}


def _maintenance(state: LiveState) -> list[SnapshotInfo]:
    """List the maintenance commits, oldest first."""
    return [info for _, info in sorted(state.commits.items()) if info.kind in MAINTENANCE]


def _pending(
    org_vault: OrgVault, state: LiveState, listing: Mapping[str, int], guard: RemovalGuard
) -> Iterator[CondemnedObjects]:
    """Iterate over condemned objects that still exist, oldest first."""
    infos = _maintenance(state)
    live = {entry.name for entry in live_objects(state, org=org_vault.org)}
    done = org_vault.chain.manifest(infos[-1].number)[0].collected if infos else 0
    for info in infos:
        if info.number > done and info.number not in guard.refused:
            names = org_vault.chain.manifest(info.number)[0].condemned
            # An object is live again if a run reused it: a condemnation alone never removes it.
            there = {
                name: listing[name]
                for name in names
                if name in listing and name not in live and not guard.protects(name)
            }
            if there:
                yield CondemnedObjects(info.number, info.finished, there)


def _may_go(condemned: CondemnedObjects, runs: Sequence[RunIntent], now: datetime) -> bool:
    return now - condemned.at >= GRACE and all(run.base >= condemned.seq for run in runs)


def _stray(
    org_vault: OrgVault, state: LiveState, listing: Mapping[str, int], runs: Sequence[RunIntent]
) -> set[str]:
    """Find objects that belong to no commit and to no open run.

    The listing is older than ``runs``, and ``runs`` is older than ``state``. A listed object
    therefore belongs to a run that was open at that time, or to a run that had ended, which is in
    the state if it was committed.
    """
    live = {entry.name for entry in live_objects(state, org=org_vault.org)}
    folders = (
        [object_names.segments(org_vault.org)] if runs else [""]
    )  # the name of a pack does not show its run
    begun = tuple(object_names.segment(org_vault.org, run.segment_prefix) for run in runs)
    return {
        name
        for name in listing
        if name not in live and name.startswith(tuple(folders)) and not name.startswith(begun)
    }


def _condemn(org_vault: OrgVault, run: str, names: Sequence[str], *, collected: int) -> int:
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.CONDEMN)
    return maintenance.commit(MaintenanceWork(condemned=tuple(names), collected=collected)).number


def _sweep_result(
    ripe: Sequence[CondemnedObjects],
    waiting: Sequence[CondemnedObjects],
    runs: Sequence[RunIntent],
    *,
    stray: int,
) -> Sweep:
    oldest = waiting[0] if waiting else None
    blocking_runs = [run.run for run in runs if oldest is not None and run.base < oldest.seq]
    return Sweep(
        removed=sum(len(objects.objects) for objects in ripe),
        removed_bytes=sum(objects.bytes for objects in ripe),
        waiting=sum(len(objects.objects) for objects in waiting),
        waiting_bytes=sum(objects.bytes for objects in waiting),
        stray=stray,
        next_at=oldest.at + GRACE if oldest is not None else None,
        held_by=min(blocking_runs, default=None),
    )
