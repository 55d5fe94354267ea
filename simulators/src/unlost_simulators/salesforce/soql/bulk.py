"""Queries of Bulk API 2.0: what they may not contain, and SQL that gives their CSV cells.

Source: Bulk API 2.0 guide (create a query job, SOQL considerations), answers of live orgs.
"""

from unlost_simulators.salesforce.model.answers import BulkSelect
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import COMPOUNDS, FieldType
from unlost_simulators.salesforce.soql import rules
from unlost_simulators.salesforce.soql.clauses import (
    bounds_sql,
    order_sql,
    queryable,
    where_sql,
)
from unlost_simulators.salesforce.soql.forms import for_csv
from unlost_simulators.salesforce.soql.functions import Typed, is_aggregate, typed
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.names import CompileContext, Frame
from unlost_simulators.salesforce.store import tables

COMPOUND = "Selecting compound data not supported in Bulk Query"
_BINARY = "Binary fields are not supported in Bulk Query"


def _refuse(text: str, code: str = "API_ERROR") -> SalesforceError:
    return refusals.plain(code, text)


def compile_bulk(context: CompileContext, select: ast.Select) -> BulkSelect:
    """Compile a query for a bulk job."""
    of = queryable(context, select)
    if not of.bulk:
        text = f"Entity '{of.name}' is not supported by the Bulk API."
        raise refusals.plain("INVALIDENTITY", text)
    _check_shape(select)
    rules.check(context, of, select)
    frame = Frame(context, of, nickname=select.alias)
    cells = [_cell(frame, item) for item in select.items]
    where = where_sql(frame, select)
    order = order_sql(frame, select, tie=False)
    headers = _headers(frame, select)
    columns = ", ".join(
        f"{for_csv(cell.field, cell.sql)} AS {tables.name(header)}"
        for cell, header in zip(cells, headers, strict=True)
    )
    sql = f"SELECT {columns} {frame.from_sql()}{where}{order}{bounds_sql(select)}"
    ordered = bool(select.order) or select.limit is not None
    return BulkSelect(of.name, headers, sql, ordered)


def _check_shape(select: ast.Select) -> None:
    if select.group or select.having is not None:
        raise _refuse("Implementation restriction: GROUP BY is not supported in Bulk Query")
    if select.offset is not None:
        raise _refuse("Implementation restriction: OFFSET is not supported in Bulk Query")
    for item in select.items:
        if isinstance(item, ast.ChildItem):
            raise _refuse(
                "Implementation restriction: nested queries are not supported in Bulk Query"
            )
        if isinstance(item, ast.TypeOf):
            raise _refuse("Implementation restriction: TYPEOF is not supported in Bulk Query")
        _check_expression(item.expression)


def _check_expression(expression: ast.Expression) -> None:
    if is_aggregate(expression):
        raise _refuse("Aggregate Relationships not supported in Bulk Query")
    if isinstance(expression, ast.FunctionCall) and expression.name.upper() == "FIELDS":
        raise _refuse("Implementation restriction: FIELDS is not supported in Bulk Query")


def _cell(frame: Frame, item: ast.Item) -> Typed:
    if not isinstance(item, ast.FieldItem):
        raise _refuse(COMPOUND)
    typed_expression = typed(frame, item.expression)
    if typed_expression.field.type in COMPOUNDS:
        raise _refuse(COMPOUND)
    if typed_expression.field.type is FieldType.BASE64:
        raise _refuse(_BINARY)
    if typed_expression.field.type in {FieldType.COMPLEX, FieldType.JSON}:
        text = f"Cannot serialize value for '{typed_expression.field.name}' in CSV format"
        raise _refuse(text, "FeatureNotEnabled")
    return typed_expression


def _headers(frame: Frame, select: ast.Select) -> tuple[str, ...]:
    """Names of the columns: describe's spelling, parents as ``Account.Name``."""
    names = []
    for item in select.items:
        expression = item.expression if isinstance(item, ast.FieldItem) else None
        if isinstance(expression, ast.Path):
            resolved = frame.field(expression)
            names.append(".".join((*resolved.through, resolved.field.name)))
        elif expression is not None:
            names.append(expression.name)
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        text = f"duplicate field selected: {min(doubles)}"
        raise refusals.plain("INVALID_FIELD", text)
    return tuple(names)
