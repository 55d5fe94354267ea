"""What happened to one record, told once: by whom and when, as exactly as anybody knows.

The vault knows what differed between two nights. The source's own change log, where it has one
and the vault holds it, knows each change with its time and user. Both tell the same changes; the
log's word is taken where it explains what the vault saw, and the rest is told by nights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from unlost.engine.changelog import Noted, noted_changes
from unlost.engine.sameness import same
from unlost.model.errors import NotFound
from unlost.model.ports import Snapshot, Vault
from unlost.model.reading import Op
from unlost.model.schema import ColumnTrait, Table, WireKind
from unlost.model.snapshot import ChangeKind, SnapshotInfo, Version


class Origin(StrEnum):
    """Who tells it."""

    VAULT = "vault"
    CHANGE_LOG = "change-log"


@dataclass(frozen=True, slots=True)
class When:
    """``exact`` where the source told it; else between the backups ``after`` and ``until``.

    ``after`` None: before the first backup that saw the record.
    """

    exact: datetime | None
    after: datetime | None
    until: datetime

    @property
    def latest(self) -> datetime:
        """For sorting: the exact time, else the end of the span."""
        return self.exact or self.until


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A column's value before and after, verbatim."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a record.

    ``op`` and ``snapshot`` are of the version that shows it; of an event that only the change log
    knows, the snapshot is None.
    """

    kind: ChangeKind
    when: When
    by: str | None
    fields: tuple[FieldChange, ...]
    origin: Origin
    op: Op
    snapshot: int | None


@dataclass(frozen=True, slots=True)
class Nights:
    """The backups of an org, for telling which one came before."""

    infos: Sequence[SnapshotInfo]

    def before(self, number: int) -> datetime | None:
        """When the backup before snapshot ``number`` looked; None if there was none."""
        earlier = [info.as_of for info in self.infos if info.number < number]
        return earlier[-1] if earlier else None


def history(vault: Vault, org: str, table: str, record: str) -> tuple[Event, ...]:
    """All events of a record, oldest first; raises NotFound for one that the vault never saw."""
    versions = vault.history(org, table, record)
    head = vault.head(org)
    if not versions or head is None:
        raise NotFound(
            "record-unknown",
            f"The vault never saw a record {record} in {table}.",
            next_step="Look for it with: unlost find",
        )
    shape = head.schema().table(table)
    noted = _noted(head, shape, record, versions) if shape is not None else []
    return events(versions, shape, noted, Nights(vault.snapshots(org)))


def events(
    versions: Sequence[Version], table: Table | None, noted: Sequence[Noted], nights: Nights
) -> tuple[Event, ...]:
    """The story that versions and the source's notes tell together. Pure."""
    told: list[Event] = []
    state: Version | None = None
    before: Version | None = None
    left = list(noted)
    for version in versions:
        mine = [note for note in left if note.at <= version.observed_at]
        left = left[len(mine) :]
        told += _log_events(mine)
        event = _event(version, before, state, table, mine, nights)
        if event is not None and event.kind is ChangeKind.DELETED and _was_dead(before):
            _sharpen(told, event)
        elif event is not None:
            told.append(event)
        before = version
        state = version if version.cells else state
    told += _log_events(left)
    return tuple(sorted(told, key=lambda event: event.when.latest))


def _noted(head: Snapshot, table: Table, record: str, versions: Sequence[Version]) -> list[Noted]:
    """The source's notes, told apart by the values that the vault saw."""
    values: dict[str, frozenset[str | None]] = {}
    for version in versions:
        for column, value in version.cells.items():
            values[column] = values.get(column, frozenset()) | {value}
    return noted_changes(head, table, record, values=values)


def _log_events(notes: Sequence[Noted]) -> list[Event]:
    """One event for all that one user changed at one instant."""
    groups: dict[tuple[datetime, str | None], list[Noted]] = {}
    for note in notes:
        groups.setdefault((note.at, note.by), []).append(note)
    return [
        Event(
            ChangeKind.CHANGED,
            When(at, None, at),
            by,
            tuple(FieldChange(note.column, note.old, note.new) for note in group),
            Origin.CHANGE_LOG,
            Op.STATE,
            None,
        )
        for (at, by), group in groups.items()
    ]


def _event(
    version: Version,
    before: Version | None,
    state: Version | None,
    table: Table | None,
    notes: Sequence[Noted],
    nights: Nights,
) -> Event | None:
    kind = _kind(version, before)
    changed = field_changes(state.cells, version.cells, table) if state and version.cells else ()
    fields = _unexplained(changed, notes, table)
    if kind is ChangeKind.CHANGED and not fields:
        return None
    moved = version.modified_at is not None and (
        state is None or version.modified_at != state.modified_at
    )
    after = nights.before(version.snapshot)
    exact = version.modified_at if moved and kind is not ChangeKind.CREATED else None
    until = version.observed_at
    if kind is ChangeKind.CREATED and moved and version.modified_at is not None:
        until = min(until, version.modified_at)
    return Event(
        kind,
        When(exact, after, until),
        version.modified_by if exact is not None else None,
        fields,
        Origin.VAULT,
        version.op,
        version.snapshot,
    )


def field_changes(
    old: Mapping[str, str | None], new: Mapping[str, str | None], table: Table | None
) -> tuple[FieldChange, ...]:
    """Columns that both states have and that mean different values; volatile ones never count."""
    found = []
    for name in new:
        column = table.column(name) if table is not None else None
        kind = column.kind if column is not None else WireKind.TEXT
        volatile = column is not None and column.has(ColumnTrait.VOLATILE)
        if name in old and not volatile and not same(kind, old[name], new[name]):
            found.append(FieldChange(name, old[name], new[name]))
    return tuple(found)


def _unexplained(
    changed: Sequence[FieldChange], notes: Sequence[Noted], table: Table | None
) -> tuple[FieldChange, ...]:
    """What the notes do not explain: their last value of a column is not what the vault saw."""
    last = {note.column: note.new for note in notes}
    left = []
    for change in changed:
        if change.column not in last:
            left.append(change)
            continue
        column = table.column(change.column) if table is not None else None
        kind = column.kind if column is not None else WireKind.TEXT
        if not same(kind, last[change.column], change.new):
            left.append(replace(change, old=last[change.column]))
    return tuple(left)


def _kind(version: Version, before: Version | None) -> ChangeKind:
    if not version.op.alive:
        return ChangeKind.DELETED
    if before is None:
        return ChangeKind.CREATED
    return ChangeKind.CHANGED if before.op.alive else ChangeKind.REVIVED


def _was_dead(before: Version | None) -> bool:
    return before is not None and not before.op.alive


def _sharpen(told: list[Event], event: Event) -> None:
    """A second word on the same deletion: it is told once, as exactly as known."""
    at = max(i for i, known in enumerate(told) if known.kind is ChangeKind.DELETED)
    if event.when.exact is not None:
        told[at] = replace(event, when=replace(event.when, after=told[at].when.after))
