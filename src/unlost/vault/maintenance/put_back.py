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

from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.ports.removals import ForeignCommit
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
from unlost.vault.format.manifest import JournalProof, Manifest, ObjectEntry, TablePart
from unlost.vault.format.physical import SUPPRESSED, is_system
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.maintenance_run import (
    MAINTENANCE,
    PUT_BACK,
    MaintenanceRun,
    MaintenanceWork,
)
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.counts import count_records
from unlost.vault.maintenance.rewrite.merging import Merger
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.objects.segments import opens_under
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run


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
    documents: tuple[ObjectEntry, ...]
    withdrawn: tuple[str, ...]
    recertified: dict[str, str]
    journals: tuple[JournalProof, ...]


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
            documents=(*self._documents(), *stood),
            withdrawn=(*withdrawn, *certificates),
            recertified=certificates,
            journals=tuple(self._journals()),
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

        New rows of a backup stay, if they can be read: later backups build on them.
        """
        before, maintenance = self._step.before, self._step.manifest.kind in MAINTENANCE
        for table, segments in sorted(self._step.after.segments.items()):
            known, now = before.segments.get(table, {}), self._state.segments.get(table, {})
            for ident, live in segments.items():
                added = known.get(ident) != live and now.get(ident) == live
                again = ident in known  # for example under a key that does not open it
                made = maintenance or live.merged or again or table == SUPPRESSED
                if added and (made or not self._opens(live)):
                    yield live.entry

    def _opens(self, live: LiveSegment) -> bool:
        """True if a segment can be read; else nothing of its table could be, also by a repair."""
        sealed, org = self._org_vault.sealed, self._org_vault.org
        name = object_names.segment(org, live.entry.object)
        return name in self._there and opens_under(
            sealed, org=org, name=name, size=self._there[name], epoch=live.entry.epoch
        )

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
            carried=carried,
        ),
        alone=True,
    ).number


def _carried(org_vault: OrgVault, state: LiveState) -> Manifest:
    """The manifest of the newest commit that is neither refused nor a repair; else the newest."""
    refused = org_vault.foreign.known_guard().refused
    numbers = [
        info.number
        for info in state.commits.values()
        if info.number not in refused and not info.run.startswith(PUT_BACK)
    ]
    return org_vault.chain.manifest(max(numbers, default=state.seq))[0]


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
