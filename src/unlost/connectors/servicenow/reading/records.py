"""Rows and ids of one table: in the table, in its archive, and in the root of its classes.

A record that the instance archived is in the table ``ar_TABLE``, with its id and its values: it is
live. A record whose class was changed is in another table below the same root: here it keeps the
columns of the root, with a gap, and never counts as deleted. That archive tables have the ids and the columns of
their table is an inference. See docs/adr/0064 for records that move.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import (
    ID,
    IdRange,
    RowCondition,
    TableWalk,
    WalkQuery,
    condition_ignored,
    rows_unseen,
    walks_by_id,
    whole,
)
from unlost.connectors.servicenow.reading.pieces import (
    class_changed,
    columns_of,
    hidden_cells,
    read_walk,
    rows_of,
)
from unlost.connectors.servicenow.schema.dictionary import TABLES
from unlost.connectors.servicenow.schema.discover import TablePlace
from unlost.connectors.servicenow.schema.excluded import ARCHIVE
from unlost.connectors.servicenow.schema.tables import CLASS
from unlost.model.source.reading import Page, Proof
from unlost.model.source.schema import ALL_ROWS, Table


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads one table of an instance. Raises SourceRefused if a query ACL forbids it."""

    api: ServiceNowApi
    table: Table
    place: TablePlace

    def rows(self, source: str, *conditions: RowCondition | IdRange) -> Iterator[Page]:
        """The rows of the table, or of its archive, that fulfill further conditions."""
        query = self._query(source, columns_of(self.table))
        walk = TableWalk(self.api, replace(query, conditions=(*query.conditions, *conditions)))
        yield from read_walk(self.table, walk)

    def by_id(self, ids: Sequence[str]) -> Iterator[Page]:
        """The rows of these ids, wherever the instance has them now; missing ids are omitted."""
        missing = pa.array(ids, pa.string())
        for source in self._places():
            if not len(missing):
                return
            pages = list(self._by_id(self._query(source, columns_of(self.table)), missing))
            missing = _without(missing, pages)
            yield from pages
        if len(missing) and self.place.by_class:
            yield from self._moved(missing)

    def ids(self) -> Iterator[pa.Array]:
        """All live ids; raises SourceRefused (``servicenow-hidden``) if some are hidden."""
        for source in self.place.sources:
            walk = TableWalk(self.api, self._query(source, ()))
            for page in walk.pages():
                yield page.cells.column(ID)
            if walk.hidden():
                raise rows_unseen(self.table.name)

    def count(self) -> int | None:
        """The number of live rows; None if the user may not see them all."""
        if ALL_ROWS not in self.table.grants:
            return None
        return sum(
            self.api.count(source, self._query(source, ()).text) for source in self.place.sources
        )

    def _places(self) -> Iterator[str]:
        """The table and its archive, also one that the instance made after the backup began."""
        yield from self.place.sources
        archive = f"{ARCHIVE}{self.table.name}"
        if archive not in self.place.sources:
            named = RowCondition("name", among=(archive,))
            for row in whole(self.api, WalkQuery(TABLES, ("name",), (named,))):
                yield row["name"]

    def _query(self, source: str, columns: tuple[str, ...]) -> WalkQuery:
        if self.place.blocked:
            raise condition_ignored(self.table.name, self.place.blocked)
        # An archive has the rows of one class, and not always the column.
        conditions = self.place.conditions(source) if source == self.table.name else ()
        return WalkQuery(source, columns, conditions)

    def _by_id(self, query: WalkQuery, ids: pa.Array) -> Iterator[Page]:
        for _, walk in walks_by_id(self.api, query, ids.to_pylist()):
            for page in walk.pages():
                if query.table == self.table.name and hidden_cells(self.table, page):
                    raise rows_unseen(self.table.name)
                yield Page(rows_of(self.table, page), Proof(None, len(page), page.size))
            # A hidden row exists, and without it the record would count as deleted.
            if walk.hidden():
                raise rows_unseen(self.table.name)

    def _moved(self, ids: pa.Array) -> Iterator[Page]:
        """Rows of other classes below the same root, with the gap that names their classes."""
        columns = tuple(dict.fromkeys((*columns_of(self.table), CLASS)))
        for _, walk in walks_by_id(
            self.api, WalkQuery(self.place.lineage[-1], columns), ids.to_pylist()
        ):
            for page in walk.pages():
                classes = pc.unique(page.cells.column(CLASS)).drop_null().to_pylist()
                finding = class_changed(self.table, sorted(classes), len(page))
                rows = rows_of(self.table, page)
                yield Page(rows, Proof(None, len(page), page.size), findings=(finding,))
            if walk.hidden():
                raise rows_unseen(self.table.name)


def _without(ids: pa.Array, pages: Sequence[Page]) -> pa.Array:
    """The ids that no page has."""
    for page in pages:
        ids = ids.filter(pc.invert(pc.is_in(ids, value_set=page.rows.ids)))
    return ids
