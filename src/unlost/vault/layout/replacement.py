"""What became of a table's segments in a commit that writes some of them again."""

from dataclasses import dataclass

from unlost.model.snapshot import SegmentEntry
from unlost.vault.format.manifest import TablePart


@dataclass(frozen=True, slots=True)
class ReplacedSegments:
    """Segments of a table that are live no more, those in their place, what was written on the way."""

    old: tuple[SegmentEntry, ...]
    new: tuple[SegmentEntry, ...]
    between: tuple[SegmentEntry, ...] = ()

    @property
    def part(self) -> TablePart:
        """As the manifest tells it."""
        removed = tuple(entry.id for entry in self.old)
        return TablePart(table=(*self.old, *self.new)[0].table, segments=self.new, removed=removed)
