"""The census of a table: compares all live ids of the source with the ids that the vault holds.

A list of changes cannot prove that a record is gone: lists of deletions are truncated, and a record
can vanish because the user lost a right. Only a complete list of live ids can. Each id falls into
one of these cases:

  source (census)   vault    read in this run   result
  yes               yes      -                  fine
  yes               no       yes                fine, just read
  yes               no       no                 unread: read it by id
  no                alive    yes                fine, the read decides
  no                alive    no                 lost: see ``deletes``
  no                hidden   no                 vanished: see ``vanished``

Both sides are walked in the order of the ids, in bounded memory: the source's list is sorted in
runs on disk, the vault returns its ids in order. See docs/explanation/backup.md, "What is deleted".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import (
    BackupSession,
    ReadFailure,
    SourceFailed,
    failure_of,
    from_source,
    source_errors,
)
from unlost.engine.merge import align_streams, read_run, write_sorted_runs
from unlost.engine.temp_rows import IDS, NOTHING, SEEN, TempRows, TempRowsWriter, batches
from unlost.model.source.reading import Op


@dataclass(frozen=True, slots=True)
class CensusResult:
    """The result of a census: a JSON value.

    ``lost``: ids alive in the vault and not read in this run that the census lacks. ``unread``: ids
    of the census that the vault does not hold as visible and that this run did not read.
    ``vanished``: ids of hidden rows that the census lacks, if absence can mean something. ``live``:
    number of ids, without erased records. ``late``: ids that this run read alive and that the census
    lacks, since they were deleted meanwhile. A ``failure`` means that nothing is proved.
    """

    table: str
    at: datetime
    live: int = 0
    lost: TempRows = NOTHING
    unread: TempRows = NOTHING
    vanished: TempRows = NOTHING
    late: int = 0
    failure: ReadFailure | None = None


@dataclass(frozen=True, slots=True)
class CensusSlice:
    """One id range of all compared inputs, each sorted; ``seen`` in the order of reading."""

    census: pl.Series
    known: pl.DataFrame
    seen: pl.DataFrame


def take_census(
    session: BackupSession, table: str, reads: Sequence[ReadResult], *, at: datetime, listed: bool
) -> CensusResult:
    """Compare the ids of a table with the vault; ``reads`` are all reads of it in this run.

    ``at``: the time at or before the beginning of the list. Unless ``listed``, the reads have every
    row, and are the census.
    """
    try:
        ids = _list_ids(session, table) if listed else None
    except SourceFailed as broke:
        return CensusResult(table, at, failure=failure_of(broke, session.source))
    return _compare(session, table, at, reads, ids)


def still_listed(session: BackupSession, table: str, ids: Sequence[str]) -> int:
    """Count the ids that the source lists; all of them if it cannot list its ids now."""
    wanted, count = pa.array(ids, pa.string()), 0
    try:
        with source_errors():
            arrays = session.source.census(session.table(table).table)
        for array in from_source(arrays):
            listed = pc.unique(array.cast(pa.string()))
            count += pc.sum(pc.is_in(listed, value_set=wanted)).as_py() or 0
    except SourceFailed as broke:
        failure_of(broke, session.source)
        return len(ids)
    return min(count, len(ids))


def absent_ids(side: CensusSlice, *, before: datetime, latest: datetime) -> pl.Series:
    """Ids alive in the vault, observed before the census began, that the census lacks.

    A row that was observed after ``latest``, the later clock now, was observed with wrong clocks by
    an earlier backup. Rows that this run has read are left out: rows that the source reported deleted are not lost,
    and for a live one a tombstone would replace the state just observed.
    """
    observed = pl.col("observed_at")
    older = side.known.filter((observed < before) | (observed > latest))["id"]
    return _sorted(_without(_without(older, side.census), side.seen["id"]))


def unread_ids(side: CensusSlice, *, hidden: pl.Series) -> pl.Series:
    """Ids of the census that are not held as visible, and of which this run read no row."""
    alive, dead = _latest(side.seen)
    visible = _without(_without(side.known["id"], hidden), dead)
    return _sorted(_without(_without(side.census, visible), alive))


def _late_count(side: CensusSlice) -> int:
    alive, _ = _latest(side.seen)
    return len(_without(alive, side.census))


def _without(ids: pl.Series, others: pl.Series) -> pl.Series:
    """The ids that are not among others; most often there are none to look for."""
    if ids.is_empty() or others.is_empty():
        return ids
    return ids.filter(~ids.is_in(others.implode()))


def _sorted(ids: pl.Series) -> pl.Series:
    """Each id once, in order."""
    return ids.unique().sort() if len(ids) > 1 else ids


def _latest(seen: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Ids whose last observation in this run was alive, and ids whose last observation was not."""
    if seen.is_empty():
        return seen["id"], seen["id"]
    last = seen.unique("id", keep="last", maintain_order=True)
    ids, alive = last["id"], last["op"] == Op.STATE.value
    return ids.filter(alive), ids.filter(~alive)


def _list_ids(session: BackupSession, table: str) -> list[TempRows]:
    with source_errors():
        arrays = session.source.census(session.table(table).table)
    texts = (array.cast(pa.string()) for array in from_source(arrays))
    tables = (pa.table({"id": session.commit.admitted_ids(table, ids)}) for ids in texts)
    return write_sorted_runs(tables, folder=session.folder, name=f"census/{table}/listed")


def _compare(
    session: BackupSession,
    table: str,
    at: datetime,
    reads: Sequence[ReadResult],
    listed: list[TempRows] | None,
) -> CensusResult:
    folder, name = session.folder, f"census/{table}{'' if listed is None else '/ids'}"
    seen = write_sorted_runs(_seen(session, reads), folder=folder, name=f"{name}/seen")
    hidden = _series(session.hidden(table))
    lost, unread, vanished = (
        TempRowsWriter(folder, f"{name}/{kind}", IDS) for kind in ("lost", "unread", "vanished")
    )
    trusted, live, late = session.table(table).trusted, 0, 0
    for side in _slices(session, table, seen, listed):
        # A source may list an id twice while its pages shift under the reader.
        live += side.census.n_unique()
        late += _late_count(side)
        absent = absent_ids(side, before=at, latest=session.latest)
        visible = _without(absent, hidden)
        _write_ids(lost, visible)
        # Under other rights the absence of a hidden row means nothing.
        if trusted:
            _write_ids(vanished, _without(absent, visible))
        _write_ids(unread, unread_ids(side, hidden=hidden))
    return CensusResult(table, at, live, lost.close(), unread.close(), vanished.close(), late)


def _slices(
    session: BackupSession,
    table: str,
    seen: Sequence[TempRows],
    listed: Sequence[TempRows] | None,
) -> Iterator[CensusSlice]:
    runs = [*seen, *(listed or ())]
    streams = [_stored_ids(session, table), *(read_run(session.folder, run) for run in runs)]
    for known_rows, *rest in align_streams(streams):
        saw = _frame(rest[: len(seen)], SEEN_ORDERED).sort("order", maintain_order=True)
        ids = _frame(rest[len(seen) :], IDS)["id"]
        census = _latest(saw)[0] if listed is None else ids
        yield CensusSlice(census, _frame([known_rows], KNOWN_ROWS), saw)


SEEN_ORDERED = pa.schema([*SEEN, ("order", pa.int64())])
KNOWN_ROWS = pa.schema([("id", pa.string()), ("observed_at", pa.timestamp("ms", tz="UTC"))])


def _seen(session: BackupSession, reads: Sequence[ReadResult]) -> Iterator[pa.Table]:
    for order, read in enumerate(reads):
        for batch in batches(session.folder, read.seen):
            rows = pa.Table.from_batches([batch])
            yield rows.append_column("order", pa.array([order] * len(rows), pa.int64()))


def _stored_ids(session: BackupSession, table: str) -> Iterator[pa.Table]:
    if session.newest is None or table not in session.newest.tables():
        return
    for ids in session.newest.live_ids(table):
        observed = ids["_u_observed_at"].cast(pa.timestamp("ms", tz="UTC"))
        yield pa.table({"id": ids["_u_id"].cast(pa.string()), "observed_at": observed})


def _frame(tables: Sequence[pa.Table | None], schema: pa.Schema) -> pl.DataFrame:
    present = [table.cast(schema) for table in tables if table is not None]
    from_arrow = pl.from_arrow(pa.concat_tables(present) if present else schema.empty_table())
    assert isinstance(from_arrow, pl.DataFrame)
    return from_arrow


def _series(ids: pa.Array) -> pl.Series:
    converted = pl.from_arrow(ids)
    assert isinstance(converted, pl.Series)
    return converted.cast(pl.String).rename("id")


def _write_ids(writer: TempRowsWriter, ids: pl.Series) -> None:
    if ids.is_empty():
        return
    array = ids.to_arrow().cast(pa.string())
    writer.write(pa.RecordBatch.from_arrays([array], schema=IDS))
