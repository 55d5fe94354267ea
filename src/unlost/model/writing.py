"""What is written to an org: rows, outcomes, and what a table lets one write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from unlost.model.schema import Table

# Code of the TransientError that ``Writer.upload`` raises where nothing was written and the file
# must be opened again to be sent again.
UPLOAD_UNSENT = "upload-unsent"
# Code of the outcome of an undelete whose record does not leave the bin any more, though the org may
# still show it there: it can only come back as a new record.
NOT_IN_BIN = "write-not-in-bin"


class WriteOp(StrEnum):
    """What a call does to a record of the org."""

    CREATE = "create"  # a new record; the org gives it an id
    UPDATE = "update"  # only the cells that are sent change
    UNDELETE = "undelete"  # out of the recycle bin, with its id
    DELETE = "delete"  # into the recycle bin


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One record to write.

    ``key`` is the caller's own word for the row, unique in its call; the outcome carries it back.
    ``id`` is the live record (None for CREATE). ``cells`` are texts in the form in which the
    source delivers them; None clears a cell, a column that is absent is left alone. References
    are live ids already. ``file`` are the bytes of a small file that is created with the record.
    """

    key: str
    id: str | None = None
    cells: Mapping[str, str | None] = field(default_factory=dict)
    file: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Live records that somebody wants to see: columns of some records of a table."""

    table: Table
    ids: Sequence[str]
    columns: Sequence[str]


class OutcomeKind(StrEnum):
    """How writing one row ended."""

    DONE = "done"
    FAILED = "failed"  # the source refused it; nothing of it was written
    UNKNOWN = "unknown"  # no answer came: check for the effect before the next attempt


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """How writing one row ended, in words for a person.

    ``id`` is the live record where it is known. ``code`` is ours (``write-…``), ``native`` the
    source's own, ``columns`` those that the source blames. ``retry``: the same row may succeed
    later without a change (a lock, a full storage).
    """

    key: str
    kind: OutcomeKind
    id: str | None = None
    code: str = ""
    native: str = ""
    sentence: str = ""
    next_step: str = ""
    columns: tuple[str, ...] = ()
    retry: bool = False


class Birth(StrEnum):
    """How a record of a table comes to be."""

    DIRECT = "direct"  # it is written
    BY_PRODUCT = "by-product"  # the org creates it when a record of another table is written
    NEVER = "never"  # it cannot be written


class NeverReason(StrEnum):
    """Why a column's value cannot be set."""

    FORMULA = "formula"
    AUTO_NUMBER = "auto-number"
    SYSTEM = "system"
    READ_ONLY = "read-only"
    NO_PERMISSION = "no-permission"
    BY_PLATFORM = "by-platform"


@dataclass(frozen=True, slots=True)
class NeverColumn:
    """A column that comes back with another value than it had, and why."""

    column: str
    reason: NeverReason


@dataclass(frozen=True, slots=True)
class LateColumn:
    """A column that is set by an update after everything is created.

    ``born`` is the value with which the record must be created (None: the column is left out).
    ``holds`` are tables whose records can be added to it only while the column has that value.
    """

    column: str
    born: str | None = None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchKey:
    """Columns whose values, together, name at most one live record of the table.

    It names only records that have a value in each of them, but for those in ``empty``: these must
    have none.
    """

    columns: tuple[str, ...]
    empty: tuple[str, ...] = ()

    def of(self, cells: Mapping[str, str | None]) -> tuple[str, ...] | None:
        """The values by which it names a record ("" for none); None if it does not."""
        values = tuple(cells.get(name) or "" for name in self.columns)
        empty = tuple(name in self.empty for name in self.columns)
        return values if empty == tuple(not value for value in values) else None


@dataclass(frozen=True, slots=True)
class Gather:
    """A column that is sent on create as a list of references, gathered from another table's rows.

    For each row of ``table`` whose ``parent_column`` is the record and whose ``where`` cells have
    these values, the value of ``value_column`` (a reference, mapped to its live id) is joined by
    ``;``. Rows of that table that were gathered are then by-products of the record.
    """

    column: str
    table: str
    parent_column: str
    value_column: str
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ByProduct:
    """A record of another ``table`` that the org makes with a record of this one.

    After the create, ``column`` of the new record tells the by-product's id. With ``reuse`` a
    second record that referred to the same old by-product is created with the column set to it
    (a second version of a document). ``order`` is the column that tells which of them comes first,
    as a number or a text; without it they come by their ids.
    """

    table: str
    column: str
    reuse: bool = False
    order: str | None = None


class Identity(StrEnum):
    """Whether a lost record comes back as itself."""

    UNDELETE = "undelete"  # with its id while the recycle bin has it, with a new id after that
    NEW = "new"  # always with a new id


@dataclass(frozen=True, slots=True)
class WriteCapability:
    """What may be written to a table, by this user, in this org.

    ``ops`` is empty where nothing can be; ``reason`` says then why, for a person. Columns that
    are neither in ``settable`` (on create) nor in ``changeable`` (on update) stand in ``never``.
    ``after`` names tables whose records must be there first although no reference says so.
    ``file_column`` holds bytes that are sent with ``Writer.upload``; files of at most ``small_file``
    bytes can go with the rows of a call, ``files_per_call`` bytes together. From ``job_above`` rows on a
    call may have ``rows_per_job`` rows (0: never), else ``rows_per_call``. ``calls_at_once`` of these
    small calls may be under way together, but not two whose rows refer to one record by a column of
    ``locks``. ``audit``: dates and authors can be set on create. ``needs_value``: on create the org demands a value for these columns.
    ``defaulted`` ones it fills by itself where a row does not say that they are empty.
    ``by_product_when``: (column, value) pairs; a record that has one of these cells is made by the
    org itself and is not written. ``record_bytes`` is what a record takes of the org's storage (0:
    as much as its text).
    """

    table: str
    ops: frozenset[WriteOp] = frozenset()
    birth: Birth = Birth.DIRECT
    identity: Identity = Identity.NEW
    settable: frozenset[str] = frozenset()
    changeable: frozenset[str] = frozenset()
    needs_value: frozenset[str] = frozenset()
    defaulted: frozenset[str] = frozenset()
    never: tuple[NeverColumn, ...] = ()
    late: tuple[LateColumn, ...] = ()
    keys: tuple[MatchKey, ...] = ()
    after: tuple[str, ...] = ()
    gathers: tuple[Gather, ...] = ()
    by_products: tuple[ByProduct, ...] = ()
    by_product_when: tuple[tuple[str, str], ...] = ()
    record_bytes: int = 0
    file_column: str | None = None
    small_file: int = 0
    files_per_call: int = 0
    audit: bool = False
    rows_per_call: int = 200
    rows_per_job: int = 0
    job_above: int = 2_000
    calls_at_once: int = 1
    locks: frozenset[str] = frozenset()
    side_effects: tuple[str, ...] = ()
    reason: str = ""

    def allows(self, op: WriteOp) -> bool:
        """True if this may be done."""
        return op in self.ops


@dataclass(frozen=True, slots=True)
class MissingPermission:
    """A permission that the writing user lacks, and what it would make possible.

    ``op`` is what cannot be done without it; None: nothing at all.
    """

    permission: str
    sentence: str
    table: str | None = None
    op: WriteOp | None = None
