"""Put back an earlier value of one column of a live record, from the record's history."""

from datetime import datetime

from unlost.app.access import action
from unlost.app.actions.records.history import (
    ChangedField,
    HistoryEntry,
    HistoryResult,
    history,
)
from unlost.app.actions.restores.kept_plan import PlanView, choose, what_was_typed
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.compose import Application
from unlost.app.restores.overrides import Overrides, TypedEdit
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.sameness import instant, same
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op


@action(
    "restore.put-back",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("table", "record", "column"),
    detail=what_was_typed,
)
def put_back(
    app: Application, org: str, table: str, record: str, *, column: str, until: str
) -> PlanView:
    """Select the value that a column had before a change; ``restore.make`` then makes the plan.

    ``until`` is that of the history entry with the change, as in JSON. Nothing else of the record is
    restored.
    Raises NotFound (``change-unknown``), and as ``restore.choose``.
    """
    shown = history(app, org, table, record, column=column)
    at, field = value_before(app, get_org(org), shown, column=column, until=until)
    key = RecordKey(shown.table, shown.record)
    # A value between two backups is only known from the org's change log.
    typed = () if at is not None else (TypedEdit(str(key), column, field.old),)
    request = PlanRequest(
        org,
        (str(key),),
        columns=(column,),
        at=str(at) if at is not None else None,
        related=False,
        otherwise=Overrides(typed),
    )
    return choose(app, org, RestoreRequest(request))


def value_before(
    app: Application, org: ProtectedOrg, shown: HistoryResult, *, column: str, until: str
) -> tuple[int | None, ChangedField]:
    """Return the number of a backup with the value before a change, if one has it; and the change.

    Raises NotFound (``change-unknown``).
    """
    entry, field = _change(shown.entries, column, parsed_time(until))
    key = RecordKey(shown.table, shown.record)
    return _backup_with(app, org, key, field, _backup_before(app, org, entry)), field


def parsed_time(text: str) -> datetime | None:
    """Return the time of a change; None if it is invalid, so that no change has it."""
    try:
        return instant(text)
    except ValueError:
        return None


def _change(
    entries: tuple[HistoryEntry, ...], column: str, until: datetime | None
) -> tuple[HistoryEntry, ChangedField]:
    for entry in entries:
        # Of several changes at one time the first has the value from before all of them.
        fields = (field for field in entry.fields if field.column == column and field.is_known)
        field = next(fields, None)
        if entry.until == until and field is not None:
            return entry, field
    raise change_unknown(column)


def change_unknown(column: str) -> NotFound:
    """Return the error for a change that the history does not have."""
    return NotFound(
        "change-unknown",
        "The history has no change of {column} at that time.",
        next_step="Open the record's history again, and choose the value there.",
        column=column,
    )


def _backup_before(app: Application, org: ProtectedOrg, entry: HistoryEntry) -> int | None:
    """Return the number of the newest backup before a change."""
    numbers = [
        info.number
        for info in app.vault.snapshots(org.oid)
        if (info.as_of <= entry.until if entry.snapshot is None else info.number < entry.snapshot)
    ]
    return numbers[-1] if numbers else None


def _backup_with(
    app: Application, org: ProtectedOrg, key: RecordKey, field: ChangedField, number: int | None
) -> int | None:
    """Return the number of a backup if it has the old value of the field; None if not."""
    if number is None:
        return None
    snapshot = app.vault.at(org.oid, number)
    table = snapshot.schema().table(key.table)
    if table is None or table.column(field.column) is None or key.table not in snapshot.tables():
        return None
    rows = snapshot.get(key.table, [key.record], columns=[field.column]).to_pylist()
    alive = bool(rows) and rows[0]["_u_op"] == Op.STATE.value
    return number if alive and same(field.kind, rows[0][field.column], field.old) else None
