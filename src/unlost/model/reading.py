"""What flows from a source: tasks, pages, rows, files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from unlost.model.finding import Finding

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class Op(StrEnum):
    """What one observation says of a record (the vault's ``_u_op``)."""

    STATE = "U"  # the record as it is
    DELETED = "D"  # deleted at the source, which delivers the last row
    PURGED = "P"  # deleted at the source, which delivers the id only
    MISSING = "M"  # absent in a complete census
    ARCHIVED = "A"  # removed from the source by Unlost; the vault is the only copy

    @property
    def alive(self) -> bool:
        """True if a record whose newest op is this one is alive."""
        return self is Op.STATE


@dataclass(frozen=True, slots=True)
class Cursor:
    """From where the next read of a table must begin, in the connector's own words."""

    value: str


@dataclass(frozen=True, slots=True)
class IdRange:
    """Ids from ``low`` (empty: from the first) up to, not with, ``high`` (None: to the last).

    In the source's own order of ids. ``rows``: about so many records are expected in it.
    """

    low: str = ""
    high: str | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ReadTask:
    """A piece of reading that any worker can do: a JSON value.

    ``kind`` and ``state`` are the connector's own. ``full``: together, the tasks of this plan
    deliver every row of the table.
    """

    table: str
    kind: str
    full: bool
    state: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """The task can be read now, as these ``tasks``."""

    tasks: tuple[ReadTask, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """The source is working on it: ask again ``until``, with ``task`` instead of the first one."""

    until: datetime
    task: ReadTask


@dataclass(frozen=True, slots=True)
class Proof:
    """Row counts of a page: what the source announced (None: it does not say), what was parsed."""

    announced: int | None
    parsed: int
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Observed records as Arrow data, all arrays of equal length. Not a JSON value.

    ids          string, canonical, no nulls
    ops          string, one letter of ``Op`` each, no nulls
    modified_at  timestamp[ms, UTC]; null where the source does not tell
    modified_by  string; id of the user, null where the source does not tell
    cells        string columns named as the source names them, verbatim text; None for rows of
                 which nothing but the id is known (ops P and M)
    observed_at  when they were read, by the source's clock
    """

    ids: pa.Array
    ops: pa.Array
    modified_at: pa.Array
    modified_by: pa.Array
    cells: pa.RecordBatch | None
    observed_at: datetime

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Page:
    """One bounded piece of a read, already checked against ``proof``. Not a JSON value.

    ``findings`` are what reading this piece brought to light. ``wants_census``: the source's list
    of deletes has a gap, so that only a census of the table this night can prove them.
    """

    rows: Rows
    proof: Proof
    findings: tuple[Finding, ...] = ()
    wants_census: bool = False


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of a record, as its row tells it.

    ``checksum`` is the source's own (hex, lower case) with its algorithm before a colon, for
    example ``md5:…``; ``size`` in bytes. None where the row does not tell.
    """

    table: str
    record: str
    column: str
    size: int | None = None
    checksum: str | None = None
    name: str = ""
    media_type: str = ""
