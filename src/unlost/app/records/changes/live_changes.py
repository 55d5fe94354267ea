"""Changes of a set since the newest backup, read from the org itself.

The org is asked for the changed records of each table from which references lead to the set: at least
one API call for each. Deletions are those that the org reports, with their time and user if it knows
them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.archived.archives import archived_now
from unlost.app.records.changes.watched_sets import SetEvent
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.compare import UNKNOWN_ACT, Act, LiveComparison
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin, When
from unlost.engine.records.touched import MOST_CHANGED, SetOwners, SetReach
from unlost.engine.restore.values.cells import value_digest
from unlost.engine.sameness import instant
from unlost.model.errors import NotFound, SourceRefused
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.snapshot import ChangeKind

type Line = Mapping[str, str | None]
"""A differing field: id, change, column, old, new."""

KINDS = {
    ChangeKind.CREATED.value: EventKind.CREATED,
    ChangeKind.CHANGED.value: EventKind.CHANGED,
    ChangeKind.DELETED.value: EventKind.DELETED,
    ChangeKind.REVIVED.value: EventKind.REVIVED,
    ChangeKind.ARCHIVED.value: EventKind.ARCHIVED,
}


_OPS = {EventKind.DELETED: Op.DELETED, EventKind.ARCHIVED: Op.ARCHIVED}


def seen_values(schema: Schema, each: SetEvent) -> Mapping[str, str]:
    """Return the hashes of the values that the org has in changed columns; none unless it is live."""
    table = schema.table(each.key.table)
    if each.event.origin is not Origin.LIVE or table is None:
        return {}
    changes = ((table.column(change.column), change) for change in each.event.fields)
    return {
        change.column: value_digest(
            column.kind if column is not None else WireKind.TEXT, change.new
        )
        for column, change in changes
    }


class TooManyChanges(Exception):
    """More records of a table changed than are looked at."""


@dataclass(frozen=True, slots=True)
class LiveEvents:
    """Changes since the newest backup, newest first.

    ``unread``: tables that the org refused, or in which too many records changed.
    """

    events: tuple[SetEvent, ...] = ()
    unread: tuple[str, ...] = ()


def live_events(app: Application, org: ProtectedOrg, members: Sequence[RecordKey]) -> LiveEvents:
    """Read the changes of a set, and of what belongs to it, from the org; raises its errors."""
    head = newest_backup(app.vault, org)
    by_table: dict[str, set[str]] = defaultdict(set)
    for key in members:
        by_table[key.table].add(key.record)
    reach = SetReach(head.schema(), {name: frozenset(ids) for name, ids in by_table.items()})
    events: list[SetEvent] = []
    unread: list[str] = []
    with app.open_org(org) as source:
        app.home.work.mkdir(mode=0o700, exist_ok=True)
        schema, now = source.discover(), source.server_time()
        archives = archived_now(app, org.oid)
        live = LiveComparison(
            source, head, app.clock, app.home.work, schema=schema, archives=archives
        )
        owners = SetOwners((head,), reach)
        span = When(None, head.info.as_of, now)
        for name in reach.tables:
            table = schema.table(name)
            try:
                events += _table_events(live, name, table, owners, span)
            except (NotFound, SourceRefused, TooManyChanges):
                unread.append(name)
    events.sort(key=lambda each: each.event.when.latest, reverse=True)
    return LiveEvents(tuple(events), tuple(unread))


def _table_events(
    live: LiveComparison, name: str, table: Table | None, owners: SetOwners, span: When
) -> list[SetEvent]:
    """Return the changes of a table that belong to the set; raises TooManyChanges."""
    events: list[SetEvent] = []
    changed = 0
    for part in live.parts(name):
        changed += len(part.differences["id"].unique())
        if changed > MOST_CHANGED:
            raise TooManyChanges
        if table is not None:
            lines = part.differences.to_pylist()
            acts = _Acts(table, _authors(live.old, table, lines), part.removals)
            events += _events(table, lines, owners, span, acts)
    return events


@dataclass(frozen=True, slots=True)
class _Acts:
    """The acts of users: ``authors`` of the newest backup, and removals, by record."""

    table: Table
    authors: Mapping[str, str | None]
    removals: Mapping[str, Act]

    def values(self, lines: Sequence[Line]) -> Mapping[str, str | None]:
        """Return the new values of a record, with the user who changed it last."""
        values = {str(line["column"]): line["new"] for line in lines if line["column"]}
        if lines[0]["change"] == ChangeKind.CHANGED.value:
            author = self.authors.get(str(lines[0]["id"]))
            values = {self.table.modified_by_column or "": author, **values}
        return values

    def of(self, lines: Sequence[Line]) -> Act:
        """Return time and user of a change; of an archive none, as it is the act of a run."""
        kind = KINDS[str(lines[0]["change"])]
        if kind.ends:
            removal = self.removals.get(str(lines[0]["id"]))
            return removal if removal and kind is EventKind.DELETED else UNKNOWN_ACT
        values = self.values(lines)
        at = _stamp(values.get(self.table.modified_column or ""))
        return Act(at, values.get(self.table.modified_by_column or ""))


def _authors(head: Snapshot, table: Table, lines: Sequence[Line]) -> Mapping[str, str | None]:
    """Return the users of the newest backup, by record: the same user may have changed it again."""
    column, ids = table.modified_by_column, sorted({str(line["id"]) for line in lines})
    described = table.column(column) if column is not None else None
    if described is None or table.name not in head.tables():
        return {}
    if described.has(ColumnTrait.VOLATILE):  # it is not compared, so it may have changed
        return {}
    rows = head.get(table.name, ids, columns=[described.name]).to_pylist()
    return {str(row["_u_id"]): row.get(described.name) for row in rows}


def _events(
    table: Table,
    lines: Sequence[Line],
    owners: SetOwners,
    span: When,
    acts: _Acts,
) -> Iterator[SetEvent]:
    by_record: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_record[str(line["id"])].append(line)
    known = owners.of(table.name, pa.array(sorted(by_record), pa.string()))
    for record, some in by_record.items():
        owner = known.get(record) or owners.referred(table.name, acts.values(some))
        if owner is not None:
            key = RecordKey(table.name, record)
            yield SetEvent(key, owner, _event(key, some, acts.of(some), span))


def _event(key: RecordKey, lines: Sequence[Line], act: Act, span: When) -> Event:
    kind = KINDS[str(lines[0]["change"])]
    fields = tuple(
        FieldChange(str(line["column"]), line["old"], line["new"])
        for line in lines
        if line["column"] is not None
    )
    return Event(
        kind,
        When(act.at, span.after, span.until),
        act.by,
        fields if kind is EventKind.CHANGED else (),
        Origin.LIVE,
        _OPS.get(kind, Op.STATE),
        None,
        key.record,
    )


def _stamp(text: str | None) -> datetime | None:
    return instant(text) if text else None
