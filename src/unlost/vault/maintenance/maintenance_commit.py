"""Commits that change what lies in the store and nothing that a snapshot shows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from unlost.model.erasure import ErasureProof
from unlost.model.errors import Conflict, StoreError, UnlostError
from unlost.model.snapshot import CommitKind, Counts, PackEntry, SnapshotInfo, TableState
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import Manifest, ObjectEntry, RunIntent, TablePart, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.register import newest_entry
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.store import where_allowed
from unlost.vault.write.finish import committed, proved_by

MAINTENANCE = frozenset(
    {
        CommitKind.COMPACT,
        CommitKind.CONDEMN,
        CommitKind.FORGET,
        CommitKind.ERASE,
        CommitKind.RECTIFY,
        CommitKind.REKEY,
        CommitKind.SALVAGE,
    }
)
BEGUN_ANEW = MAINTENANCE | {CommitKind.HOLD}  # nobody goes on with a run of these that was cut off
_ATTEMPTS = 20
_NEVER_STORED = frozenset({"store-full", "store-refused", "store-missing"})
_PREFIX_BYTES = 8


@dataclass(frozen=True, slots=True)
class MaintenanceWork:
    """What a maintenance commit says beside what the commit before it said.

    ``packs``: new ones, with contents that lay in others.
    ``dropped``: packs that are live no more. ``forgotten``: backups that are shown no more.
    ``tombstones``: by table, how many records that were deleted the vault knows no more, and ``alive``
    how many others. ``counted``: by table, how many records are alive, and how many are not, where a table was
    counted anew. ``reread``: tables that the next backup reads whole. The rest is of an erasure or a salvage: see
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


class MaintenanceCommit:
    """One run of maintenance: it begins with an intent and ends with a commit, or with nothing.

    Its pieces are of no use to another run: one that was cut off is not gone on with.
    """

    def __init__(self, room: OrgVault, *, run: str, kind: CommitKind) -> None:
        self._room = room
        self._notes = OpenRun(room.org, run, sealed=room.sealed)
        self._kind = kind
        self._unsure = False
        self.base = room.chain.proved()
        self._intent = RunIntent(
            format=numbers.FORMAT,
            run=run,
            kind=kind,
            identity=room.chain.manifest(self.base.seq)[0].identity,
            base=self.base.seq,
            started=room.clock.now(),
            segments=room.sealed.entropy.bytes(_PREFIX_BYTES).hex(),
        )

    @property
    def prefix(self) -> str:
        """How the names of its segments begin."""
        return self._intent.segments

    @property
    def started(self) -> datetime:
        """When it began."""
        return self._intent.started

    def open(self) -> None:
        """Say that it is under way, before the first object is written."""
        self._notes.open(self._intent)

    def commit(self, work: MaintenanceWork, *, alone: bool = False) -> SnapshotInfo:
        """Commit, behind whatever other runs have committed meanwhile; ``alone``: not behind any.

        Raises Conflict (``maintenance-outrun``) if what it replaces is not as it was any more.
        """
        for _ in range(_ATTEMPTS):
            state = self._room.chain.proved()
            done = committed(state, self._intent.run)
            if done is not None:
                self._room.chain.confirm(done.number)
                self._settle()
                return done
            if alone and state.seq != self.base.seq:
                raise _outrun("Another run has committed while this one was about to.")
            self._check_own(state, work)
            self._put(self._manifest(state, work))  # whoever won, the next look tells
        raise Conflict(
            "commit-crowded",
            "Other runs kept committing to this org while this one tried to.",
            next_step="Run it again; nothing is lost.",
        )

    def _settle(self) -> None:
        """After the commit: a checkpoint where due, and the intent is needed no more."""
        try:
            self._room.chain.seal_checkpoint()
            self._notes.close()
            self._room.chain.drop_checkpoints()
        except StoreError:
            return  # the commit stands; whoever comes next does this again

    def _put(self, manifest: Manifest) -> None:
        """Try to make this the next commit."""
        try:
            self._room.chain.put(manifest)
        except StoreError as error:
            self._unsure = error.code not in _NEVER_STORED
            raise

    def came_to_nothing(self) -> bool:
        """True if it is not part of the chain, and cannot become part of it any more.

        A bucket may carry out a request whose answer was lost, and long after we have given up waiting.
        """
        return not self._unsure and committed(self._room.chain.proved(), self._intent.run) is None

    def give_up(self) -> None:
        """After a failure: remove what it wrote, unless it was committed or may be still.

        Where the store does not answer, a sweep finds it later.
        """
        with suppress(UnlostError):
            if self.came_to_nothing():
                self._remove_written()
            if not self._unsure:
                self._notes.close()

    def _remove_written(self) -> None:
        store = self._room.sealed.store
        with where_allowed():
            for listed in list(store.list(object_names.segment(self._room.org, self.prefix))):
                store.delete(listed.name)

    def _check_own(self, state: LiveState, work: MaintenanceWork) -> None:
        """Raise Conflict where what it would replace, or what it wrote, may be gone."""
        ours = any(part.segments for part in work.parts) or work.packs or work.objects
        if ours and not self._notes.is_open():
            raise _outrun("Another process took this run to be over.")
        _check_live(state, work.parts)
        replaced = (
            object_names.stem(pack.id)
            for pack in work.packs
            if object_names.stem(pack.id) != pack.id
        )
        for pack in (*replaced, *work.dropped):
            if state.packs.get(pack) != self.base.packs.get(pack):
                raise _replaced()

    def _manifest(self, state: LiveState, work: MaintenanceWork) -> Manifest:
        before = self._room.chain.manifest(state.seq)[0]
        now = self._room.clock.now()
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
            journal=None,
            reuses=(),
            slots=newest_entry(self._room.sealed.store, self._room.sealed.keys),
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
        after = state.copy()
        after.apply(manifest, head="")
        return proved_by(manifest, after)


def open_runs(room: OrgVault) -> Iterator[RunIntent]:
    """The intents of all runs that are under way."""
    folder = object_names.intents(room.org)
    names = {listed.name for listed in room.sealed.store.list(folder)}
    for name in sorted(names):
        if "." not in name.removeprefix(folder) and name + object_names.OVER not in names:
            intent = _intent(room, name)
            if intent is not None:
                yield intent


def remove_over(room: OrgVault) -> None:
    """Remove what is left of runs that ended where nothing may be deleted; raises StoreError."""
    folder = object_names.intents(room.org)
    names = [listed.name.removeprefix(folder) for listed in room.sealed.store.list(folder)]
    over = [
        name.removesuffix(object_names.OVER) for name in names if name.endswith(object_names.OVER)
    ]
    for run in over:
        OpenRun(room.org, run, sealed=room.sealed).remove()


def _intent(room: OrgVault, name: str) -> RunIntent | None:
    """An intent; None if its run has ended meanwhile."""
    try:
        content = room.sealed.get(ObjectKind.INTENT, org=room.org, name=name)
    except UnlostError:
        if room.sealed.store.size(name) is None or _is_unreadable(room, name):
            return None
        raise
    return unpack(content, RunIntent, name=name)[0]


def _is_unreadable(room: OrgVault, name: str) -> bool:
    """True if a process from before wrote it under a key that is gone: it cannot commit any more."""
    with suppress(UnlostError):
        return room.sealed.header(name).epoch < room.sealed.keys.oldest(room.org)
    return False


def close_cut_off(room: OrgVault, *kinds: CommitKind) -> None:
    """End runs of these kinds that were cut off: there is one at a time, and nobody goes on with it."""
    for intent in list(open_runs(room)):
        if intent.kind in kinds:
            OpenRun(room.org, intent.run, sealed=room.sealed).close()


def drop_orphans(room: OrgVault) -> None:
    """Remove what lies beside no intent: a request that came late put it there after its run had ended."""
    store, folder = room.sealed.store, object_names.intents(room.org)
    for name in [listed.name for listed in store.list(folder)]:  # before the intents are looked at
        intent = object_names.stem(name)
        if intent != name and store.size(intent) is None:
            store.delete(name)


def _without(state: TableState, work: MaintenanceWork) -> TableState:
    """A table's state without the records that the vault knows no more, and what was told of it."""
    if state.table in work.counted:
        alive, deleted = work.counted[state.table]
        state = replace(state, alive=alive, deleted=deleted)
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
    return _outrun("Another run has replaced what this one was about to replace.")


def _outrun(sentence: str) -> Conflict:
    return Conflict("maintenance-outrun", sentence, next_step="Run it again; nothing is lost.")
