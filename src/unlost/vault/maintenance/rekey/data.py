"""Resealing of segments and packs: the same rows and bytes under another key."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from unlost.model.errors import IntegrityError
from unlost.model.vault.rekeying import PIECE_BYTES
from unlost.model.vault.snapshot import PackEntry, SegmentEntry
from unlost.vault.commits.state import LiveSegment, objects_of
from unlost.vault.format.manifest import TablePart
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.maintenance.bundle_split import bundle_entry_of
from unlost.vault.objects.bundling import write_bundles
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault

_MARK_BYTES = 8


@dataclass(slots=True)
class ResealedData:
    """Segments and packs with their replacements; ``bytes``: the amount read for them."""

    segments: list[tuple[SegmentEntry, SegmentEntry]] = field(
        default_factory=list[tuple[SegmentEntry, SegmentEntry]]
    )
    packs: list[tuple[PackEntry, PackEntry]] = field(
        default_factory=list[tuple[PackEntry, PackEntry]]
    )
    bytes: int = 0

    def is_enough(self, size: int) -> bool:
        """Return true if a commit would become too large with so many bytes more."""
        return bool(self.objects) and self.bytes + size > PIECE_BYTES

    def add(self, old: SegmentEntry, new: SegmentEntry) -> None:
        """Add a resealed segment."""
        self.segments.append((old, new))
        self.bytes += old.own_bytes

    def add_pack(self, old: PackEntry, new: PackEntry) -> None:
        """Add a resealed pack."""
        self.packs.append((old, new))
        self.bytes += old.bytes

    @property
    def objects(self) -> int:
        """Number of segments and packs."""
        return len(self.segments) + len(self.packs)

    def parts(self) -> tuple[TablePart, ...]:
        """Return the parts for the manifest, by table.

        Entries at the same position of ``segments`` and ``removed`` belong together.
        """
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
        """Return the names of the objects that are no longer needed."""
        segments = objects_of((old for old, _ in self.segments), org=org)
        packs = (object_names.pack(org, old.id) for old, _ in self.packs)
        return (*(segment.name for segment in segments), *packs)


def new_mark(org_vault: OrgVault) -> str:
    """Return a random suffix, which makes the name of a resealed object unique."""
    return org_vault.sealed.entropy.bytes(_MARK_BYTES).hex()


def together(segments: Sequence[LiveSegment]) -> list[list[LiveSegment]]:
    """Group segments that are resealed together: all of one bundle, or a single one."""
    by_object: dict[str, list[LiveSegment]] = {}
    for live in segments:
        by_object.setdefault(live.entry.object, []).append(live)
    return list(by_object.values())


def seal_segments(
    org_vault: OrgVault, out: SegmentWriter, segments: Sequence[LiveSegment]
) -> list[SegmentEntry]:
    """Reseal segments of one group, and return the replacements in their order. Durable."""
    if not segments[0].entry.bundle:
        return [_seal_alone(org_vault, out, live) for live in segments]
    bundle_entries = [
        bundle_entry_of(org_vault, out, live, reach=_reach(live)) for live in segments
    ]
    by_id = {entry.id: entry for entry in write_bundles(out, bundle_entries)}
    new = [by_id[entry.ident] for entry in bundle_entries]
    for live, entry in zip(segments, new, strict=True):
        _check_same(org_vault, live.entry, entry)
    return new


def _reach(live: LiveSegment) -> CommitRange | None:
    """Return the commits of a merged segment.

    Any other one keeps its place in the order of segments, which shows the number of its commit.
    """
    return CommitRange(live.entry.first, live.entry.last) if live.merged else None


def _seal_alone(org_vault: OrgVault, out: SegmentWriter, live: LiveSegment) -> SegmentEntry:
    """Reseal a segment with the same row groups; memory is bounded by twice its size. Durable."""
    old = live.entry
    label, _ = org_vault.reader.facts(old)
    stream = out.stream(label, reach=_reach(live))
    for rows in org_vault.reader.groups(old):
        stream.append_group(rows)
    new = stream.close()
    _check_same(org_vault, old, new)
    return new


def _check_same(org_vault: OrgVault, old: SegmentEntry, new: SegmentEntry) -> None:
    # The earlier segment is removed later, so a difference must stop the rekey before it counts.
    if (new.rows, new.min_id, new.max_id) != (old.rows, old.min_id, old.max_id):
        raise IntegrityError(
            "rekey-differs",
            "“{segment}” does not contain the rows that its commit lists.",
            next_step="Run `unlost verify --level full`, then restore the object from a mirror "
            "of the vault.",
            segment=object_names.segment(org_vault.org, old.object),
        )


def seal_pack(org_vault: OrgVault, old: PackEntry) -> PackEntry:
    """Reseal a pack with the same content. Durable.

    Rows still refer to it by its original id, which is the stem of the new name.
    """
    content = org_vault.sealed.get(
        ObjectKind.PACK, org=org_vault.org, name=object_names.pack(org_vault.org, old.id)
    )
    ident = object_names.resealed(object_names.stem(old.id), new_mark(org_vault))
    written = org_vault.sealed.put_new(
        ObjectKind.PACK,
        org=org_vault.org,
        name=object_names.pack(org_vault.org, ident),
        content=content,
    )
    return replace(old, id=ident, bytes=written.bytes, blake3=written.blake3, epoch=written.epoch)
