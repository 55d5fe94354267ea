"""Queries that name a list of records, and the records that they find in a backup."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.backups.moments import LATEST, backup_at, newest_backup, parse_past
from unlost.app.compose import Application
from unlost.app.records.archived.archived_rows import SNAP, archived_records
from unlost.app.records.ids import stored_id, typed_ids
from unlost.app.records.lists.order import changed_between, changed_by
from unlost.app.records.lists.record_lists import ID, OP, ListedIds
from unlost.app.records.record_facts import table_named
from unlost.app.records.record_text import split_record
from unlost.app.records.relations.referring import ReferenceSearch
from unlost.app.records.relations.related import RelatedState
from unlost.app.records.search.dates import day_begin, day_end
from unlost.app.records.search.org_searches import SearchedBackup, matches_in, typed_text
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.archived import with_archived
from unlost.engine.records.matches import users_named
from unlost.engine.records.typed_search import best_reading
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.errors import UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import ChangeKind, CommitKind

FETCH = 10_000  # ids per lookup
GONE = (ChangeKind.DELETED, ChangeKind.ARCHIVED)


class ListKind(StrEnum):
    """The kind of a list."""

    RELATED = "related"  # to a record
    CHANGED = "changed"  # between two backups: lost, archived, changed or created
    MATCHES = "matches"  # by a search, in the newest backup
    ARCHIVED = "archived"  # by an archive, and not restored since


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list of records of ``table``; backups are numbers, or texts as for ``--at``.

    RELATED: they refer to the record ``of`` (TABLE/ID) in backup ``at``, by default the newest; with ``through``, to related
    records of that table; ``state``: also archived ones, or only these. CHANGED: the ``change`` between the backups ``older`` and ``newer``. MATCHES:
    the matches of ``search``, live or deleted, as many as a search checks.
    ``since`` and ``until``: only records that were last changed or deleted on these days; ``by``: only
    those that this user (an id) changed last, or deleted. ARCHIVED: all archived records of the table;
    with ``run``, those that this archive run took out of the org.
    """

    kind: ListKind
    table: str
    of: str = ""
    through: str = ""
    at: str = ""
    older: str = ""
    newer: str = ""
    change: ChangeKind = ChangeKind.DELETED
    since: str = ""
    until: str = ""
    search: RecordSearch | None = None
    by: str = ""
    state: RelatedState | None = None
    run: str = ""

    @property
    def is_restorable(self) -> bool:
        """True if an earlier state of its records is known."""
        return self.kind is not ListKind.CHANGED or self.change is not ChangeKind.CREATED

    @property
    def is_purgeable(self) -> bool:
        """True if its records may be live in the org, so that people can delete them there."""
        if self.kind is ListKind.CHANGED:
            return self.change not in (ChangeKind.DELETED, ChangeKind.ARCHIVED)
        return self.kind is not ListKind.ARCHIVED and self.state is not RelatedState.ARCHIVED

    @property
    def restored_from(self) -> str | None:
        """The backup from which its records are restored; None for the newest state of each."""
        if self.kind is ListKind.RELATED:
            # Archived records may have left the org before this backup.
            return self.at if self.state is None else None
        return self.older if self.kind is ListKind.CHANGED else None

    def text(self) -> str:
        """Return the query as text, without what it leaves out."""
        plain = {name: value for name, value in msgspec.to_builtins(self).items() if value}
        return json.dumps(plain, separators=(",", ":"))  # printable, whatever was searched for


def query_of(text: str) -> ListQuery:
    """Return the query of a text; raises UsageError (``list-wrong``)."""
    try:
        return msgspec.json.decode(text.encode(), type=ListQuery)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise _wrong() from None


def _wrong() -> UsageError:
    return UsageError(
        "list-wrong",
        "The address of this list is not valid.",
        next_step="Open the list again from the record or the comparison.",
    )


def pinned(app: Application, org: ProtectedOrg, query: ListQuery) -> ListQuery:
    """Return the query with numbers of backups, so that it finds the same records tomorrow."""
    if query.kind in (ListKind.MATCHES, ListKind.ARCHIVED):
        return query
    if query.kind is ListKind.RELATED:
        return replace(query, at=str(_backup(app, org, query.at).info.number))
    if not (query.older and query.newer):
        raise _wrong()
    numbers = sorted(_backup(app, org, text).info.number for text in (query.older, query.newer))
    return replace(query, older=str(numbers[0]), newer=str(numbers[1]))


def ids_of(app: Application, org: ProtectedOrg, query: ListQuery) -> ListedIds:
    """Find the records of a list; raises NotFound, UsageError (``list-wrong``, ``day-wrong``).

    Raises UsageError (``list-too-long``) for a filter by days or users of a very long list.
    """
    listed = changed_by(_FINDERS[query.kind](app, org, query), query.by)
    zone = org.identity.zone
    return changed_between(
        listed,
        since=day_begin(query.since, zone) if query.since else None,
        until=day_end(query.until, zone) if query.until else None,
    )


def _related(app: Application, org: ProtectedOrg, query: ListQuery) -> ListedIds:
    """Find records that refer to a record, or to related ones.

    Of direct references only the table itself is searched.
    """
    snapshot = _backup(app, org, query.at)
    schema = snapshot.schema()
    table = table_named(schema, query.table)
    parent_table, text = split_record(query.of)
    parent = table_named(schema, parent_table)
    typed = typed_ids(app, org, text)
    record = stored_id(snapshot, parent.name, typed) or typed[0]
    through = query.through or None
    archive = archived_records(app, org) if query.state is not None else None
    only = None if through else frozenset({table.name})
    search = ReferenceSearch(
        snapshot,
        only=only,
        archive=archive,
        only_archived=query.state is RelatedState.ARCHIVED,
    )
    groups = search.around(parent, record)
    ids = _sorted(g.ids for g in groups if (g.table.name, g.through) == (table.name, through))
    if query.state is RelatedState.ARCHIVED:
        ids = ids.filter(pc.is_in(ids, value_set=search.archived(table.name)))
        if archive is not None:
            snapshot, table = archive.head, table_named(archive.head.schema(), table.name)
    return ListedIds(snapshot, table, ids)


def _changed(app: Application, org: ProtectedOrg, query: ListQuery) -> ListedIds:
    """Find records that were deleted, changed or created between two backups."""
    if not (query.older and query.newer):
        raise _wrong()
    old, new = sorted(
        (_backup(app, org, query.older), _backup(app, org, query.newer)),
        key=lambda snapshot: snapshot.info.number,
    )
    # Lost and archived records have their values in the first backup, all others in the second.
    shown = old if query.change in GONE else new
    table = table_named(shown.schema(), query.table)
    ids = _change_ids(app, org, table.name, query.change, old, new)
    return ListedIds(shown, table, _sorted(ids), dated=new)


def _found(app: Application, org: ProtectedOrg, query: ListQuery) -> ListedIds:
    """Find the records of a table that match a search now."""
    search = query.search or RecordSearch()
    head = newest_backup(app.vault, org)
    table = table_named(head.schema(), query.table)
    by = partial(users_named, app.vault, head)
    typed = typed_text(search.text, search.deleted_by)
    reading = typed if search.deleted_by else best_reading(typed, by)
    matches = matches_in(app, SearchedBackup(org, head), reading, search, tables=(table.name,))
    ids = sorted({result.hit.record for result in matches.results})
    return ListedIds(head, table, pa.array(ids, pa.string()), more=matches.more)


def _archived(app: Application, org: ProtectedOrg, query: ListQuery) -> ListedIds:
    """Find the archived records of a table, of all archive runs or of one."""
    archive = archived_records(app, org)
    if archive is None:
        head = newest_backup(app.vault, org)
        return ListedIds(head, table_named(head.schema(), query.table), pa.array([], pa.string()))
    table = table_named(archive.head.schema(), query.table)
    rows = archive.current(table.name, [])
    if query.run:
        number = _commit_of(app, org, query.run)
        rows = (each.filter(pc.equal(each[SNAP], number)) for each in rows)
    ids = _sorted(chunk for each in rows for chunk in each[ID].chunks)
    return ListedIds(archive.head, table, ids)


def _commit_of(app: Application, org: ProtectedOrg, run: str) -> int:
    """Return the number of the commit of an archive run; raises UsageError (``list-wrong``)."""
    commits = app.vault.commits(org.oid)
    archives = (info for info in commits if info.kind is CommitKind.ARCHIVE and info.run == run)
    number = next((info.number for info in archives), None)
    if number is None:
        raise _wrong()
    return number


def _change_ids(
    app: Application,
    org: ProtectedOrg,
    table: str,
    kind: ChangeKind,
    old: Snapshot,
    new: Snapshot,
) -> Iterator[pa.StringArray]:
    numbers = {"after": old.info.number, "until": new.info.number}
    archived = uncommitted(app.whole_vault, org.oid, until=new.info.number).get(table, {})
    for each in app.vault.changes(org.oid, table, **numbers):
        change = with_archived(each, archived)
        chosen = change.filter(pc.equal(change["change"], kind.value))
        ids = chosen[ID].cast(pa.string()).combine_chunks()
        for at in range(0, len(ids), FETCH):
            some = ids.slice(at, FETCH)
            yield _alive(old, table, some) if kind in GONE else some


def _alive(snapshot: Snapshot, table: str, ids: pa.StringArray) -> pa.StringArray:
    """Return the ids that a backup can still show live."""
    rows = snapshot.get(table, ids.to_pylist(), columns=[])
    alive = rows.filter(pc.equal(rows[OP], Op.STATE.value))[ID]
    return alive.cast(pa.string()).combine_chunks()


def _sorted(parts: Iterable[pa.Array]) -> pa.StringArray:
    """Return all ids of some arrays in their order."""
    ids = pa.chunked_array([part.cast(pa.string()) for part in parts], pa.string())
    return ids.take(pc.array_sort_indices(ids)).combine_chunks()


def _backup(app: Application, org: ProtectedOrg, text: str) -> Snapshot:
    moment = parse_past(text or LATEST, zone=org.identity.zone)
    return app.vault.at(org.oid, backup_at(app.vault, org.oid, moment).number)


type _Finder = Callable[[Application, ProtectedOrg, ListQuery], ListedIds]
_FINDERS: Mapping[ListKind, _Finder] = {
    ListKind.RELATED: _related,
    ListKind.CHANGED: _changed,
    ListKind.MATCHES: _found,
    ListKind.ARCHIVED: _archived,
}
