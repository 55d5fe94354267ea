"""An index of references: which rows of an object may refer to given ids, without a scan.

A deletion looks for what refers to its rows in every object that could. With a scan for each of
them, to delete 200 of a million rows costs as much as to read the whole org. The index of a field
holds the hashes of its values, sorted, with the counters of the rows. It is made when it is first
needed, and again after rows were added or changed. Deletions leave it as it is: it may name rows
that are gone or that refer to something else by now, so that a caller checks the rows that it
names. It never misses one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.store import database, tables

type Hashes = npt.NDArray[np.uint64]
type Counters = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Index:
    """One field's hashes in ascending order, each with its row's counter, and the state of both."""

    version: int
    hashes: Hashes
    rows: Counters


class Referrers:
    """The indexes of one store. The caller holds the store's lock."""

    def __init__(self) -> None:
        self._version: Counter[str] = Counter()
        self._indexes: dict[tuple[str, str], _Index] = {}

    def outdate(self, objects: Iterable[str]) -> None:
        """Forget the indexes of objects whose rows were added or changed."""
        self._version.update(objects)

    def rows(
        self, cursor: duckdb.DuckDBPyConnection, of: ObjectDef, field: str, targets: Hashes
    ) -> Counters:
        """Counters of all rows whose ``field`` may have one of the values with these hashes."""
        index = self._index(cursor, of, field)
        first = np.searchsorted(index.hashes, targets, "left")
        counts = np.searchsorted(index.hashes, targets, "right") - first
        if not counts.any():
            return np.zeros(0, dtype=np.int64)
        # Places of each run of equal hashes, one run after the other.
        begins = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(first - begins, counts)
        return np.unique(index.rows[places])

    def _index(self, cursor: duckdb.DuckDBPyConnection, of: ObjectDef, field: str) -> _Index:
        version = self._version[of.name]
        index = self._indexes.get((of.name, field))
        if index is None or index.version != version:
            index = self._indexes[of.name, field] = _read(cursor, of, field, version)
        return index


def _read(cursor: duckdb.DuckDBPyConnection, of: ObjectDef, field: str, version: int) -> _Index:
    column = tables.name(field)
    pairs = database.arrow(
        cursor,
        f"SELECT hash({column}) AS hash, {tables.ORDER} AS k FROM {tables.name(of.name)} "
        f"WHERE {column} IS NOT NULL",
    )
    hashes, rows = (pairs.column(name).to_numpy() for name in ("hash", "k"))
    order = np.argsort(hashes, kind="stable")
    return _Index(version, hashes[order], rows[order])


def hashes(cursor: duckdb.DuckDBPyConnection, sql: str) -> Hashes:
    """The different hashes that a query gives in its column ``hash``."""
    return np.unique(database.arrow(cursor, sql).column("hash").to_numpy())
