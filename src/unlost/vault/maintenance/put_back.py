"""Repair after a rejected commit: one commit puts back what that commit took away.

    segments   rewritten as merged ones, since only these keep the commits of their rows; the
               earlier objects are then condemned like after a merge
    packs, schemas, certificates    are live again as they are
    manifests  become readable again: the redactions in their place are withdrawn
    journals   proved again; a commit proves one journal, so each further one needs another commit

What the rejected commit put in the place of what it took is no longer live. The repair carries on
the facts of the newest commit that was not rejected, counts the affected tables anew, and lets the
next backup read all tables in full: the rejected commit may have claimed that they were read.
Backups that it forgot stay forgotten: no commit of this format shows them again. See docs/adr/0036.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blake3 import blake3
from msgspec import MsgspecError
from pyarrow import ArrowException

from unlost.model.errors import UnlostError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.ports.removals import ForeignCommit
from unlost.model.source.schema import WireKind
from unlost.model.vault.snapshot import CommitKind, PackEntry, SegmentEntry
from unlost.vault.commits.chain import CommitStep
from unlost.vault.commits.foreign_commits import redacted_by
from unlost.vault.commits.state import (
    LiveSegment,
    LiveState,
    live_objects,
    segment_objects,
    unneeded_objects,
)
from unlost.vault.commits.version_rules import LETTERS
from unlost.vault.format.manifest import JournalProof, Manifest, ObjectEntry, TablePart
from unlost.vault.format.physical import (
    BARE_FIELDS,
    FILES,
    HOLDS,
    LINEAGE,
    SUPPRESSED,
    U_ID,
    U_MODIFIED_AT,
    U_MODIFIED_BY,
    U_OBSERVED_AT,
    U_OP,
    is_system,
)
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.maintenance_run import (
    MAINTENANCE,
    MaintenanceRun,
    MaintenanceWork,
)
from unlost.vault.maintenance.past_operations import PUT_BACK
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.counts import count_records
from unlost.vault.maintenance.rewrite.merging import Merger
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.blob_stream import open_blob
from unlost.vault.objects.files import BLOB_COLUMNS, blob_of_row, blob_rows
from unlost.vault.objects.packs import Blob
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.assemble import SourceColumns
from unlost.vault.read.big_cells import BigCells
from unlost.vault.read.merge import key_rows
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_reader import TableScan
from unlost.vault.read.table_view import TableView, sorted_unique
from unlost.vault.write.finish import commit_of_run
from unlost.vault.write.table_writer import RowComparison, TableWriter

# What reading an object ends with whose author made it up.
_UNREADABLE = (UnlostError, ArrowException, MsgspecError, KeyError, ValueError, TypeError)
# What a rejected commit says in these tables does not count, whoever came after it.
_CLAIMS = frozenset({SUPPRESSED, HOLDS, LINEAGE, FILES})


@dataclass(frozen=True, slots=True)
class PutBack:
    """The effect of a repair, which is the commit ``snapshot``."""

    snapshot: int
    tables: tuple[str, ...] = ()
    packs: int = 0
    documents: int = 0
    journals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lost:
    """Data that a commit took away and that can be put back, and what it put in its place."""

    tiers: tuple[tuple[str, Tier], ...]
    replacements: tuple[SegmentEntry, ...]
    packs: tuple[PackEntry, ...]
    dropped: tuple[str, ...]
    documents: tuple[ObjectEntry, ...]
    withdrawn: tuple[str, ...]
    recertified: dict[str, str]
    journals: tuple[JournalProof, ...]
    unjournaled: tuple[str, ...]
    reopened: tuple[str, ...]


def put_back(org_vault: OrgVault, commit: ForeignCommit, *, pause: Pause) -> PutBack:
    """Put back what a commit took away, as far as it still exists. Safe to repeat.

    Raises IntegrityError, StoreError, Conflict (``maintenance-outrun``).
    """
    run = _run_of(commit)
    state = org_vault.chain.proved()
    step = next(org_vault.chain.replay(commit.seq))
    lost = _Loss(org_vault, step, state).find()
    committed = commit_of_run(state, run)
    number = committed.number if committed else _committed(org_vault, step, lost, run, pause)
    for proof in lost.journals if committed else lost.journals[1:]:
        _prove_again(org_vault, proof, run=f"{run}-{org_vault.chain.live().seq}")
    if lost.reopened:
        _reopen(org_vault, lost.reopened, run=f"{run}-reopened")
    return PutBack(
        number,
        tables=tuple(sorted({table for table, _ in lost.tiers})),
        packs=len(lost.packs),
        documents=len(lost.documents),
        journals=tuple(proof.run for proof in lost.journals),
    )


def what_remains(org_vault: OrgVault, commit: ForeignCommit, done: PutBack) -> list[str]:
    """List the objects of a rejected commit that exist and that no commit needs after the repair."""
    state = org_vault.chain.live()
    safe = {entry.name for entry in live_objects(state, org=org_vault.org)}
    safe.update(org_vault.chain.manifest(done.snapshot)[0].condemned)
    safe.update(object_names.journal(org_vault.org, run) for run in state.journals)
    redacted = state.redactions(org_vault.org)
    safe.update(
        object_names.commit(org_vault.org, seq) for seq in state.commits if seq not in redacted
    )
    listing = org_vault.foreign.listing()
    # A manifest that is there needs no redaction, whoever made one.
    safe.update(name for name in commit.objects if _manifest_of(org_vault, name) in listing)
    there = set(org_vault.foreign.sizes(commit, listing))
    there |= {f"{name.rpartition('/')[0]}/" for name in there}
    return [name for name in commit.objects if name not in safe and name in there]


def _manifest_of(org_vault: OrgVault, name: str) -> str:
    """The name of the manifest that a redaction replaces; empty for other objects."""
    seq = object_names.redacted(name)
    return object_names.commit(org_vault.org, seq) if seq else ""


def _run_of(commit: ForeignCommit) -> str:
    """The name of the repair's run: found again after a crash, and unknown to others."""
    return f"{PUT_BACK}{commit.seq}-{commit.first_seen:%Y%m%d%H%M%S%f}"


class _Loss:
    """Compares the state before a commit with the present one."""

    def __init__(self, org_vault: OrgVault, step: CommitStep, state: LiveState) -> None:
        self._org_vault = org_vault
        self._step = step
        self._state = state
        self._there = org_vault.foreign.listing()

    def find(self) -> _Lost:
        """Find what can be put back."""
        withdrawn, stood = self._redactions()
        certificates = self._certificates()
        return _Lost(
            tiers=tuple(self._tiers()),
            replacements=tuple(self._replacements()),
            packs=tuple(self._packs()),
            dropped=tuple(self._false_packs()),
            documents=(*self._documents(), *stood),
            withdrawn=tuple(dict.fromkeys((*withdrawn, *certificates, *self._false_documents()))),
            recertified=certificates,
            journals=tuple(self._journals()),
            unjournaled=tuple(self._false_journals(stored=False)),
            reopened=tuple(self._false_journals(stored=True)),
        )

    def _tiers(self) -> Iterator[tuple[str, Tier]]:
        for table, segments in sorted(self._step.before.segments.items()):
            now = self._state.segments.get(table, {})
            after = self._step.after.segments.get(table, {})
            lost = [
                live
                for ident, live in segments.items()
                if after.get(ident) != live
                and now.get(ident) in (None, after.get(ident))  # an entry may have changed
                and self._exists(live)
            ]
            yield from ((table, tier) for tier in tiers_of(lost))

    def _exists(self, live: LiveSegment) -> bool:
        objects = segment_objects(live.entry, org=self._org_vault.org)
        return all(each.name in self._there for each in objects)

    def _replacements(self) -> Iterator[SegmentEntry]:
        """Iterate over live segments that the commit put in the place of others.

        New rows of a backup stay, because later backups build on them: unless they cannot be read.
        """
        before, maintenance = self._step.before, self._step.manifest.kind in MAINTENANCE
        for table, segments in sorted(self._step.after.segments.items()):
            known, now = before.segments.get(table, {}), self._state.segments.get(table, {})
            for ident, live in segments.items():
                added = known.get(ident) != live and now.get(ident) == live
                again = ident in known  # for example under a key that does not open it
                claims = maintenance or live.merged or again or table in _CLAIMS
                if added and (claims or not self._opens(live)):
                    yield live.entry

    def _opens(self, live: LiveSegment) -> bool:
        """True if the rows of a segment can be read: their author may have made them up."""
        if not all(map(self._is_whole, segment_objects(live.entry, org=self._org_vault.org))):
            return False
        table, org_vault = live.entry.table, self._org_vault
        view = TableView(table, [live], org_vault.reading)
        try:
            if table in BARE_FIELDS:  # words, for example, have no ops
                return sum(len(rows) for rows in key_rows(view, ())) == live.entry.rows
            ops = [op for rows in key_rows(view, (U_OP,)) for op in rows.column(U_OP).to_pylist()]
            if len(ops) != live.entry.rows or not set(ops) <= {*LETTERS[1:]}:
                return False
            if not is_system(table):
                load = org_vault.load_blob(until=self._state.seq)
                for _ in TableScan(view, self._columns(table), load).versions():
                    pass
        except _UNREADABLE:
            return False
        return True

    def _columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table that readers show, and those that every table has."""
        known = self._org_vault.schemas.known(_carried(self._org_vault, self._state).schema, table)
        cells = [name for name, column in known.items() if column.kind is not WireKind.BINARY]
        return (*cells, U_OP, U_OBSERVED_AT, U_MODIFIED_AT, U_MODIFIED_BY)

    def _is_whole(self, entry: ObjectEntry) -> bool:
        """True if an object is there as the commit has it."""
        if self._there.get(entry.name) != entry.bytes:
            return False
        data = self._org_vault.sealed.store.get(entry.name)
        return blake3(data).hexdigest() == entry.blake3

    def _false_packs(self) -> Iterator[str]:
        """Iterate over packs that the commit added and that are not there."""
        for stem, pack in sorted(self._step.after.packs.items()):
            name = object_names.pack(self._org_vault.org, pack.id)
            entry = ObjectEntry(name, pack.bytes, pack.blake3)
            added = stem not in self._step.before.packs and self._state.packs.get(stem) == pack
            if added and not self._is_whole(entry):
                yield stem

    def _false_documents(self) -> Iterator[str]:
        """Iterate over documents that the commit added and that are not there."""
        for name, entry in sorted(self._step.after.objects.items()):
            added = name not in self._step.before.objects and name in self._state.objects
            if added and not self._is_whole(entry):
                yield name

    def _packs(self) -> Iterator[PackEntry]:
        for stem, pack in sorted(self._step.before.packs.items()):
            name = object_names.pack(self._org_vault.org, pack.id)
            changed = self._step.after.packs.get(stem) != pack
            if changed and name in self._there and self._state.packs.get(stem) != pack:
                yield pack

    def _documents(self) -> Iterator[ObjectEntry]:
        """Iterate over schemas and certificates."""
        redactions = object_names.redactions(self._org_vault.org)
        for name, entry in sorted(self._step.before.objects.items()):
            lost = name not in self._step.after.objects and name not in self._state.objects
            if lost and name in self._there and not name.startswith(redactions):
                yield entry

    def _redactions(self) -> tuple[list[str], list[ObjectEntry]]:
        """Return the redactions to withdraw, and the earlier ones to put back."""
        org, withdrawn = self._org_vault.org, list[str]()
        stood = list[ObjectEntry]()
        now, before = self._state.redactions(org), self._step.before.redactions(org)
        for seq in redacted_by(self._step, org=org):
            earlier = before.get(seq)
            back = earlier or object_names.commit(org, seq)
            if seq in now and now[seq] != earlier and back in self._there:
                withdrawn.append(now[seq])
                stood += [self._step.before.objects[earlier]] if earlier else []
        stood += [  # the commit only withdrew them
            self._step.before.objects[name]
            for seq, name in before.items()
            if seq not in now and seq not in self._step.after.redactions(org)
        ]
        return withdrawn, stood

    def _certificates(self) -> dict[str, str]:
        """Return the earlier certificates, by the names of the live ones that replaced them."""
        return {
            new: old
            for old, new in self._step.manifest.recertified.items()
            if new in self._state.objects and old in self._there
        }

    def _journals(self) -> Iterator[JournalProof]:
        for run, proof in sorted(self._step.before.journals.items()):
            changed = self._step.after.journals.get(run) != proof
            if changed and self._state.journals.get(run) != proof:
                yield proof

    def _false_journals(self, *, stored: bool) -> Iterator[str]:
        """Iterate over the journals that the commit ended, with or without entries in the store."""
        folder = object_names.journals(self._org_vault.org)
        there = {object_names.run_of(name) for name in self._there if name.startswith(folder)}
        for run in sorted(self._step.after.journals.keys() - self._step.before.journals.keys()):
            if run in self._state.journals and (run in there) is stored:
                yield run


def _committed(org_vault: OrgVault, step: CommitStep, lost: _Lost, run: str, pause: Pause) -> int:
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.SALVAGE)
    maintenance.open()
    try:
        return _write(org_vault, step, lost, maintenance, pause)
    except Exception:
        maintenance.give_up()
        raise


def _write(
    org_vault: OrgVault,
    step: CommitStep,
    lost: _Lost,
    maintenance: MaintenanceRun,
    pause: Pause,
) -> int:
    state, org = maintenance.base, org_vault.org
    out = SegmentWriter(org, sealed=org_vault.sealed, prefix=maintenance.prefix)
    rewritten = [_rewritten(org_vault, out, table, tier, pause) for table, tier in lost.tiers]
    parts = _parts(rewritten, lost.replacements, number=step.manifest.seq)
    after = _after(state, parts)
    blobs = _kept_blobs(org_vault, lost.replacements, after)
    if blobs:
        parts.append(TablePart(FILES, segments=_written(org_vault, out, blobs, after)))
        after = _after(state, parts)
    earlier = (entry for each in rewritten for entry in (*each.old, *each.between))
    condemned = {each.name for entry in earlier for each in segment_objects(entry, org=org)}
    condemned |= {each.name for each in unneeded_objects(state, lost.replacements, org=org)}
    condemned -= {each.name for each in live_objects(after, org=org)}
    carried = _carried(org_vault, state)
    affected = {part.table for part in (*step.manifest.tables, *parts)}
    return maintenance.commit(
        MaintenanceWork(
            parts=tuple(parts),
            packs=lost.packs,
            dropped=lost.dropped,
            condemned=tuple(sorted(condemned)),
            counted={
                table: count_records(org_vault.view(table, until=state.seq, state=after))
                for table in affected
                if not is_system(table)
            },
            reread=frozenset(known.table for known in carried.states),
            objects=lost.documents,
            withdrawn=lost.withdrawn,
            recertified=lost.recertified,
            journal=next(iter(lost.journals), None),
            unjournaled=lost.unjournaled,
            carried=carried,
        ),
        alone=True,
    ).number


def _kept_blobs(
    org_vault: OrgVault, replacements: Sequence[SegmentEntry], after: LiveState
) -> list[Blob]:
    """The contents that only the rejected commit has a row of, and that are what the row says.

    Later backups may build on them. Rows of files do not stay: the next backup reads these files.
    """
    lives = [
        LiveSegment(entry, seq=after.seq, order=order)
        for order, entry in enumerate(replacements)
        if entry.table == FILES
    ]
    blobs = [blob for live in lives for blob in _blobs_in(org_vault, live)]
    known = org_vault.blobs({blob.id for blob in blobs}, until=after.seq, state=after)
    blobs_by_id = {blob.id: blob for blob in blobs if blob.id not in known}
    return [blob for blob in blobs_by_id.values() if _is_genuine(org_vault, blob, after)]


def _blobs_in(org_vault: OrgVault, live: LiveSegment) -> list[Blob]:
    """The contents that a segment names; none if it cannot be read."""
    view = TableView(FILES, [live], org_vault.reading)
    try:
        idents = [ident for rows in key_rows(view, ()) for ident in rows.column(U_ID).to_pylist()]
        rows = view.newest(sorted_unique(filter(_is_blob, idents)), ())
        cells = view.cells(rows, BLOB_COLUMNS).to_pylist()
        named = zip(rows.column(U_ID).to_pylist(), cells, strict=True)
        return [blob_of_row({**cell, U_ID: ident}) for ident, cell in named]
    except _UNREADABLE:
        return []


def _is_blob(ident: str) -> bool:
    return ident.startswith('["blob",')


def _is_genuine(org_vault: OrgVault, blob: Blob, state: LiveState) -> bool:
    """True if the bytes at the place of a content are the content."""
    placed = org_vault.placed(blob, state)
    if any(extent.pack not in state.packs for extent in blob.extents):
        return False
    try:
        with open_blob(org_vault.sealed, org=org_vault.org, blob=placed) as stream:
            while stream.read(1 << 20):
                pass
    except _UNREADABLE:
        return False
    return True


def _written(
    org_vault: OrgVault, out: SegmentWriter, blobs: Sequence[Blob], after: LiveState
) -> tuple[SegmentEntry, ...]:
    known = org_vault.schemas.known(SYSTEM_SCHEMA, FILES)
    writer = TableWriter(
        columns=SourceColumns(FILES, tuple(known), known),
        carry=(),
        label=SegmentLabel(table=FILES, schema=SYSTEM_SCHEMA, base=after.seq),
        out=out,
        against=RowComparison(
            base=org_vault.view(FILES, until=after.seq, state=after),
            written_before=lambda: TableView(FILES, [], org_vault.reading),
        ),
        limit=org_vault.limit,
        big=BigCells(
            packs=lambda: org_vault.pack_writer(until=after.seq),
            load=org_vault.load_blob(until=after.seq),
        ),
    )
    writer.take([blob_rows(blobs, observed_at=org_vault.clock.now())])
    return tuple(writer.segments)


def _carried(org_vault: OrgVault, state: LiveState) -> Manifest:
    """The manifest of the newest commit that is neither refused nor a repair; else the newest."""
    refused = org_vault.foreign.known_guard().refused
    numbers = [
        info.number
        for info in state.commits.values()
        if info.number not in refused and not info.run.startswith(PUT_BACK)
    ]
    # The manifest itself where it is there, and not what the rejected commit says that it was.
    return next(org_vault.chain.replay(max(numbers, default=state.seq))).manifest


def _rewritten(
    org_vault: OrgVault, out: SegmentWriter, table: str, tier: Tier, pause: Pause
) -> ReplacedSegments:
    merger = Merger(table, org_vault.reading, out, CommitRange(tier.first, tier.last), pause)
    new = merger.merge(tier.segments)
    return ReplacedSegments(
        tuple(live.entry for live in tier.segments), tuple(new), tuple(merger.between)
    )


def _parts(
    rewritten: Sequence[ReplacedSegments], replacements: Sequence[SegmentEntry], *, number: int
) -> list[TablePart]:
    """Build one part for each table: segments to add, and live ones to remove."""
    added: dict[str, list[SegmentEntry]] = {}
    removed: dict[str, list[str]] = {}
    for each in rewritten:
        added.setdefault(each.part.table, []).extend(each.new)
    for entry in replacements:
        removed.setdefault(entry.table, []).append(entry.id)
    return [
        TablePart(
            table=table,
            segments=tuple(added.get(table, ())),
            removed=tuple(removed.get(table, ())),
            finding=_finding(table, number) if table in added else None,
        )
        for table in sorted({*added, *removed})
    ]


def _finding(table: str, number: int) -> Finding:
    return Finding.of(
        FindingKind.SALVAGED,
        Severity.NOTE,
        "Put back in {name}: what commit {number} had taken away. That commit was rejected.",
        table=table,
        name=table,
        number=number,
    )


def _after(state: LiveState, parts: Sequence[TablePart]) -> LiveState:
    """The state with these parts."""
    after = state.copy()
    for part in parts:
        segments = after.segments.setdefault(part.table, {})
        for ident in part.removed:
            segments.pop(ident)
        for order, entry in enumerate(part.segments):
            segments[entry.id] = LiveSegment(entry, seq=state.seq + 1, order=order)
    return after


def _prove_again(org_vault: OrgVault, proof: JournalProof, *, run: str) -> None:
    """Make a commit that proves a journal."""
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.SALVAGE)
    maintenance.commit(MaintenanceWork(journal=proof))


def _reopen(org_vault: OrgVault, journals: Sequence[str], *, run: str) -> None:
    """Make a commit by which journals are open again. A salvage would give them up."""
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.CONDEMN)
    maintenance.commit(MaintenanceWork(unjournaled=tuple(journals)))
