"""What the journal of a restore holds: JSON entries, each durable before what comes after it.

Entries that several threads write at the same time lie together in one entry of the vault's journal.
They are numbered one by one, and entry 0 is the plan. Every call that writes is announced by an ``CallIntent`` and followed by an
``CallAnswer``; where the answer is missing, nobody knows whether the call took effect, and the run
looks before it goes on. Before-images lie in the intents, sealed like all of the journal.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast

import msgspec

from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.decoders import TypeDecoder, decoder_for
from unlost.model.plan import RestorePlan
from unlost.model.writing import RowOutcome, WriteOp


class Pass(StrEnum):
    """The passes of a restore, in their order."""

    UNDELETE = "undelete"
    REOPEN = "reopen"
    CREATE = "create"
    UPDATE = "update"
    LATE = "late"


class RunOpened(msgspec.Struct, frozen=True, tag="opened"):
    """The run begins. ``at`` is the source's clock."""

    run: str
    plan: RestorePlan
    at: datetime


class SentRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of a call: the vault's record, the live id (None for a create), what is sent.

    ``digest`` is that of the sent cells; ``before`` holds what an update replaces.
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
    """What became of the rows of entry ``intent``; rows that are not named were not written.

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
    """A record of the vault and the live record that stands for it."""

    table: str
    record: str
    live: str


class RecordsLinked(msgspec.Struct, frozen=True, tag="linked"):
    """By-products that were found."""

    links: tuple[LiveLink, ...]


class RunResumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The run goes on after a stop: what was refused for the moment may be tried again."""

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
    | RunResumed
    | RunClosed
)

_one = (
    RunOpened
    | CallIntent
    | CallAnswer
    | OutcomesWithoutCall
    | RecordsLinked
    | RunResumed
    | RunClosed
)
_told: TypeDecoder[Entry | list[Entry]] = decoder_for(
    cast("type[Entry | list[Entry]]", _one | list[_one])
)


def encode(entries: Sequence[Entry]) -> bytes:
    """Entries that become durable together; one alone stands for itself."""
    return msgspec.json.encode(entries[0] if len(entries) == 1 else list(entries))


def decode(payload: bytes) -> Sequence[Entry]:
    """What was written together; raises msgspec.DecodeError for what is none."""
    entry = _told.decode(payload)
    return entry if isinstance(entry, list) else [entry]
