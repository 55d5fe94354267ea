"""Reading the rest of a damaged segment: each column of each row group separately.

Every page of a segment is authenticated separately, so that a read returns what was written, or
nothing. See docs/adr/0032.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlost.model.errors import IntegrityError, StoreError, UsageError
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import by_number, is_physical
from unlost.vault.format.sidecar import Sidecar
from unlost.vault.layout import object_names
from unlost.vault.layout.bundle import facts_in, row_group_of
from unlost.vault.layout.segment_label import SegmentShape, label_of
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.stores.unread import device_failed, is_lost, unread


@dataclass(frozen=True, slots=True)
class RowSpan:
    """Rows of a segment in one row group of its object, beginning at its row ``start``."""

    group: int
    start: int
    rows: int


class RemainingChunks:
    """An object with a readable footer, seen from one of its segments."""

    def __init__(self, file: pq.ParquetFile, live: LiveSegment, *, org_vault: OrgVault) -> None:
        self._file = file
        self._org_vault = org_vault
        self.live = live
        metadata = file.metadata
        if live.entry.bundle:
            self.label, self.present = facts_in(metadata, live.entry)
            group, start = row_group_of(metadata, live.entry)
            self.spans = [RowSpan(group, start, live.entry.rows)]
        else:
            self.label = label_of(metadata.metadata or {})
            self.present = frozenset(file.schema_arrow.names)
            counts = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
            self.spans = [RowSpan(group, 0, count) for group, count in enumerate(counts)]

    @property
    def cells(self) -> list[str]:
        """Its stored source columns, sorted by number."""
        return by_number(name for name in self.present if is_physical(name))

    @property
    def shapes(self) -> tuple[SegmentShape, ...]:
        """The shapes of its rows; an unmerged segment has one."""
        return self.label.all_shapes(tuple(sorted(self.cells)))

    def _rows(self, file: pq.ParquetFile, span: RowSpan, name: str) -> pa.Table | None:
        """Read a column of the row group; None if its bytes are not what was written."""
        try:
            rows = file.read_row_group(span.group, columns=[name], use_threads=False)
        except pa.ArrowException:
            return None
        except OSError as error:
            if is_lost(error):
                return None
            raise unread(
                object_names.segment(self._org_vault.org, self.live.entry.object), error
            ) from error
        return rows if len(rows) >= span.start + span.rows else None

    def read(self, span: RowSpan, name: str) -> pa.Array | None:
        """Read a column of some rows; None if that fails twice.

        Raises StoreError if it cannot be read at the moment.
        """
        rows = self._rows(self._file, span, name)
        if rows is None:
            with suppress(IntegrityError), self._org_vault.reader.opened(self.live.entry) as anew:
                rows = self._rows(anew, span, name)
        if rows is None:
            return None
        column = rows.column(name).combine_chunks()
        if len(column) == span.rows:
            return column
        return column.take(pa.array(np.arange(span.start, span.start + span.rows)))


@contextmanager
def open_remaining(org_vault: OrgVault, live: LiveSegment) -> Iterator[RemainingChunks | None]:
    """Open the rest of a segment; None if its object or its footer is lost.

    Raises StoreError if it cannot be read at the moment.
    """
    name = object_names.segment(org_vault.org, live.entry.object)
    with ExitStack() as stack:
        file = None
        if org_vault.sealed.store.size(name) == live.entry.bytes:
            # Twice: bytes that were corrupted in transit are right at the second attempt.
            file = _opened(org_vault, live, stack) or _opened(org_vault, live, stack)
        yield None if file is None else RemainingChunks(file, live, org_vault=org_vault)


def _opened(org_vault: OrgVault, live: LiveSegment, stack: ExitStack) -> pq.ParquetFile | None:
    try:
        return stack.enter_context(org_vault.reader.opened(live.entry))
    except IntegrityError:
        return None


def sidecar_of(org_vault: OrgVault, live: LiveSegment) -> Sidecar | None:
    """Read the sidecar with the bounds of row groups; None if it is damaged too.

    Raises StoreError if it cannot be read at the moment.
    """
    try:
        return org_vault.reader.sidecar(live.entry)
    except (IntegrityError, UsageError):  # a wrong bit may look like a newer format
        return None
    except StoreError as error:
        if device_failed(error):
            return None
        raise


def span_of_ids(sidecar: Sidecar | None, live: LiveSegment, number: int) -> tuple[str, str]:
    """Return the lowest and highest possible id in one row group of a segment."""
    entry = live.entry
    if sidecar is None or number >= len(sidecar.fences):
        return entry.min_id, entry.max_id
    following = sidecar.fences[number + 1 : number + 2]
    return sidecar.fences[number].first, following[0].first if following else entry.max_id
