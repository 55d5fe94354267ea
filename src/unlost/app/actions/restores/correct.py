"""Correct a record in the org: choose for each column the value of any version, or type another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from unlost.app.access import action
from unlost.app.actions.records.history import (
    ChangedField,
    HistoryEntry,
    HistoryResult,
    history,
)
from unlost.app.actions.restores.kept_plan import PlanView, choose, what_was_typed
from unlost.app.actions.restores.put_back import value_before
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames, last_alive
from unlost.app.records.record_names import record_names
from unlost.app.records.settable import why_never_set
from unlost.app.restores.overrides import Overrides, TakenEdit, TypedEdit, correction_empty
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.history import EventKind
from unlost.engine.sameness import same
from unlost.model.access import Right, Trace
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Column, Table, WireKind

VERSIONS = 12  # earlier values that are offered of a column, the newest ones


@dataclass(frozen=True, slots=True)
class ColumnVersion:
    """An earlier value of a column, and its name if it is a reference or a list's value.

    ``until``: that of the history entry with the change that ended it. ``changed_by`` is the name of
    the user of this change.
    """

    value: str | None
    means: str
    until: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class CorrectableField:
    """A column that can be set: its value in the newest backup, and its earlier values, newest first.

    ``choices`` are the values of a list; ``length`` is in characters, 0 if unknown. ``has_older``: it
    had other values before these.
    """

    name: str
    label: str
    kind: WireKind
    value: str | None
    means: str
    versions: tuple[ColumnVersion, ...]
    choices: tuple[str, ...] = ()
    length: int = 0
    is_reference: bool = False
    has_older: bool = False


@dataclass(frozen=True, slots=True)
class CorrectableRecord:
    """A record and its columns that can be set: those with earlier values first."""

    org: str
    zone: str
    table: str
    table_label: str
    record: str
    name: str
    alive: bool
    fields: tuple[CorrectableField, ...]


@dataclass(frozen=True, slots=True)
class Corrections:
    """The chosen values of a record, by column.

    ``versions``: the ``until`` of an earlier value, as in JSON. ``values`` are typed; None empties
    the cell.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str | None] = field(default_factory=dict)


@action("restore.correctable", Right.RESTORE, trace=Trace.READ, subject=("table", "record"))
def correctable(
    app: Application, org: str, table: str, record: str, *, every: Sequence[str] = ()
) -> CorrectableRecord:
    """Show the columns of a record that can be set, each with its newest earlier values.

    Of the columns ``every``, all earlier values are shown.
    Raises NotFound for an unknown org, table or record, UsageError (``id-wrong``).
    """
    known = get_org(org)
    shown = history(app, org, table, record)
    head = newest_backup(app.vault, known)
    described = head.schema().table(shown.table)
    assert described is not None
    cells = _cells(app, known, head, shown)
    fields = list(_fields(record_names(app, known, head), described, shown, cells, {*every}))
    return CorrectableRecord(
        org,
        known.identity.zone,
        shown.table,
        shown.table_label,
        shown.record,
        shown.name,
        shown.alive,
        tuple(sorted(fields, key=lambda each: not each.versions)),
    )


@action(
    "restore.correct",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("table", "record"),
    detail=what_was_typed,
)
def correct(
    app: Application,
    org: str,
    table: str,
    record: str,
    *,
    chosen: Corrections,
    beside: bool = False,
) -> PlanView:
    """Select chosen values of a record; ``restore.make`` then makes the plan.

    Of a live record nothing else is set; a lost one comes back with these values. ``beside``: they
    come in a new record beside the present one. Raises UsageError (``correction-empty``,
    ``edit-value-wrong``), NotFound (``change-unknown``), and as ``restore.choose``.
    """
    if not (chosen.versions or chosen.values or beside):
        raise correction_empty(f"{table}/{record}")
    known = get_org(org)
    shown = history(app, org, table, record)
    key = RecordKey(shown.table, shown.record)
    typed = [TypedEdit(str(key), name, value) for name, value in chosen.values.items()]
    taken = []
    for name, until in chosen.versions.items():
        number, change = value_before(app, known, shown, column=name, until=until)
        if number is not None:
            taken.append(TakenEdit(str(key), name, str(number)))
        else:  # a value between two backups is only known from the org's change log
            typed.append(TypedEdit(str(key), name, change.old))
    request = PlanRequest(
        org,
        (str(key),),
        otherwise=Overrides(tuple(typed), taken=tuple(taken)),
        correct=True,
        beside=beside,
    )
    return choose(app, org, RestoreRequest(request))


def _cells(
    app: Application, org: ProtectedOrg, head: Snapshot, shown: HistoryResult
) -> Mapping[str, str | None]:
    """Return the values of a record in the newest backup in which it was alive; none if there is none."""
    snapshot: Snapshot | None = head
    if not shown.alive:
        versions = app.vault.history(org.oid, shown.table, shown.record)
        number = last_alive(versions, app.vault.snapshots(org.oid))
        snapshot = app.vault.at(org.oid, number) if number is not None else None
    rows = snapshot.get(shown.table, [shown.record]).to_pylist() if snapshot is not None else []
    return rows[0] if rows else {}


def _fields(
    names: RecordNames,
    table: Table,
    shown: HistoryResult,
    cells: Mapping[str, str | None],
    every: Collection[str],
) -> Iterator[CorrectableField]:
    """Yield the columns that can be set, in the order of the source."""
    by_column = _changes(shown.entries, shown.record)
    for column in table.columns:
        if column.name in cells and why_never_set(column, table) is None:
            value = cells[column.name]
            most = None if column.name in every else VERSIONS
            offered = _versions(column, value, by_column.get(column.name, ()))
            versions = list(islice(offered, None if most is None else most + 1))
            meaning = names.meanings(column, [cells]).get(value or "")
            yield CorrectableField(
                column.name,
                column.label or column.name,
                column.kind,
                value,
                meaning.name if meaning is not None else "",
                tuple(versions[:most]),
                column.choices,
                column.length,
                column.reference is not None,
                has_older=most is not None and len(versions) > most,
            )


def _changes(
    entries: Sequence[HistoryEntry], record: str
) -> dict[str, list[tuple[HistoryEntry, ChangedField]]]:
    """Return the changes of each column under this id, the newest first.

    Of several changes at one time the first has the value from before all of them.
    """
    by_column: dict[str, list[tuple[HistoryEntry, ChangedField]]] = {}
    for entry in reversed(entries):
        if entry.kind is EventKind.CHANGED and entry.record == record:
            first = {line.column: line for line in reversed(entry.fields) if line.is_known}
            for name, change in first.items():
                by_column.setdefault(name, []).append((entry, change))
    return by_column


def _versions(
    column: Column, value: str | None, changes: Sequence[tuple[HistoryEntry, ChangedField]]
) -> Iterator[ColumnVersion]:
    """Yield the earlier values that differ from the present one and from one another."""
    offered: list[str | None] = [value]
    seen = {value}  # most repeated values are written in the same way
    for entry, change in changes:
        if not change.is_known:
            continue
        if change.old in seen or any(same(column.kind, change.old, old) for old in offered):
            continue
        seen.add(change.old)
        offered.append(change.old)
        yield ColumnVersion(change.old, change.old_means, entry.until, entry.by_name)
