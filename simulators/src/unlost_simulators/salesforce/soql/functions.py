"""Functions of SOQL: aggregates, date functions, toLabel and FORMAT, as typed SQL."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    NUMBERS,
    FieldDef,
    FieldType,
)
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.names import Frame, Resolved
from unlost_simulators.salesforce.store import tables

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_SCALARS = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE"})

_DATE_PARTS: dict[str, tuple[FieldType, str]] = {
    "CALENDAR_YEAR": (FieldType.INT, "year({})"),
    "CALENDAR_QUARTER": (FieldType.INT, "quarter({})"),
    "CALENDAR_MONTH": (FieldType.INT, "month({})"),
    "FISCAL_YEAR": (FieldType.INT, "year({})"),
    "FISCAL_QUARTER": (FieldType.INT, "quarter({})"),
    "FISCAL_MONTH": (FieldType.INT, "month({})"),
    "DAY_IN_MONTH": (FieldType.INT, "day({})"),
    "DAY_IN_WEEK": (FieldType.INT, "(dayofweek({}) + 1)"),
    "DAY_IN_YEAR": (FieldType.INT, "dayofyear({})"),
    "WEEK_IN_MONTH": (FieldType.INT, "((day({}) - 1) // 7 + 1)"),
    "WEEK_IN_YEAR": (FieldType.INT, "((dayofyear({}) - 1) // 7 + 1)"),
    "HOUR_IN_DAY": (FieldType.INT, "hour({})"),
    "DAY_ONLY": (FieldType.DATE, "CAST({} AS DATE)"),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """SQL of an expression with what is needed to compare and to show it.

    ``field`` describes the type (a made-up field for results of functions); ``path`` is the
    resolved field where the expression is a plain path.
    """

    sql: str
    field: FieldDef
    path: Resolved | None = None
    aggregate: bool = False


def is_aggregate(expression: ast.Expression) -> bool:
    """Return true if the expression is a call of an aggregate function."""
    return isinstance(expression, ast.FunctionCall) and expression.name.upper() in AGGREGATES


def typed(frame: Frame, expression: ast.Expression) -> Typed:
    """The expression as SQL with its type."""
    if isinstance(expression, ast.Path):
        resolved = frame.field(expression)
        return Typed(resolved.sql, resolved.field, resolved)
    return _call(frame, expression)


def _call(frame: Frame, call: ast.FunctionCall) -> Typed:
    name = call.name.upper()
    if name in AGGREGATES:
        return _aggregate(frame, call, name)
    if name in _DATE_PARTS or name in _SCALARS:
        inner = typed(frame, _only(frame, call))
        if name in _DATE_PARTS:
            return _date_part(frame, call, name, inner)
        return _SCALAR.get(name, _same)(inner)
    raise refusals.malformed(frame.context.soql, call.at, f"Unknown function: {call.name}")


def _only(frame: Frame, call: ast.FunctionCall) -> ast.Expression:
    if len(call.arguments) != 1:
        text = f"Invalid number of arguments for function {call.name}"
        raise refusals.malformed(frame.context.soql, call.at, text)
    return call.arguments[0]


def _made(kind: FieldType, label: str) -> FieldDef:
    return FieldDef(label, kind, label, precision=18, scale=0)


def _date_part(frame: Frame, call: ast.FunctionCall, name: str, inner: Typed) -> Typed:
    if inner.field.type not in {FieldType.DATE, FieldType.DATETIME}:
        text = f"field {inner.field.name} does not support function {call.name}"
        raise refusals.malformed(frame.context.soql, call.at, text)
    kind, template = _DATE_PARTS[name]
    return Typed(template.format(inner.sql), _made(kind, call.name))


def _aggregate(frame: Frame, call: ast.FunctionCall, name: str) -> Typed:
    if name == "COUNT" and not call.arguments:
        return Typed("count(*)", _made(FieldType.LONG, "COUNT"), aggregate=True)
    inner = typed(frame, _only(frame, call))
    field = inner.field
    numeric = field.type in NUMBERS or field.type in INTEGERS
    allowed = field.aggregatable and (name not in {"SUM", "AVG"} or numeric)
    if not allowed or (name in {"MIN", "MAX"} and field.type is FieldType.BOOLEAN):
        text = f"field {field.name} does not support aggregate operator {name}"
        raise refusals.malformed(frame.context.soql, call.at, text)
    sql, kind = _AGGREGATE[name](inner)
    return Typed(sql, kind, aggregate=True)


def _count(inner: Typed) -> tuple[str, FieldDef]:
    return f"count({inner.sql})", _made(FieldType.LONG, "COUNT")


def _count_distinct(inner: Typed) -> tuple[str, FieldDef]:
    return f"count(DISTINCT {inner.sql})", _made(FieldType.LONG, "COUNT_DISTINCT")


def _sum(inner: Typed) -> tuple[str, FieldDef]:
    if inner.field.type in INTEGERS:
        return f"CAST(sum({inner.sql}) AS BIGINT)", _made(FieldType.LONG, "SUM")
    wide = replace(inner.field, precision=38)
    return f"CAST(sum({inner.sql}) AS {tables.sql_type(wide)})", wide


def _average(inner: Typed) -> tuple[str, FieldDef]:
    return f"avg({inner.sql})", FieldDef("AVG", FieldType.ANY, "AVG")


def _extreme(word: str) -> Callable[[Typed], tuple[str, FieldDef]]:
    return lambda inner: (f"{word}({inner.sql})", inner.field)


_AGGREGATE: dict[str, Callable[[Typed], tuple[str, FieldDef]]] = {
    "COUNT": _count,
    "COUNT_DISTINCT": _count_distinct,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme("min"),
    "MAX": _extreme("max"),
}


def _same(inner: Typed) -> Typed:
    return inner


def _label(inner: Typed) -> Typed:
    """toLabel: the label of a picklist's value."""
    renamed = [
        value for value in inner.field.picklist if value.label and value.label != value.value
    ]
    if not renamed:
        return inner
    whens = " ".join(
        f"WHEN {tables.text(value.value)} THEN {tables.text(str(value.label))}" for value in renamed
    )
    return replace(inner, sql=f"CASE {inner.sql} {whens} ELSE {inner.sql} END")


def _format(inner: Typed) -> Typed:
    """FORMAT: the value as text, numbers with thousands."""
    text = replace(inner.field, type=FieldType.STRING)
    if inner.field.type in NUMBERS or inner.field.type in INTEGERS:
        scale = inner.field.scale if inner.field.type in NUMBERS else 0
        return replace(inner, sql=f"format('{{:,.{scale}f}}', {inner.sql}::DOUBLE)", field=text)
    return replace(inner, sql=f"CAST({inner.sql} AS VARCHAR)", field=text)


_SCALAR: dict[str, Callable[[Typed], Typed]] = {"TOLABEL": _label, "FORMAT": _format}
