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

    def add(self, table: str, ids: pl.Series) -> pl.DataFrame:
        """Number the ids that are new, and return only those."""
        known = self._tables.get(table, _EMPTY)
        fresh = pl.DataFrame({ID: ids.unique(maintain_order=True)}).join(known, on=ID, how="anti")
        numbers = pl.int_range(self.count, self.count + len(fresh), dtype=pl.UInt32, eager=True)
        fresh = fresh.with_columns(numbers.alias(NODE))
        if len(fresh):
            self._tables[table] = pl.concat([known, fresh])
            self.count += len(fresh)
        return fresh
