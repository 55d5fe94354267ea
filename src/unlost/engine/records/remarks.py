"""Remarks of people about a record, such as comments, as events beside those of its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin, When
from unlost.engine.sameness import instant
from unlost.model.source.reading import Op
from unlost.model.source.schema import Remarks, Table

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot


def remarks_on(snapshot: Snapshot, table: Table, records: Sequence[str]) -> list[Event]:
    """The remarks on a record under these ids, oldest first, also those that the source deleted."""
    remarks = table.remarks
    if remarks is None or remarks.table not in snapshot.tables():
        return []
    columns = sorted(remarks.columns)
    rows = snapshot.where(remarks.table, remarks.record_column, records, columns=columns)
    events = [
        _event(remarks, row)
        for row in rows.select(columns).to_pylist()
        if row[remarks.at_column] and row[remarks.text_column]
    ]
    return sorted(events, key=lambda event: event.when.latest)


def with_remarks(events: Sequence[Event], remarks: Iterable[Event]) -> list[Event]:
    """Events in their order, each remark before the first event that is later than it."""
    merged: list[Event] = []
    waiting = list(reversed(list(remarks)))
    for event in events:
        while waiting and waiting[-1].when.latest < event.when.latest:
            merged.append(waiting.pop())
        merged.append(event)
    return [*merged, *reversed(waiting)]


def _event(remarks: Remarks, row: Mapping[str, str | None]) -> Event:
    at = instant(row[remarks.at_column] or "")
    kind = row[remarks.kind_column] or ""
    return Event(
        EventKind.REMARK,
        When(at, None, at),
        row[remarks.by_column],
        (FieldChange(kind, None, row[remarks.text_column]),),
        Origin.REMARKS,
        Op.STATE,
        None,
        record=row[remarks.record_column] or "",
    )
