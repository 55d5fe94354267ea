"""Records that a user created in a period, and that are still there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.app.compose import Application
from unlost.app.records.record_names import record_names
from unlost.app.records.watched_sets import SetEvent
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.history import EventKind, Origin
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
    creations = list(_creations(events, user, period))
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


def _creations(
    events: Iterable[SetEvent], user: str, period: tuple[datetime, datetime]
) -> Iterable[SetEvent]:
    """Yield the creations of records that were not deleted since."""
    last: dict[RecordKey, SetEvent] = {}
    for each in sorted(events, key=_order):
        if each.event.kind is not EventKind.CHANGED:
            last[each.key] = each
    gone = {key for key, each in last.items() if each.event.kind.ends}
    for each in events:
        event = each.event
        is_in_period = period[0] < event.when.latest <= period[1]
        # Without a backup before it, a record may be far older than its first backup.
        is_new = event.kind is EventKind.CREATED and event.when.after is not None
        if is_new and is_in_period and event.by == user and each.key not in gone:
            yield each


def _order(each: SetEvent) -> tuple[bool, datetime]:
    return each.event.origin is Origin.LIVE, each.event.when.latest


def _by_key(item: tuple[RecordKey, Origin | None]) -> str:
    return str(item[0])


def _label(head: Snapshot, key: RecordKey) -> str:
    table = head.schema().table(key.table)
    return table.label or key.table if table is not None else key.table
