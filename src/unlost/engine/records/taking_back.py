"""The changes of a user that can be taken back: those that nobody changed again since. Pure.

Ada    Phone  1 -> 2       taken back: 1
Ada    Phone  2 -> 3
Ada    Name   a -> b       stays: Ben changed it later
Ben    Name   b -> c
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from unlost.engine.records.history import Event, EventKind
from unlost.model.plan import RecordKey

RETURNS = (EventKind.REVIVED, EventKind.RESTORED, EventKind.ADOPTED)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change of a column, or with an empty ``column`` a deletion or return of the record.

    ``until``: the end of the time in which it was made, by which a history finds it. ``removes``: it
    is a deletion.
    """

    key: RecordKey
    column: str
    at: datetime
    until: datetime
    by: str | None
    removes: bool = False


@dataclass(frozen=True, slots=True)
class TakenBackChanges:
    """The ``first`` change of each column that is taken back.

    ``changed_later`` counts the columns that stay.
    """

    first: tuple[RecordedChange, ...]
    changed_later: int


def recorded(key: RecordKey, event: Event) -> Iterable[RecordedChange]:
    """The changes of an event; none of a creation."""
    when = event.when
    if event.kind is EventKind.CHANGED:
        columns = dict.fromkeys(change.column for change in event.fields)
        return [
            RecordedChange(key, column, when.latest, when.until, event.by) for column in columns
        ]
    if event.kind is EventKind.DELETED or event.kind in RETURNS:
        removes = event.kind is EventKind.DELETED
        return [RecordedChange(key, "", when.latest, when.until, event.by, removes)]
    return ()


def taken_back(
    changes: Iterable[RecordedChange], *, user: str, since: datetime, until: datetime
) -> TakenBackChanges:
    """The changes of a user between two times that are still the last ones of their columns.

    ``changes`` are all changes since the earlier time, by anyone, in any order.
    """
    by_cell: dict[tuple[RecordKey, str], list[RecordedChange]] = defaultdict(list)
    for change in sorted(changes, key=lambda each: each.at):
        by_cell[change.key, change.column].append(change)
    first: list[RecordedChange] = []
    changed_later = 0
    for cell in by_cell.values():
        mine = [each for each in cell if each.by == user and since < each.at <= until]
        if not mine or not (mine[-1].column or mine[-1].removes):
            continue
        if cell[-1] is mine[-1]:
            first.append(mine[0] if mine[0].column else mine[-1])
        else:
            changed_later += 1
    return TakenBackChanges(tuple(first), changed_later)
