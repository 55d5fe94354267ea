"""Segments and packs sealed anew: the same rows and the same bytes, under another key."""

from dataclasses import dataclass, field, replace

from unlost.model.errors import IntegrityError
from unlost.model.rekeying import PIECE_BYTES
from unlost.model.snapshot import PackEntry, SegmentEntry
from unlost.vault import places
from unlost.vault.format.manifest import TablePart
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.room import OrgRoom
from unlost.vault.segmentwriter import Reach, SegmentWriter
from unlost.vault.state import LiveSegment, segment_objects

_MARK_BYTES = 8


@dataclass(slots=True)
class SealedAnew:
    """Segments and packs with those that stand in their place; ``bytes`` is what was read for it."""

    segments: list[tuple[SegmentEntry, SegmentEntry]] = field(
        default_factory=list[tuple[SegmentEntry, SegmentEntry]]
    )
    packs: list[tuple[PackEntry, PackEntry]] = field(
        default_factory=list[tuple[PackEntry, PackEntry]]
    )
    bytes: int = 0

    def is_enough(self, size: int) -> bool:
        """True if one commit has as much as it should before so many bytes more."""
        return bool(self.objects) and self.bytes + size > PIECE_BYTES

    def took(self, old: SegmentEntry, new: SegmentEntry) -> None:
        """Note a segment."""
        self.segments.append((old, new))
        self.bytes += old.bytes

    def took_pack(self, old: PackEntry, new: PackEntry) -> None:
        """Note a pack."""
        self.packs.append((old, new))
        self.bytes += old.bytes

    @property
    def objects(self) -> int:
        """How many."""
        return len(self.segments) + len(self.packs)

    def parts(self) -> tuple[TablePart, ...]:
        """By table, as the manifest tells it: what stands at one place in both lists belongs together."""
        by_table: dict[str, list[tuple[SegmentEntry, SegmentEntry]]] = {}
        for pair in self.segments:
            by_table.setdefault(pair[0].table, []).append(pair)
        return tuple(
            TablePart(
                table=table,
                segments=tuple(new for _, new in pairs),
                removed=tuple(old.id for old, _ in pairs),
            )
            for table, pairs in sorted(by_table.items())
        )

    def replaced(self, org: str) -> tuple[str, ...]:
        """The names of all objects that nothing needs any more."""
        segments = (one for old, _ in self.segments for one in segment_objects(old, org=org))
        packs = (places.pack(org, old.id) for old, _ in self.packs)
        return (*(one.name for one in segments), *packs)


def new_mark(room: OrgRoom) -> str:
    """What makes the name of an object that is sealed anew its own."""
    return room.sealed.entropy.bytes(_MARK_BYTES).hex()


def seal_segment(room: OrgRoom, out: SegmentWriter, live: LiveSegment) -> SegmentEntry:
    """A segment with the same row groups; memory is bounded by twice its size. Durable."""
    old = live.entry
    label, _ = room.reader.facts(old)
    stream = out.stream(label, reach=Reach(old.first, old.last) if live.merged else None)
    for rows in room.reader.groups(old):
        stream.append_group(rows)
    new = stream.close()
    if (new.rows, new.min_id, new.max_id) != (old.rows, old.min_id, old.max_id):
        raise IntegrityError(
            "rekey-differs",
            f"“{places.segment(room.org, old.id)}” does not hold the rows that its commit tells.",
            next_step="Run unlost verify --level full, and bring the object back from a copy.",
        )
    return new


def seal_pack(room: OrgRoom, old: PackEntry) -> PackEntry:
    """A pack with the same content. Others know it by the id that it always had. Durable."""
    content = room.sealed.get(ObjectKind.PACK, org=room.org, name=places.pack(room.org, old.id))
    ident = places.resealed(places.stem(old.id), new_mark(room))
    written = room.sealed.put_new(
        ObjectKind.PACK, org=room.org, name=places.pack(room.org, ident), content=content
    )
    return replace(old, id=ident, bytes=written.bytes, blake3=written.blake3, epoch=written.epoch)
