"""Rows of few changes wait for the end of their run, and are written then.

See ``add_few`` of the port ``Commit``.

The piece that a run keeps holds them sealed, under a key that is drawn for the run and lies in the vault
beside its intent. When the run ends the key is removed: whatever remembers the pieces has nothing of them.
"""

import base64
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from unlost.model.errors import Conflict, IntegrityError
from unlost.model.snapshot import Added, BufferedRows, SegmentEntry, TableCommit
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

HELD_ROWS = 1_000  # up to which a table's rows wait
HELD_BYTES = 1 << 20  # of text
RUN_BYTES = 64 << 20  # of memory that rows of a run take at most, with what they are sealed to
_KEY_BYTES = 32


class WriteBuffer:
    """The rows of one run that wait. Safe to share between threads.

    ``bundle_from``: of so many tables what waited is written as a bundle; of fewer as segments of their own.
    """

    def __init__(
        self, out: SegmentWriter, reader: SegmentReader, notes: OpenRun, *, bundle_from: int
    ) -> None:
        self._out = out
        self._reader = reader
        self._notes = notes
        self._bundle_from = bundle_from
        self._held: dict[str, BufferedSegment] = {}
        self._sealed: dict[str, BufferedRows] = {}
        self._written: dict[str, SegmentEntry] = {}
        self._bytes = 0
        self._key = b""
        self._lock = threading.Lock()
        self._recalling = threading.Lock()

    def write(
        self, rows: pa.Table, *, label: SegmentLabel, group_rows: int | None = None
    ) -> SegmentEntry:
        """Rows that are sorted by ``_u_id``, at least one; those that are few wait."""
        size = int(text_bytes(rows).sum()) if len(rows) <= HELD_ROWS else HELD_BYTES + 1
        if size > HELD_BYTES or not self._takes(max(size, rows.nbytes)):
            return self._out.write(rows, label=label, group_rows=group_rows)
        ident, segment = self._out.fresh(), BufferedSegment.of(rows.combine_chunks(), label)
        sealed = self._seal(ident, segment)
        self._count(len(sealed))
        return self._known(BufferedRows(ident, sealed), segment)

    def buffered(self, entries: Iterable[SegmentEntry]) -> tuple[BufferedRows, ...]:
        """What of these segments waits, for the piece that names them."""
        with self._lock:
            return tuple(self._sealed[entry.id] for entry in entries if entry.id in self._sealed)

    def recall(self, added: Iterable[Added]) -> list[SegmentEntry]:
        """Know what waits in pieces of an earlier process; the segments that were not known before.

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

    def settle(self, tables: Sequence[TableCommit]) -> Sequence[TableCommit]:
        """The same with all that waited written; durable when it returns. It may be asked again."""
        pieces = [added for commit in tables for added in commit.added]
        self.recall(pieces)
        idents = dict.fromkeys(each.id for added in pieces for each in added.buffered)
        waiting = [ident for ident in idents if ident not in self._written]
        self._written |= self._write_all(waiting)
        return [replace(commit, added=tuple(map(self._settled, commit.added))) for commit in tables]

    def release(self) -> None:
        """Forget the rows: they are written, or the run has come to nothing."""
        with self._lock:
            self._reader.release_all(self._out.prefix)
            self._held.clear()
            self._sealed.clear()
            self._bytes = 0

    def _takes(self, size: int) -> bool:
        with self._lock:
            if self._bytes + size > RUN_BYTES:
                return False
            self._bytes += size
            return True

    def _count(self, size: int) -> None:
        """What was taken needs more memory than was known."""
        with self._lock:
            self._bytes += size

    def _knows(self, rows: BufferedRows) -> bool:
        with self._lock:
            return rows.id in self._held

    def _known(self, rows: BufferedRows, segment: BufferedSegment) -> SegmentEntry:
        with self._lock:
            self._sealed[rows.id] = rows
            self._held[rows.id] = segment
            self._reader.hold(rows.id, segment)
        return segment.entry(rows.id)

    def _settled(self, added: Added) -> Added:
        """A piece that holds nothing."""
        if not added.buffered:
            return added
        entries = [self._written.get(entry.id, entry) for entry in added.segments]
        return replace(added, segments=tuple(dict.fromkeys(entries)), buffered=())

    def _write_all(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        """By the ids of what waited, the segments in which it lies now."""
        words = [ident for ident in waiting if self._held[ident].label.table == SEARCH]
        rest = [ident for ident in waiting if self._held[ident].label.table != SEARCH]
        return self._write_words(words) | self._write_rows(rest)

    def _write_words(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        """Words of all tables are one table: one segment, of each kind of label."""
        written: dict[str, SegmentEntry] = {}
        for label in dict.fromkeys(self._held[ident].label for ident in waiting):
            alike = [ident for ident in waiting if self._held[ident].label == label]
            rows = pa.concat_tables([self._held[ident].rows for ident in alike]).combine_chunks()
            rows = rows.take(pc.sort_indices(rows.column(U_ID)))
            entry = self._out.write(rows, label=label, group_rows=TOKEN_GROUP_ROWS)
            written |= dict.fromkeys(alike, entry)
        return written

    def _write_rows(self, waiting: Sequence[str]) -> dict[str, SegmentEntry]:
        tables = {self._held[ident].label.table for ident in waiting}
        if len(tables) >= self._bundle_from:
            pieces = [BundleEntry(ident, self._held[ident]) for ident in waiting]
            return {entry.id: entry for entry in write_bundles(self._out, pieces)}
        return {ident: self._write_alone(self._held[ident]) for ident in waiting}

    def _write_alone(self, segment: BufferedSegment) -> SegmentEntry:
        return self._out.write(segment.rows, label=segment.label)

    def _seal(self, ident: str, segment: BufferedSegment) -> str:
        sealed = seal(
            to_bytes(segment),
            place=self._place(ident),
            key=_key_of(self._run_key(), ident),
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
        except IntegrityError:  # under the key of a run of this name that is over
            raise self._given_up() from None
        return from_bytes(content)

    def _given_up(self) -> Conflict:
        return Conflict(
            "run-given-up",
            f"The run {self._notes.run} was given up by another process meanwhile.",
            next_step="Begin another run.",
        )

    def _place(self, ident: str) -> ObjectBinding:
        name = f"{object_names.run_key(self._out.org, self._notes.run)}/{ident}"
        return self._out.sealed.keys.place(ObjectKind.INTENT, org=self._out.org, name=name)

    def _known_key(self) -> bytes:
        """The key of the run; empty where the run is over."""
        with self._lock:
            self._key = self._key or self._notes.known_key()
            return self._key

    def _run_key(self) -> bytes:
        with self._lock:
            if not self._key:
                self._key = self._notes.key(self._out.sealed.entropy.bytes(_KEY_BYTES))
            return self._key


def _key_of(run_key: bytes, ident: str) -> bytes:
    """The key of what waits under an id: each seals one content."""
    return blake3(ident.encode(), key=run_key).digest()
