"""Put columns of many records back to a backup; values that people changed since stay."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.actions.records.watch import stored_watch
from unlost.app.actions.restores.kept_plan import PlanView, choose, what_was_typed
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.compose import Application
from unlost.app.records.alive_records import alive_records
from unlost.app.records.changes.watched_sets import members_of
from unlost.app.records.lists.queries import ListQuery, ids_of
from unlost.app.records.record_names import record_names
from unlost.app.records.record_selectors import chosen_records
from unlost.app.restores.overrides import number_at
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey

SHOWN = 20  # records that are named


@dataclass(frozen=True, slots=True)
class ColumnsRequest:
    """Columns to put back as of the backup ``at``, of ``records`` (TABLE/ID), a list or a watched set.

    ``since``: a backup with the values to replace; values that were changed after it stay. Empty: all
    values are replaced. ``without`` are records of the list that are left out. ``table``: only
    records of this table.
    """

    columns: tuple[str, ...]
    at: str
    since: str = ""
    records: tuple[str, ...] = ()
    listed: ListQuery | None = None
    without: tuple[str, ...] = ()
    watched: str = ""
    table: str | None = None


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """A record (TABLE/ID) that the chosen backup does not have."""

    record: str
    name: str


@dataclass(frozen=True, slots=True)
class ColumnsBack:
    """The plan, and the records that stay as they are: ``missing_count``, and the first of them."""

    view: PlanView
    missing_count: int
    missing: tuple[MissingRecord, ...]


@action(
    "restore.columns-back",
    Right.RESTORE,
    trace=Trace.READ,
    detail=lambda result: what_was_typed(result.view),
)
def columns_back(app: Application, org: str, wanted: ColumnsRequest) -> ColumnsBack:
    """Select columns of many records; ``restore.make`` then makes the plan.

    Raises UsageError (``no-column-chosen``, ``columns-order``, ``columns-no-record``), and as
    ``restore.choose``.
    """
    known = get_org(org)
    number = _checked(app, known, wanted)
    keys = [key for key in _keys(app, known, wanted) if str(key) not in wanted.without]
    alive = alive_records(app.vault.at(known.oid, number), keys)
    if not alive:
        raise _none_there(number)
    request = PlanRequest(
        org,
        tuple(map(str, alive)) if wanted.records else (),
        listed=wanted.listed,
        watched=wanted.watched,
        without=wanted.without,
        table=wanted.table,
        columns=wanted.columns,
        at=str(number),
        since=wanted.since,
        related=False,
    )
    there = {*alive}
    missing = [key for key in keys if key not in there]
    view = choose(app, org, RestoreRequest(request))
    return ColumnsBack(view, len(missing), _named(app, known, missing[:SHOWN]))


def _checked(app: Application, org: ProtectedOrg, wanted: ColumnsRequest) -> int:
    """Return the number of the backup with the wanted values."""
    if not wanted.columns:
        raise UsageError(
            "no-column-chosen",
            "No field was selected.",
            next_step="Go back and select the fields to restore.",
        )
    number = number_at(app, org, wanted.at)
    if wanted.since and number_at(app, org, wanted.since) <= number:
        raise UsageError(
            "columns-order",
            "The backup with the wrong values must be later than the one with the right values.",
            next_step="Choose a later backup for the wrong values, or an earlier one for the right "
            "ones.",
        )
    return number


def _keys(app: Application, org: ProtectedOrg, wanted: ColumnsRequest) -> Sequence[RecordKey]:
    if wanted.records:
        keys: Sequence[RecordKey] = chosen_records(app, org, wanted.records)
    elif wanted.watched:
        keys = members_of(app, org, stored_watch(org.name, wanted.watched))
    elif wanted.listed is not None:
        listed = ids_of(app, org, wanted.listed)
        keys = [RecordKey(listed.table.name, record) for record in listed.ids.to_pylist()]
    else:
        keys = ()
    return [key for key in keys if wanted.table in (None, key.table)]


def _named(
    app: Application, org: ProtectedOrg, keys: Sequence[RecordKey]
) -> tuple[MissingRecord, ...]:
    head = app.vault.newest_backup(org.oid)
    if head is None or not keys:
        return ()
    names = record_names(app, org, head)
    of_records = names.of(sorted({key.table for key in keys}), [key.record for key in keys])
    return tuple(MissingRecord(str(key), of_records.get(key.record, "")) for key in keys)


def _none_there(number: int) -> UsageError:
    return UsageError(
        "columns-no-record",
        "Backup {number} has none of these records.",
        next_step="Choose a backup that contains these records.",
        number=number,
    )
