"""Views of lists of records, the columns that they show, and the rows of their downloads."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from unlost.app.compose import Application
from unlost.app.records.lists.order import ListOrder, in_order
from unlost.app.records.lists.queries import ListQuery, ids_of, pinned
from unlost.app.records.lists.record_lists import (
    ListColumn,
    ListedIds,
    batches_of,
    chosen_columns,
    columns_of,
    first_columns,
    keys_of,
    labels_of,
)
from unlost.app.records.record_head import display_rule
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.people.list_columns import list_columns
from unlost.outside.rowtext import csv_pieces, line_pieces

PAGE = 50  # records
MOST_COLUMNS = 20  # of a list on a page; a download has them all on request


@dataclass(frozen=True, slots=True)
class ListView:
    """The part of a list to show, and its order.

    ``columns``: the chosen ones of the person if it is empty, else the usual ones of the table.
    ``sort``: a column; the order of ids if it is empty.
    """

    columns: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    start: int = 0
    most: int = PAGE


USUAL = ListView()


@dataclass(frozen=True, slots=True)
class ListFile:
    """A download: its table and the number of records in it."""

    table: str
    table_label: str
    records: int


@dataclass(frozen=True, slots=True)
class ListDownload:
    """The records of a list in their order, with the columns that a download has."""

    org: ProtectedOrg
    listed: ListedIds
    ids: pa.StringArray
    columns: tuple[ListColumn, ...]

    @property
    def file(self) -> ListFile:
        """Its table and number of records."""
        table = self.listed.table
        return ListFile(table.name, table.plural or table.label or table.name, len(self.ids))

    def csv(self) -> Iterator[bytes]:
        """Yield it as CSV for people."""
        heads = labels_of(self.listed.table, self.columns)
        schema, batches = batches_of(self.listed, self.ids, self.columns, heads=heads)
        return csv_pieces(batches, schema)

    def lines(self) -> Iterator[bytes]:
        """Yield it as JSON, an object a line."""
        heads = keys_of(self.listed.table, self.columns)
        return line_pieces(batches_of(self.listed, self.ids, self.columns, heads=heads)[1])


def list_download(
    app: Application, org: str, record_query: ListQuery, view: ListView
) -> ListDownload:
    """Return all records of a query for a download; raises as ``record.list``."""
    known = get_org(org)
    listed = ids_of(app, known, pinned(app, known, record_query))
    columns, _ = columns_of_list(app, known, listed, view)
    ids = in_order(listed, ListOrder(view.sort, descending=view.descending))
    return ListDownload(known, listed, ids, columns)


def columns_of_list(
    app: Application, org: ProtectedOrg, listed: ListedIds, view: ListView
) -> tuple[tuple[ListColumn, ...], tuple[ListColumn, ...]]:
    """Return the columns to show, and those to choose from."""
    rule = display_rule(app, org, listed.table)
    choices = tuple(columns_of(listed.table, rule))
    names = view.columns or list_columns(org.name, by=app.actor.name, table=listed.table.name)
    chosen = chosen_columns(choices, names[:MOST_COLUMNS])
    return chosen or chosen_columns(choices, first_columns(listed.table, rule)), choices
