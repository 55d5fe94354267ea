"""Counting what a run did to a table, each record once however often it was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from unlost.engine.notes import ReadResult
from unlost.engine.session import Session
from unlost.engine.spill import batches
from unlost.model.reading import Op
from unlost.model.snapshot import Added, Counts

GET_IDS = 1_000
ALIVE = Op.STATE.value
WITH_CELLS = [Op.STATE.value, Op.DELETED.value]
TOLD = {"id": pl.String, "op": pl.String}


@dataclass(frozen=True, slots=True)
class Tally:
    """Records created, changed, deleted and revived tonight, and those alive afterwards."""

    created: int
    changed: int
    deleted: int
    revived: int
    held: int


def tally(
    session: Session,
    table: str,
    *,
    first: Sequence[ReadResult],
    later: Sequence[ReadResult],
    tombstones: Sequence[Added],
) -> Tally:
    """Counts of a table.

    ``first``: reads of the first look, of which no two tell the state of one record. ``later``:
    everything read again. Counts of single reads are exact but for records that several told of;
    those are settled by id. A record that was never held alive and is told deleted, with its row,
    counts as created and as deleted; an id alone that the vault never saw counts as nothing.
    """
    counts = sum((read.added.counts for read in (*first, *later)), Counts())
    inferred = sum((piece.counts for piece in tombstones), Counts()).deleted
    told = _told(session, first, later)
    before = _before(session, table, told["id"])
    joined = told.join(before, on="id", how="left").with_columns(pl.col("op").fill_null(""))
    fresh = joined.filter(pl.col("op") == "")
    dead = joined.filter(~pl.col("op").is_in(["", ALIVE]))
    alive = joined.filter(pl.col("op") == ALIVE)
    created = counts.created - _sum(fresh, "states", "deletes") + _count(fresh, WITH_CELLS)
    revived = counts.revived - _sum(dead, "states") + _count(dead, [ALIVE])
    lost = alive.height - _count(alive, [ALIVE]) + inferred
    never_alive = _count(fresh, [Op.DELETED.value])
    state = session.base.tables().get(table) if session.base is not None else None
    held = (state.held if state is not None else 0) + created + revived - lost - never_alive
    return Tally(created, counts.changed, lost + never_alive, revived, held)


def _told(
    session: Session, first: Sequence[ReadResult], later: Sequence[ReadResult]
) -> pl.DataFrame:
    """Records told of in ``later`` or told dead: their last op, how often told alive or deleted."""
    several = pl.concat(
        [
            *(rows["id"] for read in later for rows in _frames(session, read)),
            *(
                rows.filter(pl.col("op") != ALIVE)["id"]
                for read in first
                for rows in _frames(session, read)
            ),
            pl.Series("id", [], dtype=pl.String),
        ]
    ).unique()
    found = [
        rows.filter(pl.col("id").is_in(several.implode()))
        for read in (*first, *later)
        for rows in _frames(session, read)
    ]
    return (
        pl.concat([pl.DataFrame(schema=TOLD), *found])
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("op").last().alias("last"),
            (pl.col("op") == ALIVE).sum().alias("states"),
            (pl.col("op") == Op.DELETED.value).sum().alias("deletes"),
        )
    )


def _frames(session: Session, read: ReadResult) -> Iterator[pl.DataFrame]:
    for batch in batches(session.folder, read.seen):
        frame = pl.from_arrow(pa.Table.from_batches([batch]))
        assert isinstance(frame, pl.DataFrame)
        yield frame


def _before(session: Session, table: str, ids: pl.Series) -> pl.DataFrame:
    """The newest op of these ids in the snapshot before, where it has them."""
    found = [pl.DataFrame(schema=TOLD)]
    if session.base is not None and table in session.base.tables():
        for at in range(0, len(ids), GET_IDS):
            rows = session.base.get(table, ids.slice(at, GET_IDS).to_list())
            ops = pa.table(
                {"id": rows["_u_id"].cast(pa.string()), "op": rows["_u_op"].cast(pa.string())}
            )
            frame = pl.from_arrow(ops)
            assert isinstance(frame, pl.DataFrame)
            found.append(frame)
    return pl.concat(found)


def _sum(rows: pl.DataFrame, *columns: str) -> int:
    return sum(int(rows[column].sum()) for column in columns)


def _count(rows: pl.DataFrame, last: Sequence[str]) -> int:
    return rows.filter(pl.col("last").is_in(last)).height
