"""getUpdated and getDeleted: windows, refusals, the trimmed log of deletions.

Source: REST guide (resources-getupdated, resources-getdeleted), SOAP guide (getDeletedResult).
"""

from datetime import UTC, datetime, timedelta

from unlost_simulators.salesforce.model.answers import DeletedIds, UpdatedIds
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.soql import access, query
from unlost_simulators.salesforce.soql.grammar import refusals
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.store import Store, naive

UPDATED_WINDOW = timedelta(days=30)
DELETED_WINDOW = timedelta(days=15)
SHORTEST_WINDOW = timedelta(minutes=1)
MOST_IDS = 600_000

BEFORE_ENABLED = "startDate before org replication enabled date"
TOO_SHORT = "startDate must be at least one minute greater than endDate"
"""The words are swapped in the real text too."""


def _minute(at: datetime) -> datetime:
    """Seconds are ignored."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _refuse(text: str) -> SalesforceError:
    return refusals.plain("INVALID_REPLICATION_DATE", text)


def _window(
    of: ObjectDef, store: Store, start: datetime, end: datetime, longest: timedelta
) -> tuple[datetime, datetime]:
    if not of.replicateable:
        text = f"object type {of.name} is not replicateable"
        raise refusals.plain("INVALID_TYPE_FOR_OPERATION", text)
    first, last = _minute(start), _minute(end)
    if last < first + SHORTEST_WINDOW:
        raise _refuse(TOO_SHORT)
    if first <= _minute(store.clock.now()) - longest:
        raise _refuse(BEFORE_ENABLED)
    return first, last


def _covered(store: Store, end: datetime) -> datetime:
    """Return the end of the response: not beyond now, nor beyond the oldest open transaction."""
    reached = min(end, _minute(store.clock.now()))
    oldest = store.oldest_open_stamp()
    if oldest is None:
        return reached
    return min(reached, _minute(oldest.replace(tzinfo=UTC)))


def _sql(at: datetime) -> str:
    return f"TIMESTAMP '{naive(at).isoformat(sep=' ')}'"


def stamp_field(of: ObjectDef) -> str:
    """Return the field with the time of a row's last change."""
    for name in ("SystemModstamp", "LastModifiedDate", "CreatedDate"):
        if of.field(name) is not None:
            return name
    text = f"object type {of.name} is not replicateable"
    raise refusals.plain("INVALID_TYPE_FOR_OPERATION", text)


def updated(
    store: Store, user: SimUser, of: ObjectDef, start: datetime, end: datetime
) -> UpdatedIds:
    """Ids of live rows that changed in the window and that the user sees."""
    first, last = _window(of, store, start, end, UPDATED_WINDOW)
    cursor = store.cursor()
    stamp = f"t0.{tables.name(stamp_field(of))}"
    context = query.context_of(store, user, "", all_rows=False)
    conditions = [f"{stamp} >= {_sql(first)}", f"{stamp} < {_sql(last)}"]
    if of.field("IsDeleted") is not None:
        conditions.append('NOT t0."IsDeleted"')
    seen = access.visible(context, of, "t0")
    if seen is not None:
        conditions.append(seen)
    changed = database.column(
        cursor,
        f'SELECT t0."Id" FROM {tables.name(of.name)} t0 WHERE {" AND ".join(conditions)} '
        f"ORDER BY {stamp}, t0.{tables.ORDER} LIMIT {MOST_IDS + 1}",
    )
    _check_count(changed)
    return UpdatedIds(tuple(changed), _covered(store, last))


def _check_count(changed: list[str]) -> None:
    if len(changed) > MOST_IDS:
        raise refusals.plain("EXCEEDED_ID_LIMIT", f"more than {MOST_IDS} ids in the window")


def deleted(
    store: Store, user: SimUser, of: ObjectDef, start: datetime, end: datetime
) -> DeletedIds:
    """Ids and times of deletions in the window, as far as the log still knows them."""
    first, last = _window(of, store, start, end, DELETED_WINDOW)
    mine = "" if user.sees_all else f" AND (owner IS NULL OR owner = {tables.text(user.id)})"
    rows = (
        store.cursor()
        .execute(
            f"SELECT id, deleted_at FROM _deleted WHERE object = {tables.text(of.name)} "
            f"AND deleted_at >= {_sql(first)} AND deleted_at < {_sql(last)}{mine} "
            f"ORDER BY deleted_at, id LIMIT {MOST_IDS + 1}"
        )
        .fetchall()
    )
    _check_count([record_id for record_id, _ in rows])
    records = tuple((record_id, at.replace(tzinfo=UTC)) for record_id, at in rows)
    return DeletedIds(records, store.deletions_known_since(of.name), _covered(store, last))
