"""Lists of records of one table: pages with chosen columns, and downloads as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.archived.archived_rows import archived_records
from unlost.app.records.lists.downloads import (
    MOST_COLUMNS,
    USUAL,
    ListFile,
    ListView,
    columns_of_list,
    list_download,
)
from unlost.app.records.lists.order import ListOrder, in_order, is_sortable
from unlost.app.records.lists.queries import ListQuery, ids_of, pinned
from unlost.app.records.lists.record_lists import ListColumn, ListDescriber, ListedRecord, newest_of
from unlost.app.records.record_facts import UserNames
from unlost.app.records.record_names import record_names
from unlost.app.records.settable import why_never_set
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.list_columns import choose_list_columns
from unlost.model.access import Right, Trace
from unlost.model.source.reading import Json
from unlost.model.source.schema import Table


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: ``records`` begin with number ``start`` of ``total``.

    ``query`` names backups by number. ``choices`` are all columns that the list can show.
    ``sortable``: it is short enough to be sorted and filtered. ``snapshot`` has the values.
    ``by_name`` is the name of the user of the query. ``settable``: columns whose values can be put back.
    """

    org: str
    zone: str
    query: ListQuery
    table: str
    table_label: str
    snapshot: int
    as_of: datetime
    columns: tuple[ListColumn, ...]
    choices: tuple[ListColumn, ...]
    sort: str
    descending: bool
    sortable: bool
    total: int
    start: int
    records: tuple[ListedRecord, ...]
    by_name: str = ""
    settable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenColumns:
    """The columns that a person chose for the lists of a table; empty for the usual ones."""

    table: str
    columns: tuple[str, ...]


def _shown(page: ListPage) -> Mapping[str, Json]:
    return {"found": [f"{page.table}/{record.record}" for record in page.records]}


@action("record.list", Right.READ, trace=Trace.READ, detail=_shown)
def record_list(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> ListPage:
    """List the records of a query; raises NotFound, UsageError (``list-wrong``, ``day-wrong``).

    Raises UsageError (``list-too-long``) to sort or filter a list of more than a million records.
    """
    check_page(start=view.start, most=view.most)
    known = get_org(org)
    query = pinned(app, known, record_query)
    listed = ids_of(app, known, query)
    columns, choices = columns_of_list(app, known, listed, view)
    ids = in_order(listed, ListOrder(view.sort, descending=view.descending))
    page = ids.slice(view.start, view.most).to_pylist()
    describer = ListDescriber(
        listed,
        newest_of(app, known, listed.snapshot),
        columns,
        record_names(app, known, listed.snapshot),
        archived_records(app, known),
    )
    return ListPage(
        org=known.name,
        zone=known.identity.zone,
        query=query,
        table=listed.table.name,
        table_label=listed.table.plural or listed.table.label or listed.table.name,
        snapshot=listed.snapshot.info.number,
        as_of=listed.snapshot.info.as_of,
        columns=columns,
        choices=choices,
        sort=view.sort if listed.table.column(view.sort) is not None else "",
        descending=view.descending,
        sortable=is_sortable(listed),
        total=len(ids),
        start=view.start,
        records=tuple(describer.records(page)),
        by_name=UserNames(listed.snapshot).name(listed.table.name, query.by),
        settable=_settable(listed.table),
    )


def _settable(table: Table) -> tuple[str, ...]:
    columns = (column for column in table.columns if why_never_set(column, table) is None)
    return tuple(column.name for column in columns)


@action(
    "record.list-csv",
    Right.READ,
    trace=Trace.READ,
    detail=lambda result: {"table": result[0].table, "records": result[0].records},
)
def list_csv(
    app: Application, org: str, record_query: ListQuery, view: ListView = USUAL
) -> tuple[ListFile, Iterator[bytes]]:
    """Download all records of a query as CSV in UTF-8, in the order of the page.

    Values are as they are stored. Texts that a spreadsheet would run as formulas get an apostrophe.
    Hidden columns are left out. Raises as ``record.list``.
    """
    download = list_download(app, org, record_query, view)
    return download.file, download.csv()


@action("record.list-columns", Right.LOOK, subject=("table",))
def choose_columns(
    app: Application, org: str, table: str, *, columns: tuple[str, ...] = ()
) -> ChosenColumns:
    """Choose the columns of the actor's lists of a table; none for the usual ones."""
    known = get_org(org)
    chosen = tuple(dict.fromkeys(columns))[:MOST_COLUMNS]
    choose_list_columns(known.name, by=app.actor.name, table=table, columns=chosen)
    return ChosenColumns(table, chosen)
