"""Buffer for rows of a bare table that arrive in any order; written to segments when it is full."""

from dataclasses import dataclass, field

import pyarrow as pa

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import BARE_FIELDS
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.rewrite.bare import once
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter

MOST_ROWS = 250_000  # that wait in memory


@dataclass(slots=True)
class RowBuffer:
    """Buffered rows of one bare table; ``entries`` is complete after ``close``."""

    out: SegmentWriter
    label: SegmentLabel
    reach: CommitRange
    entries: list[SegmentEntry] = field(default_factory=list)
    _waiting: list[pa.Table] = field(default_factory=list)
    _rows: int = 0

    def add(self, rows: pa.Table) -> None:
        """Add rows with the columns of the table."""
        if len(rows):
            self._waiting.append(rows)
            self._rows += len(rows)
        if self._rows > MOST_ROWS:
            self._write()

    def close(self) -> list[LiveSegment]:
        """Return all rows, as segments."""
        self._write()
        return [LiveSegment(entry, seq=0, order=at) for at, entry in enumerate(self.entries)]

    def _write(self) -> None:
        waiting_rows, self._waiting, self._rows = self._waiting, [], 0
        if waiting_rows:
            rows = once(waiting_rows, pa.schema(BARE_FIELDS[self.label.table]))
            stream = self.out.stream(self.label, reach=self.reach)
            stream.append(rows)
            self.entries.append(stream.close())
