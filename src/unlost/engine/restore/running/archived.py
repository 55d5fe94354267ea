"""Commit archived records: from now on the vault is the only place that has them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import batched

import pyarrow as pa

from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.outcome import Ending
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import CommitKind, TableCommit


def commit_archived(session: RestoreSession, *, run: str, as_of: datetime) -> None:
    """Write one commit with the last states of all archived records; repeating it is harmless."""
    plan, vault = session.plan, session.ports.vault
    identity = vault.orgs()[plan.target]
    commit = vault.begin(plan.target, run=run, kind=CommitKind.ARCHIVE, identity=identity)
    commit.put_schema(session.schema)
    tables = []
    for name, ids in _archived(session).items():
        rows = _rows(session, session.table(name), ids, observed_at=as_of)
        tables.append(TableCommit(name, (commit.add(name, rows),)))
    commit.finish(tables, as_of=as_of)


def _archived(session: RestoreSession) -> dict[str, list[str]]:
    """The ids of records that left the org, by table."""
    outcome = session.log.state.closed
    assert outcome is not None
    by_table: dict[str, list[str]] = defaultdict(list)
    for record in outcome.records:
        if record.ending is Ending.ARCHIVED:
            by_table[record.table].append(record.record)
    return by_table


def _rows(
    session: RestoreSession, table: Table, ids: Sequence[str], *, observed_at: datetime
) -> Iterator[Rows]:
    snapshot = session.ports.vault.at(session.plan.org, session.plan.snapshot, forgotten=True)
    for part in batched(sorted(ids), rows_in_memory(table)):
        rows = snapshot.get(table.name, part)
        names = [name for name in rows.column_names if not name.startswith("_u_")]
        (cells,) = rows.select(names).combine_chunks().to_batches()
        yield Rows(
            ids=rows["_u_id"].combine_chunks().cast(pa.string()),
            ops=pa.array([Op.ARCHIVED.value] * len(rows), pa.string()),
            modified_at=rows["_u_modified_at"].combine_chunks(),
            modified_by=rows["_u_modified_by"].combine_chunks().cast(pa.string()),
            cells=cells,
            observed_at=observed_at,
        )
