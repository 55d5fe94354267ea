"""The records of a watched set, and their changes in a period."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.compose import Application
from unlost.app.records.lists.queries import ListKind, ListQuery, ids_of, query_of
from unlost.app.records.record_selectors import chosen_records
from unlost.app.records.restored_as import replacements
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.orgs.watches import StoredWatch
from unlost.engine.records.archived import archived_events
from unlost.engine.records.history import Event
from unlost.engine.records.story import story
from unlost.engine.records.touched import TouchedRecord, touched_records
from unlost.engine.restore.journal.archives import ArchiveRuns, uncommitted
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import SnapshotInfo

MOST_MEMBERS = 10_000  # records of a set
MOST_RECORDS = 300  # changed records whose history is read for a page


@dataclass(frozen=True, slots=True)
class SetEvent:
    """A change of a record that is in a set, or belongs to ``owner``, which is."""

    key: RecordKey
    owner: RecordKey
    event: Event


@dataclass(frozen=True, slots=True)
class SetEvents:
    """Changes of a set, the newest first.

    ``unsearched``: tables with too many changes in the period. ``more``: changed records that were
    left out, the ones whose last change is the oldest.
    """

    events: tuple[SetEvent, ...]
    unsearched: tuple[str, ...] = ()
    more: int = 0


def members_of(
    app: Application, org: ProtectedOrg, watch: StoredWatch, *, at: int | None = None
) -> tuple[RecordKey, ...]:
    """Return the records of a set as of now, or for a list of related records as of a backup.

    Raises UsageError (``watch-too-large``), NotFound.
    """
    if watch.query:
        lists = [ids_of(app, org, query) for query in _queries(app, org, watch, at=at)]
        if sum(len(listed.ids) for listed in lists) > MOST_MEMBERS:
            raise too_many_members()
        members = (
            RecordKey(listed.table.name, record)
            for listed in lists
            for record in listed.ids.to_pylist()
        )
        return tuple(dict.fromkeys(members))
    keys = chosen_records(app, org, watch.records)
    return tuple(dict.fromkeys((*keys, *_lives(app, org, keys))))


def _queries(
    app: Application, org: ProtectedOrg, watch: StoredWatch, *, at: int | None
) -> Iterator[ListQuery]:
    """Yield the query of a list; for related records also that of the id after a restore."""
    query = query_of(watch.query)
    if query.kind is not ListKind.RELATED:
        yield query
        return
    query = query if at is None else replace(query, at=str(at))
    yield query
    for live in _lives(app, org, chosen_records(app, org, [query.of])):
        yield replace(query, of=str(live))


def _lives(app: Application, org: ProtectedOrg, keys: Sequence[RecordKey]) -> Iterator[RecordKey]:
    """Yield the records as which restores brought these back under new ids."""
    by_table: dict[str, list[str]] = {}
    for key in keys:
        by_table.setdefault(key.table, []).append(key.record)
    for table, records in by_table.items():
        for live in replacements(app, org, table, records).values():
            yield RecordKey(table, live)


def too_many_members() -> UsageError:
    """Return the error for a set with too many records."""
    return UsageError(
        "watch-too-large",
        "A watched set can have at most {most:,} records.",
        next_step="Narrow the search or the list, then watch it again.",
        most=MOST_MEMBERS,
    )


def events_of(
    app: Application,
    org: ProtectedOrg,
    members: Sequence[RecordKey],
    *,
    since: datetime,
    most: int | None = None,
) -> SetEvents:
    """Return the changes of a set since a time, as the backups show them.

    ``most`` records are read, MOST_RECORDS if None. The first backup shows no changes: there is
    nothing before it.
    """
    backups = app.vault.snapshots(org.oid)
    if len(backups) < 2:
        return SetEvents(())
    first = _before(backups, since)
    touched = touched_records(
        app.vault, org.oid, members, after=first.number, until=backups[-1].number
    )
    shown = touched.records[: MOST_RECORDS if most is None else most]
    open_archives = uncommitted(app.whole_vault, org.oid)
    every = (each for record in shown for each in _events(app, org, record, since, open_archives))
    # The ids of a record that came back have one story.
    events = list({(each.key, each.event): each for each in every}.values())
    events.sort(key=lambda each: each.event.when.latest, reverse=True)
    return SetEvents(tuple(events), touched.unsearched, len(touched.records) - len(shown))


def _before(backups: Sequence[SnapshotInfo], since: datetime) -> SnapshotInfo:
    """Return the newest backup at or before a time; the oldest one if none is."""
    earlier = [backup for backup in backups[:-1] if backup.as_of <= since]
    return earlier[-1] if earlier else backups[0]


def _events(
    app: Application,
    org: ProtectedOrg,
    record: TouchedRecord,
    since: datetime,
    open_archives: ArchiveRuns,
) -> Iterator[SetEvent]:
    try:
        events = story(app.vault, org.oid, record.key.table, record.key.record)
    except NotFound:  # erased since
        return
    for event in archived_events(events, open_archives.get(record.key.table, {})):
        if event.when.latest > since:
            yield SetEvent(
                RecordKey(record.key.table, event.record or record.key.record),
                record.belongs_to,
                event,
            )
