"""The live set: all objects that are live after a commit, folded from manifests or a checkpoint.

Each manifest lists only what its commit adds and removes. Folding them in order gives the live set:

    commit          adds         removes    live segments after it
    1 backup        A1  B1                  A1  B1
    2 backup        A2                      A1  B1  A2
    3 compact       A12          A1  A2     B1  A12   (A12: ``first`` 1, ``last`` 2)
    4 backup        A4                      B1  A12  A4

The newest version of a record is the one in the segment of the highest ``precedence``: the number
of the last commit it covers, then the place in its commit. A merged segment takes the precedence of
the commits it replaces: A12 stays older than A4, and than a segment that a backup commits while the
merge runs. A reader of the state after commit 1 reads A12 too, and skips its rows with ``_u_snap``
2.

``live_root`` is a hash over the names and hashes of all live objects. Each manifest contains it, so
that the head of the chain proves every object, and also proves a checkpoint. See docs/adr/0001,
docs/adr/0020 (merging) and docs/adr/0029 (objects that were sealed anew).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from blake3 import blake3

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import CommitKind, PackEntry, SegmentEntry, SnapshotInfo
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import (
    Checkpoint,
    JournalProof,
    LiveEntry,
    Manifest,
    ObjectEntry,
    TablePart,
)
from unlost.vault.layout import object_names

_MOST_ENTRIES = 10**8  # of a journal: their names have eight digits
_FIRST_YEAR, _LAST_YEAR = 1900, 9900  # far from the ends of the calendar
# Commits that remove data for good: the data must neither stay nor come in again (ADR 23, 25).
REMOVING = frozenset({CommitKind.ERASE, CommitKind.RECTIFY})


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A live segment: the commit that added it, and its position in that commit.

    A merged segment contains versions of the commits ``first`` to ``last``, and replaces theirs.
    """

    entry: SegmentEntry
    seq: int
    order: int
    rebased: bool = False

    @property
    def precedence(self) -> tuple[int, int]:
        """The last commit, then the order: a version of a higher precedence is newer."""
        return (self.last, self.order)

    @property
    def merged(self) -> bool:
        """True if it was merged from other segments."""
        return bool(self.entry.last)

    @property
    def first(self) -> int:
        """The oldest commit of which it may contain a version."""
        return self.entry.first or self.seq

    @property
    def last(self) -> int:
        """The newest commit of which it may contain a version."""
        return self.entry.last or self.seq


class LiveState:
    """All live objects after a commit. Do not change a state after passing it on.

    ``packs`` is by the ids in rows of ``$files``; a pack that was sealed anew has another id.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.head = ""
        self.segments: dict[str, dict[str, LiveSegment]] = {}
        self.packs: dict[str, PackEntry] = {}
        self.objects: dict[str, ObjectEntry] = {}
        self.commits: dict[int, SnapshotInfo] = {}
        self.journals: dict[str, JournalProof] = {}
        self.forgotten: frozenset[int] = frozenset()

    def copy(self) -> "LiveState":
        """A copy that can be advanced without changing this state."""
        other = LiveState()
        other.seq, other.head = self.seq, self.head
        # Two levels deep: a table's dict is changed in place, and the segments are frozen.
        other.segments = {table: dict(segments) for table, segments in self.segments.items()}
        other.packs = dict(self.packs)
        other.objects = dict(self.objects)
        other.commits = dict(self.commits)
        other.journals = dict(self.journals)
        other.forgotten = self.forgotten
        return other

    def apply(self, manifest: Manifest, *, head: str) -> None:
        """Advance the state by one commit."""
        self.seq, self.head = manifest.seq, head
        for part in manifest.tables:
            if manifest.kind is CommitKind.REKEY:
                self._reseal(part)
            else:
                self._apply_part(part, seq=manifest.seq)
        self.packs.update((object_names.stem(entry.id), entry) for entry in manifest.packs)
        for pack in manifest.dropped:
            self.packs.pop(pack, None)
        for name in manifest.withdrawn:
            self.objects.pop(name, None)
        for run in manifest.unjournaled:
            self.journals.pop(run, None)
        self.objects.update((entry.name, entry) for entry in manifest.objects)
        if manifest.recertified or manifest.withdrawn:
            names = dict.fromkeys(manifest.withdrawn) | manifest.recertified
            self.commits = _recertified(self.commits, names)
        self.commits[manifest.seq] = info_of(manifest, head=head)
        self.forgotten |= frozenset(manifest.forgotten)
        if manifest.journal is not None:
            self.journals[manifest.journal.run] = manifest.journal

    def _apply_part(self, part: TablePart, *, seq: int) -> None:
        for ident in part.removed:
            self.segments.get(part.table, {}).pop(ident, None)
        for order, entry in enumerate(part.segments):
            live = LiveSegment(entry, seq=seq, order=order, rebased=part.rebased)
            self.segments.setdefault(entry.table, {})[entry.id] = live

    def _reseal(self, part: TablePart) -> None:
        """Replace each removed segment by the added one at the same position."""
        segments = self.segments.get(part.table, {})
        for ident, entry in zip(part.removed, part.segments, strict=False):
            before = segments.pop(ident, None)
            # A rekey changes the id alone: commit and position stay, and with them the precedence.
            if before is not None:
                segments[entry.id] = replace(before, entry=entry)

    def redactions(self, org: str) -> dict[int, str]:
        """The names of the live redactions, by the numbers of their commits."""
        folder = object_names.redactions(org)
        names = (name for name in self.objects if name.startswith(folder))
        return {object_names.redacted(name): name for name in names}

    def pack_id(self, pack: str) -> str:
        """The present id of a pack, given the id in rows of ``$files``."""
        pack_entry = self.packs.get(pack)
        return pack_entry.id if pack_entry is not None else pack

    def live_segments(self) -> Iterator[LiveSegment]:
        """All live segments."""
        for segments in self.segments.values():
            yield from segments.values()

    def entries(self) -> Iterator[SegmentEntry]:
        """The manifest entries of all live segments."""
        return (live.entry for live in self.live_segments())

    def of(self, table: str, *, until: int) -> list[LiveSegment]:
        """The table's segments with versions of commits up to ``until``, oldest first.

        Merged ones may have newer versions too.
        """
        segments = self.segments.get(table, {}).values()
        return sorted(
            (live for live in segments if live.first <= until), key=lambda live: live.precedence
        )

    def tables(self, *, until: int) -> list[str]:
        """Names of the tables that have a segment at ``until``, including system tables."""
        return sorted(
            table
            for table, segments in self.segments.items()
            if any(live.first <= until for live in segments.values())
        )


def _recertified(
    commits: Mapping[int, SnapshotInfo], names: Mapping[str, str | None]
) -> dict[int, SnapshotInfo]:
    """Commits with the present names of their certificates; None for a certificate that is gone."""
    return {
        number: replace(info, certificate=names.get(info.certificate or "", info.certificate))
        for number, info in commits.items()
    }


def info_of(manifest: Manifest, *, head: str) -> SnapshotInfo:
    """A commit, as lists show it."""
    return SnapshotInfo(
        org=manifest.org,
        number=manifest.seq,
        head=head,
        run=manifest.run,
        kind=manifest.kind,
        as_of=manifest.as_of,
        started=manifest.started,
        finished=manifest.finished,
        rows_seen=manifest.rows_seen,
        counts=manifest.counts,
        bytes_added=manifest.bytes_added,
        certificate=manifest.certificate,
        only=manifest.only,
    )


def epochs_in(state: LiveState) -> frozenset[int]:
    """The epochs whose keys live data is sealed under."""
    epochs = {entry.epoch for entry in state.entries()}
    return frozenset(epochs | {pack.epoch for pack in state.packs.values()})


def live_objects(state: LiveState, *, org: str) -> Iterator[ObjectEntry]:
    """Every object that must exist, except keys, manifests and journals.

    Journals are in ``state.journals``, each with the root over its entries.
    """
    yield from objects_of(state.entries(), org=org)
    for pack in state.packs.values():
        yield ObjectEntry(object_names.pack(org, pack.id), pack.bytes, pack.blake3)
    yield from state.objects.values()


def segment_objects(entry: SegmentEntry, *, org: str) -> Iterator[ObjectEntry]:
    """The objects of a segment: its rows, and its sidecar unless that is in the manifest."""
    yield ObjectEntry(object_names.segment(org, entry.object), entry.bytes, entry.blake3)
    if not entry.sidecar:
        yield ObjectEntry(
            object_names.sidecar(org, entry.id), entry.sidecar_bytes, entry.sidecar_blake3
        )


def objects_of(entries: Iterable[SegmentEntry], *, org: str) -> Iterator[ObjectEntry]:
    """The objects of segments, each once: several segments may share one."""
    names: set[str] = set()
    for entry in entries:
        if entry.bundle not in names:
            yield from segment_objects(entry, org=org)
        if entry.bundle:
            names.add(entry.bundle)


def unneeded_objects(
    state: LiveState, gone: Iterable[SegmentEntry], *, org: str
) -> Iterator[ObjectEntry]:
    """The objects that are no longer needed once the segments ``gone`` are not live."""
    going = {entry.id: entry for entry in gone}
    staying = {entry.bundle for entry in state.entries() if entry.id not in going} - {""}
    alone = (entry for entry in going.values() if entry.bundle not in staying)
    yield from objects_of(alone, org=org)


def live_root(state: LiveState, *, org: str) -> str:
    """The hash that proves all live objects.

    BLAKE3 (hex) of one line for each object in the order of their names' bytes: name, a space,
    BLAKE3 of the object in hex, a line feed. A journal has one line: its folder and its root.
    """
    named = [(entry.name, entry.blake3) for entry in live_objects(state, org=org)]
    named += [
        (object_names.journal(org, proof.run), proof.root) for proof in state.journals.values()
    ]
    lines = sorted(f"{name} {digest}\n".encode() for name, digest in named)
    return blake3(b"".join(lines)).hexdigest()


def check_fits(manifest: Manifest, *, org: str) -> None:
    """Raise IntegrityError if no writer makes such a commit: readers would fail on it later.

    It replaces and hides only earlier commits; its times have a zone, and can be shown in any other.
    """
    folder = object_names.redactions(org)
    for entry in manifest.objects:
        seq, by = object_names.redacted(entry.name), object_names.redacted_by(entry.name)
        if entry.name.startswith(folder) and not 0 < seq < by <= manifest.seq:
            raise _unfit(manifest)
    read = (each for s in manifest.states for each in (s.window_start, s.window_end, s.census_at))
    run_times = (manifest.as_of, manifest.started, manifest.finished)
    for time in (*run_times, *(each for each in read if each is not None)):
        if time.tzinfo is None or not _FIRST_YEAR <= time.year <= _LAST_YEAR:
            raise _unfit(manifest)
    # Backups to come must not be hidden before they are made.
    if any(not 0 < number < manifest.seq for number in manifest.forgotten):
        raise _unfit(manifest)
    proof = manifest.journal
    if proof is not None and not (
        object_names.is_run(proof.run) and 0 < proof.entries <= _MOST_ENTRIES
    ):
        raise _unfit(manifest)


def _unfit(manifest: Manifest) -> IntegrityError:
    return IntegrityError(
        "chain-replaced",
        "Commit {seq} contains what no commit contains.",
        next_step="See `unlost vault pending`.",
        seq=manifest.seq,
    )


def is_same(state: LiveState, other: LiveState) -> bool:
    """True if two states agree in everything."""
    return all(
        getattr(state, part) == getattr(other, part)
        for part in ("seq", "head", "packs", "objects", "commits", "journals", "forgotten")
    ) and _filled(state) == _filled(other)


def _filled(state: LiveState) -> Mapping[str, Mapping[str, LiveSegment]]:
    return {table: segments for table, segments in state.segments.items() if segments}


def to_checkpoint(state: LiveState) -> Checkpoint:
    """The state as a document."""
    return Checkpoint(
        format=numbers.FORMAT,
        seq=state.seq,
        head=state.head,
        segments=tuple(
            LiveEntry(live.entry, live.seq, live.order, live.rebased)
            for live in state.live_segments()
        ),
        packs=tuple(state.packs.values()),
        objects=tuple(state.objects.values()),
        commits=tuple(state.commits.values()),
        journals=tuple(state.journals.values()),
        forgotten=tuple(sorted(state.forgotten)),
    )


def from_checkpoint(document: Checkpoint) -> LiveState:
    """The state in a checkpoint."""
    state = LiveState()
    state.seq, state.head = document.seq, document.head
    for live in document.segments:
        segment = LiveSegment(live.entry, live.seq, live.order, live.rebased)
        state.segments.setdefault(live.entry.table, {})[live.entry.id] = segment
    state.packs = {object_names.stem(entry.id): entry for entry in document.packs}
    state.objects = {entry.name: entry for entry in document.objects}
    state.commits = {info.number: info for info in document.commits}
    state.journals = {proof.run: proof for proof in document.journals}
    state.forgotten = frozenset(document.forgotten)
    return state


def shown_backups(state: LiveState) -> list[SnapshotInfo]:
    """List the backups that were not forgotten, oldest first."""
    return [
        info
        for number, info in sorted(state.commits.items())
        if info.kind is CommitKind.BACKUP and number not in state.forgotten
    ]
