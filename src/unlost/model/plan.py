"""A restore plan: the action for each record, decided before anything is written.

    selection ─▶ steps            PlanStep(Account/001…, CREATE)   level 0
                                  PlanStep(Contact/003…, UNDELETE) level 1, because of Account/001…
              ─▶ notes, estimate, choices     for the person who reviews it
    digest of all of it ─▶ the run, named after the plan, refuses anything else

A plan contains ids, versions, hashes, and values that people typed, but no other values of records.
The run reads these from the vault: from a version of the record, or, to undo an earlier run, from the
journal of that run. The records of such a plan are named by their ids in the org. The digest is BLAKE3 over its canonical JSON. See docs/adr/0010
and docs/adr/0011.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from sys import intern
from typing import Any, Self

from unlost.model.archive import ArchivePolicy
from unlost.model.bypass import Bypass
from unlost.model.message import Arg, Message, Noun, StoresMessage, counted, message

PLAN_FORMAT = 3
"""The newest format of plans that this release reads."""
_BEFORE_RECREATE = 2
_NO_VALUES: dict[str, Any] = {}
LEAVES_OUT = frozenset({"left-out", "left-out-comes"})
"""Codes of the notes of a record that a person left out of an undo. Its step writes nothing."""


class Action(StrEnum):
    """The action for one record."""

    UNCHANGED = "unchanged"  # live, already correct
    UPDATE = "update"  # live; some columns are set
    UNDELETE = "undelete"  # out of the recycle bin, with its id; then columns that differ are set
    ADOPT = "adopt"  # a live twin replaces it; columns that differ are set
    CREATE = "create"  # it comes back with a new id
    RECREATE = "recreate"  # it is gone for good, and is created again with the id it had
    BY_PRODUCT = "by-product"  # the org creates it with another record
    DELETE = "delete"  # it moves to the recycle bin: an undone run brought it, or it is archived
    SKIP = "skip"  # it cannot or must not be written; the notes explain why

    @property
    def creates(self) -> bool:
        """True if the run creates a record, with a new id or with the former one."""
        return self in (Action.CREATE, Action.RECREATE)


class ActionReason(StrEnum):
    """The reason why a record is in the plan."""

    SELECTED = "selected"
    PARENT = "parent"  # a record of the plan refers to it
    CHILD = "child"  # it refers to a record of the plan
    FILE = "file"  # it belongs to a file or mail of the plan
    WINNER = "winner"  # a record of the plan was merged into it


class SelectionKind(StrEnum):
    """The way in which records were selected."""

    RECORDS = "records"
    LOST = "lost"  # everything lost between two snapshots
    CHANGED = "changed"  # columns that changed between two snapshots
    UNDO = "undo"  # everything that an earlier run wrote
    CORRECTION = "correction"  # chosen values of records
    ARCHIVE = "archive"  # records that leave the org, of which the vault keeps the copy


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A record, identified by table and canonical id."""

    table: str
    record: str

    def __hash__(self) -> int:
        return hash(self.record)  # ids of two tables are hardly ever the same

    def __str__(self) -> str:
        return f"{self.table}/{self.record}"


@dataclass(frozen=True, slots=True)
class Selection:
    """The records that a person asked to restore.

    ``records``: for RECORDS, and for a second attempt, the ones that failed before. ``after`` and
    ``until``: snapshot numbers, for LOST and CHANGED. ``table``: narrows LOST; required for
    CHANGED, together with ``columns``. With RECORDS, ``columns`` are all that is put back. ``by``:
    only records that this user (an id) deleted, or changed last. ``change``: only records in which
    a column was changed in this way (``MassKind``), for CHANGED. ``run``: the undone run, for UNDO;
    ``run_entries``: the number of entries of its journal by which its effects were known then.

    With RECORDS and CORRECTION, ``until`` is the backup with the values that are to be replaced: a
    value that was changed after it stays. ``beside``: each record comes as a new one beside the
    record that is there, for CORRECTION. ``overwritten``: columns by TABLE/ID that are set even if
    they were changed after ``until``, for CORRECTION; where ``seen`` has the hash of the value that a
    person saw in the org, only if it still has that value. ``policy``: for ARCHIVE, with ``until``, the
    commit that has the copies.
    """

    kind: SelectionKind
    records: tuple[RecordKey, ...] = ()
    after: int | None = None
    until: int | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()
    by: str = ""
    change: str = ""
    run: str = ""
    beside: bool = False
    overwritten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policy: ArchivePolicy | None = None
    run_entries: int = 0
    seen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class _Keyed:
    """Slot for the key of a step, cached because it is used often; no part of the value."""

    __slots__ = ("_key",)
    _key: RecordKey


@dataclass(frozen=True, slots=True)
class PlanStep(_Keyed):
    """The action for one record.

    ``version``: number of the commit that brought the wanted version; ``digest``: hash of its
    cells; ``snapshot``: number of the backup whose state is wanted. ``live``: id at the target if
    the record (or its twin) exists, including in the recycle bin. ``expect``: hash of its values in
    ``columns`` when the plan was made; the run refuses to overwrite anything else. ``columns``:
    columns to set (empty for CREATE: all that can be set; for DELETE: references that the org empties
    earlier, and that ``expect`` leaves out). ``late``: columns set in the second pass; for DELETE
    columns that take their initial value first.
    ``edits``: values sent instead of the version's (None: the cell stays empty). ``because``: the
    record that brought this one into the plan, or that a chosen one was lost with. ``level``: order in the first pass.
    ``taken``: columns whose values come from other backups, and their numbers; ``taken_digest``: hash
    of these values. ``beside``: it is created as a new record, whatever became of the first one.
    ``group``: of an archive, the number of its group: if one record of a group must stay, all of them do.
    Of its undo, new records of a group are deleted only if all old ones are back. ``copied``: of an
    archive, a new record with the same values takes its place before it is deleted.
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
    taken: Mapping[str, int] = field(default_factory=dict)
    taken_digest: str = ""
    beside: bool = False
    group: int = 0
    copied: bool = False

    def __post_init__(self) -> None:
        # Each step of a plan that is read has its own texts and mappings. Shared ones need half of
        # the memory: a plan has up to 200,000 steps.
        share = object.__setattr__
        share(self, "table", intern(self.table))
        if self.live == self.record:
            share(self, "live", self.record)
        if not self.edits:
            share(self, "edits", _NO_VALUES)
        if not self.taken:
            share(self, "taken", _NO_VALUES)

    @property
    def key(self) -> RecordKey:
        """Key of the record."""
        try:
            return self._key
        except AttributeError:  # first call
            key = RecordKey(self.table, self.record)
            object.__setattr__(self, "_key", key)
            return key

    @property
    def is_left_out(self) -> bool:
        """True for a record that a person left out of an undo."""
        return self.action is Action.SKIP and not LEAVES_OUT.isdisjoint(self.notes)


class NoteWeight(StrEnum):
    """The importance of a note."""

    NOTE = "note"  # good to know
    WARNING = "warning"  # something will not be restored as it was
    BLOCK = "block"  # this record cannot be written


@dataclass(frozen=True, slots=True)
class PlanNote(StoresMessage):
    """Information for the person who approves the plan, about one or many records.

    ``code``: the name by which steps refer to it in their ``notes``.
    """

    code: str
    weight: NoteWeight
    sentence: str
    next_step: str = ""
    table: str | None = None
    column: str | None = None
    count: int = 0
    template: str = ""
    next_template: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @classmethod
    def of(
        cls,
        code: str,
        weight: NoteWeight,
        template: str,
        next_step: str = "",
        table: str | None = None,
        column: str | None = None,
        count: int = 0,
        **args: Any,
    ) -> Self:
        """Make a note. Its texts may name ``{table}``, ``{column}``, ``{records}`` and arguments."""
        places = {"table": table, "column": column, "records": counted(count, Noun.RECORD)}
        named = f"{template}{next_step}"
        args |= {name: value for name, value in places.items() if f"{{{name}}}" in named}
        text = message(code, template, next_step=next_step, **args)
        return cls(
            code,
            weight,
            text.sentence,
            text.next_step,
            table,
            column,
            count,
            template,
            next_step,
            text.args,
        )

    @property
    def message(self) -> Message:
        """The text, for surfaces that translate it."""
        return self.message_of(self.code)


def plan_format(steps: Iterable[PlanStep]) -> int:
    """Return the oldest format that has the actions of these steps.

    So an earlier release reads all plans that it can run, and reports the others as newer.
    """
    recreates = any(step.action is Action.RECREATE for step in steps)
    return PLAN_FORMAT if recreates else _BEFORE_RECREATE


@dataclass(frozen=True, slots=True)
class PlanLink:
    """A record that the plan's records refer to, and that was restored earlier.

    ``live``: its id now or, if it is lost again, the id under which the plan restores it.
    """

    table: str
    record: str
    live: str


@dataclass(frozen=True, slots=True)
class EmptyReference:
    """A reference that stays empty, because the record ``target`` (TABLE/ID) is not restored."""

    table: str
    record: str
    column: str
    target: str


@dataclass(frozen=True, slots=True)
class LiveTwin:
    """A lost record whose unique value the live record ``live`` of the same table took since."""

    table: str
    record: str
    live: str


class TwinPolicy(StrEnum):
    """The treatment of live records that took the unique value of a lost one after the loss."""

    KEEP = "keep"  # adopted only if nothing of it changes; otherwise the lost record is skipped
    ADOPT = "adopt"  # adopted, and set to the values of the backup


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value that a person typed for a record; None empties the cell."""

    table: str
    record: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class TakenValue:
    """A value of a record that comes from the backup ``snapshot``, whatever the rest comes from."""

    table: str
    record: str
    column: str
    snapshot: int


@dataclass(frozen=True, slots=True)
class ReferenceOverride:
    """References to a record, for example a user who left, are changed to the record ``live``."""

    table: str
    record: str
    live: str


@dataclass(frozen=True, slots=True)
class TypedOverride:
    """Changes to the restored data that people asked for."""

    values: tuple[TypedValue, ...] = ()
    instead: tuple[ReferenceOverride, ...] = ()
    taken: tuple[TakenValue, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.instead or self.taken)

    @property
    def emptied(self) -> frozenset[tuple[str, str, str]]:
        """Table, record and column of cells to empty."""
        return frozenset(
            (value.table, value.record, value.column)
            for value in self.values
            if value.value is None
        )


@dataclass(frozen=True, slots=True)
class Settable:
    """The columns of a table for which people can type values."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person to whom ``count`` references of the plan point, and who can be replaced."""

    table: str
    record: str
    count: int


@dataclass(frozen=True, slots=True)
class Choices:
    """Options that people have after they have seen the plan."""

    settable: tuple[Settable, ...] = ()
    holders: tuple[Holder, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settable or self.holders)


class PlanBasis(StrEnum):
    """The user on whose permissions a plan is based."""

    WRITE_USER = "write-user"
    BACKUP_USER = "backup-user"  # the org has no write user: the plan is a preview, and cannot run


NO_WRITER = "writer-missing"
"""Code of the note of a plan that was made without a write user."""


def is_preview(notes: Iterable[PlanNote]) -> bool:
    """Return True for the notes of a plan that was made without a write user."""
    return any(note.code == NO_WRITER for note in notes)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected cost of a run: API calls, bytes of the org's storage, seconds."""

    calls: int = 0
    data_bytes: int = 0
    file_bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PointerUpdate:
    """Values of a record that stays: the number of its archived records, and a link to them.

    An archive adds the number of records that really left to the one that the org has. An undo sets
    the former ``values`` if the org still has those of the archive: ``expect`` is their hash.
    """

    table: str
    record: str
    values: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    expect: str = ""

    @property
    def key(self) -> RecordKey:
        """Key of the record."""
        return RecordKey(self.table, self.record)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """A complete restore plan, which can be run once.

    ``org``: oid of the org whose records are restored; ``target``: oid of the org that is written
    (for now the same). ``snapshot``: the newest snapshot whose state is wanted. ``links``: records
    of earlier restores that the plan's records refer to. ``schema``: hash of the target's
    description when the plan was made. ``typed``: the changes that people asked for; the steps'
    ``edits`` are their result. ``empty``: references of its records that stay empty. ``twins``:
    records that are skipped because a live record took their unique value. ``bypass``: a switch of
    the org that is on during the run, so that automation which checks it holds back. ``pointers``:
    records that stay, such as the parents of archived ones. ``takes_back``: the archive whose new
    files it deletes; empty for other plans.
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
    empty: tuple[EmptyReference, ...] = ()
    twins: tuple[LiveTwin, ...] = ()
    bypass: Bypass | None = None
    pointers: tuple[PointerUpdate, ...] = ()
    takes_back: str = ""
