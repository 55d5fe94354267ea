"""The write buffer: tables with few changed rows keep them until the end of their run.

Writing so few rows as segments would cost more than the rows (docs/adr/0028), so they are collected
and written as bundles in ``write_all``. Until then they must survive a crash of the process:

    add_few ─> rows ─┬─ in memory: read like a segment, for comparison     (``SegmentReader``)
                     └─ sealed in the piece (``BufferedRows``), which the run stores as its result
    crash    ─> another process gets the pieces back and opens them        (``recall``)
    finish   ─> ``write_all`` writes all of them, as bundles or as segments
    the end  ─> the run's key in the vault, beside its intent, is removed

The pieces may stay in the database of the job engine for long. They are sealed under a key that is
drawn for the run. Once the key is removed, they cannot be read.
"""

import base64
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from unlost.model.errors import Conflict, IntegrityError
from unlost.model.vault.snapshot import Added, BufferedRows, SegmentEntry, TableCommit
from unlost.vault.commits.intents import OpenRun
from unlost.vault.format.physical import SEARCH, U_ID
from unlost.vault.format.sealed import KIB64, ObjectBinding, ObjectKind, seal, unseal
from unlost.vault.layout import object_names
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.objects.buffered_rows import BufferedSegment, from_bytes, to_bytes
from unlost.vault.objects.bundling import BundleEntry, write_bundles
from unlost.vault.objects.segment_writer import SegmentWriter, text_bytes
from unlost.vault.objects.segments import SegmentReader
from unlost.vault.write.table_writer import TOKEN_GROUP_ROWS

BUFFERED_ROWS = 1_000  # rows of a table; more are written immediately
BUFFERED_BYTES = 1 << 20  # of text
RUN_BYTES = 64 << 20  # of memory for all rows of a run, with their sealed form
_KEY_BYTES = 32


class WriteBuffer:
    """The buffered rows of one run. Safe to share between threads.

    ``bundle_from``: rows of this many tables or more are written as bundles; of fewer, as segments.
    """

    def __init__(
        self, out: SegmentWriter, reader: SegmentReader, open_run: OpenRun, *, bundle_from: int
    ) -> None:
        self._out = out
        self._reader = reader
        self._open_run = open_run
        self._bundle_from = bundle_from
        self._buffered: dict[str, BufferedSegment] = {}
        self._sealed: dict[str, BufferedRows] = {}
        self._written: dict[str, SegmentEntry] = {}
        self._bytes = 0
        self._key = b""
        self._lock = threading.Lock()
        self._recalling = threading.Lock()

    def write(
        self, rows: pa.Table, *, label: SegmentLabel, group_rows: int | None = None
    ) -> SegmentEntry:
        """Write rows that are sorted by ``_u_id``, at least one; buffer them if they are few."""
        size = int(text_bytes(rows).sum()) if len(rows) <= BUFFERED_ROWS else BUFFERED_BYTES + 1
        if size > BUFFERED_BYTES or not self._takes(max(size, rows.nbytes)):
            return self._out.write(rows, label=label, group_rows=group_rows)
        ident, segment = self._out.fresh(), BufferedSegment.of(rows.combine_chunks(), label)
        sealed = self._seal(ident, segment)
        self._count(len(sealed))
        return self._known(BufferedRows(ident, sealed), segment)

    def buffered(self, entries: Iterable[SegmentEntry]) -> tuple[BufferedRows, ...]:
        """The buffered rows of these segments, for the piece that names them."""
        with self._lock:
            return tuple(self._sealed[entry.id] for entry in entries if entry.id in self._sealed)

    def recall(self, added: Iterable[Added]) -> list[SegmentEntry]:
        """Take over the rows in pieces of an earlier process; returns the segments that are new.

        Raises Conflict (``run-given-up``), IntegrityError.
        """
        with self._recalling:
            pieces = [
                (piece, each) for piece in added for each in piece.buffered if not self._knows(each)
            ]
            fresh = []
            for added_piece, each in pieces:
                segment = self._open(each)
                self._count(max(segment.size, segment.rows.nbytes) + len(each.sealed))
                self._known(each, segment)
                fresh += [entry for entry in added_piece.segments if entry.id == each.id]
        return fresh

    def write_all(self, tables: Sequence[TableCommit]) -> Sequence[TableCommit]:
        """The tables with all buffered rows written; durable on return. It can be repeated."""
        pieces = [added for commit in tables for added in commit.added]
        self.recall(pieces)
        idents = dict.fromkeys(each.id for added in pieces for each in added.buffered)
        # It is repeated when another run wins a number: rows must not be written twice.
        waiting = [ident for ident in idents if ident not in self._written]
        self._written |= self._write_waiting(waiting)
        return [
            replace(commit, added=tuple(map(self._without_buffered, commit.added)))
            for commit in tables
        ]

    def release(self) -> None:
        """Drop the rows: they are written, or the run has failed."""
        with self._lock:
            self._reader.release_all(self._out.prefix)
            self._buffered.clear()
            self._sealed.clear()
            self._bytes = 0

    def _takes(self, size: int) -> bool:
        with self._lock:
            if self._bytes + size > RUN_BYTES:
                return False
            self._bytes += size
            return True

    def _count(self, size: int) -> None:
        """Count memory that was not included in the estimate."""
        with self._lock:
            self._bytes += size

    def _knows(self, rows: BufferedRows) -> bool:
        with self._lock:
            return rows.id in self._buffered

    def _known(self, rows: BufferedRows, segment: BufferedSegment) -> SegmentEntry:
        with self._lock:
            self._sealed[rows.id] = rows
            self._buffered[rows.id] = segment
            self._reader.read_from_buffer(rows.id, segment)
        return segment.entry(rows.id)

    def _without_buffered(self, added: Added) -> Added:
        """The piece without buffered rows."""
        if not added.buffered:
            return added
        entries = [self._written.get(entry.id, entry) for entry in added.segments]
        return replace(added, segments=tuple(dict.fromkeys(entries)), buffered=())

    def _write_waiting(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        """The segments that now contain the buffered rows, by the ids of the buffered segments."""
        words = [ident for ident in waiting if self._buffered[ident].label.table == SEARCH]
        rest = [ident for ident in waiting if self._buffered[ident].label.table != SEARCH]
        return self._write_words(words) | self._write_rows(rest)

    def _write_words(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        """Write the tokens of all tables, which are one table: one segment for each label."""
        written: dict[str, SegmentEntry] = {}
        for label in dict.fromkeys(self._buffered[ident].label for ident in waiting):
            alike = [ident for ident in waiting if self._buffered[ident].label == label]
            rows = pa.concat_tables(
                [self._buffered[ident].rows for ident in alike]
            ).combine_chunks()
            rows = rows.take(pc.sort_indices(rows.column(U_ID)))
            entry = self._out.write(rows, label=label, group_rows=TOKEN_GROUP_ROWS)
            written |= dict.fromkeys(alike, entry)
        return written

    def _write_rows(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        tables = {self._buffered[ident].label.table for ident in waiting}
        if len(tables) >= self._bundle_from:
            entries = [BundleEntry(ident, self._buffered[ident]) for ident in waiting]
            return {entry.id: entry for entry in write_bundles(self._out, entries)}
        return {ident: self._write_alone(self._buffered[ident]) for ident in waiting}

    def _write_alone(self, segment: BufferedSegment) -> SegmentEntry:
        return self._out.write(segment.rows, label=segment.label)

    def _seal(self, ident: str, segment: BufferedSegment) -> str:
        sealed = seal(
            to_bytes(segment),
            place=self._place(ident),
            key=_key_of(self._run_key(), ident),
            # The key is drawn for the run and does not come from an org key.
            epoch=0,
            entropy=self._out.sealed.entropy,
            power=KIB64,
        )
        return base64.b64encode(sealed).decode()

    def _open(self, rows: BufferedRows) -> BufferedSegment:
        sealed, key = base64.b64decode(rows.sealed), self._known_key()
        if not key:
            raise self._given_up()
        try:
            content = unseal(sealed, place=self._place(rows.id), key=_key_of(key, rows.id))
        except IntegrityError:  # sealed under the key of an earlier run of this name
            raise self._given_up() from None
        return from_bytes(content)

    def _given_up(self) -> Conflict:
        return Conflict(
            "run-given-up",
            "Another process has marked the run {run} as abandoned.",
            next_step="Start a new run.",
            run=self._open_run.run,
        )

    def _place(self, ident: str) -> ObjectBinding:
        name = f"{object_names.run_key(self._out.org, self._open_run.run)}/{ident}"
        return self._out.sealed.keys.place(ObjectKind.INTENT, org=self._out.org, name=name)

    def _known_key(self) -> bytes:
        """The key of the run; empty if the run is over."""
        with self._lock:
            self._key = self._key or self._open_run.known_key()
            return self._key

    def _run_key(self) -> bytes:
        with self._lock:
            if not self._key:
                self._key = self._open_run.key(self._out.sealed.entropy.bytes(_KEY_BYTES))
            return self._key


def _key_of(run_key: bytes, ident: str) -> bytes:
    """The key of one buffered segment: each key seals one content."""
    return blake3(ident.encode(), key=run_key).digest()
