"""What happened to one record, told once: by whom and when, as exactly as anybody knows.

The vault knows what differed between two nights. The source's own change log, where it has one
and the vault holds it, knows each change with its time and user. Both tell the same changes; the
log's word is taken where it explains what the vault saw, and the rest is told by nights.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from unlost.engine.records.changelog import LoggedChange, noted_changes
from unlost.engine.records.explain import ExplainedChanges, FieldChange, explain
from unlost.model.errors import NotFound
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.reading import Op
from unlost.model.schema import Table
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
class Event:
    """Something that happened to a record.

    ``op`` is of the version that shows it, ``snapshot`` the first backup that is kept and shows that
    version: None where none does, and of an event that only the change log knows.
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
    """The backups that looked at a table, for telling which one came before."""

    infos: Sequence[SnapshotInfo]

    def before(self, number: int) -> datetime | None:
        """When the backup before snapshot ``number`` looked; None if there was none."""
        earlier = [info.as_of for info in self.infos if info.number < number]
        return earlier[-1] if earlier else None


class _Story:
    """Events with the time that each takes in the order.

    That is its own, unless it follows from an earlier version: a change that became visible late
    may say a time before one that a backup saw already, and yet it came upon it. So no event is
    put before what earlier versions told of the same columns.
    """

    def __init__(self) -> None:
        self.events: list[tuple[datetime, int, Event]] = []
        self._versions = 0
        self._latest: dict[str, datetime] = {}  # by column; _WHOLE of the record itself

    def tell(self, events: Sequence[Event]) -> None:
        """What one version shows."""
        self._versions += 1
        placed = [(self._place(event), event) for event in events]
        for at, event in placed:
            self.events.append((at, self._versions, event))
            for column in _touched(event):
                self._latest[column] = max(at, self._latest.get(column, at))

    def sharpen(self, event: Event) -> None:
        """A second word on the same deletion: it is told once, as exactly as known."""
        at = max(i for i, (*_, e) in enumerate(self.events) if e.kind is ChangeKind.DELETED)
        _, version, known = self.events[at]
        if event.when.exact is not None:
            event = replace(event, when=replace(event.when, after=known.when.after))
            self.events[at] = (event.when.latest, version, event)

    def note(self, events: Sequence[Event]) -> None:
        """What no version shows."""
        self.events += [(event.when.latest, self._versions, event) for event in events]

    def in_order(self) -> tuple[Event, ...]:
        def order(placed: tuple[datetime, int, Event]) -> tuple[datetime, int, datetime]:
            return placed[0], placed[1], placed[2].when.latest

        return tuple(event for *_, event in sorted(self.events, key=order))

    def _place(self, event: Event) -> datetime:
        columns = self._latest if _touched(event) == {_WHOLE} else {_WHOLE, *_touched(event)}
        floors = [self._latest[column] for column in columns if column in self._latest]
        return max([event.when.latest, *floors])


_WHOLE = ""


def _touched(event: Event) -> set[str]:
    if event.kind is not ChangeKind.CHANGED:
        return {_WHOLE}
    return {change.column for change in event.fields}


def history(vault: VaultReader, org: str, table: str, record: str) -> tuple[Event, ...]:
    """All events of a record, oldest first; raises NotFound for one that the vault does not have."""
    versions = vault.history(org, table, record)
    head = vault.head(org)
    if not versions or head is None:
        raise NotFound(
            "record-unknown",
            f"The vault has no record {record} in {table}.",
            next_step="Search for it with `unlost find`. What was erased is not there any more.",
        )
    shape = head.schema().table(table)
    noted = _noted(head, shape, record, versions) if shape is not None else []
    backups = vault.snapshots(org)
    story = events(versions, shape, noted, Nights([info for info in backups if info.read(table)]))
    shown = shown_by(versions, [info.number for info in backups])
    return tuple(
        event if event.snapshot is None else replace(event, snapshot=shown[event.snapshot])
        for event in story
    )


def shown_by(versions: Sequence[Version], backups: Sequence[int]) -> dict[int, int | None]:
    """For the commit of each version the first backup that is kept and shows it; None if none is.

    ``backups`` are numbers, the oldest first; versions likewise.
    """
    by_snapshot: dict[int, int | None] = {}
    for version, following in zip_longest(versions, versions[1:]):
        at = bisect_left(backups, version.snapshot)
        first = backups[at] if at < len(backups) else None
        over = first is not None and following is not None and first >= following.snapshot
        by_snapshot[version.snapshot] = None if over else first
    return by_snapshot


def events(
    versions: Sequence[Version], table: Table | None, noted: Sequence[LoggedChange], nights: Nights
) -> tuple[Event, ...]:
    """The story that versions and the source's notes tell together. Pure."""
    story = _Story()
    state: Version | None = None
    before: Version | None = None
    logged_changes = list(noted)
    for version in versions:
        changes = _explained(version, state, logged_changes, table)
        logged_changes = [
            *changes.wait,
            *(note for note in logged_changes if note.at > _seen_until(version)),
        ]
        event = _event(version, before, state, changes, nights)
        if event is not None and event.kind is ChangeKind.DELETED and _was_dead(before):
            story.sharpen(event)
            event = None
        story.tell([*([] if event is None else [event]), *_log_events(changes.shown)])
        before = version
        state = version if version.cells else state
    story.note(_log_events(logged_changes))
    return story.in_order()


def _explained(
    version: Version, state: Version | None, notes: Sequence[LoggedChange], table: Table | None
) -> ExplainedChanges:
    due = [note for note in notes if note.at <= _seen_until(version)]
    return explain(state.cells if state is not None else {}, version.cells, due, table)


def _seen_until(version: Version) -> datetime:
    """No later note can be of what a version shows."""
    return max(version.observed_at, version.modified_at or version.observed_at)


def _noted(
    head: Snapshot, table: Table, record: str, versions: Sequence[Version]
) -> list[LoggedChange]:
    """The source's notes, told apart by the values that the vault saw."""
    values: dict[str, frozenset[str | None]] = {}
    for version in versions:
        for column, value in version.cells.items():
            values[column] = values.get(column, frozenset()) | {value}
    return noted_changes(head, table, record, values=values)


def _log_events(notes: Sequence[LoggedChange]) -> list[Event]:
    """One event for all that one user changed at one instant."""
    groups: dict[tuple[datetime, str | None], list[LoggedChange]] = {}
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
    changes: ExplainedChanges,
    nights: Nights,
) -> Event | None:
    kind = _kind(version, before)
    if kind is ChangeKind.CHANGED and not changes.rest:
        return None
    moved = version.modified_at is not None and (
        state is None or version.modified_at != state.modified_at
    )
    after = nights.before(version.snapshot)
    exact = version.modified_at if moved and kind is not ChangeKind.CREATED else None
    until = version.observed_at
    if kind is ChangeKind.CREATED and moved and version.modified_at is not None:
        until = min(until, version.modified_at, *(note.at for note in changes.shown))
    return Event(
        kind,
        When(exact, after, until),
        version.modified_by if exact is not None else None,
        changes.rest,
        Origin.VAULT,
        version.op,
        version.snapshot,
    )


def _kind(version: Version, before: Version | None) -> ChangeKind:
    if not version.op.alive:
        return ChangeKind.DELETED
    if before is None:
        return ChangeKind.CREATED
    return ChangeKind.CHANGED if before.op.alive else ChangeKind.REVIVED


def _was_dead(before: Version | None) -> bool:
    return before is not None and not before.op.alive
