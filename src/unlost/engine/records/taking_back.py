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

from unlost.engine.records.history import Event, EventKind, Origin
from unlost.model.plan import RecordKey

RETURNS = (EventKind.REVIVED, EventKind.RESTORED, EventKind.ADOPTED)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change of a column, or with an empty ``column`` a deletion or return of the record.

    ``until``: the end of the time in which it was made, by which a history finds it. ``removes``: it
    is a deletion, or an archive took the record out of the org. ``is_live``: it was made after the
    newest backup, so no history has it.
    """

    key: RecordKey
    column: str
    at: datetime
    until: datetime
    by: str | None
    removes: bool = False
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class TakenBackChanges:
    """The ``first`` change of each column that is taken back.

    ``changed_later`` counts the columns that stay. ``live``: later changes of the same columns, made
    after the newest backup, that are taken back with the first ones.
    """

    first: tuple[RecordedChange, ...]
    changed_later: int
    live: tuple[RecordedChange, ...] = ()


def recorded(key: RecordKey, event: Event) -> Iterable[RecordedChange]:
    """The changes of an event; none of a creation."""
    when, is_live = event.when, event.origin is Origin.LIVE
    if event.kind is EventKind.CHANGED:
        # The org logs changes of long texts without their values.
        known = (line for line in event.fields if line.old is not None or line.new is not None)
        columns = dict.fromkeys(line.column for line in known)
        return [
            RecordedChange(key, column, when.latest, when.until, event.by, is_live=is_live)
            for column in columns
        ]
    if event.kind.ends or event.kind in RETURNS:
        removes = event.kind.ends
        return [RecordedChange(key, "", when.latest, when.until, event.by, removes, is_live)]
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
    # The clock of the org may be behind the backup, so a live change is the later one in any case.
    for change in sorted(changes, key=lambda each: (each.is_live, each.at)):
        by_cell[change.key, change.column].append(change)
    first: list[RecordedChange] = []
    live: list[RecordedChange] = []
    changed_later = 0
    for (key, column), cell in by_cell.items():
        mine = [each for each in cell if is_mine(each)]
        if not mine or not (column or mine[-1].removes):
            continue
        ends = by_cell.get((key, ""), [])
        is_gone = bool(ends) and ends[-1].removes and not is_mine(ends[-1])
        if is_mine(cell[-1]) and not is_gone:
            run = _last_run(cell, is_mine) if column else cell[-1:]
            first.append(run[0])
            live += [each for each in run[1:] if each.is_live]
        else:
            changed_later += 1
    return TakenBackChanges(tuple(first), changed_later, tuple(live))


def _last_run(
    cell: Sequence[RecordedChange], is_mine: Callable[[RecordedChange], bool]
) -> Sequence[RecordedChange]:
    """The last changes in a row that are the user's; the last one is."""
    others = [at for at, change in enumerate(cell) if not is_mine(change)]
    return cell[others[-1] + 1 :] if others else cell
