"""Values that a source delivers: tasks, pages, rows, files.

    plan_reads ─▶ ReadTask ─prepare─▶ Wait, or Ready(tasks) ─read─▶ Page(rows, proof)

Tasks are JSON values, so that a run can checkpoint them and any worker can continue. Rows stay in
Arrow from the source to the vault; see docs/adr/0002.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from unlost.model.finding import Finding

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class Op(StrEnum):
    """The meaning of one observation of a record (the vault's ``_u_op``)."""

    STATE = "U"  # the record as it is
    DELETED = "D"  # deleted at the source, which delivers the last row
    PURGED = "P"  # deleted at the source, which delivers the id only
    MISSING = "M"  # absent in a complete census
    ARCHIVED = "A"  # removed from the source by Unlost; the vault is the only copy

    @property
    def alive(self) -> bool:
        """True if a record with this as its newest observation is live."""
        return self is Op.STATE


@dataclass(frozen=True, slots=True)
class Cursor:
    """The start of the next read of a table, in the connector's own format."""

    value: str


@dataclass(frozen=True, slots=True)
class RowCheckPart:
    """Part ``number``, from 0, of ``of`` parts that have about the same size and are a whole table.

    ``rows``: about how many records it has.
    """

    number: int
    of: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ReadTask:
    """A part of a read that any worker can do: a JSON value.

    ``kind`` and ``state`` belong to the connector. ``full``: together, the tasks of this plan
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
    """The source is still working: ask again at ``until``, with ``task`` instead of the first."""

    until: datetime
    task: ReadTask


@dataclass(frozen=True, slots=True)
class Proof:
    """Row counts of a page: announced by the source (None if it does not announce), and parsed."""

    announced: int | None
    parsed: int
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Observed records as Arrow data, all arrays of equal length. Not a JSON value.

    ids          string, canonical, no nulls
    ops          string, one letter of ``Op`` each, no nulls
    modified_at  timestamp[ms, UTC]; null if the source has none
    modified_by  string; id of the user, null if the source has none
    cells        string columns named as the source names them, verbatim text; None for rows
                 with only an id (ops P and M)
    observed_at  time of the read, by the source's clock
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
    """One bounded part of a read, already checked against ``proof``. Not a JSON value.

    ``findings``: problems of this part. ``wants_census``: the source's list of deletes has a gap,
    so that only a census of the table in this run can prove them. ``incomplete``: the read cannot
    return every row, so that the absence of a row from it proves nothing.
    """

    rows: Rows
    proof: Proof
    findings: tuple[Finding, ...] = ()
    wants_census: bool = False
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of a record, as its row describes it.

    ``checksum``: the source's own (hex, lower case) with its algorithm before a colon, for example
    ``md5:…``. ``size``: in bytes. None if the row does not contain it.
    """

    table: str
    record: str
    column: str
    size: int | None = None
    checksum: str | None = None
    name: str = ""
    media_type: str = ""
