"""A query's result as it was when the query ran: in memory, or spooled to disk when it is large."""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from unlost_simulators.salesforce.model.answers import ChildCursor, Json
from unlost_simulators.salesforce.soql.compile import Compiled, Result
from unlost_simulators.salesforce.soql.shape import Branch, ChildLeaf, Shaper

IN_MEMORY = 20_000
"""Rows that a result keeps in memory; a larger one is written to a file."""
CHILD_PAGE = 2_000
"""Children of one parent on one page."""

type ChildQuery = Callable[[ChildLeaf, Sequence[str]], tuple[Compiled, pa.Table]]
"""Runs a child subquery for the parents of a page."""


class Spool:
    """Batches of a large result in an Arrow file that is mapped, not read."""

    def __init__(self, first: Sequence[pa.RecordBatch], rest: pa.RecordBatchReader) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="unlost-sim-result-")
        path = Path(self._folder.name) / "rows.arrow"
        self._starts = [0]
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, rest.schema, options=options) as writer,
        ):
            for batch in chain(first, rest):
                self._put(writer, batch)
        self._file = pa.memory_map(str(path))
        self._reader = pa.ipc.open_file(self._file)
        self._lock = threading.Lock()

    def _put(self, writer: Any, batch: pa.RecordBatch) -> None:
        if batch.num_rows:
            writer.write_batch(batch)
            self._starts.append(self._starts[-1] + batch.num_rows)

    @property
    def num_rows(self) -> int:
        """Rows in the file."""
        return self._starts[-1]

    def slice(self, offset: int, length: int) -> pa.Table:
        """Rows ``offset`` to ``offset + length``."""
        end = min(offset + length, self.num_rows)
        with self._lock:
            parts = [
                self._reader.get_batch(number).slice(
                    max(0, offset - start), min(end, after) - max(offset, start)
                )
                for number, (start, after) in enumerate(
                    zip(self._starts, self._starts[1:], strict=False)
                )
                if start < end and after > offset
            ]
        return pa.Table.from_batches(parts, self._reader.schema)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self._folder.cleanup()


class QueryResult:
    """The answer of a query; ``records`` shapes one page. See ``answers.Rows``."""

    def __init__(
        self,
        compiled: Compiled,
        rows: "pa.Table | Spool",
        *,
        page_size: int,
        children: ChildQuery,
    ) -> None:
        self._compiled = compiled
        self._rows: pa.Table | Spool | None = rows
        self._children = children
        self.object = compiled.of.name
        self.page_size = page_size
        counted = compiled.result is Result.COUNT
        self.total = int(rows.slice(0, 1).column(0)[0].as_py()) if counted else rows.num_rows
        self.returned = 0 if counted else self.total

    @property
    def aggregate(self) -> bool:
        """True if the records are AggregateResults, which have no second page."""
        return self._compiled.result is Result.AGGREGATES

    def records(
        self,
        offset: int,
        limit: int,
        *,
        version: str = "v66.0",
        child_cursor: ChildCursor | None = None,
    ) -> Sequence[Json]:
        """Records ``offset`` to ``offset + limit`` as REST shows them."""
        if self._rows is None or self._compiled.result is Result.COUNT:
            return []
        page = self._rows.slice(offset, limit)
        rows = list(zip(*(column.to_pylist() for column in page.columns), strict=True))
        plan = self._compiled.plan
        if self.aggregate:
            shaper = Shaper(version, {})
            return [shaper.aggregate(plan, row) for row in rows]
        nested = self._nested(plan, rows, version, child_cursor)
        shaper = Shaper(version, nested)
        return [record for row in rows if (record := shaper.record(plan, row)) is not None]

    def _nested(
        self,
        plan: Branch,
        rows: Sequence[Sequence[Any]],
        version: str,
        child_cursor: ChildCursor | None,
    ) -> Mapping[tuple[int, str], Any]:
        pages: dict[tuple[int, str], Any] = {}
        for node in plan.members:
            if not isinstance(node, ChildLeaf) or not rows:
                continue
            parents = [row[node.id_column] for row in rows]
            compiled, table = self._children(node, parents)
            for start, end in _runs(table.column(0).to_pylist()):
                part = table.slice(start, end - start)
                inner = QueryResult(compiled, part, page_size=CHILD_PAGE, children=self._children)
                key = (id(node), part.column(0)[0].as_py())
                pages[key] = inner.first_page(version, child_cursor)
        return pages

    def first_page(self, version: str, child_cursor: ChildCursor | None) -> Json:
        """The result as the JSON of a child subquery."""
        records = self.records(0, self.page_size, version=version)
        if self.total <= self.page_size or child_cursor is None:
            return {"totalSize": self.total, "done": True, "records": records}
        return {
            "totalSize": self.total,
            "done": False,
            "nextRecordsUrl": child_cursor(self, self.page_size),
            "records": records,
        }

    def close(self) -> None:
        """Free the rows; the result gives no records afterwards."""
        rows, self._rows = self._rows, None
        if isinstance(rows, Spool):
            rows.close()


def _runs(keys: Sequence[str]) -> list[tuple[int, int]]:
    """Spans of equal neighbours."""
    spans = []
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start]:
            spans.append((start, place))
            start = place
    return spans
