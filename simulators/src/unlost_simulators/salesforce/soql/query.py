"""Running queries: compile, execute on a separate cursor, keep the result for its pages."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from unlost_simulators.salesforce.model.answers import BulkSelect
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.soql.bulk import compile_bulk
from unlost_simulators.salesforce.soql.compile import (
    Compiled,
    compile_children,
    compile_query,
)
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.grammar.parse import parse
from unlost_simulators.salesforce.soql.names import CompileContext
from unlost_simulators.salesforce.soql.result import IN_MEMORY, QueryResult, Spool
from unlost_simulators.salesforce.soql.shape import ChildLeaf
from unlost_simulators.salesforce.store import database
from unlost_simulators.salesforce.store.store import Store

NO_MORE = (
    "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single "
    "batch"
)
RETRIES = 20
"""A schema change between compilation and execution is met by compiling anew."""


def context_of(store: Store, user: SimUser, soql: str, *, all_rows: bool) -> CompileContext:
    """Return the context of a compilation, as of now."""
    return CompileContext(soql, store.schema, user, store.clock.now(), store.settings, all_rows)


def run_query(
    store: Store, user: SimUser, soql: str, *, all_rows: bool = False, batch_size: int | None = None
) -> QueryResult:
    """The result of a query as of now; raises the API's refusal."""
    return run_tree(store, user, parse(soql), soql, all_rows=all_rows, batch_size=batch_size)


def run_tree(
    store: Store,
    user: SimUser,
    select: ast.Select,
    soql: str = "",
    *,
    all_rows: bool = False,
    batch_size: int | None = None,
) -> QueryResult:
    """The result of a parsed query as of now."""
    for attempt in range(RETRIES):
        context = context_of(store, user, soql, all_rows=all_rows)
        compiled = compile_query(context, select)
        try:
            return _run(store, context, compiled, batch_size)
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.TransactionException):
            if attempt == RETRIES - 1:
                raise
            store.await_writer()
    raise AssertionError


def _run(
    store: Store, context: CompileContext, compiled: Compiled, batch_size: int | None
) -> QueryResult:
    _check_distinct(store, context.settings, compiled)
    size = page_size(context.settings, compiled.wide_fields, batch_size)

    def children(node: ChildLeaf, parents: Sequence[str]) -> tuple[Compiled, pa.Table]:
        inner = compile_children(context, node.select, node.via, parents)
        return inner, database.arrow(store.cursor(), inner.sql)

    rows = _fetch(store.cursor(), compiled.sql)
    result = QueryResult(compiled, rows, page_size=size, children=children)
    if result.aggregate and result.total > context.settings.largest_page:
        raise refusals.plain("EXCEEDED_ID_LIMIT", NO_MORE)
    return result


def page_size(settings: OrgSettings, wide_fields: int, wanted: int | None) -> int:
    """Rows of a page: each selected field of 32,000 characters and more halves it."""
    most = max(settings.smallest_page, settings.largest_page >> wide_fields)
    if wanted is None:
        return most
    return min(most, max(settings.smallest_page, wanted))


def _check_distinct(store: Store, settings: OrgSettings, compiled: Compiled) -> None:
    few = compiled.limit is not None and compiled.limit <= settings.distinct_parents
    if compiled.distinct_check is None or few:
        return
    count = int(database.scalar(store.cursor(), compiled.distinct_check))
    if count > settings.distinct_parents:
        noun = "who/what's" if compiled.of.name in {"Task", "Event"} else "ids"
        text = f"exceeded {settings.distinct_parents} distinct {noun}"
        raise refusals.plain("OPERATION_TOO_LARGE", text)


def _fetch(cursor: duckdb.DuckDBPyConnection, sql: str) -> pa.Table | Spool:
    """All rows: a table while they are few, else a file."""
    reader = cursor.sql(sql).to_arrow_reader(2048)
    first: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        first.append(batch)
        rows += batch.num_rows
        if rows > IN_MEMORY:
            return Spool(first, reader)
    return pa.Table.from_batches(first, reader.schema)


def bulk_select(store: Store, user: SimUser, soql: str, *, all_rows: bool = False) -> BulkSelect:
    """Prepare a query for Bulk API 2.0; raises the refusals of REST and of Bulk."""
    return compile_bulk(context_of(store, user, soql, all_rows=all_rows), parse(soql))
