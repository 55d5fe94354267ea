"""Pages of rows as a backup takes them; rows that are hidden from the user become a gap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.api import TablePage
from unlost.connectors.servicenow.http.walk import ID, TableWalk
from unlost.kit.columns import Zoneless
from unlost.kit.rows import live_rows, no_rows
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Noun, counted
from unlost.model.source.reading import Page, Proof, Rows
from unlost.model.source.schema import Table, WireKind


def columns_of(table: Table) -> tuple[str, ...]:
    """The columns whose cells are read."""
    return tuple(column.name for column in table.columns if column.kind is not WireKind.BINARY)


def rows_of(table: Table, page: TablePage) -> Rows:
    """The rows of a page. Times are UTC without a zone (ServiceNow docs, "Table API")."""
    return live_rows(
        page.cells.select(list(columns_of(table))),
        page.at,
        ids=ID,
        modified_at=table.modified_column,
        modified_by=table.modified_by_column,
        zoneless=Zoneless.UTC,
    )


def read_walk(table: Table, walk: TableWalk) -> Iterator[Page]:
    """All pages of a walk; a last one without rows if some are hidden."""
    at = walk.api.now()
    archived = walk.query.table != table.name  # an archive does not always have all columns
    for page in walk.pages():
        at = page.at
        cells = {} if archived else hidden_cells(table, page)
        yield _without_hidden(table, page, cells) if cells else _whole(table, page)
    hidden = walk.hidden()
    if hidden:
        yield Page(
            no_rows(at), Proof(None, 0), findings=(rows_hidden(table, hidden),), incomplete=True
        )


def hidden_cells(table: Table, page: TablePage) -> Mapping[str, pa.BooleanArray]:
    """By column, the rows of a page that have a hidden cell in it."""
    return {name: rows for name, rows in page.absent.items() if name in columns_of(table)}


def _whole(table: Table, page: TablePage) -> Page:
    return Page(rows_of(table, page), Proof(None, len(page), page.size))


def _without_hidden(table: Table, page: TablePage, hidden: Mapping[str, pa.BooleanArray]) -> Page:
    """The rows that are shown whole. The others are a gap: their cells would count as cleared."""
    partly = reduce(pc.or_, hidden.values())
    shown = replace(page, cells=page.cells.filter(pc.invert(partly)))
    finding = cells_hidden(table, sorted(hidden), pc.sum(partly).as_py())
    return replace(_whole(table, shown), findings=(finding,), incomplete=True)


def cells_hidden(table: Table, columns: Sequence[str], count: int) -> Finding:
    """The gap of records of which the backup user sees a part."""
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "ServiceNow hides {columns} in {records} of {name}, but not in others. These records are "
        "not backed up now; earlier versions stay.",
        "Give the backup user the role admin, together with snc_read_only.",
        table=table.name,
        columns=", ".join(columns),
        records=counted(count, Noun.RECORD),
        name=table.plural or table.label or table.name,
    )


def rows_hidden(table: Table, count: int) -> Finding:
    """The gap of rows that the instance counts and does not show to the backup user."""
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "ServiceNow counts {records} of {name} that the backup user may not see.",
        "Give the backup user a role that sees all records of the table, such as admin together "
        "with snc_read_only.",
        table=table.name,
        records=counted(count, Noun.RECORD),
        name=table.plural or table.label or table.name,
    )


def class_changed(table: Table, classes: Sequence[str], count: int) -> Finding:
    """The gap of records that went on in another table."""
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "The class of {records} of {name} was changed to {classes}. They are also stored there. "
        "Here they do not count as deleted.",
        "Find the record in its new table. To let backups ignore the old one, accept this gap.",
        table=table.name,
        records=counted(count, Noun.RECORD),
        name=table.plural or table.label or table.name,
        classes=", ".join(classes),
    )
