"""Records that a user created in a period, and that are still there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.app.compose import Application
from unlost.app.records.changes.watched_sets import SetEvent
from unlost.app.records.record_names import record_names
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.history import EventKind, Origin
from unlost.engine.sameness import instant
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class CreatedRecord:
    """A record (TABLE/ID) that a user created. ``in_backup``: the newest backup has it."""

    record: str
    name: str
    table_label: str
    in_backup: bool


def created_by(
    app: Application,
    org: ProtectedOrg,
    head: Snapshot,
    events: Sequence[SetEvent],
    *,
    user: str,
    period: tuple[datetime, datetime],
) -> tuple[CreatedRecord, ...]:
    """Return the records that a user created after the first time and up to the second, by table."""
    authors = _Authors(app, org, head)
    creations = [
        each
        for each in _creations(events)
        if (author := authors.of(each)).user == user and period[0] < author.at <= period[1]
    ]
    names = record_names(app, org, head)
    keys = sorted({each.key: each.event.origin for each in creations}.items(), key=_by_key)
    tables = sorted({key.table for key, _ in keys})
    of_records = names.of(tables, [key.record for key, _ in keys]) if keys else {}
    return tuple(
        CreatedRecord(
            str(key), of_records.get(key.record, ""), _label(head, key), origin is not Origin.LIVE
        )
        for key, origin in keys
    )


@dataclass(frozen=True, slots=True)
class RecordAuthor:
    """The user who created a record, and when; None if unknown."""

    user: str | None
    at: datetime


class _Authors:
    """Finds who created records: histories do not name the user of a creation.

    Without a column for the author it is the user of the first version, who changed the record last
    before the first backup that has it.
    """

    def __init__(self, app: Application, org: ProtectedOrg, head: Snapshot) -> None:
        self._app, self._org, self._head = app, org, head
        self._rules = app.connector(org.identity.connector).loss_rules(head.schema()).tables

    def of(self, each: SetEvent) -> RecordAuthor:
        """Return the author of a created record."""
        event, table = each.event, self._head.schema().table(each.key.table)
        if event.origin is Origin.LIVE or event.snapshot is None or table is None:
            return RecordAuthor(event.by, event.when.latest)
        rule = self._rules.get(table.name)
        by = (rule.author_column if rule is not None else None) or table.modified_by_column
        born = (rule.born_column if rule is not None else None) or table.modified_column
        cells = self._cells(each.key, event.snapshot, [by, born])
        at = _instant(cells.get(born or ""))
        is_plausible = at is not None and (event.when.after or at) <= at <= event.when.until
        return RecordAuthor(
            cells.get(by or ""), at if at is not None and is_plausible else event.when.latest
        )

    def _cells(
        self, key: RecordKey, number: int, columns: Sequence[str | None]
    ) -> Mapping[str, str | None]:
        snapshot = self._app.vault.at(self._org.oid, number, forgotten=True)
        names = [name for name in columns if name is not None]
        rows = snapshot.get(key.table, [key.record], columns=names).to_pylist()
        return rows[0] if rows else {}


def _creations(events: Iterable[SetEvent]) -> Iterable[SetEvent]:
    """Yield the creations of records that were not deleted since."""
    last: dict[RecordKey, SetEvent] = {}
    for each in sorted(events, key=_order):
        if each.event.kind is not EventKind.CHANGED:
            last[each.key] = each
    gone = {key for key, each in last.items() if each.event.kind.ends}
    for each in events:
        # Without a backup before it, a record may be far older than its first backup.
        is_new = each.event.kind is EventKind.CREATED and each.event.when.after is not None
        if is_new and each.key not in gone:
            yield each


def _instant(text: str | None) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        return None


def _order(each: SetEvent) -> tuple[bool, datetime]:
    return each.event.origin is Origin.LIVE, each.event.when.latest


def _by_key(item: tuple[RecordKey, Origin | None]) -> str:
    return str(item[0])


def _label(head: Snapshot, key: RecordKey) -> str:
    table = head.schema().table(key.table)
    return table.label or key.table if table is not None else key.table
