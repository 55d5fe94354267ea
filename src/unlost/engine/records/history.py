"""The history under one id: each change once, with its user and time as exactly as known.

The vault knows the differences between two backups. The source's own change log, if it has one and
the vault holds it, has each change with its time and user. Both describe the same changes: log
entries are used if they explain the vault's differences; the rest is dated by backups.

A record that a restore created anew has another id since: ``story`` joins the histories of both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from unlost.engine.merge_winner import merge_winner
from unlost.engine.records.changelog import LoggedChange, noted_changes
from unlost.engine.records.explain import ExplainedChanges, FieldChange, explain
from unlost.engine.sameness import instant
from unlost.model.errors import NotFound
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import SnapshotInfo, Version

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot, VaultReader


class Origin(StrEnum):
    """The source of an event."""

    VAULT = "vault"
    CHANGE_LOG = "change-log"
    RESTORE = "restore"
    LIVE = "live"  # the org now, compared with the newest backup
    REMARKS = "remarks"  # what people wrote


class EventKind(StrEnum):
    """The kind of an event: a change between two snapshots, or the act of a restore."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    ARCHIVED = "archived"  # an archive took the record out of the org
    REVIVED = "revived"
    RESTORED = "restored"  # a restore created the record anew, under a new id
    ADOPTED = "adopted"  # a restore took a live record for the lost one
    REMARK = "remark"  # a person wrote about the record: its only field has the kind and the text

    @property
    def ends(self) -> bool:
        """True if the record is no longer in the org after it."""
        return self in (EventKind.DELETED, EventKind.ARCHIVED)


@dataclass(frozen=True, slots=True)
class When:
    """``exact`` if the source recorded it; else between the backups ``after`` and ``until``.

    ``after`` None: before the first backup that saw the record.
    """

    exact: datetime | None
    after: datetime | None
    until: datetime

    @property
    def latest(self) -> datetime:
        """The time for sorting: the exact time, else the end of the span."""
        return self.exact or self.until


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a record.

    ``op`` is of the version that shows it, ``snapshot`` the first kept backup that shows that
    version: None if there is none, and for an event that only the change log has. ``record`` is the
    id at that time, ``run`` the restore or archive that did it. ``merged_into``: the record into which a deleted
    one was merged.
    """

    kind: EventKind
    when: When
    by: str | None
    fields: tuple[FieldChange, ...]
    origin: Origin
    op: Op
    snapshot: int | None
    record: str = ""
    run: str | None = None
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Nights:
    """The backups that read a table, in order."""

    infos: Sequence[SnapshotInfo]

    def before(self, number: int) -> datetime | None:
        """The time of the backup before snapshot ``number``; None if there was none."""
        earlier = [info.as_of for info in self.infos if info.number < number]
        return earlier[-1] if earlier else None


class _Story:
    """Events with their time for sorting.

    That is an event's own time, unless it follows from an earlier version: a change that became
    visible late may have a time before a change that a backup already saw, and yet it was applied
    on top of it. So no event is sorted before events of earlier versions about the same columns.
    """

    def __init__(self) -> None:
        self.events: list[tuple[datetime, int, Event]] = []
        self._versions = 0
        self._latest: dict[str, datetime] = {}  # by column; _WHOLE for the record itself

    def add_version_events(self, events: Sequence[Event]) -> None:
        """Add the events that one version shows."""
        self._versions += 1
        placed = [(self._place(event), event) for event in events]
        for at, event in placed:
            self.events.append((at, self._versions, event))
            for column in _touched_columns(event):
                self._latest[column] = max(at, self._latest.get(column, at))

    def merge_deletion(self, event: Event) -> None:
        """Merge a second report of the same deletion: it is listed once, as exactly as known."""
        at = max(i for i, (*_, e) in enumerate(self.events) if e.kind.ends)
        placed, version, known = self.events[at]
        if (
            event.kind is EventKind.ARCHIVED
        ):  # a backup saw that it was gone before the archive ended
            self.events[at] = (placed, version, replace(event, when=known.when))
        elif event.when.exact is not None:
            when = replace(event.when, after=known.when.after)
            winner = event.merged_into or known.merged_into
            event = replace(event, when=when, merged_into=winner)
            self.events[at] = (event.when.latest, version, event)

    def note(self, events: Sequence[Event]) -> None:
        """Add events that no version shows."""
        self.events += [(event.when.latest, self._versions, event) for event in events]

    def in_order(self) -> tuple[Event, ...]:
        def order(placed: tuple[datetime, int, Event]) -> tuple[datetime, int, datetime]:
            return placed[0], placed[1], placed[2].when.latest

        return tuple(event for *_, event in sorted(self.events, key=order))

    def _place(self, event: Event) -> datetime:
        columns = (
            self._latest
            if _touched_columns(event) == {_WHOLE}
            else {_WHOLE, *_touched_columns(event)}
        )
        floors = [self._latest[column] for column in columns if column in self._latest]
        return max([event.when.latest, *floors])


_WHOLE = ""


def _touched_columns(event: Event) -> set[str]:
    if event.kind is not EventKind.CHANGED:
        return {_WHOLE}
    return {change.column for change in event.fields}


def history(vault: VaultReader, org: str, table: str, record: str) -> tuple[Event, ...]:
    """All events under one id, oldest first; raises NotFound if the vault does not have it."""
    versions = vault.history(org, table, record)
    head = vault.newest_backup(org)
    if not versions or head is None:
        raise record_unknown(table, record)
    return recorded_events(vault, head, versions)


def record_unknown(table: str, record: str) -> NotFound:
    """The error for a record of which the vault has nothing."""
    return NotFound(
        "record-unknown",
        "The vault has no record {record} in {table}.",
        next_step="Search for the record with `unlost find TEXT`. Erased records are no "
        "longer in the vault.",
        record=record,
        table=table,
    )


def recorded_events(
    vault: VaultReader, head: Snapshot, versions: Sequence[Version]
) -> tuple[Event, ...]:
    """The events that the versions of one id show, oldest first; ``head``: the newest backup."""
    table, record = versions[0].table, versions[0].record
    shape = head.schema().table(table)
    noted = _noted(head, shape, record, versions) if shape is not None else []
    backups = vault.snapshots(head.info.org)
    nights = Nights([info for info in backups if info.read(table)])
    shown = first_backups_with(versions, [info.number for info in backups])
    archives = _archives(vault, head.info.org, versions)
    return tuple(
        replace(
            event,
            record=record,
            run=archives.get(event.snapshot) if event.snapshot is not None else None,
            snapshot=event.snapshot and shown[event.snapshot],
        )
        for event in events(versions, shape, noted, nights)
    )


def _archives(vault: VaultReader, org: str, versions: Sequence[Version]) -> dict[int, str]:
    """The archives whose commits are among these versions, by the number of the commit."""
    numbers = {version.snapshot for version in versions if version.op is Op.ARCHIVED}
    commits = vault.commits(org) if numbers else ()
    return {info.number: info.run for info in commits if info.number in numbers}


def first_backups_with(
    versions: Sequence[Version], backups: Sequence[int]
) -> dict[int, int | None]:
    """For the commit of each version, the first kept backup that shows it; None if there is none.

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
    """The events that versions and the source's log entries yield together. Pure."""
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
        event = _event(version, before, state, changes, nights, table)
        if event is not None and event.kind.ends and _was_dead(before):
            story.merge_deletion(event)
            event = None
        story.add_version_events([*([] if event is None else [event]), *_log_events(changes.shown)])
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
    """The time after which no log entry can belong to a version."""
    return max(version.observed_at, version.modified_at or version.observed_at)


def _noted(
    head: Snapshot, table: Table, record: str, versions: Sequence[Version]
) -> list[LoggedChange]:
    """The source's log entries; the vault's values decide between duplicates."""
    values: dict[str, frozenset[str | None]] = {}
    for version in versions:
        for column, value in version.cells.items():
            values[column] = values.get(column, frozenset()) | {value}
    return noted_changes(head, table, record, values=values)


def _log_events(notes: Sequence[LoggedChange]) -> list[Event]:
    """One event for all changes of one user at one instant."""
    groups: dict[tuple[datetime, str | None], list[LoggedChange]] = {}
    for note in notes:
        groups.setdefault((note.at, note.by), []).append(note)
    return [
        Event(
            EventKind.CHANGED,
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
    table: Table | None,
) -> Event | None:
    kind = _kind(version, before)
    if kind is EventKind.CHANGED and not changes.rest:
        return None
    after, until = nights.before(version.snapshot), version.observed_at
    if kind is EventKind.ARCHIVED:  # its values and their time are those of an earlier version
        when = When(None, after, until)
        return Event(kind, when, None, (), Origin.VAULT, version.op, version.snapshot)
    act = _NO_ACT
    if kind is EventKind.CREATED:
        stamps = [*_stamps(version, state), *(note.at for note in changes.shown)]
        # A source may set such times at the creation: then they lie before a backup that saw none.
        until = min([until, *(at for at in stamps if after is None or at > after)])
    elif before is not None and kind is EventKind.REVIVED:
        act = _undelete(version, before, nights, table)
    elif _stamps(version, state):
        act = _Act(version.modified_at, version.modified_by)
    return Event(
        kind,
        When(act.at, after, until),
        act.by,
        changes.rest,
        Origin.VAULT,
        version.op,
        version.snapshot,
        merged_into=merge_winner([version], table),
    )


@dataclass(frozen=True, slots=True)
class _Act:
    """The exact time and the user of a change; None if unknown."""

    at: datetime | None
    by: str | None


_NO_ACT = _Act(None, None)


def _stamps(version: Version, state: Version | None) -> list[datetime]:
    """The version's time of change, unless the state before it has the same."""
    at = version.modified_at
    return [at] if at is not None and (state is None or at != state.modified_at) else []


def _undelete(version: Version, before: Version, nights: Nights, table: Table | None) -> _Act:
    """The act of an undelete: the first stamp after the deletion.

    An undelete need not move the time of the last edit, which may lie years before the deletion. It
    moves the system's own stamp, which names no user.
    """
    gone = before.modified_at or nights.before(before.snapshot)  # it was deleted then, or later
    acts = (
        _Act(version.modified_at, version.modified_by),
        _Act(_system_stamp(version, table), None),
    )
    return next(
        (act for act in acts if act.at is not None and gone is not None and act.at > gone), _NO_ACT
    )


def _system_stamp(version: Version, table: Table | None) -> datetime | None:
    column = table.stamp_column if table is not None else None
    text = version.cells.get(column) if column is not None else None
    return instant(text) if text else None


def _kind(version: Version, before: Version | None) -> EventKind:
    if version.op is Op.ARCHIVED:
        return EventKind.ARCHIVED
    if not version.op.alive:
        return EventKind.DELETED
    if before is None:
        return EventKind.CREATED
    return EventKind.CHANGED if before.op.alive else EventKind.REVIVED


def _was_dead(before: Version | None) -> bool:
    return before is not None and not before.op.alive
