"""The changes of a user that can be taken back: those that nobody changed again since. Pure.

  Ben    Phone  0 -> 1
  Ada    Phone  1 -> 2       taken back: 1, the value from before Ada's last changes in a row
  Ada    Phone  2 -> 3
  Ada    Name   a -> b       stays: Ben changed it later
  Ben    Name   b -> c

Nothing of a record is taken back that somebody else deleted later.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.engine.records.history import Event, EventKind
from unlost.model.plan import RecordKey

RETURNS = (EventKind.REVIVED, EventKind.RESTORED, EventKind.ADOPTED)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change of a column, or with an empty ``column`` a deletion or return of the record.

    ``until``: the end of the time in which it was made, by which a history finds it. ``removes``: it
    is a deletion, or an archive took the record out of the org.
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
        # The org logs changes of long texts without their values.
        known = (line for line in event.fields if line.old is not None or line.new is not None)
        columns = dict.fromkeys(line.column for line in known)
        return [
            RecordedChange(key, column, when.latest, when.until, event.by) for column in columns
        ]
    if event.kind.ends or event.kind in RETURNS:
        removes = event.kind.ends
        return [RecordedChange(key, "", when.latest, when.until, event.by, removes)]
    return ()


def taken_back(
    changes: Iterable[RecordedChange], *, user: str, since: datetime, until: datetime
) -> TakenBackChanges:
    """The changes of a user between two times that are still the last ones of their columns.

    ``changes`` are all changes since the earlier time, by anyone, in any order.
    """

    def is_mine(change: RecordedChange) -> bool:
        return change.by == user and since < change.at <= until

    by_cell: dict[tuple[RecordKey, str], list[RecordedChange]] = defaultdict(list)
    for change in sorted(changes, key=lambda each: each.at):
        by_cell[change.key, change.column].append(change)
    first: list[RecordedChange] = []
    changed_later = 0
    for (key, column), cell in by_cell.items():
        mine = [each for each in cell if is_mine(each)]
        if not mine or not (column or mine[-1].removes):
            continue
        ends = by_cell.get((key, ""), [])
        is_gone = bool(ends) and ends[-1].removes and not is_mine(ends[-1])
        if is_mine(cell[-1]) and not is_gone:
            first.append(_last_run(cell, is_mine)[0] if column else cell[-1])
        else:
            changed_later += 1
    return TakenBackChanges(tuple(first), changed_later)


def _last_run(
    cell: Sequence[RecordedChange], is_mine: Callable[[RecordedChange], bool]
) -> Sequence[RecordedChange]:
    """The last changes in a row that are the user's; the last one is."""
    others = [at for at, change in enumerate(cell) if not is_mine(change)]
    return cell[others[-1] + 1 :] if others else cell
