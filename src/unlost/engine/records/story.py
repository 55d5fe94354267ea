"""The story of a record: its history across all the ids that it had.

A record that is no longer in the recycle bin comes back under a new id. The lineage in the vault
names the record that a restore created, or took, for a lost one:

    001A  created, changed, deleted ──run-1──▶ 001B  restored, changed, deleted ──run-2──▶ 001C

All three ids have one story. It leads from any id to its successors, and back from a record that a
restore created. A record that was live before a restore took it for a lost one has a story of its
own, which the lost record continues from that restore on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from unlost.engine.records.history import (
    Event,
    EventKind,
    Origin,
    When,
    record_unknown,
    recorded_events,
)
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import Lineage, SnapshotInfo, Version

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot, VaultReader


@dataclass(frozen=True, slots=True)
class _Return:
    """The restore by which a record stands for others: its run, its times, and its commit.

    ``adopted``: the record was live before.
    """

    run: str
    began: datetime
    ended: datetime
    number: int
    adopted: bool


@dataclass(frozen=True, slots=True)
class _Life:
    """The time of a record under one id; ``origin`` is None if no restore brought it."""

    record: str
    events: tuple[Event, ...]
    origin: _Return | None


def story(vault: VaultReader, org: str, table: str, record: str) -> tuple[Event, ...]:
    """All events of a record under each of its ids, oldest first.

    ``record`` is any of the ids. Raises NotFound (``record-unknown``).
    """
    head = vault.newest_backup(org)
    lives = _Family(vault, head, org, table).lives(record) if head is not None else {}
    if not lives or not _own_events(lives[record], first=True):
        raise record_unknown(table, record)
    by_age = sorted(lives.values(), key=lambda life: (_number(life), life.record))
    return _in_order(
        [
            _before_returns(_own_events(life, first=life.record == record), _later(life, by_age))
            for life in by_age
        ]
    )


@dataclass(frozen=True, slots=True)
class _Family:
    """Looks up the ids of one record in the lineage of its org."""

    vault: VaultReader
    head: Snapshot
    org: str
    table: str

    def lives(self, record: str) -> dict[str, _Life]:
        """The lives of a record by id, from any of its ids."""
        commits = {info.number: info for info in self.vault.commits(self.org)}
        lives: dict[str, _Life] = {}
        fresh = {record}
        while fresh:
            rows = [row for row in self._rows(sorted(fresh)) if row.since in commits]
            lives |= {record_id: self._life(record_id, rows, commits) for record_id in fresh}
            fresh = _related(rows, lives) - lives.keys()
        return lives

    def _rows(self, ids: Sequence[str]) -> Iterable[Lineage]:
        """The rows that lead to and from these ids, also superseded ones."""
        rows = {
            *self.vault.lineage(self.org, table=self.table, records=ids, superseded=True),
            *self.vault.lineage(self.org, table=self.table, lives=ids, superseded=True),
        }
        return (row for row in rows if row.target == self.org and row.old != row.live)

    def _life(
        self, record: str, rows: Iterable[Lineage], commits: Mapping[int, SnapshotInfo]
    ) -> _Life:
        versions = self.vault.history(self.org, self.table, record)
        events = recorded_events(self.vault, self.head, versions) if versions else ()
        leading = [row for row in rows if row.live == record]
        if not leading:
            return _Life(record, events, None)
        first = min(leading, key=lambda row: row.since)
        return _Life(record, events, _return(first, commits[first.since], versions))


def _return(row: Lineage, restore: SnapshotInfo, versions: Sequence[Version]) -> _Return:
    # A backup that ran at the same time may have seen the new record before the restore ended.
    adopted = bool(
        versions and versions[0].snapshot < row.since and versions[0].observed_at < restore.as_of
    )
    ended = max(restore.as_of, restore.finished)
    return _Return(row.run, restore.as_of, ended, row.since, adopted)


def _related(rows: Iterable[Lineage], lives: Mapping[str, _Life]) -> set[str]:
    """The successors of these lives, and the records that a restore created them from."""
    related: set[str] = set()
    for row in rows:
        if row.old in lives:
            related.add(row.live)
        origin = lives[row.live].origin if row.live in lives else None
        if origin is not None and not origin.adopted and origin.number == row.since:
            related.add(row.old)
    return related


def _number(life: _Life) -> int:
    """The commit of the restore that began this life; 0 if none did."""
    return life.origin.number if life.origin is not None else 0


def _later(life: _Life, lives: Iterable[_Life]) -> list[datetime]:
    """The times at which the restores after this life's own one began."""
    origins = (other.origin for other in lives if _number(other) > _number(life))
    return [origin.began for origin in origins if origin is not None]


def _own_events(life: _Life, *, first: bool) -> tuple[Event, ...]:
    """The events of a life; ``first``: the story is asked by this id."""
    origin = life.origin
    if origin is None or (origin.adopted and first):
        return life.events
    if origin.adopted:
        later = (event for event in life.events if event.when.latest > origin.began)
        return (_return_event(life.record, origin, None), *later)
    created = [event for event in life.events[:1] if event.kind is EventKind.CREATED]
    snapshot = created[0].snapshot if created else None
    return (_return_event(life.record, origin, snapshot), *life.events[len(created) :])


def _return_event(record: str, origin: _Return, snapshot: int | None) -> Event:
    return Event(
        EventKind.ADOPTED if origin.adopted else EventKind.RESTORED,
        When(None, origin.began, origin.ended),
        None,
        (),
        Origin.RESTORE,
        Op.STATE,
        snapshot,
        record,
        origin.run,
    )


def _before_returns(events: Sequence[Event], returns: Sequence[datetime]) -> list[Event]:
    """The events with each deletion before the restore that it led to.

    A backup may have seen the deletion only after the restore.
    """
    return [
        replace(event, when=_bounded(event.when, returns))
        if event.kind.ends and event.when.exact is None
        else event
        for event in events
    ]


def _bounded(when: When, returns: Sequence[datetime]) -> When:
    between = [at for at in returns if at < when.until and (when.after is None or at > when.after)]
    return replace(when, until=min(between, default=when.until))


def _in_order(lives: Sequence[Sequence[Event]]) -> tuple[Event, ...]:
    """The events of all lives by time; the order within a life stays."""
    placed: list[tuple[datetime, int, Event]] = []
    for age, events in enumerate(lives):
        latest = None
        for event in events:
            latest = event.when.latest if latest is None else max(latest, event.when.latest)
            placed.append((latest, age, event))
    return tuple(event for *_, event in sorted(placed, key=lambda place: place[:2]))
