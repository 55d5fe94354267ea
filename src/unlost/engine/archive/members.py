"""Records of a graph, numbered in the order in which they are met."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

ID, NODE = "id", "node"
_EMPTY = pl.DataFrame(schema={ID: pl.String, NODE: pl.UInt32})


@dataclass(slots=True)
class Members:
    """The numbers of records by table and id."""

    count: int = 0
    _tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Frames of ``id`` and ``node`` by table."""
        return self._tables

    def of(self, tables: Iterable[str]) -> pl.DataFrame:
        """The records of these tables."""
        frames = [self._tables[name] for name in tables if name in self._tables]
        return pl.concat(frames) if frames else _EMPTY

    def add(self, table: str, ids: pl.Series) -> pl.Series:
        """The numbers of these ids, in their order; those that are new get the next ones."""
        known = self._tables.get(table, _EMPTY)
        near = near_to(known, ids)
        rows = pl.DataFrame({ID: ids}).join(near, on=ID, how="left", maintain_order="left")
        fresh = rows.filter(pl.col(NODE).is_null()).select(pl.col(ID).unique(maintain_order=True))
        if not len(fresh):
            return rows[NODE]
        numbers = pl.int_range(self.count, self.count + len(fresh), dtype=pl.UInt32, eager=True)
        fresh = fresh.with_columns(numbers.alias(NODE))
        self._tables[table] = pl.concat([known, fresh])
        self.count += len(fresh)
        new = rows.select(ID).join(fresh, on=ID, how="left", maintain_order="left")[NODE]
        return rows[NODE].fill_null(new)


def near_to(known: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """The known records whose ids are between the least and the greatest of others.

    Tables are read in the order of their ids. So a chunk of rows is joined with few records, whose
    hashes need little memory, and not with all of them.
    """
    return known.filter(pl.col(ID).is_between(pl.lit(ids.min()), pl.lit(ids.max())))
