"""Entries of the suppression list (``$suppressed``), written as a segment of an erasure."""

from collections.abc import Collection, Sequence

import pyarrow as pa

from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import SUPPRESSED
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.assemble import SourceColumns
from unlost.vault.read.big_cells import BigCells
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.write.suppression_list import (
    Pseudonymizer,
    SuppressionList,
    SuppressionMark,
    hit_ids,
    mark_rows,
    marks_in,
)
from unlost.vault.write.table_writer import RowComparison, TableWriter


def unlisted(
    org_vault: OrgVault, state: LiveState, marks: Sequence[SuppressionMark]
) -> tuple[SuppressionMark, ...]:
    """Return the entries that are not on the list yet."""
    listed = org_vault.view(SUPPRESSED, until=state.seq, state=state)
    known = {mark.pseudonym for mark in marks_in(listed)}
    return tuple(mark for mark in marks if mark.pseudonym not in known)


def erased_among(org_vault: OrgVault, records: Collection[RecordKey]) -> frozenset[RecordKey]:
    """Return the records that are on the suppression list."""
    state = org_vault.chain.live()
    marks = marks_in(org_vault.view(SUPPRESSED, until=state.seq, state=state))
    listed = SuppressionList.of(Pseudonymizer(org_vault.sealed.keys, org_vault.org), marks)
    erased_keys: set[RecordKey] = set()
    for table in {key.table for key in records}:
        if listed.touches(table):
            ids = pa.array([key.record for key in records if key.table == table], pa.string())
            erased_keys |= {
                RecordKey(table, hit_id) for hit_id in hit_ids(ids, listed.records(table, ids))
            }
    return frozenset(erased_keys)


def write_marks(
    org_vault: OrgVault, state: LiveState, out: SegmentWriter, marks: Sequence[SuppressionMark]
) -> tuple[SegmentEntry, ...]:
    """Add entries to the list; durable when it returns."""
    known = org_vault.schemas.known(SYSTEM_SCHEMA, SUPPRESSED)
    writer = TableWriter(
        columns=SourceColumns(SUPPRESSED, tuple(known), known),
        carry=(),
        label=SegmentLabel(table=SUPPRESSED, schema=SYSTEM_SCHEMA, base=state.seq),
        out=out,
        against=RowComparison(
            base=org_vault.view(SUPPRESSED, until=state.seq, state=state),
            # Nothing was written before: each erasure adds all of its entries in one call.
            written_before=lambda: TableView(SUPPRESSED, (), org_vault.reading),
        ),
        limit=org_vault.limit,
        big=BigCells(
            packs=lambda: org_vault.pack_writer(until=state.seq),
            load=org_vault.load_blob(until=state.seq),
        ),
    )
    writer.take([mark_rows(marks, observed_at=org_vault.clock.now())] if marks else [])
    return tuple(writer.segments)
