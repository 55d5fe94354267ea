"""A restore as a value: which record comes back how, before anything is written.

A plan holds ids, versions, digests and what people typed, never other values of records: those are
read from the vault when the plan is run. Its digest is BLAKE3 over its canonical JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

PLAN_FORMAT = 1


class Action(StrEnum):
    """What happens to one record."""

    UNCHANGED = "unchanged"  # it is live and as wanted
    UPDATE = "update"  # it is live; some columns are set
    UNDELETE = "undelete"  # out of the recycle bin with its id; then columns are set that differ
    ADOPT = "adopt"  # a live twin is taken for it; columns that differ are set
    CREATE = "create"  # it comes back with a new id
    BY_PRODUCT = "by-product"  # the org makes it with another record
    SKIP = "skip"  # it cannot or must not be written; the notes say why


class ActionReason(StrEnum):
    """Why a record is in the plan."""

    SELECTED = "selected"
    PARENT = "parent"  # a record of the plan refers to it
    CHILD = "child"  # it refers to a record of the plan
    FILE = "file"  # it belongs to a file or mail of the plan


class SelectionKind(StrEnum):
    """How the records were chosen."""

    RECORDS = "records"
    LOST = "lost"  # everything lost between two snapshots
    CHANGED = "changed"  # columns that changed between two snapshots


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A record by its table and canonical id."""

    table: str
    record: str

    def __hash__(self) -> int:
        return hash(self.record)  # ids of two tables are hardly ever the same

    def __str__(self) -> str:
        return f"{self.table}/{self.record}"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person asked to bring back.

    ``records`` for RECORDS, and for another try: those that failed before; ``after`` and ``until``
    are snapshot numbers for LOST and CHANGED; ``table`` narrows LOST and is needed for CHANGED,
    with ``columns``.
    """

    kind: SelectionKind
    records: tuple[RecordKey, ...] = ()
    after: int | None = None
    until: int | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()


class _Keyed:
    """A place for the key of a step, which is asked for again and again and is no part of it."""

    __slots__ = ("_key",)
    _key: RecordKey


@dataclass(frozen=True, slots=True)
class PlanStep(_Keyed):
    """What happens to one record.

    ``version`` is the number of the commit that brought the wanted version, ``digest`` that of its
    cells; ``snapshot`` is the number of the backup whose state is wanted. ``live`` is the target's
    id where the record (or its twin) exists, in the bin too; ``expect`` the digest of what the
    plan saw there in ``columns``: the run refuses to write over anything else. ``columns`` are
    those that will be set (empty for CREATE: all that can be). ``late`` are set in a second pass.
    ``edits`` are values that are sent instead of the version's (None: the cell stays empty).
    ``because`` is the record that brought this one into the plan. ``level`` orders the first pass.
    """

    table: str
    record: str
    action: Action
    why: ActionReason
    version: int
    digest: str
    snapshot: int = 0
    level: int = 0
    live: str | None = None
    expect: str | None = None
    columns: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    edits: Mapping[str, str | None] = field(default_factory=dict)
    because: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> RecordKey:
        """The record."""
        try:
            return self._key
        except AttributeError:  # asked for the first time
            key = RecordKey(self.table, self.record)
            object.__setattr__(self, "_key", key)
            return key


class NoteWeight(StrEnum):
    """How much a note of a plan matters."""

    NOTE = "note"  # good to know
    WARNING = "warning"  # something will not come back as it was
    BLOCK = "block"  # this record cannot be written


@dataclass(frozen=True, slots=True)
class PlanNote:
    """One thing that a person must know before the click, for one or many records.

    ``code`` is what steps refer to in their ``notes``.
    """

    code: str
    weight: NoteWeight
    sentence: str
    next_step: str = ""
    table: str | None = None
    column: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class PlanLink:
    """A record that the plan refers to and that came back earlier.

    ``live`` is the id under which it lives, or, if it is lost again, the one that the plan has it by.
    """

    table: str
    record: str
    live: str


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value that somebody typed for a record; None: the cell shall be empty."""

    table: str
    record: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ReferenceOverride:
    """References to a record, such as a user who left, lead to the live record ``live`` instead."""

    table: str
    record: str
    live: str


@dataclass(frozen=True, slots=True)
class TypedOverride:
    """What shall come back otherwise than it was, as people asked for it."""

    values: tuple[TypedValue, ...] = ()
    instead: tuple[ReferenceOverride, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.instead)

    @property
    def emptied(self) -> frozenset[tuple[str, str, str]]:
        """Table, record and column of the cells that shall be empty."""
        return frozenset(
            (value.table, value.record, value.column)
            for value in self.values
            if value.value is None
        )


@dataclass(frozen=True, slots=True)
class Settable:
    """The columns of a table for which values can be typed."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person whom ``count`` references of the plan's records name, that could name another."""

    table: str
    record: str
    count: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What people can still ask for, once they have seen the plan."""

    settable: tuple[Settable, ...] = ()
    holders: tuple[Holder, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settable or self.holders)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run of the plan will cost: API calls, bytes of the org's storage, seconds."""

    calls: int = 0
    data_bytes: int = 0
    file_bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """A restore that was thought through and can be run once.

    ``org`` is the oid of the org whose records come back, ``target`` that of the org that is
    written (the same, for now), ``snapshot`` the newest snapshot whose state is wanted.
    ``links`` are records of earlier restores that the plan's records refer to.
    ``schema`` is the digest of the target's description when the plan was made. ``typed`` is what
    people asked for; the steps' ``edits`` are what became of it.
    """

    format: int
    id: str
    org: str
    target: str
    snapshot: int
    made_at: datetime
    selection: Selection
    related: bool
    steps: tuple[PlanStep, ...]
    links: tuple[PlanLink, ...] = ()
    notes: tuple[PlanNote, ...] = ()
    estimate: Estimate = Estimate()
    schema: str = ""
    digest: str = ""
    typed: TypedOverride = TypedOverride()
    choices: Choices = Choices()
