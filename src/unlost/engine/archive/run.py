"""An archive: verify the copy, then delete, batch by batch. The journal is its memory.

  open        compute the graph from the backup with the copy, write ArchiveOpened or check it
  each batch  verify the copies of its records, and leave those that changed since
              announce it, delete its records, let the org delete what hangs on them
              look what else vanished: more than was planned stops the run
  close       commit the archived records as such: the vault is now the only place that has them

The caller makes a backup right before, which is the copy. A run that stopped, at any point, resumes
when it is called again with the same id: records that are gone are done. See docs/adr/0049.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import numpy as np
import polars as pl
import pyarrow as pa

from unlost.engine.archive.batches import Deletions, in_batches
from unlost.engine.archive.changes import ChangeReader, OrgChanges
from unlost.engine.archive.copy import faulty_copies
from unlost.engine.archive.graph import ArchiveGraph, collect
from unlost.engine.archive.journal import (
    ArchiveClosed,
    ArchiveLog,
    ArchiveOpened,
    BatchAnnounced,
    BatchEnded,
    RecordStayed,
)
from unlost.engine.archive.members import ID, NODE
from unlost.engine.archive.settle import Mask
from unlost.model.archive import ArchivePolicy, StayReason
from unlost.model.errors import Conflict, UsageError
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock, Lease
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.ports.writer import Writer
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import OutcomeKind, ReferrerQuery, WriteOp, WriteRow
from unlost.model.vault.retention import Hold
from unlost.model.vault.snapshot import CommitKind, TableCommit

ROOTS = 2_000  # roots of a batch
TRIES = 3  # times that a record is deleted which is locked for the moment
NAMED = 5  # records that an error names


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePorts:
    """The ports of an archive run."""

    source: Source
    writer: Writer
    vault: Vault
    lease: Lease
    clock: Clock


@dataclass(frozen=True, slots=True)
class ArchiveOutcome:
    """The archived records by table, and those of the policy that stayed in the end."""

    run: str
    records: Mapping[str, int]
    stayed: tuple[RecordStayed, ...]


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """The order for an archive run. ``backup``: number of the backup that has the copy."""

    run: str
    org: str
    policy: ArchivePolicy
    backup: int
    shared: tuple[SharedFile, ...] = ()
    holds: tuple[Hold, ...] = ()
    at_a_time: int = ROOTS


def archive(request: ArchiveRequest, ports: ArchivePorts) -> ArchiveOutcome:
    """Archive the records of a policy, or go on with it, or return its outcome.

    Raises UsageError (``archive-…``), Conflict (``run-in-progress``, ``archive-changed``,
    ``archive-more-vanished``), and the errors of the ports that stop the run.
    """
    with ports.lease.hold(request.org, kind=RunKind.ARCHIVE, run=request.run):
        session = _open(request, ports)
        remaining = [b for b in range(session.deletions.count) if b not in session.log.ended]
        changes = _changes(session) if remaining else {}
        for batch in remaining:
            _run_batch(session, batch, changes)
            changes = _changes(session)
        if session.log.closed is None:
            session.log.write(ArchiveClosed(session.archived()))
        _commit(session)
        stayed = tuple(s for ended in session.log.ended.values() for s in ended.stayed)
        return ArchiveOutcome(request.run, session.archived(), stayed)


@dataclass(slots=True)
class _Session:
    """An archive run in this process. ``tables``: those with records that go, referrers first.

    ``watched``: these, and those whose records the org would delete along with them.
    """

    request: ArchiveRequest
    ports: ArchivePorts
    log: ArchiveLog
    snapshot: Snapshot
    graph: ArchiveGraph
    going: Mask
    deletions: Deletions
    tables: tuple[Table, ...]
    watched: tuple[Table, ...] = ()
    ids: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def reader(self) -> ChangeReader:
        """Reads changes of the org since the copy."""
        user = self.ports.writer.user_id()
        return ChangeReader(self.ports.source, self.snapshot, self.ports.clock, user)

    def nodes(self, batch: int) -> Iterator[tuple[tuple[str, str], int]]:
        """The records of a batch, as table and id, with their numbers."""
        for table in self.tables:
            for record, node in self.batch_ids(table.name, batch).select(ID, NODE).iter_rows():
                yield (table.name, record), node

    @property
    def opened(self) -> ArchiveOpened:
        """The first entry of the journal."""
        assert self.log.opened is not None
        return self.log.opened

    def batch_ids(self, table: str, batch: int) -> pl.DataFrame:
        """The records of a batch: ``id``, ``node``, and ``along`` if the org deletes them along."""
        if table not in self.ids:
            members = self.graph.members.of([table])
            nodes = members[NODE].to_numpy()
            self.ids[table] = members.with_columns(
                pl.Series("batch", self.deletions.batch[nodes]),
                pl.Series("along", self.deletions.along[nodes]),
            ).filter(pl.Series(self.going[nodes]))
        return self.ids[table].filter(pl.col("batch") == batch).drop("batch")

    def archived_ids(self, table: str) -> pl.Series:
        """The records of a table that left the org in batches that ended."""
        stayed = {(s.table, s.record) for ended in self.log.ended.values() for s in ended.stayed}
        parts = [self.batch_ids(table, batch)[ID] for batch in sorted(self.log.ended)]
        ids = pl.concat(parts) if parts else pl.Series(ID, [], pl.String)
        return ids.filter(~ids.is_in([record for name, record in stayed if name == table]))

    def archived(self) -> dict[str, int]:
        """The number of archived records by table."""
        counts = {table.name: len(self.archived_ids(table.name)) for table in self.tables}
        return {name: count for name, count in counts.items() if count}


def _open(request: ArchiveRequest, ports: ArchivePorts) -> _Session:
    log = ArchiveLog(ports.vault.journal(request.org, request.run))
    now = log.opened.now if log.opened is not None else ports.clock.now()
    snapshot = ports.vault.at(request.org, request.backup)
    graph = collect(snapshot, request.policy, shared=request.shared, holds=request.holds, now=now)
    going = graph.going()
    deletions = in_batches(
        going,
        roots=graph.roots,
        takes=graph.takes,
        needs=graph.needs,
        at_a_time=request.at_a_time,
    )
    session = _Session(request, ports, log, snapshot, graph, going, deletions, ())
    session.tables = tuple(_in_order(session))
    session.watched = tuple(_watched(session))
    opened = ArchiveOpened(
        request.run,
        request.policy,
        request.backup,
        ports.writer.server_time(),
        now,
        request.at_a_time,
        {table.name: int(_count(session, table.name)) for table in session.tables},
        _digest(session),
    )
    log.check_same(opened)
    if log.opened is None:
        log.write(opened)
    return session


def _in_order(session: _Session) -> Iterator[Table]:
    """The tables with records that go: those that refer to others first, shared files last."""
    schema = session.snapshot.schema()
    shared = {kind.table for kind in session.request.shared}
    names = [name for name in session.graph.order if _count(session, name)]
    for name in sorted(names, key=lambda name: (name in shared, -session.graph.order[name])):
        table = schema.table(name)
        assert table is not None
        yield table


def _watched(session: _Session) -> Iterator[Table]:
    yield from session.tables
    names = {table.name for table in session.tables}
    for table in session.snapshot.schema().tables:
        cascading = (
            column.reference
            for column in table.columns
            if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
        )
        if table.name not in names and any(names & set(r.tables) for r in cascading):
            yield table


def _count(session: _Session, table: str) -> int:
    nodes = session.graph.members.of([table])[NODE].to_numpy()
    return int(np.count_nonzero(session.going[nodes]))


def _digest(session: _Session) -> str:
    """A digest of all ids that go, with their batches."""
    hashed = blake2b(digest_size=16)
    for table in sorted(session.tables, key=lambda table: table.name):
        for batch in range(session.deletions.count):
            ids = session.batch_ids(table.name, batch)[ID].sort()
            hashed.update(f"{table.name}\n{batch}\n".encode())
            hashed.update("\n".join(ids).encode())
    return hashed.hexdigest()


# --- a batch --------------------------------------------------------------------------------------


def _run_batch(session: _Session, batch: int, changes: Mapping[str, OrgChanges]) -> None:
    """Delete the records of a batch. ``changes``: in the org since the copy, by table."""
    announced = session.log.announced.get(batch)
    stayed = {(s.table, s.record): s for s in (announced.stayed if announced else ())}
    for staying in _staying(session, batch, changes):
        stayed.setdefault((staying.table, staying.record), staying)
    if announced is None:
        # Later, those that are gone are those that this run deleted.
        for key in _gone(session, batch, changes):
            stayed.setdefault(key, RecordStayed(*key, StayReason.GONE))
        session.log.write(BatchAnnounced(batch, tuple(stayed.values())))
    for table in session.tables:
        ids = session.batch_ids(table.name, batch)
        names = {record for name, record in stayed if name == table.name}
        explicit = ids.filter(~pl.col("along") & ~pl.col(ID).is_in(list(names)))[ID].to_list()
        for refused in _delete(session, table, explicit):
            stayed[refused.table, refused.record] = refused
    _keep_along(session, batch, stayed)
    session.log.write(BatchEnded(batch, tuple(stayed.values())))


def _changes(session: _Session) -> dict[str, OrgChanges]:
    """The changes in the org since the copy, of all tables that deliver them.

    Raises Conflict (``archive-more-vanished``) if records vanished that no announced batch has, and
    no other user is known to have deleted them: a trigger of the org acts as the writing user.
    """
    when = session.snapshot.info.as_of
    read = {table.name: session.reader.since(table, when) for table in session.watched}
    changes = {name: of_table for name, of_table in read.items() if of_table is not None}
    vanished = []
    for table in session.tables:
        if table.name in changes:
            parts = [session.batch_ids(table.name, batch)[ID] for batch in session.log.announced]
            planned = set(pl.concat(parts)) if parts else set()
            gone = changes[table.name].gone - changes[table.name].by_others - planned
            vanished += [f"{table.name}/{record}" for record in sorted(gone)]
    if vanished and session.log.announced:
        raise Conflict(
            "archive-more-vanished",
            "{count:,} records vanished from the org that the archive did not name, such as {names}.",
            next_step="Check whether a trigger or a person deleted them. They are in the backup: "
            "restore them, then start a new archive run.",
            count=len(vanished),
            names=", ".join(vanished[:NAMED]),
        )
    return changes


def _staying(
    session: _Session, batch: int, changes: Mapping[str, OrgChanges]
) -> Iterator[RecordStayed]:
    """The records of a batch that stay: without a copy, changed since, or with one of those."""
    causes: dict[tuple[str, str], RecordStayed] = {}
    for table in session.tables:
        ids = session.batch_ids(table.name, batch)[ID].to_list()
        for faulty in faulty_copies(
            session.ports.vault, session.request.org, session.snapshot, table, ids
        ):
            causes[table.name, faulty.record] = RecordStayed(
                table.name, faulty.record, StayReason.COPY, faulty.sentence
            )
    for key in _changed(session, batch, changes):
        causes.setdefault(key, RecordStayed(*key, StayReason.CHANGED))
    if not causes:
        return
    nodes = [node for key, node in session.nodes(batch) if key in causes]
    goes = session.graph.going(without=np.array(nodes, dtype=np.uint32))
    for key, node in session.nodes(batch):
        if not goes[node]:
            yield causes.get(key) or RecordStayed(*key, StayReason.BRANCH)


def _changed(
    session: _Session, batch: int, changes: Mapping[str, OrgChanges]
) -> Iterator[tuple[str, str]]:
    """The records of a batch that changed, or to which a new record refers."""
    named = set[str]().union(*(of_table.named for of_table in changes.values()))
    named |= _strangers(session, batch, changes)
    for table in session.tables:
        ids = session.batch_ids(table.name, batch)[ID].to_list()
        of_table = changes.get(table.name) or session.reader.of(table, ids)
        for record in of_table.changed.union(named).intersection(ids):
            yield table.name, record


def _gone(
    session: _Session, batch: int, changes: Mapping[str, OrgChanges]
) -> Iterator[tuple[str, str]]:
    """The records of a batch that others deleted."""
    for table in session.tables:
        ids = session.batch_ids(table.name, batch)[ID].to_list()
        of_table = changes.get(table.name) or session.reader.of(table, ids)
        for record in of_table.gone.intersection(ids):
            yield table.name, record


def _strangers(session: _Session, batch: int, changes: Mapping[str, OrgChanges]) -> set[str]:
    """The records of a batch that the org would delete others with, which no batch has.

    Looked up for tables that do not deliver their changes.
    """
    queries = [
        (table, ReferrerQuery(table, column.name, ids))
        for table in session.watched
        if table.name not in changes
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
        for name in column.reference.tables
        if len(ids := session.batch_ids(name, batch)[ID].to_list())
    ]
    answers = session.ports.writer.referrers([query for _, query in queries]) if queries else ()
    strangers: set[str] = set()
    for (table, query), rows in zip(queries, answers, strict=True):
        if rows is None or rows.cells is None:
            raise _unknown_changes(table)
        planned = set(session.batch_ids(table.name, batch)[ID])
        values = rows.cells.column(query.column).to_pylist()
        pairs = zip(rows.ids.to_pylist(), values, strict=True)
        strangers |= {value for record, value in pairs if record not in planned}
    return strangers


def _unknown_changes(table: Table) -> UsageError:
    return UsageError(
        "archive-no-changes",
        "The org does not say which records of {table} are new, so that they could be deleted "
        "without a copy.",
        next_step="Give the write user the right to read {table}.",
        table=table.name,
    )


def _delete(session: _Session, table: Table, ids: Sequence[str]) -> Iterator[RecordStayed]:
    """Delete records; yields those that the org refused. A record that is gone is deleted."""
    capability = session.ports.writer.capability(table)
    large = capability.rows_per_job > 0 and len(ids) >= capability.job_above
    size = capability.rows_per_job if large else capability.rows_per_call
    for at in range(0, len(ids), size):
        yield from _delete_some(session, table, ids[at : at + size])


def _delete_some(session: _Session, table: Table, ids: Sequence[str]) -> Iterator[RecordStayed]:
    pending = list(ids)
    sentences: dict[str, str] = {}
    for attempt in range(TRIES):
        rows = [WriteRow(record, record) for record in pending]
        token = f"{session.request.run}/{table.name}/{pending[0]}/{attempt}"
        outcomes = session.ports.writer.write(WriteOp.DELETE, table, rows, token=token)
        failed = [o for o in outcomes if o.kind is not OutcomeKind.DONE]
        sentences |= {outcome.key: outcome.sentence for outcome in failed}
        live = _live(session, table, [outcome.key for outcome in failed])
        retried = {o.key for o in failed if o.retry or o.kind is OutcomeKind.UNKNOWN}
        yield from (
            RecordStayed(table.name, record, StayReason.REFUSED, sentences[record])
            for record in live
            if record not in retried or attempt == TRIES - 1
        )
        pending = [record for record in live if record in retried]
        if not pending:
            return


def _live(session: _Session, table: Table, ids: Sequence[str]) -> list[str]:
    """The ids of records that are still in the org."""
    if not ids:
        return []
    rows = session.ports.writer.fetch(table, ids, columns=[table.id_column])
    live = set(rows.ids.to_pylist())
    return [record for record in ids if record in live]


def _keep_along(session: _Session, batch: int, stayed: dict[tuple[str, str], RecordStayed]) -> None:
    """Note the records that the org should have deleted along, and did not."""
    for table in session.tables:
        ids = session.batch_ids(table.name, batch)
        along = [r for r in ids.filter(pl.col("along"))[ID] if (table.name, r) not in stayed]
        for record in _live(session, table, along):
            stayed[table.name, record] = RecordStayed(table.name, record, StayReason.REFUSED)


# --- the end --------------------------------------------------------------------------------------


def _commit(session: _Session) -> None:
    """Commit the last states of all archived records; calling it again gives the same."""
    request, ports = session.request, session.ports
    identity = ports.vault.orgs()[request.org]
    commit = ports.vault.begin(
        request.org, run=request.run, kind=CommitKind.ARCHIVE, identity=identity
    )
    commit.put_schema(session.snapshot.schema())
    tables = []
    for table in session.tables:
        ids = session.archived_ids(table.name)
        if len(ids):
            added = commit.add(table.name, _archived_rows(session, table, ids))
            tables.append(TableCommit(table.name, (added,)))
    commit.finish(tables, as_of=session.opened.at)


def _archived_rows(session: _Session, table: Table, ids: pl.Series) -> Iterator[Rows]:
    """The rows of archived records, as the backup has them."""
    wanted = pa.array(ids.to_list(), pa.string())
    for batch in session.snapshot.scan(table.name):
        plain = pa.Table.from_batches([batch])
        mask = pa.compute.is_in(plain["_u_id"].cast(pa.string()), value_set=wanted)
        rows = plain.filter(mask).combine_chunks()
        if len(rows):
            yield _rows(rows, observed_at=session.opened.at)


def _rows(rows: pa.Table, *, observed_at: datetime) -> Rows:
    cells = [name for name in rows.column_names if not name.startswith("_u_")]
    (batch,) = rows.select(cells).to_batches()
    return Rows(
        ids=rows["_u_id"].combine_chunks().cast(pa.string()),
        ops=pa.array([Op.ARCHIVED.value] * len(rows), pa.string()),
        modified_at=rows["_u_modified_at"].combine_chunks(),
        modified_by=rows["_u_modified_by"].combine_chunks().cast(pa.string()),
        cells=batch,
        observed_at=observed_at,
    )
