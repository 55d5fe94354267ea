"""Match log entries with versions: which entries a version shows, and which changes none explains.

Pure. An entry's time alone does not decide whether a backup saw the change: both may fall into the
same second, or a transaction with an older stamp was committed later. Its values do: a version
shows the entries up to the one whose new value it has. The others wait for a later version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unlost.engine.records.changelog import LoggedChange
from unlost.engine.sameness import same
from unlost.model.source.schema import ColumnTrait, Table, WireKind

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A column's value before and after, verbatim."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ExplainedChanges:
    """Entries that a version shows, entries that ``wait``, and changes that no entry explains."""

    shown: tuple[LoggedChange, ...]
    wait: tuple[LoggedChange, ...]
    rest: tuple[FieldChange, ...]


def field_changes(old: Cells, new: Cells, table: Table | None) -> tuple[FieldChange, ...]:
    """Columns of both states with different meanings; volatile ones never count."""
    changes = []
    for name in new:
        column = table.column(name) if table is not None else None
        volatile = column is not None and column.has(ColumnTrait.VOLATILE)
        if name in old and not volatile and not same(_kind(table, name), old[name], new[name]):
            changes.append(FieldChange(name, old[name], new[name]))
    return tuple(changes)


def explain(
    old: Cells, new: Cells, notes: Sequence[LoggedChange], table: Table | None
) -> ExplainedChanges:
    """Match the ``notes`` up to a version, in order, with its values and the values before it."""
    changes = {change.column: change for change in field_changes(old, new, table)}
    shown: dict[int, LoggedChange] = {}
    for column in dict.fromkeys(note.column for note in notes if note.column in new):
        places = [at for at, note in enumerate(notes) if note.column == column]
        logged_changes = [notes[at] for at in places]
        kind, change = _kind(table, column), changes.get(column)
        logged_changes = logged_changes[: _count(logged_changes, old, new[column], kind)]
        if change is not None and logged_changes:
            logged_changes, change = _joined(logged_changes, change, kind)
        if change is None:
            changes.pop(column, None)
        else:
            changes[column] = change
        shown |= dict(zip(places, logged_changes, strict=False))
    wait = tuple(note for at, note in enumerate(notes) if at not in shown)
    return ExplainedChanges(tuple(shown[at] for at in sorted(shown)), wait, tuple(changes.values()))


def _count(notes: Sequence[LoggedChange], old: Cells, now: str | None, kind: WireKind) -> int:
    """The number of a column's entries that a version with the value ``now`` shows.

    It is the smallest possible one, so a later version can always show the others. All entries
    count if values do not decide: then the time must.
    """
    column = notes[0].column
    if column in old:
        reached = same(kind, old[column], now)
    else:
        reached = not _silent(notes[0]) and same(kind, notes[0].old, now)
    if reached:
        return 0
    telling = [(at, note) for at, note in enumerate(notes) if not _silent(note)]
    after = (at + 1 for at, note in telling if same(kind, note.new, now))
    prefetch = (at for at, note in telling if same(kind, note.old, now))
    return next(after, next(prefetch, len(notes)))


def _joined(
    notes: Sequence[LoggedChange], change: FieldChange, kind: WireKind
) -> tuple[list[LoggedChange], FieldChange | None]:
    """Combine a change with the entries that a version shows of it.

    A log may lack values (of long texts), or have names in place of ids: then its last entry gets
    the values that the vault saw.
    """
    first, last = notes[0], notes[-1]
    if same(kind, last.new, change.new) and not _silent(last):
        return list(notes), None
    if all(_silent(note) for note in notes) or not same(kind, first.old, change.old):
        logged_change = replace(last, old=change.old, new=change.new)
        return [*notes[:-1], logged_change], None
    return list(notes), replace(change, old=last.new)


def _silent(note: LoggedChange) -> bool:
    """True for an entry that records a change without its values."""
    return note.old is None and note.new is None


def _kind(table: Table | None, name: str) -> WireKind:
    column = table.column(name) if table is not None else None
    return column.kind if column is not None else WireKind.TEXT
