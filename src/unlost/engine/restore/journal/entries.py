"""The entries of a restore's journal: JSON, each durable before the next step of the run.

Every call that writes is announced before it is made, and answered after it:

  0  RunOpened       the plan, the source's clock
  1  CallIntent      create 200 Accounts: records, hashes of the sent cells
  2  CallAnswer      intent 1: outcome and live id of each record
  3  CallIntent      update 80 Contacts: with the values that the update replaces
     (crash)         was the call made? The run looks in the org, then writes:
  4  RunResumed      the run goes on
  5  CallAnswer      intent 3: what was found
  6  RecordsLinked   by-products that the org created
  7  RowsSaved       rows that the org may remove with the next update, such as a team
  8  RecordsRead     what the written columns hold now; an undo overwrites nothing else
  9  RunClosed       the outcome; only the commit follows

A run that did not reach its end has RunUndone as its last entry once its undo begins.

A run with a bypass (``running.bypass``) has BypassNoted before its first call, with the state that it
goes back to, and BypassSwitched each time that the bypass was read back.

An intent without an answer means that the effect of the call is unknown (see ``correlate``).
Entries that several threads write at the same time share one entry of the vault's journal; they are
numbered one by one, and entry 0 is the plan. Before-images lie in the intents, sealed like all of
the journal. See docs/adr/0008 and 0010.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast

import msgspec

from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.bypass import Bypass, BypassState
from unlost.model.decoders import TypeDecoder, decoder_for
from unlost.model.plan import RestorePlan
from unlost.model.source.writing import RowOutcome, WriteOp


class Pass(StrEnum):
    """The passes of a restore, in order."""

    UNDELETE = "undelete"
    REOPEN = "reopen"
    CREATE = "create"
    UPDATE = "update"
    LATE = "late"
    IMAGES = "images"  # within texts; a record is whole without them
    PUT_BACK = "put-back"  # rows that the org removed with an update
    DELETE = "delete"
    POINT = "point"  # updates of parents of archived records
    LINK = "link"  # links to archived records that are not written into these parents
    DISCARD = "discard"  # new files of an archive whose old files stay


class RunOpened(msgspec.Struct, frozen=True, tag="opened"):
    """The run begins. ``at`` is the source's clock."""

    run: str
    plan: RestorePlan
    at: datetime


class SentRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of a call: the vault's record, the live id, a hash.

    ``id`` of a create is the one that the new record must have; None for any. There was no live
    record with it when the intent was written. ``digest`` is the hash of the sent cells; ``before``
    holds the values that an update replaces, and all values of a record that is deleted.
    """

    record: str
    id: str | None = None
    digest: str = ""
    before: dict[str, str | None] | None = None


class CallIntent(msgspec.Struct, frozen=True, tag="intent"):
    """A call is about to be made."""

    stage: Pass
    op: WriteOp
    table: str
    at: datetime
    token: str
    rows: tuple[SentRow, ...]


class CallAnswer(msgspec.Struct, frozen=True, tag="answer"):
    """The outcomes of the rows of entry ``intent``; rows that are not named were not written.

    The outcomes' keys are records of the vault.
    """

    intent: int
    outcomes: tuple[RowOutcome, ...] = ()


class OutcomesWithoutCall(msgspec.Struct, frozen=True, tag="seen"):
    """Outcomes that needed no call."""

    stage: Pass
    table: str
    outcomes: tuple[RowOutcome, ...]


class LiveLink(msgspec.Struct, frozen=True):
    """A record of the vault and the live record that represents it."""

    table: str
    record: str
    live: str


class RecordsLinked(msgspec.Struct, frozen=True, tag="linked"):
    """By-products that were found."""

    links: tuple[LiveLink, ...]


class ReadRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that the run wrote, as it is afterwards: the vault's record, and the live id.

    ``values`` are those of the columns that were updated, and references that named a recreated
    record before the run. A record that the run brought has a ``digest``: the hash of its cells in
    the columns of the entry.
    """

    record: str
    live: str
    values: dict[str, str | None] | None = None
    digest: str = ""


class RecordsRead(msgspec.Struct, frozen=True, tag="read"):
    """Records of a table that were read back after writing."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[ReadRecord, ...]


class SavedRow(msgspec.Struct, frozen=True):
    """A live row of another table, by its id, and the values with which it can be added again."""

    record: str
    cells: dict[str, str | None]


class RowsSaved(msgspec.Struct, frozen=True, tag="saved"):
    """Rows of a table that the org may remove when the run makes its next update."""

    table: str
    rows: tuple[SavedRow, ...]


class BypassNoted(msgspec.Struct, frozen=True, tag="bypass"):
    """A bypass is about to be switched on. ``before``: the state to which it goes back.

    If it was on before, the run leaves it alone. ``user``: the write user for whom it is switched,
    by the org's id; empty in old journals.
    """

    bypass: Bypass
    before: BypassState
    at: datetime
    user: str = ""


class BypassSwitched(msgspec.Struct, frozen=True, tag="switched"):
    """The state of the bypass, read from the org after it was switched."""

    state: BypassState
    at: datetime


class RunResumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The run resumes after a stop: temporarily refused rows may be tried again."""

    at: datetime


class RunUndone(msgspec.Struct, frozen=True, tag="undone"):
    """The run ``undo`` takes this one back, so this one does not go on."""

    undo: str
    at: datetime


class RunClosed(msgspec.Struct, frozen=True, tag="closed"):
    """The run is over; only the commit follows."""

    outcome: RestoreOutcome


type Entry = (
    RunOpened
    | CallIntent
    | CallAnswer
    | OutcomesWithoutCall
    | RecordsLinked
    | RecordsRead
    | RowsSaved
    | BypassNoted
    | BypassSwitched
    | RunResumed
    | RunUndone
    | RunClosed
)

_ENTRY_TYPES = (
    RunOpened
    | CallIntent
    | CallAnswer
    | OutcomesWithoutCall
    | RecordsLinked
    | RecordsRead
    | RowsSaved
    | BypassNoted
    | BypassSwitched
    | RunResumed
    | RunUndone
    | RunClosed
)
_decoder: TypeDecoder[Entry | list[Entry]] = decoder_for(
    cast("type[Entry | list[Entry]]", _ENTRY_TYPES | list[_ENTRY_TYPES])
)


def encode(entries: Sequence[Entry]) -> bytes:
    """Encode entries that become durable together; a single one without a list."""
    return msgspec.json.encode(entries[0] if len(entries) == 1 else list(entries))


def decode(payload: bytes) -> Sequence[Entry]:
    """Decode entries that were written together; raises msgspec.DecodeError for other content."""
    entry = _decoder.decode(payload)
    return entry if isinstance(entry, list) else [entry]
