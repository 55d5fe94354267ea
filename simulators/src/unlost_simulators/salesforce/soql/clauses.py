"""The parts of a SELECT after its select list: FROM's object, WHERE, semi-joins, ORDER BY, LIMIT."""

from unlost_simulators.salesforce.model.schema import COMPOUNDS, FieldDef, FieldType, ObjectDef
from unlost_simulators.salesforce.soql import access, rules
from unlost_simulators.salesforce.soql.conditions import Compiler, order_key
from unlost_simulators.salesforce.soql.functions import typed
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.names import CompileContext, Frame
from unlost_simulators.salesforce.store import tables


def queryable(context: CompileContext, select: ast.Select) -> ObjectDef:
    """The object of FROM, if the user sees it and it can be queried."""
    of = context.object(select.source)
    if of is None:
        raise refusals.no_object(context.soql, select.source_at, select.source)
    if not of.queryable:
        raise refusals.not_queryable(of.name)
    return of


def where_sql(frame: Frame, select: ast.Select) -> str:
    """WHERE: the query's condition, what is not deleted or archived, what the user sees."""
    context, of = frame.context, frame.of
    parts = []
    if select.where is not None:
        compiler = Compiler(frame, lambda inner: semi_join(frame, inner))
        parts.append(compiler.condition(select.where))
    if not context.all_rows:
        hiding = [name for name in ("IsDeleted", of.archived_by) if name and of.field(name)]
        parts += [f"NOT {frame.alias}.{tables.name(name)}" for name in hiding]
    seen = access.visible(context, of, frame.alias)
    if seen is not None:
        parts.append(seen)
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def semi_join(outer: Frame, select: ast.Select) -> str:
    """The SELECT of a semi-join: one id or reference of the inner object."""
    context = outer.context
    of = queryable(context, select)
    rules.check(context, of, select)
    item = select.items[0]
    if len(select.items) != 1 or not isinstance(item, ast.FieldItem):
        text = "Semi join sub-selects must select exactly one field"
        raise refusals.malformed(context.soql, select.source_at, text)
    for leaf in rules.leaves(select.where):
        if isinstance(leaf, ast.SemiJoin):
            text = "Nesting of semi join sub-selects is not supported"
            raise refusals.malformed(context.soql, select.source_at, text)
    frame = Frame(context, of, f"{outer.alias}s{len(outer.joins)}", select.alias)
    selected = typed(frame, item.expression)
    if selected.field.type not in {FieldType.ID, FieldType.REFERENCE}:
        text = "Semi join sub-selects can only query id fields, cannot use: "
        raise refusals.malformed(context.soql, select.source_at, f"{text}'{selected.field.name}'")
    where = where_sql(frame, select)
    more = " AND " if where else " WHERE "
    return f"SELECT {selected.sql} {frame.from_sql()}{where}{more}{selected.sql} IS NOT NULL"


def order_sql(frame: Frame, select: ast.Select, *, tie: bool) -> str:
    """ORDER BY; nulls come first unless the query specifies otherwise.

    ``tie`` settles equal keys, and the order of rows that joins would scatter, by id.
    """
    if not select.order:
        return f" ORDER BY {frame.alias}.{tables.ORDER}" if tie and frame.joins else ""
    keys = []
    for ordering in select.order:
        typed_expression = typed(frame, ordering.expression)
        if typed_expression.path is not None and (
            not typed_expression.field.sortable or typed_expression.field.type in COMPOUNDS
        ):
            place = ordering.expression.at
            raise refusals.cannot(frame.context.soql, place, typed_expression.field.name, "sorted")
        direction = "DESC" if ordering.descending else "ASC"
        nulls = "LAST" if ordering.nulls_first is False else "FIRST"
        keys.append(f"{order_key(typed_expression)} {direction} NULLS {nulls}")
    if tie:
        keys.append(f"{frame.alias}.{tables.ORDER}")
    return f" ORDER BY {', '.join(keys)}"


def bounds_sql(select: ast.Select) -> str:
    """LIMIT and OFFSET."""
    limit = "" if select.limit is None else f" LIMIT {select.limit}"
    return limit + ("" if select.offset is None else f" OFFSET {select.offset}")


def plain_fields(frame: Frame, select: ast.Select) -> list[FieldDef]:
    """The fields that plain paths of the select list name."""
    return [
        frame.field(item.expression).field
        for item in select.items
        if isinstance(item, ast.FieldItem) and isinstance(item.expression, ast.Path)
    ]
