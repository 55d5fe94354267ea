"""A source without the columns that are hidden from viewers and operators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from unlost.model.ports.source import Source
from unlost.model.source.hidden_columns import HiddenColumns, LogFilter
from unlost.model.source.reading import Page, ReadTask
from unlost.model.source.schema import Schema, Table

# Methods that return no value of a record. All others, except those below, are refused.
WITHOUT_VALUES = frozenset(
    {
        "identity",
        "server_time",
        "quotas",
        "checklist",
        "record_counts",
        "deleted_along",
        "grants",
        "live_among",
        "plan_reads",
        "prepare",
        "census",
        "count",
    }
)


class VisibleSource:
    """The live org as a viewer may read it (port ``Source``).

    ``backup`` is the schema of the newest backup, which shows the tables with the source's change
    logs.
    """

    def __init__(self, whole: Source, hidden: HiddenColumns, *, backup: Schema | None) -> None:
        self._whole = whole
        self._hidden = hidden
        self._logs: Mapping[str, frozenset[LogFilter]] = (
            hidden.log_filters(backup) if backup is not None else {}
        )

    def __getattr__(self, name: str) -> Any:
        """Return a method that returns no value of a record."""
        if name in WITHOUT_VALUES:
            return getattr(self._whole, name)
        raise AttributeError(name)

    def discover(self) -> Schema:
        """Return the source's schema without hidden columns."""
        return self._hidden.schema(self._whole.discover())

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Return the pages of a prepared task, without hidden values."""
        return (self._visible(task.table, page) for page in self._whole.read(task))

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """Return the rows of these ids, without hidden values."""
        return (self._visible(table.name, page) for page in self._whole.read_ids(table, ids))

    def _visible(self, table: str, page: Page) -> Page:
        cells = page.rows.cells
        if cells is None:
            return page
        visible = self._hidden.batch(table, cells)
        rows = pa.Table.from_batches([visible])
        for log in self._logs.get(table, ()):
            rows = log.apply(rows)
        (batch,) = rows.combine_chunks().to_batches() or [visible]
        return replace(page, rows=replace(page.rows, cells=batch))
