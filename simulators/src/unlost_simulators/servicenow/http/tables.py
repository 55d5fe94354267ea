"""The Table API: rows of any table that is open to REST."""

from __future__ import annotations

from unlost_simulators.kit.http.calls import Answer, json_answer, no_content
from unlost_simulators.servicenow.http.bodies import read_object
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.http.paging import Window, link_header
from unlost_simulators.servicenow.http.rendering import Look, Renderer
from unlost_simulators.servicenow.model.errors import ServiceNowError, no_record
from unlost_simulators.servicenow.query.encoded import (
    Condition,
    EncodedQuery,
    Operator,
    parse,
)
from unlost_simulators.servicenow.reading import Search

RESERVED = "sysparm_"


def list_rows(context: Context) -> Answer:
    """Answer ``GET table/{table}``."""
    table = context.instance.open_table(context.param("table")).name
    wanted = search(context, table)
    window = Window.of(context)
    reader = context.reader()
    page = reader.page(wanted, limit=window.limit, offset=window.offset)
    if context.version == "v1" and not page.rows:
        raise no_record()
    documents = Renderer(context, Look.of(context, table)).documents(table, page.rows)
    answer = json_answer({"result": documents})
    total = None if context.switch("sysparm_no_count") else reader.count(wanted)
    if total is not None:
        answer.headers["X-Total-Count"] = str(total)
    link = link_header(context, window, fetched=page.fetched, total=total)
    if link and not context.switch("sysparm_suppress_pagination_header"):
        answer.headers["Link"] = link
    return answer


def search(context: Context, table: str) -> Search:
    """Give the question of a call: sysparm_query, or else the pairs of names and values."""
    query = context.call.query
    text = query.get("sysparm_query")
    if text is not None:
        encoded = parse(text)
    else:
        pairs = [
            (Condition(name, Operator.EQUAL, value),)
            for name, value in query.items()
            if not name.startswith(RESERVED)
        ]
        encoded = EncodedQuery((tuple(pairs),))
    return Search(table, encoded, no_domain=context.switch("sysparm_query_no_domain"))


def get_row(context: Context) -> Answer:
    """Answer ``GET table/{table}/{sys_id}``."""
    return json_answer({"result": _document(context, context.param("sys_id"))})


def create_row(context: Context) -> Answer:
    """Answer ``POST table/{table}``; the body is empty where the caller may not read the row."""
    table = context.param("table")
    sys_id = context.writer().insert(table, read_object(context.call))
    answer = _written(context, sys_id, 201)
    answer.headers["Location"] = context.address("table", table, sys_id)
    return answer


def change_row(context: Context) -> Answer:
    """Answer ``PUT`` and ``PATCH table/{table}/{sys_id}``."""
    sys_id = context.param("sys_id")
    context.writer().update(context.param("table"), sys_id, read_object(context.call))
    return _written(context, sys_id, 200)


def delete_row(context: Context) -> Answer:
    """Answer ``DELETE table/{table}/{sys_id}``."""
    no_domain = context.switch("sysparm_query_no_domain")
    context.writer().delete(context.param("table"), context.param("sys_id"), no_domain=no_domain)
    return no_content()


def _written(context: Context, sys_id: str, status: int) -> Answer:
    if context.call.headers.get("x-no-response-body", "").lower() == "true":
        return Answer(status)
    try:
        return json_answer({"result": _document(context, sys_id)}, status)
    except ServiceNowError:
        return Answer(status)


def _document(context: Context, sys_id: str) -> dict[str, object]:
    table = context.instance.open_table(context.param("table")).name
    no_domain = context.switch("sysparm_query_no_domain")
    row = context.reader().row(table, sys_id, no_domain=no_domain)
    return Renderer(context, Look.of(context, table)).documents(table, [row])[0]
