"""Values for writing to an org: rows, outcomes, and what may be written to a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from unlost.model.source.schema import Table

# Code of the TransientError that ``Writer.upload`` raises if nothing was written and the file must
# be opened and sent again.
UPLOAD_UNSENT = "upload-unsent"
# Code of the outcome of an undelete whose record can no longer leave the bin, although the org may
# still show it there: it can only be restored as a new record.
NOT_IN_BIN = "write-not-in-bin"
# Code of the outcome of a delete that other records prevent, such as records that refer to it.
DELETE_BLOCKED = "write-delete-blocked"
# Code of the outcome of a delete that would take more records along than the org allows.
DELETE_TOO_LARGE = "write-delete-too-large"
# Code of the outcome of a change that a lock of the record refuses, such as that of an approval.
RECORD_LOCKED = "write-locked"
# Code of the outcome of any other row that the source refused.
WRITE_REFUSED = "write-refused"
# Code of the outcome of a create that asked for an id, and whose record has another one.
ID_NOT_KEPT = "write-id-not-kept"


class WriteOp(StrEnum):
    """The effect of a call on a record of the org."""

    CREATE = "create"  # a new record; the org gives it an id, or the one that the row asks for
    UPDATE = "update"  # only the cells that are sent change
    UNDELETE = "undelete"  # out of the recycle bin, with its id
    DELETE = "delete"  # the usual way: into the recycle bin, if the org has one
    HARD_DELETE = "hard-delete"  # for good, without the recycle bin

    @property
    def deletes(self) -> bool:
        """True if the record leaves the org."""
        return self in (WriteOp.DELETE, WriteOp.HARD_DELETE)


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One record to write.

    ``key``: the caller's name for the row, unique in its call; the outcome contains it. ``id``: the
    live record; for CREATE the id that the new record must have, None for any. Only rows of tables
    with ``keeps_id`` ask for one. ``cells``: texts in the form in which the source delivers them;
    None clears a cell, an absent column stays unchanged. References are live ids. ``file``: bytes
    of a small file that is created with the record.
    """

    key: str
    id: str | None = None
    cells: Mapping[str, str | None] = field(default_factory=dict)
    file: bytes | None = None


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A query for columns of some live records of a table.

    ``size``: about how many bytes these values have, as a copy of the records shows; 0 if unknown.
    More records are read at a time then, and fewer again if they have grown.
    """

    table: Table
    ids: Sequence[str]
    columns: Sequence[str]
    size: int = 0


@dataclass(frozen=True, slots=True)
class ReferrerQuery:
    """A query for the live records of a table whose ``column`` refers to one of these ids."""

    table: Table
    column: str
    ids: Sequence[str]


class OutcomeKind(StrEnum):
    """The outcome of writing one row."""

    DONE = "done"
    FAILED = "failed"  # the source refused it; nothing of it was written
    UNKNOWN = "unknown"  # no answer came: check for the effect before the next attempt


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The outcome of writing one row, in words for a person.

    ``id``: the live record, if known; of a create the id that the record really has, whatever id
    the row asked for. ``code``: ours (``write-…``); ``native``: the source's own;
    ``columns``: the ones that the source blames. ``retry``: the same row may succeed later without
    a change (a lock, a full storage).
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

    def __post_init__(self) -> None:
        if self.id == self.key:  # one text in memory: a run keeps the outcomes of all its records
            object.__setattr__(self, "id", self.key)


class Birth(StrEnum):
    """The way in which records of a table are created."""

    DIRECT = "direct"  # it is written
    BY_PRODUCT = "by-product"  # the org creates it when a record of another table is written
    NEVER = "never"  # it cannot be written


class NeverReason(StrEnum):
    """The reason why a column's value cannot be set."""

    FORMULA = "formula"
    AUTO_NUMBER = "auto-number"
    SYSTEM = "system"
    READ_ONLY = "read-only"
    NO_PERMISSION = "no-permission"
    BY_PLATFORM = "by-platform"
    # The source never gives its value out, such as a password.
    SECRET = "secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class NeverColumn:
    """A column whose value cannot be restored, and the reason."""

    column: str
    reason: NeverReason


class LockedDelete(StrEnum):
    """The way to delete a record whose status prevents its deletion."""

    REFUSED = "refused"
    AS_DRAFT = "as-draft"  # the column takes its initial value again
    ALONE = "alone"  # this user may delete it, and its master only afterwards


@dataclass(frozen=True, slots=True)
class LateColumn:
    """A column that is set by an update after everything is created.

    ``born``: the value with which the record must be created (None: the column is omitted).
    ``holds``: tables whose records can be added to it only while the column has that value.
    ``locks``: values with which the org does not delete the record together with its master.
    ``locked_delete``: the way to delete it then.
    """

    column: str
    born: str | None = None
    holds: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    locked_delete: LockedDelete = LockedDelete.REFUSED


@dataclass(frozen=True, slots=True)
class MatchKey:
    """Columns whose values, together, identify at most one live record of the table.

    Applies only to records with a value in each of them, except columns in ``empty``, which must
    have none.
    """

    columns: tuple[str, ...]
    empty: tuple[str, ...] = ()

    def of(self, cells: Mapping[str, str | None]) -> tuple[str, ...] | None:
        """Return the values that identify a record ("" for none); None if it does not apply."""
        values = tuple(cells.get(name) or "" for name in self.columns)
        empty = tuple(name in self.empty for name in self.columns)
        return values if empty == tuple(not value for value in values) else None


@dataclass(frozen=True, slots=True)
class Gather:
    """A column that is sent on create as a list of references, collected from another table's rows.

    For each row of ``table`` whose ``parent_column`` is the record and whose ``where`` cells have
    these values, the value of ``value_column`` (a reference, mapped to its live id) is joined by
    ``;``. These rows are then by-products of the record.
    """

    column: str
    table: str
    parent_column: str
    value_column: str
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ByProduct:
    """A record of another ``table`` that the org creates with a record of this one.

    After the create, ``column`` of the new record contains the by-product's id. With ``reuse``, a
    second record that referred to the same old by-product is created with the column set to it (a
    second version of a document). ``order``: the column that decides which of them comes first, as
    a number or a text; without it, their ids do.
    """

    table: str
    column: str
    reuse: bool = False
    order: str | None = None


@dataclass(frozen=True, slots=True)
class ClearedRows:
    """Rows that the org removes when a record's ``column`` changes, such as its owner.

    They are the rows of ``table`` whose ``parent_column`` is the record, for example the members of
    its team. A run reads them before it changes the column, and adds the missing ones again after
    it. An org that keeps some of them loses nothing: rows that are still there are left alone.
    """

    column: str
    table: str
    parent_column: str


@dataclass(frozen=True, slots=True)
class TextLinks:
    """Columns with texts that may contain addresses of records, such as rich text.

    ``id_lengths``: the numbers of characters that an id in an address can have. A shorter one is
    the beginning of the id.
    """

    columns: frozenset[str] = frozenset()
    id_lengths: tuple[int, ...] = ()


NO_TEXT_LINKS = TextLinks()


@dataclass(frozen=True, slots=True)
class TextImages:
    """Columns with texts that show images which the org stores beside the record.

    ``address``: a pattern of the address of such an image, with the groups ``record`` (an id that
    may be shortened) and ``image`` (``model.source.images``). An image is sent within the text, as a
    data address: one of the media types in ``formats``, of at most ``largest`` bytes. The org then
    stores it, and puts its new address into the text.
    """

    columns: frozenset[str] = frozenset()
    address: str = ""
    formats: frozenset[str] = frozenset()
    largest: int = 0


NO_TEXT_IMAGES = TextImages()


@dataclass(frozen=True, slots=True)
class CallCost:
    """About how long calls take, for the estimate of a plan. The defaults are rough guesses.

    ``seconds`` for a call that writes or reads, ``rows_read`` rows in a call that reads, and
    ``file_bytes_a_second`` that are sent.
    """

    seconds: float = 0.6
    rows_read: int = 500
    file_bytes_a_second: int = 2 << 20


USUAL_COST = CallCost()


class Identity(StrEnum):
    """Identity of a restored record: its own while it can leave the recycle bin, or that of a new one.

    A created record has a new id, unless the table keeps ids (``WriteCapability.keeps_id``).
    """

    UNDELETE = "undelete"  # with its id while the recycle bin has it; after that it is created
    NEW = "new"  # it is always created


@dataclass(frozen=True, slots=True)
class WriteCapability:
    """Permissions and rules for writing to a table, for this user and org.

    ``ops`` is empty if nothing may be written; ``reason`` then explains it to a person. Columns
    that are neither in ``settable`` (on create) nor in ``changeable`` (on update) are in ``never``.
    ``keeps_id``: a record can be created with the id that it had (``WriteRow.id``). The id column
    itself is in neither set.
    ``after``: tables whose records must exist first, although no reference requires it.
    ``file_column``: its bytes are sent with ``Writer.upload``. Files of at most ``small_file``
    bytes can be sent with the rows of a call, ``files_per_call`` bytes together. From ``job_above``
    rows on, a call may have ``rows_per_job`` rows (0: never), otherwise ``rows_per_call``.
    ``calls_at_once``: small calls that may run in parallel, except calls whose rows refer to the
    same record by a column of ``locks``. ``audit``: dates and authors can be set on create.
    ``needs_value``: columns for which the org demands a value on create. ``defaulted``: columns
    that the org fills automatically unless the row empties them explicitly. ``by_product_when``:
    (column, value) pairs; a record with one of these cells is created by the org and not written.
    ``clears``: rows of other tables that the org removes with an update, in the order in which they
    are added again. ``text_links``: columns in which old ids are replaced by new ones.
    ``text_images``: columns whose images are sent again.
    ``record_bytes``: storage that a record needs in the org (0: by the rules of its storages).
    ``lists``: the values that a column accepts, for columns that accept no others. ``cost``: the
    time of calls on the table.
    """

    table: str
    ops: frozenset[WriteOp] = frozenset()
    birth: Birth = Birth.DIRECT
    identity: Identity = Identity.NEW
    keeps_id: bool = False
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
    clears: tuple[ClearedRows, ...] = ()
    text_links: TextLinks = NO_TEXT_LINKS
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    text_images: TextImages = NO_TEXT_IMAGES
    cost: CallCost = USUAL_COST

    def allows(self, op: WriteOp) -> bool:
        """Return true if this operation is allowed."""
        return op in self.ops


@dataclass(frozen=True, slots=True)
class MissingPermission:
    """A permission that the writing user lacks, with the actions it allows.

    ``op``: the operation that is impossible without it; None: all of them.
    """

    permission: str
    sentence: str
    table: str | None = None
    op: WriteOp | None = None
