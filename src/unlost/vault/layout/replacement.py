"""The segments of a table that a commit replaces, and their replacements."""

from dataclasses import dataclass

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format.manifest import TablePart


@dataclass(frozen=True, slots=True)
class ReplacedSegments:
    """The segments that are no longer live, their replacements, and intermediate segments."""

    old: tuple[SegmentEntry, ...]
    new: tuple[SegmentEntry, ...]
    between: tuple[SegmentEntry, ...] = ()

    @property
    def part(self) -> TablePart:
        """The table's part of the manifest."""
        removed = tuple(entry.id for entry in self.old)
        return TablePart(table=(*self.old, *self.new)[0].table, segments=self.new, removed=removed)
