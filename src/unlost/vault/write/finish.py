"""The commit protocol: one create-only put turns a run's work into a commit.

Everything the run has added is already durable, in the vault or in its pieces, but no manifest
names it. ``CommitFinisher.run`` repeats these steps until the run is committed:

    1. prove the chain: its head, a new listing, the witness
    2. if the chain has a commit of this run: make it durable, clean up, return it
    3. stop if another process gave the run up, or if data it relies on was removed since it began
    4. write the rows that the pieces still buffer, as segments or bundles
    5. build the manifest: number = head + 1, parent = head, and the ``live_root`` after it
    6. put orgs/<oid>/commits/<number>, create-only   <- the commit takes effect here
    7. go back to 1, which finds out who won the number

    run A   ─ 5 ─ put commits/8 ─ created ─ 1 ─ 2 commit 8 is ours
    run B   ─── 5 ─ put commits/8 ─ taken ─ 1 ─ 3 ─ 4 ─ 5 ─ put commits/9 ─ created ─ 1 ─ 2

The loser builds its manifest again, on top of the winner's commit. If that changed the same table,
its counts are computed again and its segments are marked as ``rebased``. A crash before step 6
leaves no commit, and the run can go on; a crash after it leaves a complete commit, which step 2
finds. Cleaning up removes the intent and old checkpoints; it may fail, and is then repeated by
others.

See docs/adr/0001, docs/adr/0008 (the journal is proved in step 5) and docs/adr/0023 (step 3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import msgspec

from unlost.model.errors import Conflict, StoreError, UsageError
from unlost.model.vault.snapshot import (
    Added,
    CommitKind,
    Counts,
    PackEntry,
    SegmentEntry,
    SnapshotInfo,
    TableCommit,
    TableState,
)
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import REMOVING, LiveState, live_root
from unlost.vault.commits.version_rules import CountBalance
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import (
    JournalProof,
    Manifest,
    ObjectEntry,
    RunIntent,
    TablePart,
)
from unlost.vault.format.physical import is_system
from unlost.vault.keys.register import newest_entry
from unlost.vault.layout import object_names
from unlost.vault.objects.schemas import stored_entry
from unlost.vault.read.commit_effect import against, replaced
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.store import MAY_NOT_DELETE
from unlost.vault.write.journal import prove_journal

_ATTEMPTS = 20
_REMOVING_DATA = REMOVING | {CommitKind.FORGET, CommitKind.SALVAGE}


type WriteBuffered = Callable[[Sequence[TableCommit]], Sequence[TableCommit]]
"""Write the buffered rows of pieces, and return the pieces without them."""


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """A table's part of a commit, and its state after it."""

    part: TablePart
    state: TableState


class CommitFinisher:
    """Finishes one run; can be repeated after a crash at any point."""

    def __init__(
        self,
        org_vault: OrgVault,
        intent: RunIntent,
        open_run: OpenRun,
        *,
        write_buffered: WriteBuffered,
        partial: bool = False,
    ) -> None:
        self._org_vault = org_vault
        self._intent = intent
        self._open_run = open_run
        self._write_buffered = write_buffered
        self._partial = partial

    def run(self, tables: Sequence[TableCommit], *, as_of: datetime, schema: str) -> SnapshotInfo:
        """Commit the run; returns the same snapshot if it was committed before.

        Raises Conflict (``commit-crowded``, ``pack-removed``, ``run-given-up``,
        ``forgotten-meanwhile``), IntegrityError, StoreError.
        """
        for _ in range(_ATTEMPTS):
            state = self._org_vault.chain.proved()
            done = commit_of_run(state, self._intent.run)
            if done is not None:
                # The process that committed may have died before its put was durable.
                self._org_vault.chain.confirm(done.number)
                self._clean_up()
                return done
            self._check_open()
            self._check_nothing_removed(state, tables)
            tables = self._write_buffered(tables)
            manifest = self._manifest(state, tables, as_of=as_of, schema=schema)
            self._org_vault.chain.put(manifest)  # won or lost: the next pass finds out
        raise Conflict(
            "commit-crowded",
            "Other runs kept committing to this org, so this run could not commit.",
            next_step="Run it again. The data that was read is kept.",
        )

    def _check_open(self) -> None:
        """Raise Conflict if another process gave the run up: a sweep may remove its objects."""
        if not self._open_run.is_open():
            raise Conflict(
                "run-given-up",
                "Another process has marked the run {run} as abandoned.",
                next_step="Start a new run.",
                run=self._intent.run,
            )

    def _check_nothing_removed(self, state: LiveState, tables: Sequence[TableCommit]) -> None:
        """Raise Conflict if data that a backup relies on may be gone.

        A backup omits rows that the vault already had when it began. It may also contain data that
        was erased or corrected since: then everything it wrote is removed immediately.
        """
        since = {info.kind for number, info in state.commits.items() if number > self._intent.base}
        if self._intent.kind is CommitKind.RESTORE or not since & _REMOVING_DATA:
            return
        if since & REMOVING:
            self._withdraw(tables)
        raise Conflict(
            "forgotten-meanwhile",
            "Data was forgotten, erased, corrected or salvaged during the run {run}. Data that "
            "the run relied on may be gone.",
            next_step="Start a new run.",
            run=self._intent.run,
        )

    def _withdraw(self, tables: Sequence[TableCommit]) -> None:
        """Remove everything the run has written: it may contain erased data.

        The key goes first. If nothing may be deleted, the run ends all the same, and a sweep
        removes it.
        """
        try:
            self._open_run.drop_key()
            self._remove_written(tables)
        except StoreError as error:
            if error.code != MAY_NOT_DELETE:
                raise
            self._open_run.mark_over()

    def _remove_written(self, tables: Sequence[TableCommit]) -> None:
        store, org, run = self._org_vault.sealed.store, self._org_vault.org, self._intent.run
        for prefix in (
            object_names.segment(org, self._intent.segment_prefix),
            object_names.certificate_prefix(org, run),
        ):
            for listed in list(store.list(prefix)):
                store.delete(listed.name)
        for pack in _packs(tables):
            store.delete(object_names.pack(org, pack.id))

    @cached_property
    def _journal(self) -> JournalProof | None:
        """The proof of the run's journal, which is complete when the run commits."""
        return prove_journal(self._org_vault.sealed, org=self._org_vault.org, run=self._intent.run)

    def _clean_up(self) -> None:
        """Clean up after the commit: seal a checkpoint if due, then remove unneeded objects."""
        try:
            self._org_vault.chain.seal_checkpoint()
            self._open_run.close()
            self._org_vault.chain.drop_checkpoints()
        except StoreError:
            return  # the commit is valid; a later run or sweep repeats the rest

    def counts(self, table: str, added: Sequence[Added]) -> Counts:
        """The effect of these pieces on a table, over the present head: each record once."""
        return self._counts(self._org_vault.chain.live(), table, _unique(added))

    def _manifest(
        self, state: LiveState, tables: Sequence[TableCommit], *, as_of: datetime, schema: str
    ) -> Manifest:
        seq = state.seq + 1
        schema = self._schema(state, schema)
        before = self._states(state)
        outcomes = [self._outcome(state, commit, before) for commit in _merged(tables)]
        parts = (*(outcome.part for outcome in outcomes), *_system_parts(tables))
        states = before | {outcome.state.table: outcome.state for outcome in outcomes}
        packs = _packs(tables)
        totals = sum((outcome.part.counts for outcome in outcomes), Counts())
        manifest = Manifest(
            format=numbers.FORMAT,
            vault=self._org_vault.sealed.keys.vault.hex(),
            org=self._org_vault.org,
            identity=self._intent.identity,
            seq=seq,
            parent=state.head,
            run=self._intent.run,
            kind=self._intent.kind,
            as_of=as_of,
            started=self._intent.started,
            finished=self._org_vault.clock.now(),
            base=self._intent.base,
            schema=schema,
            certificate=self._open_run.certificate(),
            tables=parts,
            states=tuple(states[name] for name in sorted(states)),
            packs=packs,
            objects=self._objects(state, schema),
            live_root="",
            counts=totals,
            rows_seen=totals.seen,
            bytes_added=_bytes(parts, packs),
            journal=self._journal,
            reuses=self._reused(tables, state),
            slots=newest_entry(self._org_vault.sealed.store, self._org_vault.sealed.keys),
            only=tuple(sorted(part.state.table for part in outcomes)) if self._partial else (),
        )
        # ``live_root`` covers the state that includes this manifest, so it is applied to a copy
        # first.
        after = state.copy()
        after.apply(manifest, head="")
        return proved_by(manifest, after)

    def _reused(self, tables: Sequence[TableCommit], state: LiveState) -> tuple[str, ...]:
        """Packs of earlier commits that are used again; raises Conflict if one may be gone."""
        reused = {pack for commit in tables for added in commit.added for pack in added.reuses}
        gone = sorted(reused - state.packs.keys())
        if gone:
            raise Conflict(
                "pack-removed",
                "The vault already had a file of this run, but its pack {pack} was removed "
                "after the run began.",
                next_step="Start a new run. It stores the file again.",
                pack=gone[0][:12],
            )
        return tuple(sorted(reused))

    def _schema(self, state: LiveState, schema: str) -> str:
        """The schema of this commit; a run that put none continues with the one before."""
        if self._open_run.schemas() or not state.seq:
            return schema
        return self._org_vault.chain.manifest(state.seq)[0].schema

    def _states(self, state: LiveState) -> dict[str, TableState]:
        if state.seq == 0:
            return {}
        return {s.table: s for s in self._org_vault.chain.manifest(state.seq)[0].states}

    def _outcome(
        self, state: LiveState, commit: TableCommit, before: dict[str, TableState]
    ) -> TableOutcome:
        table = commit.table
        counts = self._counts(state, table, commit.added)
        part = TablePart(
            table=table,
            segments=segments_of(table, commit.added),
            counts=counts,
            full=commit.full,
            live=commit.live,
            files=sum(added.files for added in commit.added),
            file_bytes=sum(added.file_bytes for added in commit.added),
            finding=commit.finding,
            rebased=self._rebased(state, table),
        )
        state_before = before.get(table) or TableState(table=table, alive=0, deleted=0)
        return TableOutcome(
            part, _next_state(state_before, commit, _balance(counts), seq=state.seq + 1)
        )

    def _counts(self, state: LiveState, table: str, added: Sequence[Added]) -> Counts:
        counts = sum((piece.counts for piece in added if piece.table == table), Counts())
        segments = segments_of(table, added)
        # The run compared its rows with its base: another commit has changed the table since.
        if self._rebased(state, table):
            base = self._org_vault.view(table, until=state.seq, state=state)
            balance, lost = against(table, segments, base, self._org_vault.reading), 0
        else:
            claimed, lost = replaced(table, segments, self._org_vault.reading)
            balance = _balance(counts).minus(claimed)
        return balance.counts(seen=counts.seen, unchanged=counts.unchanged + lost)

    def _rebased(self, state: LiveState, table: str) -> bool:
        return any(live.last > self._intent.base for live in state.of(table, until=state.seq))

    def _objects(self, state: LiveState, schema: str) -> tuple[ObjectEntry, ...]:
        used = (*self._open_run.schemas(), *((schema,) if schema else ()))
        # By stem: an object that was sealed anew has another name.
        known = {object_names.stem(name) for name in state.objects}
        schemas = (object_names.schema(self._org_vault.org, ident) for ident in used)
        names = [name for name in schemas if name not in known]
        certificate = self._open_run.certificate()
        if certificate is not None:
            names.append(certificate)
        fresh = [name for name in dict.fromkeys(names) if name not in state.objects]
        return tuple(stored_entry(self._org_vault.sealed, name) for name in fresh)


def commit_of_run(state: LiveState, run: str) -> SnapshotInfo | None:
    """The commit of a run; None if the chain has none."""
    return next((info for info in state.commits.values() if info.run == run), None)


def proved_by(manifest: Manifest, after: LiveState) -> Manifest:
    """The manifest with the proof of the objects that are live after it."""
    return msgspec.structs.replace(manifest, live_root=live_root(after, org=manifest.org))


def segments_of(table: str, added: Sequence[Added]) -> tuple[SegmentEntry, ...]:
    """A table's segments among these pieces, each once, in ascending precedence."""
    entries = {
        entry.id: entry for piece in added for entry in piece.segments if entry.table == table
    }
    return tuple(entries.values())


def _merged(tables: Sequence[TableCommit]) -> list[TableCommit]:
    """Source tables, each once: a table that was given twice is one, in the order of its pieces."""
    merged: dict[str, TableCommit] = {}
    for commit in tables:
        if is_system(commit.table):
            continue
        earlier = merged.get(commit.table)
        added = (*(earlier.added if earlier else ()), *commit.added)
        merged[commit.table] = replace(commit, added=_unique(added))
        stray = {e.table for a in added for e in a.segments} - {commit.table}
        if any(not is_system(table) for table in stray):
            raise UsageError(
                "table-mixed",
                "Segments of {stray} were passed as {table}.",
                stray=sorted(stray),
                table=commit.table,
            )
    return list(merged.values())


def _unique(added: Sequence[Added]) -> tuple[Added, ...]:
    """The pieces, each once."""
    return tuple(dict.fromkeys(added))


def _system_parts(tables: Sequence[TableCommit]) -> tuple[TablePart, ...]:
    pieces = [added for commit in tables for added in commit.added]
    names = {entry.table for added in pieces for entry in added.segments if is_system(entry.table)}
    return tuple(
        TablePart(table=name, segments=segments_of(name, pieces)) for name in sorted(names)
    )


def _packs(tables: Sequence[TableCommit]) -> tuple[PackEntry, ...]:
    entries = {
        entry.id: entry for commit in tables for added in commit.added for entry in added.packs
    }
    return tuple(entries.values())


def _bytes(parts: Sequence[TablePart], packs: Sequence[PackEntry]) -> int:
    segments = (
        entry.own_bytes + (0 if entry.sidecar else entry.sidecar_bytes)
        for part in parts
        for entry in part.segments
    )
    return sum(segments) + sum(pack.bytes for pack in packs)


def _balance(counts: Counts) -> CountBalance:
    return CountBalance(counts.created, counts.changed, counts.deleted, counts.revived)


def _next_state(
    state: TableState, commit: TableCommit, balance: CountBalance, *, seq: int
) -> TableState:
    """A table's state after a commit: counts carried forward, other facts from the run."""
    read = state.last_read_in == 0 or commit.window_start not in (None, state.window_start)
    return TableState(
        table=state.table,
        alive=state.alive + balance.alive,
        deleted=state.deleted + balance.tombstones,
        cursor=commit.cursor,
        window_start=commit.window_start,
        window_end=commit.window_end,
        census_at=commit.census_at,
        last_read_in=seq if read else state.last_read_in,
        finding=commit.finding,
    )
