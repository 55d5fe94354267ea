"""The use of an org's storages by a backup's records: by table, year, owner and mail thread.

Works batch by batch: memory holds sums, never rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from unlost.engine.storage.loops import MAX_MAILS
from unlost.engine.storage.mails import (
    SIDES,
    STRIPPED,
    frame,
    instants,
    measured,
    read_mails,
    size_of_measured,
)
from unlost.model.ports.vault import Snapshot
from unlost.model.storage import MailRule, StorageRule, StorageWeight, TableUse, ThreadUse

BYTES, RECENT, COUNT, YEAR, OWNER = "bytes", "recent", "count", "year", "owner"


def table_uses(
    snapshot: Snapshot, rules: Mapping[str, StorageRule], *, since: datetime
) -> Iterator[TableUse]:
    """The use of each storage by each table that uses any, as of a backup."""
    states = snapshot.tables()
    for table, rule in rules.items():
        for weight in rule.weights if table in states else ():
            sums = _table_sums(snapshot, table, rule, weight, since)
            if sums is not None and not sums.is_empty():
                yield _use(table, weight.storage, sums)


def thread_uses(
    snapshot: Snapshot,
    table: str,
    rule: MailRule,
    weight: StorageWeight,
    *,
    since: datetime,
    most: int,
) -> Sequence[ThreadUse]:
    """The mail threads that use most."""
    parts = max(1, -(-snapshot.tables()[table].alive // MAX_MAILS))
    uses = [
        thread
        for number in range(parts)
        for thread in _threads(_mails(snapshot, table, rule, weight, number, parts), since, most)
    ]
    return tuple(sorted(uses, key=lambda use: (-use.bytes, use.subject, use.sides))[:most])


def _mails(
    snapshot: Snapshot, table: str, rule: MailRule, weight: StorageWeight, number: int, parts: int
) -> Iterator[pl.DataFrame]:
    """The mails of one part: all mails of a pair of sides are in one part."""
    mine = pl.concat_str(SIDES, separator="\n").hash() % parts == number
    return (mails.filter(mine) for mails in read_mails(snapshot, table, rule, size=weight))


def _threads(mails: Iterable[pl.DataFrame], since: datetime, most: int) -> Iterator[ThreadUse]:
    keys = [STRIPPED, *SIDES]
    sums = _summed((part.group_by(keys).agg(_sums(since, "at")) for part in mails), keys)
    if sums is None:
        return
    largest = sums.sort([BYTES, *keys], descending=[True, False, False, False]).head(most)
    for row in largest.iter_rows(named=True):
        sides = (row[SIDES[0]], row[SIDES[1]])
        yield ThreadUse(row[STRIPPED], sides, row[COUNT], row[BYTES], row[RECENT])


def _table_sums(
    snapshot: Snapshot, table: str, rule: StorageRule, weight: StorageWeight, since: datetime
) -> pl.DataFrame | None:
    """Records and bytes by year and owner."""
    keys = [YEAR, OWNER]
    parts = (
        batch.with_columns(
            size_of_measured(weight).alias(BYTES),
            _born(rule).alias("born"),
            _owner(rule).alias(OWNER),
        )
        .with_columns(pl.col("born").dt.year().fill_null(0).alias(YEAR))
        .group_by(keys)
        .agg(_sums(since, "born"))
        for batch in _batches(snapshot, table, rule, weight)
    )
    return _summed(parts, keys)


def _use(table: str, storage: str, sums: pl.DataFrame) -> TableUse:
    return TableUse(
        table,
        storage,
        int(sums[COUNT].sum()),
        int(sums[BYTES].sum()),
        int(sums[RECENT].sum()),
        dict(_split(sums, YEAR)),
        dict(_split(sums, OWNER)),
    )


def _batches(
    snapshot: Snapshot, table: str, rule: StorageRule, weight: StorageWeight
) -> Iterator[pl.DataFrame]:
    named = (rule.born, rule.owner, weight.size_column, *weight.texts)
    columns = list(dict.fromkeys(name for name in named if name is not None))
    for batch in snapshot.scan(table, columns=columns):
        yield frame(measured(batch, weight.texts))


def _sums(since: datetime, born: str) -> list[pl.Expr]:
    recent = pl.col(BYTES).filter(pl.col(born) >= since).sum()
    return [pl.len().cast(pl.Int64).alias(COUNT), pl.col(BYTES).sum(), recent.alias(RECENT)]


def _summed(parts: Iterable[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame | None:
    """Sums of sums, added up as they come: memory does not grow with the rows."""
    totals = pl.col(COUNT, BYTES, RECENT).sum()
    total: pl.DataFrame | None = None
    for part in parts:
        total = part if total is None else pl.concat([total, part]).group_by(keys).agg(totals)
    return total


def _split(sums: pl.DataFrame, key: str) -> Iterator[tuple[Any, int]]:
    rows = sums.group_by(key).agg(pl.col(BYTES).sum())
    return rows.sort([BYTES, key], descending=[True, False]).iter_rows()


def _born(rule: StorageRule) -> pl.Expr:
    return instants(rule.born) if rule.born is not None else pl.lit(None, pl.Datetime("us", "UTC"))


def _owner(rule: StorageRule) -> pl.Expr:
    return pl.col(rule.owner).fill_null("") if rule.owner is not None else pl.lit("")
