"""The place of a segment's rows in a bundle, an object shared by segments of several tables.

    bundle  ┌ row group 0 ───────────────────────┬ row group 1 ──┐
            │ Account 0–39 │ Contact 40–99 │ …   │ Case …        │
                             └ ``entry.at`` = 40, ``entry.rows`` = 60

See docs/adr/0028.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.layout.segment_label import SegmentLabel, parts_of


def rows_in(
    file: pq.ParquetFile,
    entry: SegmentEntry,
    groups: Sequence[int],
    columns: Sequence[str],
    *,
    threads: bool,
) -> pa.Table:
    """Columns of row groups of a segment. In a bundle, a segment is part of one row group.

    Raises IntegrityError (``bundle-disagrees``).
    """
    wanted = list(columns)
    if not entry.bundle:
        return file.read_row_groups(list(groups), columns=wanted, use_threads=threads)
    group, start = row_group_of(file.metadata, entry)
    rows = file.read_row_groups([group], columns=wanted, use_threads=threads)
    count = entry.rows if groups else 0
    return rows.take(
        pa.array(np.arange(start, start + count))
    )  # a slice would keep the whole group in memory


def facts_in(metadata: pq.FileMetaData, entry: SegmentEntry) -> tuple[SegmentLabel, frozenset[str]]:
    """The label of a segment in a bundle, and its physical columns; raises IntegrityError."""
    parts = parts_of(metadata.metadata or {})
    begins = [0, *accumulate(part.rows for part in parts)]
    bundle_part = dict(zip(begins, parts, strict=False)).get(entry.at)
    if bundle_part is None or (bundle_part.table, bundle_part.rows) != (entry.table, entry.rows):
        raise _disagrees(entry)
    fact_names = (
        name for name in metadata.schema.to_arrow_schema().names if name.startswith("_u_")
    )
    return bundle_part.label, frozenset((*fact_names, *bundle_part.present))


def row_group_of(metadata: pq.FileMetaData, entry: SegmentEntry) -> tuple[int, int]:
    """The row group that contains a segment, and the segment's first row in it."""
    begin = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if begin <= entry.at and entry.at + entry.rows <= begin + rows:
            return group, entry.at - begin
        begin += rows
    raise _disagrees(entry)


def _disagrees(entry: SegmentEntry) -> IntegrityError:
    return IntegrityError(
        "bundle-disagrees",
        "The bundle {bundle} does not have the rows of {table} that the manifest lists.",
        next_step="Run `unlost verify --level deep`, then restore the object from a mirror of the vault.",
        bundle=entry.bundle[:12],
        table=entry.table,
    )
