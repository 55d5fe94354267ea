"""Archived records whose retention has ended.

    archive 5, ended ── A1, A2          A1 came back as A7, A7 was archived by 9: due with both
    archive 9, ended ── A7, B1          B1 is on legal hold: named, not due
    archive 3, runs on ── A2            the longest period of A2 counts: not due
    archive 5, ended ── C1              the newest backup did not read its table: not due

An erasure of a record takes every id that the record had. So a record is due only if all of them
are archived, and all their periods have ended. See docs/adr/0057.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.values.outcome import Ending
from unlost.model.archive_retention import ArchiveCommit
from unlost.model.errors import IntegrityError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.source.reading import Op
from unlost.model.vault.retention import HoldScope
from unlost.model.vault.snapshot import Lineage, nights

MOST = 200_000  # records of a request, as of an archive plan
ID, OP, SNAP = "_u_id", "_u_op", "_u_snap"

type _Archives = dict[RecordKey, int]
"""Archived records, with the number of the commit that archived each."""


@dataclass(frozen=True, slots=True)
class DueRecords:
    """The records that are due, with the number of their archive; those on legal hold; the rest.

    ``later``: the number of due records beyond ``MOST``, which can be erased after these.
    ``unread``: tables that the newest backup did not read; their records may be back, and stay.
    """

    archives: Mapping[RecordKey, int] = field(default_factory=dict)
    on_hold: tuple[RecordKey, ...] = ()
    later: int = 0
    unread: tuple[str, ...] = ()


def due_records(
    vault: Vault,
    org: str,
    archives: Sequence[ArchiveCommit],
    *,
    today: date,
    now: datetime,
    most: int = MOST,
) -> DueRecords:
    """Find the records of an org whose retention has ended on a day.

    ``archives``: all archives of the org. ``now``: the instant at which legal holds are in force.
    """
    due = {archive.number for archive in archives if archive.is_due(today)}
    if not due:
        return DueRecords()
    head = vault.at(org, vault.commits(org)[-1].number, forgotten=True)
    records = _archived_by(head, due)
    for archive in archives:
        if archive.number not in due and archive.number < max(due):
            for key in _taken(vault, org, archive):
                records.pop(key, None)
    tables = _read_tables(vault, org)
    unread = sorted({key.table for key in records} - tables)
    records = {key: number for key, number in records.items() if key.table in tables}
    on_hold = _on_hold(vault, org, records, now=now)
    for key in on_hold:
        del records[key]
    rows = [row for row in vault.lineage(org) if row.target == org and row.old != row.live]
    due_now = _with_every_id(records, rows)
    picked = dict(sorted(due_now.items(), key=lambda item: (item[1], str(item[0])))[:most])
    # The cut may part the ids of a record.
    picked = _with_every_id(picked, rows)
    return DueRecords(
        picked, tuple(sorted(on_hold, key=str)), len(due_now) - len(picked), tuple(unread)
    )


def _read_tables(vault: Vault, org: str) -> frozenset[str]:
    """Return the tables that the newest nightly backup read without a problem."""
    backups = nights(vault.snapshots(org))
    if not backups:
        return frozenset()
    newest = backups[-1].number
    states = vault.at(org, newest, forgotten=True).tables()
    return frozenset(
        table
        for table, state in states.items()
        if state.last_read_in == newest and state.finding is None
    )


def _archived_by(snapshot: Snapshot, numbers: Collection[int]) -> _Archives:
    """Return the records whose newest state is archived, by one of these commits."""
    records: _Archives = {}
    wanted = pa.array(sorted(numbers), pa.int64())
    for table, state in snapshot.tables().items():
        if not state.deleted:
            continue
        for batch in snapshot.newer(table, [ID, OP, SNAP], after=min(numbers) - 1):
            rows = pa.Table.from_batches([batch])
            archived = pc.equal(rows[OP].cast(pa.string()), Op.ARCHIVED.value)
            mine = pc.is_in(rows[SNAP].cast(pa.int64()), value_set=wanted)
            rows = rows.filter(pc.and_(archived, mine))
            ids, commits = rows[ID].cast(pa.string()).to_pylist(), rows[SNAP].to_pylist()
            for record, number in zip(ids, commits, strict=True):
                records[RecordKey(table, record)] = number
    return records


def _taken(vault: Vault, org: str, archive: ArchiveCommit) -> Iterator[RecordKey]:
    """Yield the records that an archive took, by its journal, or without one by its versions."""
    log = _log(vault, org, archive)
    if log is None:
        yield from _archived_by(vault.at(org, archive.number, forgotten=True), {archive.number})
        return
    closed = log.state.closed
    for record in closed.records if closed is not None else ():
        if record.ending is Ending.ARCHIVED:
            yield RecordKey(record.table, record.record)


def _log(vault: Vault, org: str, archive: ArchiveCommit) -> RestoreLog | None:
    """Return the journal of an archive; None if it was erased, or is damaged."""
    if archive.run not in vault.journals(org):
        return None
    try:
        return RestoreLog(vault.journal(org, archive.run))
    except IntegrityError:
        return None


def _on_hold(
    vault: Vault, org: str, records: Collection[RecordKey], *, now: datetime
) -> frozenset[RecordKey]:
    """Return the records that a legal hold in force protects."""
    targets = [hold.thing for hold in vault.holds(org) if hold.lasts(now)]
    if any(target.scope is HoldScope.ORG for target in targets):
        return frozenset(records)
    tables = {target.table for target in targets if target.scope is HoldScope.TABLE}
    named = {
        RecordKey(target.table, target.record)
        for target in targets
        if target.scope is HoldScope.RECORD
    }
    backups = {target.backup for target in targets if target.scope is HoldScope.NIGHT}
    shown = {key for backup in backups for key in _shown(vault, org, records, backup=backup)}
    protected = named | shown
    return frozenset(key for key in records if key.table in tables or key in protected)


def _shown(
    vault: Vault, org: str, records: Collection[RecordKey], *, backup: int
) -> Iterator[RecordKey]:
    """Yield the records that the vault had at a backup."""
    snapshot = vault.at(org, backup, forgotten=True)
    ids: dict[str, list[str]] = defaultdict(list)
    for key in records:
        ids[key.table].append(key.record)
    for table in ids.keys() & snapshot.tables().keys():
        rows = snapshot.get(table, ids[table], columns=[])
        yield from (RecordKey(table, record) for record in rows[ID].to_pylist())


def _with_every_id(records: _Archives, rows: Iterable[Lineage]) -> _Archives:
    """Return the records of which every id is among these."""
    beside: dict[RecordKey, list[RecordKey]] = defaultdict(list)
    for row in rows:
        old, live = RecordKey(row.table, row.old), RecordKey(row.table, row.live)
        beside[old].append(live)
        beside[live].append(old)
    parted: set[RecordKey] = set()
    seen: set[RecordKey] = set()
    for key in beside:
        if key not in seen:
            group = _group(key, beside)
            seen |= group
            if not all(member in records for member in group):
                parted |= group
    return {key: number for key, number in records.items() if key not in parted}


def _group(key: RecordKey, beside: Mapping[RecordKey, Sequence[RecordKey]]) -> set[RecordKey]:
    """Return all ids that a record ever had."""
    group, unresolved = {key}, [key]
    while unresolved:
        for other in beside[unresolved.pop()]:
            if other not in group:
                group.add(other)
                unresolved.append(other)
    return group
