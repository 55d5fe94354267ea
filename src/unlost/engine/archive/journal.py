"""The journal of an archive run: JSON entries, each durable before the next step.

  0  ArchiveOpened    the policy, the backup with the copy, and a digest of all ids
  1  BatchAnnounced   batch 0: the records that stay after all
  2  BatchEnded       batch 0: the records that the org refused to delete
  3  BatchAnnounced   batch 1 …
     (crash)          the records of batch 1 are deleted again: those that are gone are done
  4  BatchEnded       batch 1
  5  ArchiveClosed    only the commit follows

Which records are in a batch follows from the policy and the backup, so that no ids of those that go
stand here. From its announcement on, the records of a batch count as archived.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

import msgspec

from unlost.model.archive import ArchivePolicy, StayReason
from unlost.model.decoders import TypeDecoder, decoder_for
from unlost.model.errors import Conflict
from unlost.model.ports.vault import Journal


class RecordStayed(msgspec.Struct, frozen=True):
    """A record of a batch that stays in the org, and why."""

    table: str
    record: str
    reason: StayReason
    sentence: str = ""


class ArchiveOpened(msgspec.Struct, frozen=True, tag="opened"):
    """The run begins. ``at``: the source's clock; ``now``: the time by which ages are counted."""

    run: str
    policy: ArchivePolicy
    backup: int
    at: datetime
    now: datetime
    at_a_time: int
    records: Mapping[str, int]
    digest: str


class BatchAnnounced(msgspec.Struct, frozen=True, tag="announced"):
    """The records of a batch are deleted now, except those that stay."""

    batch: int
    stayed: tuple[RecordStayed, ...] = ()


class BatchEnded(msgspec.Struct, frozen=True, tag="ended"):
    """All other records of the batch are gone."""

    batch: int
    stayed: tuple[RecordStayed, ...] = ()


class ArchiveClosed(msgspec.Struct, frozen=True, tag="closed"):
    """All batches ended; the number of archived records by table."""

    records: Mapping[str, int]


type ArchiveEntry = ArchiveOpened | BatchAnnounced | BatchEnded | ArchiveClosed


def encode(entry: ArchiveEntry) -> bytes:
    """An entry as JSON."""
    return msgspec.json.encode(entry)


def decode(payload: bytes) -> ArchiveEntry:
    """Read an entry; raises msgspec.MsgspecError."""
    decoder = cast("TypeDecoder[ArchiveEntry]", decoder_for(cast("type", ArchiveEntry.__value__)))
    return decoder.decode(payload)


class ArchiveLog:
    """The journal, and the state that follows from its entries."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.opened: ArchiveOpened | None = None
        self.closed: ArchiveClosed | None = None
        self.announced: dict[int, BatchAnnounced] = {}
        self.ended: dict[int, BatchEnded] = {}
        for payload in journal.read():
            self._apply(decode(payload))

    def write(self, entry: ArchiveEntry) -> None:
        """Write an entry; it is durable on return."""
        self._journal.append(encode(entry))
        self._apply(entry)

    def check_same(self, opened: ArchiveOpened) -> None:
        """Refuse to go on with other records. Raises Conflict (``archive-changed``)."""
        if self.opened is not None and self.opened.digest != opened.digest:
            raise Conflict(
                "archive-changed",
                "The records of {run} are not those that it began with.",
                next_step="Start a new archive run. What this one archived stays archived.",
                run=opened.run,
            )

    def stayed(self, batch: int) -> Sequence[RecordStayed]:
        """The records of a batch that stay."""
        known = self.ended.get(batch) or self.announced.get(batch)
        return known.stayed if known is not None else ()

    def _apply(self, entry: ArchiveEntry) -> None:
        match entry:
            case ArchiveOpened():
                self.opened = entry
            case BatchAnnounced():
                self.announced[entry.batch] = entry
            case BatchEnded():
                self.ended[entry.batch] = entry
            case ArchiveClosed():
                self.closed = entry
