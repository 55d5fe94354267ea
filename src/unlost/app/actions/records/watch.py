"""Watched sets of records: their changes, and those of the records that belong to them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from unlost.app.access import action
from unlost.app.actions.records.history import (
    EntryDescriber,
    HistoryEntry,
    HistoryFilter,
)
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.changes.live_changes import LiveEvents, live_events, seen_values
from unlost.app.records.changes.watched_sets import (
    MOST_MEMBERS,
    SetEvent,
    events_of,
    members_of,
    too_many_members,
)
from unlost.app.records.lists.queries import ListKind, ListQuery, query_of
from unlost.app.records.record_facts import UserNames
from unlost.app.records.record_names import record_names
from unlost.app.records.record_selectors import chosen_records
from unlost.app.records.search.dates import period_begin, period_end
from unlost.app.records.settable import is_set_by_itself
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.orgs.watches import (
    StoredWatch,
    drop_watch,
    find_watch,
    store_watch,
    stored_watches,
)
from unlost.engine.records.history import EventKind, Origin
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import Schema

MOST = 100  # watched sets of an org
LONGEST = 120  # characters of a name
PAGE = 50  # changes
DAYS = 30  # of changes that are shown unless others are asked for
RESOLUTION = timedelta.resolution  # a change at the first moment of a period is in it


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """A set to watch: ``records`` (TABLE/ID), or those that ``listed`` finds each time.

    ``deletions``: a deleted record of the set raises an alert; so does a change in ``columns``
    (TABLE.COLUMN).
    """

    name: str
    records: tuple[str, ...] = ()
    listed: ListQuery | None = None
    deletions: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched set. ``listed``: the list that finds its records; None for chosen records."""

    org: str
    name: str
    by: str
    at: datetime
    records: tuple[str, ...]
    listed: ListQuery | None
    deletions: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watches:
    """The watched sets, by org and name."""

    watches: tuple[Watch, ...]


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """The changes to show: of a column (TABLE.COLUMN), by a user (an id), of a kind.

    ``since`` and ``until`` are days or times in the org's zone, as 2026-03-14 or 2026-03-14T14:00, both
    included: the whole day, or minute. Empty for the 30 days before the newest backup.
    """

    column: str = ""
    user: str = ""
    kind: EventKind | None = None
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class WatchedChange:
    """A change of a record of the set, or of one that belongs to ``owner`` (TABLE/ID), which is.

    ``day`` is in the org's zone. ``seen``: of a change since the newest backup, by column the hash of
    the value that the org has.
    """

    table: str
    table_label: str
    record: str
    name: str
    owner: str
    owner_name: str
    day: date
    entry: HistoryEntry
    seen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table with records of a watched set."""

    table: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class WatchedChanges:
    """The changes of a set, newest first: a page of ``total`` that begins with number ``start``.

    ``members`` counts the records of the set. ``columns`` and ``users`` have changes in the period.
    ``unsearched``: tables with too many changes. ``more`` changed records were left out. ``is_live``:
    changes since the newest backup are among them; ``unread`` tables were refused by the org.
    ``watchable``: columns that people set, in the tables of the set and of its changes and alerts.
    ``tables``: those of the records of the set.
    """

    org: str
    zone: str
    watch: Watch
    members: int
    as_of: datetime
    changes: tuple[WatchedChange, ...]
    total: int
    start: int
    columns: tuple[HistoryFilter, ...]
    users: tuple[HistoryFilter, ...]
    unsearched: tuple[str, ...]
    more: int
    is_live: bool = False
    unread: tuple[str, ...] = ()
    watchable: tuple[HistoryFilter, ...] = ()
    tables: tuple[WatchedTable, ...] = ()


EVERY_CHANGE = ChangeFilter()


@action("watch.list", Right.READ, trace=Trace.READ)
def watches(app: Application, *, org: str | None = None) -> Watches:
    """List the watched sets of one org, or of all that the actor may read."""
    orgs = [each.name for each in app.orgs(Right.READ) if org in (None, each.name)]
    return Watches(tuple(_watch(stored) for stored in stored_watches(orgs)))


@action("watch.add", Right.RESTORE, trace=Trace.WRITE, detail=lambda watch: {"name": watch.name})
def add_watch(app: Application, org: str, watch_request: WatchRequest) -> Watch:
    """Watch a set of records under a name; a set of the same name is replaced.

    Raises UsageError (``watch-unnamed``, ``watch-empty``, ``watch-too-large``,
    ``record-unreadable``, ``id-wrong``), NotFound, Conflict (``watches-too-many``).
    """
    known = get_org(org)
    if bool(watch_request.records) == (watch_request.listed is not None):
        raise UsageError(
            "watch-empty",
            "A watched set needs records, or a list that finds them.",
            next_step="Name records as TABLE/ID, or open a list and watch it.",
        )
    if len(watch_request.records) > MOST_MEMBERS:
        raise too_many_members()
    _check_columns(newest_backup(app.vault, known).schema(), watch_request.columns)
    keys = chosen_records(app, known, watch_request.records)
    query = _followed(watch_request.listed) if watch_request.listed is not None else None
    watch = StoredWatch(
        org,
        _checked(watch_request.name),
        app.actor.name,
        app.clock.now(),
        tuple(dict.fromkeys(str(key) for key in keys)),
        query.text() if query is not None else "",
        watch_request.deletions,
        tuple(dict.fromkeys(watch_request.columns)),
        evaluated=newest_backup(app.vault, known).info.number,
    )
    members_of(app, known, watch)  # raises for a list that is too large
    if not store_watch(watch, most=MOST):
        raise Conflict(
            "watches-too-many",
            "An org can have at most {most} watched sets.",
            next_step="Remove one that is no longer needed.",
            most=MOST,
        )
    return _watch(watch)


@action("watch.extend", Right.RESTORE, trace=Trace.WRITE, detail=lambda watch: {"name": watch.name})
def extend_watch(app: Application, org: str, watch_request: WatchRequest) -> Watch:
    """Watch records under a name, or add them to the set of this name; its alerts stay.

    Raises Conflict (``watch-exists``) for a list under the name of a set, or records under the name of
    a list; and as ``watch.add``.
    """
    stored = find_watch(org, watch_request.name.strip())
    if stored is None:
        return add_watch(app, org, watch_request)
    if stored.query or watch_request.listed is not None:
        raise Conflict(
            "watch-exists",
            "{org} already has a watched set named {name!r}.",
            next_step="Choose another name, or stop watching that set first.",
            org=org,
            name=stored.name,
        )
    records = dict.fromkeys((*stored.records, *watch_request.records))
    columns = dict.fromkeys((*stored.columns, *watch_request.columns))
    wider = replace(
        watch_request,
        records=tuple(records),
        columns=tuple(columns),
        deletions=stored.deletions or watch_request.deletions,
    )
    return add_watch(app, org, wider)


@action("watch.drop", Right.RESTORE, trace=Trace.WRITE, subject=("name",))
def remove_watch(app: Application, org: str, name: str) -> Watch:  # noqa: ARG001
    """Stop watching a set; raises NotFound (``watch-unknown``)."""
    watch = _watch(stored_watch(org, name))
    drop_watch(org, watch.name)
    return watch


@action("watch.show", Right.READ, trace=Trace.READ, subject=("name",))
def watched_changes(
    app: Application,
    org: str,
    name: str,
    *,
    only: ChangeFilter = EVERY_CHANGE,
    live: bool = False,
    start: int = 0,
    most: int = PAGE,
) -> WatchedChanges:
    """Show what changed on the records of a set and on what belongs to them, newest first.

    Columns that the org sets automatically do not count as changed. ``live``: the org is also read,
    for changes since the newest backup. Raises NotFound (``watch-unknown``), UsageError
    (``day-wrong``, ``page-invalid``), and with ``live`` the errors of the org.
    """
    check_page(start=start, most=most)
    known = get_org(org)
    watch = stored_watch(org, name)
    head = newest_backup(app.vault, known)
    members = members_of(app, known, watch)
    period = period_of(app, known, only, live=live)
    set_events = events_of(app, known, members, since=period[0])
    now = live_events(app, known, members) if live else LiveEvents()
    every = (*now.events, *set_events.events)
    events = [each for each in every if _is_shown(head, each, period)]
    shown = [each for each in events if _matches(each, only)]
    page = shown[start : start + most]
    return WatchedChanges(
        org,
        known.identity.zone,
        _watch(watch),
        len(members),
        head.info.as_of,
        tuple(_described(app, known, head, page)),
        len(shown),
        start,
        tuple(_columns(head, events)),
        tuple(_users(head, events)),
        set_events.unsearched,
        set_events.more,
        live,
        now.unread,
        tuple(_watchable(head.schema(), _tables(watch, members, events))),
        tuple(_member_tables(head.schema(), members)),
    )


def _member_tables(schema: Schema, members: Sequence[RecordKey]) -> Iterator[WatchedTable]:
    """Yield the tables of the records of a set, those with most of them first."""
    words = TableWords(schema)
    for name, count in Counter(key.table for key in members).most_common():
        yield WatchedTable(name, words.label(name, count=count), count)


def _tables(
    watch: StoredWatch, members: Sequence[RecordKey], events: Sequence[SetEvent]
) -> Sequence[str]:
    names = {key.table for key in members} | {each.key.table for each in events}
    return sorted(names | {column.partition(".")[0] for column in watch.columns})


def _watchable(schema: Schema, tables: Sequence[str]) -> Iterator[HistoryFilter]:
    """Yield the columns that can raise alerts, by label."""
    described = [table for name in tables if (table := schema.table(name)) is not None]
    filters = (
        HistoryFilter(
            f"{table.name}.{column.name}",
            f"{table.label or table.name}: {column.label or column.name}",
        )
        for table in described
        for column in table.columns
        if not is_set_by_itself(column.name, table)
    )
    yield from sorted(filters, key=lambda each: (each.label, each.value))


def _check_columns(schema: Schema, columns: Sequence[str]) -> None:
    """Raise UsageError (``watch-column``) for a column that the newest backup does not have."""
    for name in columns:
        table, _, column = name.partition(".")
        described = schema.table(table)
        if described is None or described.column(column) is None:
            raise UsageError(
                "watch-column",
                "The newest backup has no column {name!r}.",
                next_step="Write it as TABLE.COLUMN, such as Account.Phone, with the names of the "
                "source.",
                name=name,
            )


def _followed(query: ListQuery) -> ListQuery:
    """Return the list as it is now each time: related records are those of the newest backup."""
    return replace(query, at="", since="", until="") if query.kind is ListKind.RELATED else query


def stored_watch(org: str, name: str) -> StoredWatch:
    """Return the watched set of this name; raises NotFound (``watch-unknown``)."""
    stored = find_watch(org, name.strip())
    if stored is None:
        raise NotFound(
            "watch-unknown",
            "{org} has no watched set named {name!r}.",
            next_step="List the watched sets with `unlost watch list`.",
            org=org,
            name=name,
        )
    return stored


def period_of(
    app: Application, org: ProtectedOrg, only: ChangeFilter, *, live: bool = False
) -> tuple[datetime, datetime]:
    """Return the wanted period, without its beginning and with its end.

    ``live``: without another end it has no end. Raises UsageError (``day-wrong``).
    """
    zone = org.identity.zone
    # The org's time: an org, or this machine, may have a wrong clock.
    newest = newest_backup(app.vault, org).info.as_of
    since = newest - timedelta(days=DAYS)
    until = datetime.max.replace(tzinfo=UTC) if live else newest
    if only.since:
        since = period_begin(only.since, zone) - RESOLUTION
    if only.until:
        until = period_end(only.until, zone) - RESOLUTION
    return since, until


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable() or "/" in name:
        raise UsageError(
            "watch-unnamed",
            "The name of a watched set must have 1 to {longest} characters, and no slash.",
            next_step="Enter a name, such as “Customers in Leipzig”.",
            longest=LONGEST,
        )
    return name


def _watch(stored: StoredWatch) -> Watch:
    return Watch(
        stored.org,
        stored.name,
        stored.by,
        stored.at,
        stored.records,
        query_of(stored.query) if stored.query else None,
        stored.deletions,
        stored.columns,
    )


# --- which changes ----------------------------------------------------------------------------------


def _is_shown(head: Snapshot, each: SetEvent, period: tuple[datetime, datetime]) -> bool:
    """Return True for a change in the period of a column that people set, or of the record itself."""
    when = each.event.when
    if each.event.kind is EventKind.CREATED and when.after is None:
        return False  # it was there before the first backup that saw it
    return period[0] < when.latest <= period[1] and _is_of_people(head, each)


def _is_of_people(head: Snapshot, each: SetEvent) -> bool:
    """Return True unless the org set all changed columns automatically."""
    event, table = each.event, head.schema().table(each.key.table)
    if event.kind is not EventKind.CHANGED or table is None:
        return True
    return any(not is_set_by_itself(change.column, table) for change in event.fields)


def _matches(each: SetEvent, only: ChangeFilter) -> bool:
    event = each.event
    changed = {f"{each.key.table}.{change.column}" for change in event.fields}
    return (
        only.user in ("", event.by)
        and only.kind in (None, event.kind)
        and (not only.column or (event.kind is EventKind.CHANGED and only.column in changed))
    )


def _columns(head: Snapshot, events: Sequence[SetEvent]) -> Iterator[HistoryFilter]:
    """Yield the columns that people changed, by label."""
    names = {
        (each.key.table, change.column)
        for each in events
        if each.event.kind is EventKind.CHANGED
        for change in each.event.fields
    }
    filters = []
    for name, column in names:
        table = head.schema().table(name)
        described = table.column(column) if table is not None else None
        if table is None or described is None or is_set_by_itself(column, table):
            continue
        label = f"{table.label or name}: {described.label or column}"
        filters.append(HistoryFilter(f"{name}.{column}", label))
    yield from sorted(filters, key=lambda each: (each.label, each.value))


def _users(head: Snapshot, events: Sequence[SetEvent]) -> Iterator[HistoryFilter]:
    """Yield the users with changes, by name."""
    people = UserNames(head)
    users = {each.event.by: each.key.table for each in events if each.event.by}
    filters = (
        HistoryFilter(user, people.name(table, user) or user) for user, table in users.items()
    )
    yield from sorted(filters, key=lambda each: (each.label, each.value))


# --- for people --------------------------------------------------------------------------------------


def _described(
    app: Application, org: ProtectedOrg, head: Snapshot, events: Sequence[SetEvent]
) -> Iterator[WatchedChange]:
    names, people = record_names(app, org, head), UserNames(head)
    zone = ZoneInfo(org.identity.zone)
    cells = _newest_cells(head, [each.key for each in events])
    for each in events:
        table = head.schema().table(each.key.table)
        if table is None:
            continue
        describer = EntryDescriber(
            table=table,
            names=names,
            people=people,
            record=each.key.record,
            cells=_cells_now(each, cells.get(each.key, {})),
            column=None,
        )
        entry = describer.entry(each.event)
        fields = tuple(change for change in entry.fields if not change.by_itself)
        is_live = each.event.origin is Origin.LIVE
        yield WatchedChange(
            table.name,
            table.label or table.name,
            each.key.record,
            names.of([table.name], [each.key.record]).get(each.key.record, ""),
            str(each.owner),
            names.of([each.owner.table], [each.owner.record]).get(each.owner.record, ""),
            each.event.when.latest.astimezone(zone).date(),
            # Only a record that is not there now can come back.
            replace(entry, fields=fields, newest=is_live or each.key not in cells),
            seen_values(head.schema(), each),
        )


def _cells_now(each: SetEvent, cells: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return the present values of the record; those of the org if it was read."""
    if each.event.origin is not Origin.LIVE:
        return cells
    return {**cells, **{change.column: change.new for change in each.event.fields}}


def _newest_cells(
    head: Snapshot, keys: Sequence[RecordKey]
) -> Mapping[RecordKey, Mapping[str, str | None]]:
    """Return the present values of live records, by record: only those can be put back."""
    by_table: dict[str, list[str]] = {}
    for key in dict.fromkeys(keys):
        by_table.setdefault(key.table, []).append(key.record)
    cells: dict[RecordKey, Mapping[str, str | None]] = {}
    for table, ids in by_table.items():
        if table in head.tables():
            for row in head.get(table, ids).to_pylist():
                if row["_u_op"] == Op.STATE.value:
                    cells[RecordKey(table, row["_u_id"])] = row
    return cells
