"""Show the history of a record, field by field, with users and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.app.access import action
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.archived.archives import with_open_archives
from unlost.app.records.ids import stored_id, typed_ids
from unlost.app.records.record_facts import RecordNames, UserNames, ValueMeaning, table_named
from unlost.app.records.record_head import NO_HEAD, RecordHead, record_head
from unlost.app.records.record_names import record_names
from unlost.app.records.restored_as import RestoredAs, restored_as, restored_from
from unlost.app.records.settable import is_set_by_itself, why_never_set
from unlost.app.retention.legal_holds import is_under_legal_hold
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin
from unlost.engine.records.remarks import remarks_on, with_remarks
from unlost.engine.records.story import story
from unlost.engine.sameness import same
from unlost.model.access import Right, Trace
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.writing import NeverReason
from unlost.model.written import written

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A changed column. ``old_means`` and ``new_means`` are the names of referenced records, or the
    labels of a list's values.

    ``by_itself``: the org sets it automatically with every change, as it does a last-modified time.
    ``old_table`` and ``new_table`` are the tables of these records. ``restorable``: the old value can
    be put back, as the live record has another one now. ``never``: the reason why the column
    cannot be set; None if it may be.
    """

    column: str
    label: str
    old: str | None
    new: str | None
    old_means: str
    new_means: str
    by_itself: bool
    kind: WireKind = WireKind.TEXT
    old_table: str = ""
    new_table: str = ""
    restorable: bool = False
    never: NeverReason | None = None

    @property
    def is_known(self) -> bool:
        """False if the org logged the change without its values, as it does for long texts."""
        return self.old is not None or self.new is not None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event in the history of a record.

    A ``remark`` is what a person wrote about the record: its only field has the kind and the text.
    ``at`` is exact if the org reported it; else the event lies between the backups at ``after``
    (None: before the first one) and ``until``. ``by`` is the id of the user, if known. ``told_by``
    is the source: a difference of two backups, the org's own change log, or a restore. ``snapshot``
    is the first kept backup that shows the new state: None if all of them were forgotten, and for
    events that only the change log knows. ``record`` is the id that the record had by then, and
    ``run`` the restore or archive that did it. ``merged_into``: the record into which the org merged a deleted
    one, with its name; None if it did not. ``newest``: the last event about this id. ``shared``:
    other users changed the record between the same two backups, and some fields may be theirs.
    """

    kind: EventKind
    how: Op
    at: datetime | None
    after: datetime | None
    until: datetime
    by: str | None
    by_name: str
    told_by: Origin
    snapshot: int | None
    fields: tuple[ChangedField, ...]
    record: str = ""
    run: str | None = None
    merged_into: str | None = None
    merged_into_name: str = ""
    newest: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """A column or user by which a history can be filtered, with its label or name."""

    value: str
    label: str


@written(on_hold="held", restored_as="came_back_as", restored_from="came_back_from")
@dataclass(frozen=True, slots=True)
class HistoryResult:
    """The history of a record under all of its ids, oldest first.

    ``record`` is the requested id; ``alive`` and ``on_hold`` (a legal hold protects the record) are
    about this id. ``restored_as`` are records that restores created for it, those in its own org first.
    ``restored_from`` are the records that it was itself restored from. ``merged_into``: the record
    into which the org merged it; None if it is live, or was only deleted. ``archived_at``: the time
    of the archive that took it out of the org; None if it is live, or left it in another way.

    ``entries`` are ``total`` without the newest ``start``, or fewer if a limit was given. ``columns``
    and ``users`` have changes in the whole history, ``records`` are all of its ids.
    """

    org: str
    zone: str
    table: str
    table_label: str
    record: str
    name: str
    alive: bool
    on_hold: bool
    restored_as: tuple[RestoredAs, ...]
    restored_from: tuple[RestoredAs, ...]
    entries: tuple[HistoryEntry, ...]
    total: int = 0
    start: int = 0
    columns: tuple[HistoryFilter, ...] = ()
    users: tuple[HistoryFilter, ...] = ()
    records: tuple[str, ...] = ()
    merged_into: str | None = None
    head: RecordHead = NO_HEAD
    archived_at: datetime | None = None


@action("record.history", Right.READ, trace=Trace.READ, subject=("table", "record"))
def history(
    app: Application,
    org: str,
    table: str,
    record: str,
    *,
    column: str | None = None,
    user: str | None = None,
    automatic: bool = True,
    start: int = 0,
    most: int | None = None,
) -> HistoryResult:
    """Show the history of a record; raises NotFound for an unknown org, table or record.

    ``column``: only its changes; ``user`` (an id): only events by them. ``automatic`` false leaves
    out changes of columns that the org sets automatically. ``start`` and ``most`` limit the entries,
    counted from the newest. Raises UsageError (``id-wrong``, ``page-invalid``).
    """
    check_page(start=start, most=most if most is not None else 1)
    known = get_org(org)
    head = newest_backup(app.vault, known)
    described = table_named(head.schema(), table)
    ids = typed_ids(app, known, record)
    record = (stored_id(head, described.name, ids) if ids[1:] else None) or ids[0]
    stored = story(app.vault, known.oid, described.name, record)
    events = with_open_archives(app, known.oid, described.name, stored)
    own_events = [event for event in events if event.record == record]
    last = own_events[-1]
    known_ids = tuple(dict.fromkeys(event.record for event in events))
    remarks = remarks_on(head, described, known_ids)
    every = with_remarks(events, remarks)
    shown = _Filter(described, column=column, user=user, automatic=automatic).matching(every)
    end = max(len(shown) - start, 0)
    begin = max(end - most, 0) if most is not None else 0
    alive = not last.kind.ends
    cells = _cells(head, described.name, record)
    describer = EntryDescriber(
        table=described,
        names=record_names(app, known, head),
        people=UserNames(head),
        record=record,
        cells=cells if alive else {},
        column=column,
    )
    now = app.clock.now()
    on_hold = is_under_legal_hold(app.whole_vault, known.oid, described.name, record, now=now)
    return HistoryResult(
        org=org,
        zone=known.identity.zone,
        table=described.name,
        table_label=described.label or described.name,
        record=record,
        name=describer.names.of([described.name], [record]).get(record, ""),
        alive=alive,
        on_hold=on_hold,
        restored_as=restored_as(app, known, described.name, record),
        restored_from=_before(app, known, described.name, record, own_events[0]),
        entries=tuple(_entries(describer, shown[begin:end], events)),
        total=len(shown),
        start=start,
        columns=tuple(_changed_columns(events, described)),
        users=tuple(_users(every, described.name, describer.people)),
        records=known_ids,
        merged_into=None if alive else last.merged_into,
        head=record_head(app, known, described, record, cells=cells, alive=alive),
        archived_at=last.when.latest if last.kind is EventKind.ARCHIVED else None,
    )


def _entries(
    describer: EntryDescriber, shown: Sequence[Event], events: Sequence[Event]
) -> Iterator[HistoryEntry]:
    newest = {event.record: event for event in events}
    for event in shown:
        is_newest = newest[event.record] is event
        yield replace(describer.entry(event), newest=is_newest, shared=is_shared(event, events))


@dataclass(frozen=True, slots=True)
class _Filter:
    """The events to show of a record of ``table``."""

    table: Table
    column: str | None
    user: str | None
    automatic: bool

    def matching(self, events: Sequence[Event]) -> Sequence[Event]:
        return [event for event in events if self._matches(event)]

    def _matches(self, event: Event) -> bool:
        if self.user and event.by != self.user:
            return False
        changed = {change.column for change in event.fields}
        if self.column:
            return event.kind is EventKind.CHANGED and self.column in changed
        return (
            self.automatic
            or event.kind is not EventKind.CHANGED
            or any(not is_set_by_itself(name, self.table) for name in changed)
        )


def is_shared(event: Event, events: Sequence[Event]) -> bool:
    """Return True if the change log names other users for changes between the same two backups.

    A backup knows only the last user of a record.
    """
    if event.origin is not Origin.VAULT or event.kind is not EventKind.CHANGED or not event.by:
        return False
    start, end = event.when.after, event.when.latest
    return any(
        other.origin is Origin.CHANGE_LOG
        and other.record == event.record
        and other.by not in (None, event.by)
        and (start is None or start < other.when.latest)
        and other.when.latest <= end
        for other in events
    )


def _cells(head: Snapshot, table: str, record: str) -> Cells:
    """Return the newest values of a record; empty if its table was dropped."""
    rows = head.get(table, [record]).to_pylist() if table in head.tables() else []
    return rows[0] if rows else {}


def _changed_columns(events: Sequence[Event], table: Table) -> Iterator[HistoryFilter]:
    """Yield the columns that people changed, by label."""
    names = {
        change.column
        for event in events
        if event.kind is EventKind.CHANGED
        for change in event.fields
        if not is_set_by_itself(change.column, table)
    }
    columns = [HistoryFilter(name, _label(table.column(name), name)) for name in names]
    yield from sorted(columns, key=lambda column: (column.label, column.value))


def _users(events: Sequence[Event], table: str, people: UserNames) -> Iterator[HistoryFilter]:
    """Yield the users with events, by name."""
    ids = {event.by for event in events if event.by}
    users = [HistoryFilter(user, people.name(table, user) or user) for user in ids]
    yield from sorted(users, key=lambda user: (user.label, user.value))


def _before(
    app: Application, org: ProtectedOrg, table: str, record: str, first: Event
) -> tuple[RestoredAs, ...]:
    """Return the records that this one was restored from; none if it was in the first backup."""
    was_there = first.kind is EventKind.CREATED and first.when.after is None
    return () if was_there else restored_from(app, org, table, record)


@dataclass(frozen=True, slots=True)
class EntryDescriber:
    """Describes events of a record for people; ``cells`` are its values if it is live.

    ``column``: the only column to describe, if there is one.
    """

    table: Table
    names: RecordNames
    people: UserNames
    record: str
    cells: Cells
    column: str | None

    def entry(self, event: Event) -> HistoryEntry:
        """Describe an event."""
        return HistoryEntry(
            kind=event.kind,
            how=event.op,
            at=event.when.exact,
            after=event.when.after,
            until=event.when.until,
            by=event.by,
            by_name=self.people.name(self.table.name, event.by),
            told_by=event.origin,
            snapshot=event.snapshot,
            fields=tuple(self._fields(event)),
            record=event.record,
            run=event.run,
            merged_into=event.merged_into,
            merged_into_name=_winner_name(event, self.table, self.names),
        )

    def _fields(self, event: Event) -> Iterator[ChangedField]:
        same_record = event.kind is EventKind.CHANGED and event.record == self.record
        earlier: set[str] = set()
        for change in event.fields:
            if self.column not in (None, "", change.column):
                continue
            # Of several changes at one time the first has the value from before all of them.
            is_first = change.column not in earlier
            earlier.add(change.column)
            restorable = same_record and is_first and self._is_restorable(change)
            yield replace(field_line(change, self.table, self.names), restorable=restorable)

    def _is_restorable(self, change: FieldChange) -> bool:
        """Return true if the column can be set, and the live record has another value in it."""
        column = self.table.column(change.column)
        if change.old is None and change.new is None:
            return False  # the org logged no values
        if column is None or change.column not in self.cells or why_never_set(column, self.table):
            return False
        return not same(column.kind, change.old, self.cells[change.column])


def _winner_name(event: Event, table: Table, names: RecordNames) -> str:
    winner = event.merged_into
    return names.of([table.name], [winner]).get(winner, "") if winner is not None else ""


def field_line(change: FieldChange, table: Table, names: RecordNames) -> ChangedField:
    """Describe the change of a column with the table's labels and record names."""
    column = table.column(change.column)
    means: dict[str, ValueMeaning] = {}
    if column is not None:
        values = [value for value in (change.old, change.new) if value]
        means = dict(names.meaning(column, values))
    old, new = means.get(change.old or "", _NAMELESS), means.get(change.new or "", _NAMELESS)
    remarks = table.remarks
    name = remarks.label(change.column) if remarks is not None else change.column
    return ChangedField(
        column=change.column,
        label=_label(column, name),
        old=change.old,
        new=change.new,
        old_means=old.name,
        new_means=new.name,
        by_itself=is_set_by_itself(change.column, table),
        kind=column.kind if column is not None else WireKind.TEXT,
        old_table=old.table,
        new_table=new.table,
        never=why_never_set(column, table) if column is not None else None,
    )


_NAMELESS = ValueMeaning("", "")


def _label(column: Column | None, name: str) -> str:
    return (column.label if column is not None else "") or name
