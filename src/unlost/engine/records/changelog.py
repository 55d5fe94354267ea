"""The source's own change log of a record, read from the vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.engine.sameness import instant
from unlost.model.source.schema import ChangeLog, Column, Table, WireKind

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One change in the source's log: exact time and user."""

    at: datetime
    by: str | None
    column: str
    old: str | None
    new: str | None


def noted_changes(
    snapshot: Snapshot, table: Table, record: str, *, values: Mapping[str, frozenset[str | None]]
) -> list[LoggedChange]:
    """The changes of a record in the source's log, oldest first.

    ``values``: the vault's values of each column; they decide between two entries for one change,
    since some sources log a changed reference twice, by id and by name.
    """
    log = table.change_log
    if log is None or log.table not in snapshot.tables():
        return []
    log = _readable(snapshot, log)
    rows = sorted(_rows(snapshot, log, record), key=lambda row: _place(row, log))
    logged_changes = [note for row in rows if (note := _noted(row, log, table)) is not None]
    return _without_duplicates(
        sorted(logged_changes, key=lambda note: (note.at, note.column)), table, values
    )


def _readable(snapshot: Snapshot, log: ChangeLog) -> ChangeLog:
    """The log without its order where that column is hidden."""
    stored = snapshot.schema().table(log.table)
    known = log.order_column and stored and stored.column(log.order_column)
    return log if known else replace(log, order_column=None)


def _rows(snapshot: Snapshot, log: ChangeLog, record: str) -> Sequence[dict[str, str | None]]:
    """The log's rows of a record, including rows that the source has deleted since."""
    columns = list(log.columns)
    rows = snapshot.where(log.table, log.record_column, [record], columns=columns)
    dicts: list[dict[str, str | None]] = rows.select(columns).to_pylist()
    return dicts


def _place(row: dict[str, str | None], log: ChangeLog) -> int:
    """The place of a change among those of its record; 0 if the log has none."""
    text = row[log.order_column] if log.order_column else None
    return int(text) if text and text.isdecimal() else 0


def _noted(row: dict[str, str | None], log: ChangeLog, table: Table) -> LoggedChange | None:
    at, field = row[log.at_column], row[log.field_column]
    column = _column(table, field or "")
    if at is None or column is None:
        return None
    return LoggedChange(
        instant(at), row[log.by_column], column.name, row[log.old_column], row[log.new_column]
    )


def _column(table: Table, field: str) -> Column | None:
    """The column that a log calls ``field``; references may be called without their ``Id``."""
    column = table.column(field)
    if column is not None:
        return column
    reference = table.column(field + "Id")
    return reference if reference is not None and reference.reference is not None else None


def _without_duplicates(
    notes: list[LoggedChange], table: Table, values: Mapping[str, frozenset[str | None]]
) -> list[LoggedChange]:
    logged_changes: dict[tuple[datetime, str, str], LoggedChange] = {}
    for at, note in enumerate(notes):
        column = table.column(note.column)
        assert column is not None
        twice = column.kind is WireKind.REFERENCE
        key = (note.at, note.column, "" if twice else str(at))
        known = values.get(note.column, frozenset()) - {None}
        if key not in logged_changes or known & {note.old, note.new}:
            logged_changes[key] = note
    return list(logged_changes.values())
