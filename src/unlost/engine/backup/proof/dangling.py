"""Dangling references: counted over the rows of this run, within bounds.

A backup is not one instant. A child read before its parent was created, or a parent deleted while
the run read, shows up here, and so does a parent that the user may not see.
"""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import BackupSession
from unlost.engine.temp_rows import batches
from unlost.model.named_records import tables_named
from unlost.model.source.reading import Op
from unlost.model.source.schema import Reference

GET_IDS = 1_000


def dangling(session: BackupSession, reads: Mapping[str, Sequence[ReadResult]]) -> dict[str, int]:
    """Distinct references that point to no live record, by the table that has them.

    Columns that may point to a table that the run does not read are skipped: nothing is known about
    their targets.
    """
    return {
        plan.table.name: sum(
            _pointing_nowhere(session, reads, targets, ids)
            for targets, ids in _references(session, plan.table.name, reads).items()
        )
        for plan in session.plan.tables
    }


def _references(
    session: BackupSession, table: str, reads: Mapping[str, Sequence[ReadResult]]
) -> dict[tuple[str, ...], pa.Array]:
    """Ids referred to, by the tables in which they may be."""
    read = {name for name, results in reads.items() if results}
    by_target: dict[tuple[str, ...], list[pa.Array]] = {}
    for result in reads.get(table, ()):
        for batch in batches(session.folder, result.references):
            column = session.table(table).table.column(batch.column("column")[0].as_py())
            assert column is not None
            assert column.reference is not None
            for tables, ids in _by_tables(column.reference, batch):
                if set(tables) <= read:
                    by_target.setdefault(tables, []).append(ids)
    return {targets: pc.unique(pa.chunked_array(ids)) for targets, ids in by_target.items()}


def _by_tables(
    reference: Reference, batch: pa.RecordBatch
) -> Iterator[tuple[tuple[str, ...], pa.Array]]:
    """The ids of a batch, by the tables in which they may be."""
    if reference.table_column is None:
        yield reference.tables, batch.column("id")
        return
    named = batch.column("table")
    for name in pc.unique(named).to_pylist():
        same = pc.equal(named, name) if name is not None else pc.is_null(named)
        yield tables_named(reference, name), batch.column("id").filter(same)


def _pointing_nowhere(
    session: BackupSession,
    reads: Mapping[str, Sequence[ReadResult]],
    targets: Sequence[str],
    ids: pa.Array,
) -> int:
    missing = ids
    for target in targets:
        if not len(missing):
            break
        alive = _alive(session, target, reads[target], missing)
        missing = missing.filter(pc.invert(pc.is_in(missing, alive)))
    return len(missing)


def _alive(
    session: BackupSession, table: str, reads: Sequence[ReadResult], ids: pa.Array
) -> pa.Array:
    """The ``ids`` that are alive: by this run's last observation, else by the snapshot before."""
    live_frames = [
        pl.DataFrame(schema={"id": pl.String, "op": pl.String}),
        *_before(session, table, ids),
    ]
    for read in reads:
        for batch in batches(session.folder, read.seen):
            met = batch.filter(pc.is_in(batch.column("id"), ids))
            live_frames.append(_frame(pa.Table.from_batches([met])))
    last = pl.concat(live_frames).unique("id", keep="last", maintain_order=True)
    return last.filter(pl.col("op") == Op.STATE.value)["id"].to_arrow().cast(pa.string())


def _before(session: BackupSession, table: str, ids: pa.Array) -> list[pl.DataFrame]:
    if session.newest is None or table not in session.newest.tables():
        return []
    frames = []
    for at in range(0, len(ids), GET_IDS):
        rows = session.newest.get(table, ids.slice(at, GET_IDS).to_pylist())
        frames.append(
            _frame(
                pa.table(
                    {"id": rows["_u_id"].cast(pa.string()), "op": rows["_u_op"].cast(pa.string())}
                )
            )
        )
    return frames


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
