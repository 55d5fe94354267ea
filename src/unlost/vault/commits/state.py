"""What is live in an org's chain after a commit: folded from manifests, or from a checkpoint."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from blake3 import blake3

from unlost.model.snapshot import CommitKind, PackEntry, SegmentEntry, SnapshotInfo
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

# Commits behind which nothing of what they took out may be left, nor come in.
REMOVING = frozenset({CommitKind.ERASE, CommitKind.RECTIFY})


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment that is live: the commit that added it, and its place among that commit's own.

    A merged segment holds versions of the commits ``first`` to ``last``, and stands in their place.
    """

    entry: SegmentEntry
    seq: int
    order: int
    rebased: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Of two versions of a record the one in the segment of higher rank is newer."""
        return (self.last, self.order)

    @property
    def merged(self) -> bool:
        """True if it was put together from others."""
        return bool(self.entry.last)

    @property
    def first(self) -> int:
        """The oldest commit of which it may hold a version."""
        return self.entry.first or self.seq

    @property
    def last(self) -> int:
        """The newest one."""
        return self.entry.last or self.seq


class LiveState:
    """All live objects after a commit. Treated as a value once it is handed out.

    ``packs`` are by the ids that rows of ``$files`` name; a pack that was sealed anew has another one.
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
        """A state that can be carried on without touching this one."""
        other = LiveState()
        other.seq, other.head = self.seq, self.head
        other.segments = {table: dict(segments) for table, segments in self.segments.items()}
        other.packs = dict(self.packs)
        other.objects = dict(self.objects)
        other.commits = dict(self.commits)
        other.journals = dict(self.journals)
        other.forgotten = self.forgotten
        return other

    def apply(self, manifest: Manifest, *, head: str) -> None:
        """Carry the state on by one commit."""
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
        """Each segment takes the place of the one that was removed at the same place."""
        segments = self.segments.get(part.table, {})
        for ident, entry in zip(part.removed, part.segments, strict=False):
            before = segments.pop(ident, None)
            if before is not None:
                segments[entry.id] = replace(before, entry=entry)

    def pack_id(self, pack: str) -> str:
        """The id under which a pack lies now, by the one that rows of ``$files`` name."""
        pack_entry = self.packs.get(pack)
        return pack_entry.id if pack_entry is not None else pack

    def entries(self) -> Iterator[SegmentEntry]:
        """All live segments as manifests name them."""
        for segment in self.segments.values():
            for live in segment.values():
                yield live.entry

    def of(self, table: str, *, until: int) -> list[LiveSegment]:
        """The table's segments with versions of commits up to ``until``, oldest first.

        Merged ones may have newer versions too.
        """
        segments = self.segments.get(table, {}).values()
        return sorted(
            (live for live in segments if live.first <= until), key=lambda live: live.rank
        )

    def tables(self, *, until: int) -> list[str]:
        """Names of the tables that have a segment at ``until``, system tables too."""
        return sorted(
            table
            for table, segments in self.segments.items()
            if any(live.first <= until for live in segments.values())
        )


def _recertified(
    commits: Mapping[int, SnapshotInfo], names: Mapping[str, str | None]
) -> dict[int, SnapshotInfo]:
    """Commits with the names that their certificates have now; None for one that nothing stands in place of."""
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


def live_objects(state: LiveState, *, org: str) -> Iterator[ObjectEntry]:
    """Every object that must be there, but keys and manifests: segments, sidecars, packs, others."""
    yield from objects_of(state.entries(), org=org)
    for pack in state.packs.values():
        yield ObjectEntry(object_names.pack(org, pack.id), pack.bytes, pack.blake3)
    yield from state.objects.values()


def segment_objects(entry: SegmentEntry, *, org: str) -> Iterator[ObjectEntry]:
    """A segment's objects: that with its rows, and its sidecar where that does not stand in the manifest."""
    yield ObjectEntry(object_names.segment(org, entry.object), entry.bytes, entry.blake3)
    if not entry.sidecar:
        yield ObjectEntry(
            object_names.sidecar(org, entry.id), entry.sidecar_bytes, entry.sidecar_blake3
        )


def objects_of(entries: Iterable[SegmentEntry], *, org: str) -> Iterator[ObjectEntry]:
    """The objects of segments, each once: many may lie in one."""
    names: set[str] = set()
    for entry in entries:
        if entry.bundle not in names:
            yield from segment_objects(entry, org=org)
        if entry.bundle:
            names.add(entry.bundle)


def unneeded_objects(
    state: LiveState, gone: Iterable[SegmentEntry], *, org: str
) -> Iterator[ObjectEntry]:
    """The objects that nobody needs once these segments are live no more."""
    going = {entry.id: entry for entry in gone}
    staying = {entry.bundle for entry in state.entries() if entry.id not in going} - {""}
    alone = (entry for entry in going.values() if entry.bundle not in staying)
    yield from objects_of(alone, org=org)


def live_root(state: LiveState, *, org: str) -> str:
    """What proves all that is live.

    Blake3 (hex) of one line an object in the order of their names' bytes: name, a space, blake3 of
    the object in hex, a line feed. A journal has one line: its folder and its root.
    """
    named = [(entry.name, entry.blake3) for entry in live_objects(state, org=org)]
    named += [
        (object_names.journal(org, proof.run), proof.root) for proof in state.journals.values()
    ]
    lines = sorted(f"{name} {digest}\n".encode() for name, digest in named)
    return blake3(b"".join(lines)).hexdigest()


def to_checkpoint(state: LiveState) -> Checkpoint:
    """The state as a document."""
    return Checkpoint(
        format=numbers.FORMAT,
        seq=state.seq,
        head=state.head,
        segments=tuple(
            LiveEntry(live.entry, live.seq, live.order, live.rebased)
            for segment in state.segments.values()
            for live in segment.values()
        ),
        packs=tuple(state.packs.values()),
        objects=tuple(state.objects.values()),
        commits=tuple(state.commits.values()),
        journals=tuple(state.journals.values()),
        forgotten=tuple(sorted(state.forgotten)),
    )


def from_checkpoint(document: Checkpoint) -> LiveState:
    """The way back."""
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
