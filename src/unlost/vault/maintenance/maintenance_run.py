"""Commits that change how data is stored, or what is stored, outside of backups and restores.

A maintenance run follows the protocol of a backup: intent, objects, one create-only put.

    open()    put the intent                   from now on, the sweep spares this run's segments
    ...       write new segments and packs     no snapshot refers to them yet
    commit()  put commits/<seq>                the only step that counts
    clean up  checkpoint, delete the intent    safe to repeat

A run that is cut off before the put has changed nothing. It is never resumed, because nothing
outside the process knows which pieces it had finished: the next run begins anew, and a sweep
removes the rest. See docs/adr/0020 and docs/adr/0034.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError, UnlostError
from unlost.model.vault.erasure_proof import ErasureProof
from unlost.model.vault.snapshot import CommitKind, Counts, PackEntry, SnapshotInfo, TableState
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import (
    JournalProof,
    Manifest,
    ObjectEntry,
    RunIntent,
    TablePart,
)
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.register import newest_entry
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.store import where_allowed
from unlost.vault.write.finish import commit_of_run, proved_by
from unlost.vault.write.open_runs import open_runs

MAINTENANCE = frozenset(
    {
        CommitKind.COMPACT,
        CommitKind.CONDEMN,
        CommitKind.FORGET,
        CommitKind.ERASE,
        CommitKind.RECTIFY,
        CommitKind.REINDEX,
        CommitKind.REKEY,
        CommitKind.SALVAGE,
    }
)
BEGUN_ANEW = MAINTENANCE | {CommitKind.HOLD}  # a run that was cut off is not resumed
_ATTEMPTS = 20
# After these errors the manifest was surely not stored. After any other one it may appear later.
_NEVER_STORED = frozenset({"store-full", "store-refused", "store-missing"})


@dataclass(frozen=True, slots=True)
class MaintenanceWork:
    """The changes of one maintenance commit, relative to the commit before it.

    ``packs``: new packs, with contents copied from other packs. ``dropped``: packs that are no
    longer live. ``forgotten``: backups that are no longer shown. ``tombstones``: by table, the
    number of deleted records that leave the vault; ``alive``: likewise for records that are not
    deleted. ``counted``: by table, the numbers of live and of deleted records, where the table was
    recounted. ``reread``: tables that the next backup reads in full. ``journal``: the proof of a
    journal that is valid again. ``carried``: the manifest whose identity, schema and table states the
    commit carries on, by default that of the newest commit. The other fields belong to an erasure or a salvage: see
    ``Manifest``.
    """

    parts: tuple[TablePart, ...] = ()
    packs: tuple[PackEntry, ...] = ()
    condemned: tuple[str, ...] = ()
    collected: int = 0
    dropped: tuple[str, ...] = ()
    forgotten: tuple[int, ...] = ()
    tombstones: Mapping[str, int] = field(default_factory=dict)
    alive: Mapping[str, int] = field(default_factory=dict)
    counted: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    reread: frozenset[str] = frozenset()
    objects: tuple[ObjectEntry, ...] = ()
    withdrawn: tuple[str, ...] = ()
    unjournaled: tuple[str, ...] = ()
    recertified: Mapping[str, str] = field(default_factory=dict)
    erased: ErasureProof | None = None
    journal: JournalProof | None = None
    carried: Manifest | None = None


class MaintenanceRun:
    """One maintenance run, which begins with an intent and ends with a commit or without effect.

    No other run can use its objects: a run that was cut off is not resumed.
    """

    def __init__(self, org_vault: OrgVault, *, run: str, kind: CommitKind) -> None:
        self._org_vault = org_vault
        self._notes = OpenRun(org_vault.org, run, sealed=org_vault.sealed)
        self._kind = kind
        self._unsure = False
        org_vault.sealed.keys.choose_epoch(org_vault.org)
        self.base = org_vault.chain.proved()
        self._intent = RunIntent(
            format=numbers.FORMAT,
            run=run,
            kind=kind,
            identity=org_vault.chain.manifest(self.base.seq)[0].identity,
            base=self.base.seq,
            started=org_vault.clock.now(),
            segment_prefix=org_vault.sealed.entropy.bytes(object_names.RUN_PREFIX_BYTES).hex(),
        )

    @property
    def prefix(self) -> str:
        """Prefix of the names of its segments."""
        return self._intent.segment_prefix

    @property
    def started(self) -> datetime:
        """Time at which the run began."""
        return self._intent.started

    def open(self) -> None:
        """Announce the run, before its first object is written."""
        self._notes.open(self._intent)

    def commit(
        self,
        work: MaintenanceWork,
        *,
        alone: bool = False,
        outrun_by: Collection[CommitKind] = (),
    ) -> SnapshotInfo:
        """Commit on top of everything that other runs committed meanwhile.

        With ``alone``, refuse if anything was committed since the run began; with ``outrun_by``, if
        it was of these kinds. Raises Conflict (``maintenance-outrun``) if the objects to replace
        have changed.
        """
        for _ in range(_ATTEMPTS):
            state = self._org_vault.chain.proved()
            done = commit_of_run(state, self._intent.run)
            if done is not None:
                self._org_vault.chain.confirm(done.number)
                self._clean_up()
                return done
            since = {info.kind for n, info in state.commits.items() if n > self.base.seq}
            if (alone and since) or not since.isdisjoint(outrun_by):
                raise _outrun("Another run committed before this one could.")
            self._check_own(state, work)
            # The put creates or does nothing. The next round finds out which run won the number.
            self._put(self._manifest(state, work))
        raise Conflict(
            "commit-crowded",
            "Other runs kept committing to this org, so this run could not commit.",
            next_step="Run it again. Nothing was lost.",
        )

    def _clean_up(self) -> None:
        """Write a checkpoint if one is due, and remove the intent."""
        try:
            self._org_vault.chain.seal_checkpoint()
            self._notes.close()
            self._org_vault.chain.drop_checkpoints()
        except StoreError:
            # A failure here must not report the run as failed: its commit is already in the chain.
            return  # the next run does this again

    def _put(self, manifest: Manifest) -> None:
        """Try to put this manifest as the next commit."""
        try:
            self._org_vault.chain.put(manifest)
        except StoreError as error:
            self._unsure = error.code not in _NEVER_STORED
            raise

    def is_surely_uncommitted(self) -> bool:
        """Return true if the run is not in the chain and can no longer get there.

        A bucket may carry out a request long after its answer was lost and we stopped waiting.
        """
        return (
            not self._unsure
            and commit_of_run(self._org_vault.chain.proved(), self._intent.run) is None
        )

    def give_up(self) -> None:
        """After a failure, remove what the run wrote, unless it was or may still be committed.

        If the store does not answer, a sweep removes it later.
        """
        with suppress(UnlostError):
            if self.is_surely_uncommitted():
                self._remove_written()
            if not self._unsure:
                self._notes.close()

    def _remove_written(self) -> None:
        store = self._org_vault.sealed.store
        # Without the right to delete (docs/adr/0030) the objects stay until a sweep with that
        # right.
        with where_allowed():
            for listed in list(store.list(object_names.segment(self._org_vault.org, self.prefix))):
                store.delete(listed.name)

    def _check_own(self, state: LiveState, work: MaintenanceWork) -> None:
        """Raise Conflict if objects to replace, or objects that this run wrote, may be gone."""
        ours = any(part.segments for part in work.parts) or work.packs or work.objects
        # A sweep that took this run for dead has removed its intent, and may have removed its
        # segments.
        if ours and not self._notes.is_open():
            raise _outrun("Another process has marked this run as abandoned.")
        _check_live(state, work.parts)
        # A resealed pack keeps the id of the earlier one as its stem: that one must still be live.
        replaced = (
            object_names.stem(pack.id)
            for pack in work.packs
            if object_names.stem(pack.id) != pack.id
        )
        for pack in (*replaced, *work.dropped):
            if state.packs.get(pack) != self.base.packs.get(pack):
                raise _replaced()

    def _manifest(self, state: LiveState, work: MaintenanceWork) -> Manifest:
        before = work.carried or self._org_vault.chain.manifest(state.seq)[0]
        now = self._org_vault.clock.now()
        entries = [entry for part in work.parts for entry in part.segments]
        manifest = msgspec.structs.replace(
            before,
            format=numbers.FORMAT,
            seq=state.seq + 1,
            parent=state.head,
            run=self._intent.run,
            kind=self._kind,
            as_of=self._intent.started,
            started=self._intent.started,
            finished=now,
            base=state.seq,
            certificate=None,
            tables=work.parts,
            packs=work.packs,
            objects=work.objects,
            live_root="",
            counts=Counts(),
            rows_seen=0,
            bytes_added=sum(pack.bytes for pack in work.packs)
            + sum(entry.bytes for entry in work.objects)
            + sum(
                entry.own_bytes + (0 if entry.sidecar else entry.sidecar_bytes) for entry in entries
            ),
            journal=work.journal,
            reuses=(),
            # A verification compares this with the register, and so notices removed newest entries.
            slots=newest_entry(self._org_vault.sealed.store, self._org_vault.sealed.keys),
            only=(),
            condemned=work.condemned,
            collected=work.collected,
            dropped=work.dropped,
            forgotten=work.forgotten,
            withdrawn=work.withdrawn,
            unjournaled=work.unjournaled,
            recertified=dict(work.recertified),
            erased=work.erased,
            states=tuple(_without(state, work) for state in before.states),
        )
        # The root must prove the objects that are live after this commit, so apply it to a copy
        # first.
        after = state.copy()
        after.apply(manifest, head="")
        return proved_by(manifest, after)


def remove_over(org_vault: OrgVault) -> None:
    """Finish runs that ended while nothing could be deleted; raises StoreError."""
    folder = object_names.intents(org_vault.org)
    names = [listed.name.removeprefix(folder) for listed in org_vault.sealed.store.list(folder)]
    over = [
        name.removesuffix(object_names.OVER) for name in names if name.endswith(object_names.OVER)
    ]
    for run in filter(object_names.is_run, over):
        OpenRun(org_vault.org, run, sealed=org_vault.sealed).remove()


def check_no_open_run(
    org_vault: OrgVault,
    state: LiveState,
    *,
    ignore_kinds: Collection[CommitKind] = (),
    own_run: str = "",
) -> None:
    """Raise Conflict while another run is open: it may use or store data that is to be removed.

    Committed runs that are not closed do not count, nor do runs of the kinds ``ignore_kinds``.
    """
    others = [
        intent
        for intent in open_runs(org_vault)
        if intent.run != own_run
        and intent.kind not in ignore_kinds
        and commit_of_run(state, intent.run) is None
    ]
    if others:
        raise Conflict(
            "runs-open",
            "The run {run} is still open and may need or contain data that is to be removed.",
            next_step="Wait until the run ends, or cancel it. Then try again.",
            run=others[0].run,
        )


def close_cut_off(org_vault: OrgVault, *kinds: CommitKind) -> None:
    """Close runs of these kinds that were cut off.

    Only one of them may be active in an org, and none is resumed, so that an open intent is a
    leftover.
    """
    for intent in list(open_runs(org_vault)):
        if intent.kind in kinds:
            OpenRun(org_vault.org, intent.run, sealed=org_vault.sealed).close()


def drop_orphans(org_vault: OrgVault) -> None:
    """Remove objects beside intents that no longer exist.

    A request that arrived late created them after its run had ended.
    """
    store, folder = org_vault.sealed.store, object_names.intents(org_vault.org)
    for name in [listed.name for listed in store.list(folder)]:  # before the intents are looked at
        intent = object_names.stem(name)
        if intent != name and store.size(intent) is None:
            store.delete(name)
    for name in [listed.name for listed in store.list(folder)]:
        if "." not in name and _is_no_intent(org_vault, name):
            store.delete(name)


def _is_no_intent(org_vault: OrgVault, name: str) -> bool:
    """Return true for an object that others put in the place of an intent."""
    try:
        org_vault.sealed.get(ObjectKind.INTENT, org=org_vault.org, name=name)
    except NotFound:
        return False
    except IntegrityError as error:
        return error.code == "object-damaged"
    return False


def _without(state: TableState, work: MaintenanceWork) -> TableState:
    """Return the state of a table without the records that leave the vault."""
    if state.table in work.counted:
        alive, deleted = work.counted[state.table]
        state = replace(state, alive=alive, deleted=deleted)
    # Without a cursor, the next backup cannot ask for changes only.
    if state.table in work.reread:
        state = replace(state, cursor=None)
    deleted, alive = (gone.get(state.table, 0) for gone in (work.tombstones, work.alive))
    if not (deleted or alive):
        return state
    return replace(state, deleted=state.deleted - deleted, alive=state.alive - alive)


def _check_live(state: LiveState, parts: Sequence[TablePart]) -> None:
    gone = [
        ident
        for part in parts
        for ident in part.removed
        if ident not in state.segments.get(part.table, {})
    ]
    if gone:
        raise _replaced()


def _replaced() -> Conflict:
    return _outrun("Another run has replaced objects that this run was about to replace.")


def _outrun(template: str) -> Conflict:
    return Conflict("maintenance-outrun", template, next_step="Run it again. Nothing was lost.")
