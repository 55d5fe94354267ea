"""A SELECT of SOQL as one DuckDB SELECT with flat columns, and the plan that shapes its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from unlost_simulators.salesforce.model.schema import COMPOUNDS, ObjectDef
from unlost_simulators.salesforce.soql import rules
from unlost_simulators.salesforce.soql.clauses import (
    bounds_sql,
    order_sql,
    plain_fields,
    queryable,
    semi_join,
    where_sql,
)
from unlost_simulators.salesforce.soql.conditions import Compiler, Where
from unlost_simulators.salesforce.soql.forms import for_json
from unlost_simulators.salesforce.soql.functions import is_aggregate, typed
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.names import CompileContext, Frame
from unlost_simulators.salesforce.soql.planner import Planner, SelectColumns, name_of
from unlost_simulators.salesforce.soql.shape import Branch, ChildLeaf, Leaf
from unlost_simulators.salesforce.store import tables

MOST_OFFSET = 2_000
MOST_FIELDS_ROWS = 200
"""Largest LIMIT beside FIELDS(ALL) and FIELDS(CUSTOM) (SOQL reference, FIELDS)."""
WIDE_TEXT = 32_000
"""Text fields of this length and more halve the page (Salesforce help 000386264)."""

WHO_PATHS = frozenset({"who", "what", "owner"})


class Result(Enum):
    """The kind of rows of a result."""

    RECORDS = "records"
    AGGREGATES = "aggregates"
    COUNT = "count"
    """``SELECT COUNT()``: the one value of the result is the total."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run: ``sql`` gives flat columns that ``plan`` shapes."""

    of: ObjectDef
    sql: str
    plan: Branch
    result: Result
    wide_fields: int
    limit: int | None
    distinct_check: str | None = None
    """SQL that counts distinct parents, for users whose sharing is evaluated (6.9)."""


def compile_query(context: CompileContext, select: ast.Select) -> Compiled:
    """Compile a query of REST; raises the API's refusal of what it may not be."""
    of = queryable(context, select)
    select = expand_fields(context, of, select)
    rules.check(context, of, select)
    _check_offset(select)
    if _is_count(select):
        return _compile_count(context, of, select)
    expressions = [item.expression for item in select.items if isinstance(item, ast.FieldItem)]
    if select.group or any(is_aggregate(expression) for expression in expressions):
        return _compile_aggregate(context, of, select)
    return _compile_rows(context, of, select)


def _check_offset(select: ast.Select) -> None:
    if select.offset is not None and select.offset > MOST_OFFSET:
        text = f"Maximum SOQL offset allowed is {MOST_OFFSET}"
        raise refusals.plain("NUMBER_OUTSIDE_VALID_RANGE", text)


def _is_count(select: ast.Select) -> bool:
    if len(select.items) != 1 or select.group:
        return False
    item = select.items[0]
    if not isinstance(item, ast.FieldItem) or not isinstance(item.expression, ast.FunctionCall):
        return False
    return item.expression.name.upper() == "COUNT" and not item.expression.arguments


def expand_fields(context: CompileContext, of: ObjectDef, select: ast.Select) -> ast.Select:
    """The query with FIELDS(ALL|STANDARD|CUSTOM) replaced by the fields that it means."""
    items: list[ast.Item] = []
    for item in select.items:
        word = _fields_word(item)
        if word is None:
            items.append(item)
            continue
        if word != "STANDARD" and (select.limit is None or select.limit > MOST_FIELDS_ROWS):
            text = f"The SOQL FIELDS function must have a LIMIT of at most {MOST_FIELDS_ROWS}"
            raise refusals.plain("MALFORMED_QUERY", text)
        items += [
            ast.FieldItem(ast.Path((field.name,)))
            for field in of.fields
            if context.sees(of, field) and (word == "ALL" or field.custom == (word == "CUSTOM"))
        ]
    return replace(select, items=tuple(_once(items)))


def _fields_word(item: ast.Item) -> str | None:
    if not isinstance(item, ast.FieldItem) or not isinstance(item.expression, ast.FunctionCall):
        return None
    call = item.expression
    if call.name.upper() != "FIELDS" or len(call.arguments) != 1:
        return None
    argument = call.arguments[0]
    word = argument.text.upper() if isinstance(argument, ast.Path) else ""
    return word if word in {"ALL", "STANDARD", "CUSTOM"} else None


def _once(items: Sequence[ast.Item]) -> list[ast.Item]:
    """Return the items without items that FIELDS() selected a second time."""
    seen: set[str] = set()
    unique = []
    for item in items:
        path = item.expression if isinstance(item, ast.FieldItem) else None
        key = path.text.lower() if isinstance(path, ast.Path) and not path.at else None
        if key is None or key not in seen:
            unique.append(item)
        if isinstance(path, ast.Path):
            seen.add(path.text.lower())
    return unique


def _compile_count(context: CompileContext, of: ObjectDef, select: ast.Select) -> Compiled:
    frame = Frame(context, of, nickname=select.alias)
    where = where_sql(frame, select)
    rows = f"SELECT 1 {frame.from_sql()}{where}{bounds_sql(select)}"
    sql = f"SELECT count(*) AS c0 FROM ({rows})"
    check = None
    if not context.user.sees_all and of.name in {"Attachment", "ProcessInstance"}:
        check = sql
    return Compiled(of, sql, Branch("", of.name, 0), Result.COUNT, 0, select.limit, check)


def _compile_rows(context: CompileContext, of: ObjectDef, select: ast.Select) -> Compiled:
    frame = Frame(context, of, nickname=select.alias)
    columns = SelectColumns()
    plan = Planner(frame, columns).plan(select)
    for member in plan.members:
        # Only to raise the refusals of the subquery now; it is compiled again for each page.
        if isinstance(member, ChildLeaf):
            compile_children(context, member.select, member.via, [])
    where = where_sql(frame, select)
    order = order_sql(frame, select, tie=True)
    tail = f"{frame.from_sql()}{where}"
    sql = f"SELECT {columns.sql()} {tail}{order}{bounds_sql(select)}"
    check = distinct_parents(frame, select, tail)
    wide = sum(1 for field in plain_fields(frame, select) if field.length >= WIDE_TEXT)
    return Compiled(of, sql, plan, Result.RECORDS, wide, select.limit, check)


def distinct_parents(frame: Frame, select: ast.Select, tail: str) -> str | None:
    """For users without View All Data: how many parents a wide read of activities touches."""
    of, user = frame.of, frame.context.user
    if user.sees_all:
        return None
    if of.name in {"Attachment", "ProcessInstance"}:
        return f'SELECT count(DISTINCT {frame.alias}."Id") {tail}'
    heads = [
        item.expression.names[0].lower()
        for item in select.items
        if isinstance(item, ast.FieldItem)
        and isinstance(item.expression, ast.Path)
        and len(item.expression.names) > 1
    ]
    used = [head for head in heads if head in WHO_PATHS and head in of.by_relationship]
    if of.name not in {"Task", "Event"} or not used:
        return None
    keys = ", ".join(
        f"{frame.alias}.{tables.name(of.by_relationship[head].name)}" for head in sorted(set(used))
    )
    return f"SELECT count(*) FROM (SELECT DISTINCT {keys} {tail})"


def _compile_aggregate(context: CompileContext, of: ObjectDef, select: ast.Select) -> Compiled:
    frame = Frame(context, of, nickname=select.alias)
    columns = SelectColumns()
    plan = Branch("", "AggregateResult", 0)
    grouped = {_key(frame, expression) for expression in select.group}
    number = 0
    for item in select.items:
        if not isinstance(item, ast.FieldItem):
            text = "Grouped query cannot use child relationships in the SELECT list"
            raise refusals.malformed(context.soql, select.source_at, text)
        typed_expression = typed(frame, item.expression)
        if not typed_expression.aggregate and _key(frame, item.expression) not in grouped:
            text = f"Field must be grouped or aggregated: {name_of(item.expression)}"
            raise refusals.malformed(context.soql, item.expression.at, text)
        key = item.alias
        if key is None and isinstance(item.expression, ast.FunctionCall):
            key, number = f"expr{number}", number + 1
        place = columns.place(for_json(typed_expression.field, typed_expression.sql))
        plan.members.append(Leaf(key or typed_expression.field.name, place))
    _check_groups(frame, select)
    where = where_sql(frame, select)
    group = _group_sql(frame, select)
    having = _having_sql(frame, select)
    order = order_sql(frame, select, tie=False) or (f" ORDER BY {group[1]}" if group[1] else "")
    sql = (
        f"SELECT {columns.sql()} {frame.from_sql()}{where}{group[0]}{having}{order}"
        f"{bounds_sql(select)}"
    )
    return Compiled(of, sql, plan, Result.AGGREGATES, 0, select.limit)


def _key(frame: Frame, expression: ast.Expression) -> str:
    return typed(frame, expression).sql


def _check_groups(frame: Frame, select: ast.Select) -> None:
    for expression in select.group:
        typed_expression = typed(frame, expression)
        if typed_expression.path is not None and (
            not typed_expression.field.groupable or typed_expression.field.type in COMPOUNDS
        ):
            raise refusals.cannot(
                frame.context.soql, expression.at, typed_expression.field.name, "grouped"
            )


def _group_sql(frame: Frame, select: ast.Select) -> tuple[str, str]:
    """GROUP BY, and the keys for the default order."""
    if not select.group:
        return "", ""
    keys = ", ".join(_key(frame, expression) for expression in select.group)
    if select.rollup:
        return f" GROUP BY {select.rollup}({keys})", keys
    return f" GROUP BY {keys}", keys


def _having_sql(frame: Frame, select: ast.Select) -> str:
    if select.having is None:
        return ""
    compiler = Compiler(frame, lambda inner: semi_join(frame, inner), having=True)
    return f" HAVING {compiler.condition(select.having, Where())}"


def compile_children(
    context: CompileContext, select: ast.Select, via: str, parents: Sequence[str]
) -> Compiled:
    """A child subquery for the parents of a page; column 0 is the parent's id.

    LIMIT counts for each parent.
    """
    of = queryable(context, select)
    select = expand_fields(context, of, select)
    frame = Frame(context, of, "t1", select.alias)
    key = f"{frame.alias}.{tables.name(via)}"
    columns = SelectColumns()
    columns.place(key)
    plan = Planner(frame, columns).plan(select)
    where = where_sql(frame, select)
    listed = ", ".join(tables.text(parent) for parent in parents) or "''"
    more = " AND " if where else " WHERE "
    order = order_sql(frame, select, tie=True)
    # QUALIFY filters by rank within each parent, which LIMIT could not.
    limit = "" if select.limit is None else f" QUALIFY place <= {select.limit}"
    ranked = order or f" ORDER BY {frame.alias}.{tables.ORDER}"
    sql = (
        f"SELECT {columns.sql()}, row_number() OVER (PARTITION BY {key}{ranked}) AS place "
        f"{frame.from_sql()}{where}{more}{key} IN ({listed}){limit} ORDER BY {key}, place"
    )
    wide = sum(1 for field in plain_fields(frame, select) if field.length >= WIDE_TEXT)
    return Compiled(of, sql, plan, Result.RECORDS, wide, select.limit)
