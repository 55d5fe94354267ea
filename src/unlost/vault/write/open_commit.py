"""The open commit of one run: everything that a run adds until one step makes it visible.

    begin          runs/<run>          the intent: kind, base commit, prefix of segments
    put_schema     schemas/<id>        and a note of it beside the intent
    add            data/…              segments, compared with the base; big cells in packs/
    add_few        (in the piece)      few rows, sealed under the run's key, written at the end
    add_files      packs/…             bytes, and rows of ``$files``
    put_certificate  certs/<run>.<n>
    finish         commits/<number>    the commit protocol (``unlost.vault.write.finish``)

The methods that add return a piece (``Added``) that the run keeps and passes to ``finish``. After a
crash another process opens the same commit by the name of its run. It reads the intent and the
open_run, and finds the segments by their prefix, so that rows are compared with what the run wrote
before. Pieces that were never passed to ``finish`` are garbage, which a sweep removes.

See docs/adr/0001, docs/adr/0023 (erased data is refused) and docs/adr/0028 (``add_few``).
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import pyarrow as pa

from unlost.model.errors import UsageError
from unlost.model.ports.vault import IncomingFile
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Schema, WireKind
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.snapshot import (
    Added,
    Counts,
    Lineage,
    PackEntry,
    SegmentEntry,
    SnapshotInfo,
    TableCommit,
    Visibility,
)
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.manifest import RunIntent
from unlost.vault.format.physical import FILES, HIDDEN, HOLDS, LINEAGE, SUPPRESSED
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import is_named
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.layout.system_rows import system_rows, text_cells
from unlost.vault.objects.files import FileIntake, blob_rows
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.objects.segments import opens_under
from unlost.vault.read.assemble import SourceColumns
from unlost.vault.read.big_cells import BigCells
from unlost.vault.read.lineage import lineage_rows
from unlost.vault.read.org_vault import OrgVault, unknown_org
from unlost.vault.read.table_view import TableView
from unlost.vault.write.finish import CommitFinisher
from unlost.vault.write.suppression_filter import SuppressionFilter
from unlost.vault.write.table_writer import RowComparison, SegmentOutput, TableWriter
from unlost.vault.write.write_buffer import WriteBuffer

type _Mark = tuple[str, str | None, str | None]
"""A row of ``$hidden``: table, and a record or a column."""


class OpenCommit:
    """One run's commit. Safe to share between threads; see the port ``Commit``."""

    def __init__(
        self, org_vault: OrgVault, *, intent: RunIntent, open_run: OpenRun, resumed: bool
    ) -> None:
        self.run = intent.run
        self.number = org_vault.chain.live().seq + 1
        self._org_vault = org_vault
        self._intent = intent
        self._open_run = open_run
        self._out = SegmentWriter(
            org_vault.org, sealed=org_vault.sealed, prefix=intent.segment_prefix
        )
        self._buffer = WriteBuffer(
            self._out, org_vault.reader, open_run, bundle_from=org_vault.options.bundle_from
        )
        self._own = OwnSegments(org_vault, intent, open_run, resumed=resumed)
        self._schema = self._current_schema()
        self._suppression = SuppressionFilter(
            org_vault,
            base=intent.base,
            written_before=lambda: self._own.view(SUPPRESSED),
            writer=lambda: self._system_writer(SUPPRESSED),
            run=intent.run,
        )

    def put_schema(self, schema: Schema) -> str:
        """Set the schema for everything that is added from now on; returns its id."""
        ident = self._org_vault.schemas.put(schema, before=self._schema)
        self._open_run.note_schema(ident)
        self._schema = ident
        return ident

    def add(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """Write rows as segments, without rows that did not change; durable on return.

        Erased data is left out too. Raises UsageError if no schema was put, or if it lacks the
        table or a column.
        """
        return self._added(table, rows, carry=carry, out=self._out)

    def add_few(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """As ``add``; but if there are few rows, the piece itself contains them (``buffered``)."""
        added = self._added(table, rows, carry=carry, out=self._buffer)
        return replace(added, buffered=self._buffer.buffered(added.segments))

    def recall(self, added: Iterable[Added]) -> None:
        """Take over the rows buffered in pieces that an earlier process was given."""
        for entry in self._buffer.recall(added):
            self._own.note(entry)

    def _added(
        self,
        table: str,
        rows: Iterable[Rows],
        *,
        carry: Sequence[str],
        out: SegmentOutput,
    ) -> Added:
        ident, columns = self._columns(table, carry)
        writer = self._writer(columns, ident=ident, carry=carry, out=out)
        writer.take(self.admitted(table, row) for row in rows)
        packs, system = self._finish_packs(writer.big)
        return Added(
            table=table,
            segments=(*writer.segments, *system, *self._suppression.written()),
            packs=packs,
            counts=writer.counts,
            reuses=writer.big.writer.reused if writer.big.writer else (),
        )

    def admitted(self, table: str, rows: Rows) -> Rows:
        """The rows without erased records, and without rows that match an erased one.

        The ids of matching rows are on the suppression list from then on.
        """
        return self._suppression.admitted(table, rows)

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """The ids without the ids of erased records."""
        return self._suppression.admitted_ids(table, ids)

    def erased_count(self, table: str) -> int:
        """The number of erased records of a table."""
        return self._suppression.erased_count(table)

    def add_files(self, files: Iterable[IncomingFile]) -> Added:
        """Stream files into packs; a file that cannot be read becomes a finding."""
        intake = FileIntake(
            self._org_vault.pack_writer(until=self._intent.base),
            observed_at=self._org_vault.clock.now(),
        )
        writer = self._system_writer(FILES)
        writer.take(intake.rows(file for file in files if self._suppression.admits(file.ref)))
        return Added(
            table=FILES,
            segments=tuple(writer.segments),
            packs=intake.packs,
            files=intake.files,
            file_bytes=intake.file_bytes,
            findings=intake.findings,
            reuses=intake.reuses,
        )

    def mark(
        self,
        table: str,
        *,
        visibility: Visibility,
        records: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> Added:
        """Record that the reading user stopped or began to see these rows or columns."""
        seen = self.admitted_ids(table, pa.array(records, pa.string())).to_pylist()
        marks: list[_Mark] = [(table, record, None) for record in seen]
        marks += [(table, None, column) for column in columns]
        writer = self._system_writer(HIDDEN)
        if marks:
            op = Op.STATE if visibility is Visibility.HIDDEN else Op.PURGED
            writer.take([_mark_rows(marks, op=op, observed_at=self._org_vault.clock.now())])
        return Added(table=HIDDEN, segments=tuple(writer.segments))

    def lineage(self, rows: Sequence[Lineage]) -> Added:
        """Record which live record stands for which; pass the piece to ``finish`` under its table.

        Raises NotFound (``org-unknown``) if a target is not an org of this vault.
        """
        for target in {row.target for row in rows}:
            if not is_named(self._org_vault.sealed.store, target):
                raise unknown_org(target)
        writer = self._system_writer(LINEAGE)
        writer.take(lineage_rows(rows, observed_at=self._org_vault.clock.now()))
        return Added(table=LINEAGE, segments=tuple(writer.segments))

    def add_hold_rows(self, rows: Rows) -> Added:
        """Add rows of ``$holds``; pass the piece to ``finish`` under its table."""
        writer = self._system_writer(HOLDS)
        writer.take([rows])
        return Added(table=HOLDS, segments=tuple(writer.segments))

    def counts(self, table: str, added: Sequence[Added]) -> Counts:
        """The effect of these pieces on a table in this commit, as ``finish`` counts it."""
        # An earlier process may have buffered the rows of these pieces.
        self.recall(added)
        return self._finishing().counts(table, added)

    def put_certificate(self, certificate: Certificate) -> None:
        """Seal the run's certificate, as part of the commit."""
        self._open_run.put_certificate(certificate)

    def finish(
        self, tables: Sequence[TableCommit], *, as_of: datetime, partial: bool = False
    ) -> SnapshotInfo:
        """Commit everything in one step. Repeating it returns the same snapshot.

        ``partial``: no other table was read, and the manifest records that.
        """
        try:
            return self._finishing(partial=partial).run(tables, as_of=as_of, schema=self._schema)
        finally:
            self._buffer.release()  # another attempt has the rows in its pieces

    def abandon(self) -> None:
        """Remove the intent, and the key of buffered rows.

        If the run has not committed, everything that it wrote is garbage.
        """
        try:
            self._open_run.close()
        finally:
            self._buffer.release()

    def _finishing(self, *, partial: bool = False) -> CommitFinisher:
        return CommitFinisher(
            self._org_vault,
            self._intent,
            self._open_run,
            write_buffered=self._buffer.write_all,
            partial=partial,
        )

    def _current_schema(self) -> str:
        noted = self._open_run.schemas()
        if noted:
            return noted[-1]
        state = self._org_vault.chain.live()
        if not self._intent.base or self._intent.base not in state.commits:
            return SYSTEM_SCHEMA
        return self._org_vault.chain.manifest(self._intent.base)[0].schema

    def _columns(self, table: str, carry: Sequence[str]) -> tuple[str, SourceColumns]:
        ident = self._schema
        shape = self._org_vault.schemas.table(ident, table) if ident != SYSTEM_SCHEMA else None
        if shape is None:
            raise UsageError(
                "table-unknown",
                "The schema of this run has no table “{table}”.",
                next_step="Store the schema with which the rows were read before adding them.",
                table=table,
            )
        known = self._org_vault.schemas.known(ident, table)
        for name in carry:
            if name not in known:
                raise UsageError(
                    "column-unknown",
                    "“{table}” never had a column “{name}” to carry forward.",
                    table=table,
                    name=name,
                )
        cells = [c.name for c in shape.columns if c.kind is not WireKind.BINARY]
        return ident, SourceColumns(table, tuple(dict.fromkeys((*cells, *carry))), known)

    def _writer(
        self,
        columns: SourceColumns,
        *,
        ident: str,
        carry: Sequence[str],
        out: SegmentOutput,
    ) -> TableWriter:
        table = columns.table
        tokenizer = None
        if self._org_vault.options.search:
            tokenizer = self._org_vault.schemas.tokenizer(ident, table, names=columns.names)
        version = VERSION if tokenizer is not None else 0
        base = self._intent.base
        return TableWriter(
            columns=columns,
            carry=carry,
            label=SegmentLabel(table=table, schema=ident, base=base, tokenizer=version),
            out=out,
            against=RowComparison(
                base=self._org_vault.view(table, until=base),
                written_before=lambda: self._own.view(table),
            ),
            limit=self._org_vault.limit,
            big=BigCells(
                packs=lambda: self._org_vault.pack_writer(until=base),
                load=self._org_vault.load_blob(until=base),
            ),
            tokenizer=tokenizer,
            written=self._own.note,
        )

    def _system_writer(self, table: str) -> TableWriter:
        known = self._org_vault.schemas.known(SYSTEM_SCHEMA, table)
        columns = SourceColumns(table, tuple(known), known)
        return self._writer(columns, ident=SYSTEM_SCHEMA, carry=(), out=self._out)

    def _finish_packs(
        self, big: BigCells
    ) -> tuple[tuple[PackEntry, ...], tuple[SegmentEntry, ...]]:
        if big.writer is None:
            return (), ()
        packs = big.writer.finish()
        writer = self._system_writer(FILES)
        if big.new:
            writer.take([blob_rows(big.new, observed_at=self._org_vault.clock.now())])
        return packs, tuple(writer.segments)


class OwnSegments:
    """The segments that a run has written so far, in this process and in earlier ones."""

    def __init__(
        self, org_vault: OrgVault, intent: RunIntent, open_run: OpenRun, *, resumed: bool
    ) -> None:
        self._org_vault = org_vault
        self._intent = intent
        self._open_run = open_run
        self._entries: dict[str, list[SegmentEntry]] = {}
        self._found = not resumed  # a new run has written nothing before
        self._lock = threading.Lock()

    def note(self, entry: SegmentEntry) -> None:
        """Record a segment that was just written."""
        with self._lock:
            self._entries.setdefault(entry.table, []).append(entry)

    def view(self, table: str) -> TableView:
        """The run's own segments of a table."""
        with self._lock:
            if not self._found:
                self._find()
                self._found = True
            entries = tuple(self._entries.get(table, ()))
        live = [LiveSegment(entry, seq=0, order=order) for order, entry in enumerate(entries)]
        return TableView(table, live, self._org_vault.reading)

    def _find(self) -> None:
        """Look up the segments that an earlier process wrote for this run."""
        known = {entry.id for entries in self._entries.values() for entry in entries}
        for ident, size in self._open_run.written(self._intent.segment_prefix):
            if ident not in known:
                epoch = self._epoch(ident, size)
                entry = self._org_vault.reader.entry_from_store(ident, size=size, epoch=epoch)
                # Rows in bundles are known from the pieces that buffered them.
                if entry is not None:
                    self._entries.setdefault(entry.table, []).append(entry)

    def _epoch(self, ident: str, size: int) -> int:
        """The epoch of a segment: the run may have begun before a renewal of the keys."""
        sealed, org = self._org_vault.sealed, self._org_vault.org
        name, newest = object_names.segment(org, ident), sealed.keys.epoch(org)
        earlier = [epoch for epoch in sealed.keys.epochs(org) if epoch < newest]
        for epoch in reversed(earlier):
            if opens_under(sealed, org=org, name=name, size=size, epoch=epoch):
                return epoch
        return newest


def _mark_rows(marks: Sequence[_Mark], *, op: Op, observed_at: datetime) -> Rows:
    cells = None
    if op is Op.STATE:
        cells = text_cells(zip(*marks, strict=True), ("table", "record", "column"))
    ids = [msgspec.json.encode(mark).decode() for mark in marks]
    return system_rows(ids, observed_at=observed_at, op=op, cells=cells)
