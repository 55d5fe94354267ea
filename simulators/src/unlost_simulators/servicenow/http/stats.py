"""The Aggregate API: counts and sums, which honour roles but no row ACLs (an inference)."""

from __future__ import annotations

from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.kit.sqlite import Row, quoted
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.http.tables import search
from unlost_simulators.servicenow.model.columns import NUMBERS, Column, Kind
from unlost_simulators.servicenow.model.errors import ServiceNowError

FUNCTIONS = ("avg", "min", "max", "sum")


def statistics(context: Context) -> Answer:
    """Answer ``GET stats/{table}``; nothing is computed that was not asked for."""
    table = context.instance.open_table(context.param("table")).name
    if not context.instance.acls.may(context.user, table, Operation.READ):
        raise ServiceNowError(403, "User Not Authorized", "Table read access is required")
    columns = context.instance.schema.columns(table)
    groups = [name for name in _names(context, "sysparm_group_by") if name in columns]
    counts = context.switch("sysparm_count")
    values = ["count(*) AS count"] if counts else []
    values += [
        _value(function, columns[name])
        for function in FUNCTIONS
        for name in _names(context, f"sysparm_{function}_fields")
        if name in columns
    ]
    if not values:
        return json_answer({"result": {"stats": {}}})
    where = context.reader().compile(search(context, table)).where
    rows = context.instance.store.aggregate(table, where, values=values, groups=groups)
    documents = [_document(row, groups) for row in rows]
    return json_answer({"result": documents if groups else documents[0]})


def _names(context: Context, parameter: str) -> list[str]:
    return [name for name in context.call.query.get(parameter, "").split(",") if name]


def _value(function: str, column: Column) -> str:
    cell = quoted(column.name)
    number = column.kind in NUMBERS or function in ("avg", "sum")
    kind = "INTEGER" if column.kind is Kind.INTEGER and function in ("min", "max") else "REAL"
    value = f"nullif({cell}, '')"
    value = f"CAST({value} AS {kind})" if number else value
    return f'{function}({value}) AS "{function}.{column.name}"'


def _document(row: Row, groups: list[str]) -> dict[str, Any]:
    stats: dict[str, Any] = {}
    for name, value in row.items():
        function, dot, column = name.partition(".")
        if name == "count":
            stats["count"] = str(value)
        elif dot:
            stats.setdefault(function, {})[column] = "" if value is None else str(value)
    document: dict[str, Any] = {"stats": stats}
    if groups:
        document["groupby_fields"] = [{"field": name, "value": row[name]} for name in groups]
    return document
