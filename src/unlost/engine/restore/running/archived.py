"""Commit archived records: from now on the vault is the only place that has them.

A run that stopped may end days later. Records that came back meanwhile, or that a backup stored with
other values since, are not archived.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import batched

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.deletion_times import deletion_times
from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.comparison import checked_columns, value_columns
from unlost.engine.restore.running.deletions import source_of
from unlost.engine.restore.running.org_watch import watched_columns
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.cells import digests
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind
from unlost.model.vault.snapshot import Added, CommitKind, Lineage, TableCommit, TableState


@dataclass(frozen=True)
class _ArchivedRecords:
    """The archived records of a run, by table, and the newest state of the vault."""

    session: RestoreSession
    newest: Snapshot
    archived: Mapping[str, Sequence[str]]

    @cached_property
    def deleted_at(self) -> Mapping[RecordKey, datetime]:
        """The times of their deletions: few runs need them, and reading the journal takes long."""
        keys = {RecordKey(table, record) for table, ids in self.archived.items() for record in ids}
        return deletion_times(self.session.log.entries(), keys)


def commit_archived(session: RestoreSession, *, run: str, as_of: datetime) -> None:
    """Write one commit with the last states of all archived records; repeating it is harmless."""
    plan, vault = session.plan, session.ports.vault
    replaced = list(_replaced(session, run))
    session.log.release()  # rows and words of the commit need memory
    newest = vault.at(plan.org, vault.commits(plan.org)[-1].number, forgotten=True)
    identity = vault.orgs()[plan.target]
    commit = vault.begin(plan.target, run=run, kind=CommitKind.ARCHIVE, identity=identity)
    commit.put_schema(session.schema)
    states, tables = newest.tables(), []
    archived = _not_live(session, _archived(session))
    records = _ArchivedRecords(session, newest, archived)
    for name, ids in archived.items():
        added = commit.add(name, _rows(records, session.table(name), ids, as_of=as_of))
        tables.append(_unread(states[name], added))
    if replaced:
        added = commit.lineage(replaced)
        tables.append(TableCommit(added.table, (added,)))
    commit.put_schema(newest.schema())  # a backup since the plan may have another one
    commit.finish(tables, as_of=as_of)


def _replaced(session: RestoreSession, run: str) -> Iterator[Lineage]:
    """The new records that took the places of archived ones."""
    org = session.plan.target
    for step in session.plan.steps:
        result = session.log.state.result(Pass.DELETE, step.key)
        live = session.links.live(step.key) if step.copied else None
        if live is not None and result is not None and result.kind is OutcomeKind.DONE:
            yield Lineage(step.table, step.record, live, org, run)


def _unread(state: TableState, added: Added) -> TableCommit:
    """The part of a table that this run did not read: the next backup goes on where the last ended."""
    return TableCommit(
        state.table,
        (added,),
        state.cursor,
        state.window_start,
        state.window_end,
        census_at=state.census_at,
        finding=state.finding,
    )


def _archived(session: RestoreSession) -> dict[str, list[str]]:
    """The ids of records that left the org, by table."""
    outcome = session.log.state.closed
    assert outcome is not None
    by_table: dict[str, list[str]] = defaultdict(list)
    for record in outcome.records:
        if record.ending is Ending.ARCHIVED:
            by_table[record.table].append(record.record)
    return by_table


def _not_live(
    session: RestoreSession, archived: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """The records without those that are in the org again."""
    tables = [watched_columns(session.table(name)) for name in archived]
    live = source_of(session).live_among(list(zip(tables, archived.values(), strict=True)))
    return {
        name: [record for record in ids if record not in living]
        for (name, ids), living in zip(archived.items(), live, strict=True)
    }


def _rows(
    records: _ArchivedRecords, table: Table, ids: Sequence[str], *, as_of: datetime
) -> Iterator[Rows]:
    plan, vault = records.session.plan, records.session.ports.vault
    snapshot = vault.at(plan.org, plan.snapshot, forgotten=True)
    for part in batched(sorted(ids), rows_in_memory(table)):
        copies = snapshot.get(table.name, part)
        rows = _still_archived(records, table, copies)
        if not len(rows):
            continue
        names = [name for name in rows.column_names if not name.startswith("_u_")]
        (cells,) = rows.select(names).combine_chunks().to_batches()
        yield Rows(
            ids=rows["_u_id"].combine_chunks().cast(pa.string()),
            ops=pa.array([Op.ARCHIVED.value] * len(rows), pa.string()),
            modified_at=rows["_u_modified_at"].combine_chunks(),
            modified_by=rows["_u_modified_by"].combine_chunks().cast(pa.string()),
            cells=cells,
            observed_at=as_of,
        )


def _still_archived(records: _ArchivedRecords, table: Table, copies: pa.Table) -> pa.Table:
    """The copies of records whose newest state in the vault is the same, or older than the deletion.

    Right before a record is deleted, it is compared with its copy. So another state from before that
    time, which people took back since, does not count.
    """
    ids = copies["_u_id"].cast(pa.string())
    known = records.newest.get(table.name, ids.to_pylist())
    columns = _compared_columns(records.session, table, copies, known)
    then = dict(zip(ids.to_pylist(), digests(table, copies, columns), strict=True))
    now = dict(zip(known["_u_id"].to_pylist(), digests(table, known, columns), strict=True))
    changed = dict(zip(now, known["_u_modified_at"].to_pylist(), strict=True))
    stays = [
        record
        for record, text in now.items()
        if then.get(record) == text
        or _is_before(changed[record], records.deleted_at.get(RecordKey(table.name, record)))
    ]
    return copies.filter(pc.is_in(ids, value_set=pa.array(stays, pa.string())))


def _is_before(time: datetime | None, limit: datetime | None) -> bool:
    return time is not None and limit is not None and time < limit


def _compared_columns(
    session: RestoreSession, table: Table, copies: pa.Table, known: pa.Table
) -> list[str]:
    """The columns of which the values must be the same."""
    # The delete itself changed the times, and emptied references of circles.
    emptied = {n for s in session.plan.steps if s.table == table.name for n in s.columns}
    both = {*copies.column_names} & {*known.column_names} - emptied
    steps = [step for step in session.plan.steps if step.table == table.name and step.late]
    if steps:  # a backup may have seen them as drafts, before they were deleted
        written = checked_columns(table, session.capability(table.name))
        both = {*both} & {*written} - {name for step in steps for name in step.late}
    return [name for name in value_columns(table) if name in both]
