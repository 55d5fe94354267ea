"""Show the history of a record, field by field, with users and times."""

from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.ids import stored_id, typed_ids
from unlost.app.records.record_facts import RecordNames, UserNames, table_named
from unlost.app.records.restored_as import RestoredAs, restored_as, restored_from
from unlost.app.retention.legal_holds import is_under_legal_hold
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin
from unlost.engine.records.story import story
from unlost.model.access import Right, Trace
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.written import written


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A changed column. ``old_means`` and ``new_means`` are the names of referenced records.

    ``by_itself``: the org sets it automatically with every change, as it does a last-modified time.
    """

    column: str
    label: str
    old: str | None
    new: str | None
    old_means: str
    new_means: str
    by_itself: bool


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event in the history of a record.

    ``at`` is exact if the org reported it; else the event lies between the backups at ``after``
    (None: before the first one) and ``until``. ``by`` is the id of the user, if known. ``told_by``
    is the source: a difference of two backups, the org's own change log, or a restore. ``snapshot``
    is the first kept backup that shows the new state: None if all of them were forgotten, and for
    events that only the change log knows. ``record`` is the id that the record had by then, and
    ``run`` the restore that did it. ``merged_into``: the record into which the org merged a deleted
    one, with its name; None if it did not.
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


@written(on_hold="held", restored_as="came_back_as", restored_from="came_back_from")
@dataclass(frozen=True, slots=True)
class HistoryResult:
    """The history of a record under all of its ids, oldest first.

    ``record`` is the requested id; ``alive`` and ``on_hold`` (a legal hold protects the record) are
    about this id. ``restored_as`` are records that restores created for it, those in its own org first.
    ``restored_from`` are the records that it was itself restored from.
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


@action("record.history", Right.READ, trace=Trace.READ, subject=("table", "record"))
def history(app: Application, org: str, table: str, record: str) -> HistoryResult:
    """Show the history of a record; raises NotFound for an unknown org, table or record.

    Raises UsageError (``id-wrong``) for an invalid id.
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    described = table_named(head.schema(), table)
    ids = typed_ids(app, known, record)
    record = (stored_id(head, described.name, ids) if ids[1:] else None) or ids[0]
    events = story(app.vault, known.oid, described.name, record)
    own_events = [event for event in events if event.record == record]
    names, people = RecordNames(head), UserNames(head)
    return HistoryResult(
        org=org,
        zone=known.identity.zone,
        table=described.name,
        table_label=described.label or described.name,
        record=record,
        name=names.of([described.name], [record]).get(record, ""),
        alive=own_events[-1].kind is not EventKind.DELETED,
        on_hold=is_under_legal_hold(
            app.whole_vault, known.oid, described.name, record, now=app.clock.now()
        ),
        restored_as=restored_as(app, known, described.name, record),
        restored_from=_before(app, known, described.name, record, own_events[0]),
        entries=tuple(_entry(event, described, names, people) for event in events),
    )


def _before(
    app: Application, org: ProtectedOrg, table: str, record: str, first: Event
) -> tuple[RestoredAs, ...]:
    """Return the records that this one was restored from; none if it was in the first backup."""
    was_there = first.kind is EventKind.CREATED and first.when.after is None
    return () if was_there else restored_from(app, org, table, record)


def _entry(event: Event, table: Table, names: RecordNames, people: UserNames) -> HistoryEntry:
    return HistoryEntry(
        kind=event.kind,
        how=event.op,
        at=event.when.exact,
        after=event.when.after,
        until=event.when.until,
        by=event.by,
        by_name=people.name(table.name, event.by),
        told_by=event.origin,
        snapshot=event.snapshot,
        fields=tuple(field_line(change, table, names) for change in event.fields),
        record=event.record,
        run=event.run,
        merged_into=event.merged_into,
        merged_into_name=_winner_name(event, table, names),
    )


def _winner_name(event: Event, table: Table, names: RecordNames) -> str:
    winner = event.merged_into
    return names.of([table.name], [winner]).get(winner, "") if winner is not None else ""


def field_line(change: FieldChange, table: Table, names: RecordNames) -> ChangedField:
    """Describe the change of a column with the table's labels and record names."""
    column = table.column(change.column)
    means: dict[str, str] = {}
    if column is not None and column.reference is not None:
        ids = [value for value in (change.old, change.new) if value]
        means = dict(names.of(column.reference.tables, ids))
    return ChangedField(
        column=change.column,
        label=(column.label if column else "") or change.column,
        old=change.old,
        new=change.new,
        old_means=means.get(change.old or "", ""),
        new_means=means.get(change.new or "", ""),
        by_itself=column is not None and _set_by_itself(column, table),
    )


def _set_by_itself(column: Column, table: Table) -> bool:
    if column.name in {table.modified_column, table.modified_by_column}:
        return True
    written = column.has(ColumnTrait.CREATABLE) or column.has(ColumnTrait.UPDATABLE)
    return column.kind in {WireKind.INSTANT, WireKind.REFERENCE} and not written
