"""Tell records that an archive took out of the org from deleted ones, and name the archive."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.records.history import Event, EventKind
from unlost.engine.restore.journal.archives import ArchiveRuns
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import ChangeKind


@dataclass(frozen=True, slots=True)
class ArchiveAct:
    """The archive that took a record out of the org. ``at``: its commit; None before that."""

    run: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ArchivedRecords:
    """The records that archives took out of an org, as ``shown`` has them.

    ``uncommitted``: records of archives that commit after ``shown``, or not yet.
    """

    vault: VaultReader
    shown: Snapshot
    uncommitted: ArchiveRuns = field(default_factory=dict)

    def acts(self, table: str, ids: Sequence[str]) -> Mapping[str, ArchiveAct]:
        """The archives of these records, without those that no archive took."""
        runs = self.uncommitted.get(table, {})
        acts = {record: ArchiveAct(runs[record]) for record in ids if record in runs}
        if not ids or table not in self.shown.tables():
            return acts
        rows = self.shown.get(table, list(ids), columns=[])
        mask = pc.equal(rows["_u_op"].cast(pa.string()), Op.ARCHIVED.value)
        archived = rows.filter(mask).select(["_u_id", "_u_snap"]).to_pylist()
        if not archived:
            return acts
        commits = {info.number: info for info in self.vault.commits(self.shown.info.org)}
        return acts | {
            row["_u_id"]: ArchiveAct(commit.run, commit.as_of)
            for row in archived
            if (commit := commits.get(row["_u_snap"])) is not None
        }

    def marked(self, table: str, changes: pa.Table) -> pa.Table:
        """Changes (``id`` and ``change``) in which archived records do not count as deleted."""
        gone = changes.filter(pc.equal(changes["change"], ChangeKind.DELETED.value))
        return with_archived(changes, self.acts(table, gone["id"].unique().to_pylist()), ids="id")


def with_archived(changes: pa.Table, archived: Collection[str], *, ids: str = "_u_id") -> pa.Table:
    """Changes in which these records do not count as deleted, but as archived."""
    if not archived:
        return changes
    mine = pc.is_in(changes[ids].cast(pa.string()), value_set=pa.array([*archived], pa.string()))
    mask = pc.and_(pc.equal(changes["change"], ChangeKind.DELETED.value), mine)
    kinds = pc.if_else(mask, ChangeKind.ARCHIVED.value, changes["change"])
    return changes.set_column(changes.column_names.index("change"), "change", kinds)


def archived_events(events: Sequence[Event], runs: Mapping[str, str]) -> tuple[Event, ...]:
    """Events of one story with deletions by open archives as such.

    ``runs``: the records that open archives deleted, with the archive. Only the last event of a
    record can be theirs.
    """
    last = {event.record: event for event in events}
    return tuple(
        replace(event, kind=EventKind.ARCHIVED, op=Op.ARCHIVED, by=None, run=runs[event.record])
        if event.kind is EventKind.DELETED and event.record in runs and last[event.record] is event
        else event
        for event in events
    )
