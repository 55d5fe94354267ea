"""Conditions of WHERE and HAVING as DuckDB SQL.

SOQL knows two truth values: ``!=`` and NOT include rows without a value. Negations are therefore
pushed down to the comparisons, and comparisons stay bare wherever null and false mean the same,
so that DuckDB can prune.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import COMPOUNDS, KEYS, FieldType
from unlost_simulators.salesforce.soql import literals
from unlost_simulators.salesforce.soql.functions import Typed, typed
from unlost_simulators.salesforce.soql.grammar import ast, refusals
from unlost_simulators.salesforce.soql.grammar.dates import Span
from unlost_simulators.salesforce.soql.names import Frame
from unlost_simulators.salesforce.store import database, tables

_UNORDERED = frozenset(
    {FieldType.BOOLEAN, FieldType.MULTIPICKLIST, FieldType.BASE64, FieldType.ENCRYPTED}
)
LOWER = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Where:
    """The surroundings of a condition: negated or not, beside an OR or not."""

    negated: bool = False
    beside_or: bool = False

    def flipped(self) -> "Where":
        """The same place under one more NOT."""
        return Where(not self.negated, self.beside_or)


type SubSelect = Callable[[ast.Select], str]
"""Compiles a semi-join's SELECT to SQL that gives one column."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles conditions of one frame."""

    frame: Frame
    subselect: SubSelect
    having: bool = False

    def condition(self, node: ast.Condition, where: Where = Where()) -> str:
        """SQL of a condition; rows for which it is null do not match."""
        match node:
            case ast.And(parts) | ast.Or(parts):
                disjunction = isinstance(node, ast.Or)
                inner = Where(where.negated, where.beside_or or disjunction)
                # De Morgan: under a NOT, AND and OR change places.
                word = " OR " if disjunction != where.negated else " AND "
                return "(" + word.join(self.condition(part, inner) for part in parts) + ")"
            case ast.Not(part):
                return self.condition(part, where.flipped())
            case ast.Compare():
                return self._compare(node, negated=where.negated)
            case ast.Member():
                return self._member(node, negated=where.negated != node.negated)
            case ast.Includes():
                return self._includes(node, negated=where.negated != node.negated)
            case ast.SemiJoin():
                return self._semi_join(node, where)

    def _operand(self, expression: ast.Expression) -> Typed:
        typed_expression = typed(self.frame, expression)
        field = typed_expression.field
        soql = self.frame.context.soql
        if typed_expression.path is not None and (not field.filterable or field.type in COMPOUNDS):
            raise refusals.cannot(soql, expression.at, field.name, "filtered")
        if typed_expression.aggregate and not self.having:
            raise refusals.malformed(
                soql, expression.at, "Aggregate functions are not allowed in WHERE"
            )
        return typed_expression

    def _compare(self, node: ast.Compare, *, negated: bool) -> str:
        operand = self._operand(node.expression)
        literals.check(self.frame.context, operand.field, node.literal)
        if node.operator == "LIKE":
            return self._like(operand, node, negated=negated)
        if node.operator in {"=", "!="}:
            return self._equal(operand, node.literal, negated=negated != (node.operator == "!="))
        return self._ordered(operand, node, negated=negated)

    def _like(self, operand: Typed, node: ast.Compare, *, negated: bool) -> str:
        soql = self.frame.context.soql
        if not literals.is_text(operand.field) or operand.field.type is FieldType.MULTIPICKLIST:
            raise refusals.bad_operator(soql, node.expression.at)
        word = "LIKE" if operand.field.case_sensitive else "ILIKE"
        bare = f"{operand.sql} {word} {literals.pattern(node.literal)} ESCAPE '\\'"
        return _sure(bare, negated=negated)

    def _equal(self, operand: Typed, literal: ast.Literal, *, negated: bool) -> str:
        if literals.is_null(literal):
            return f"({operand.sql} IS {'NOT ' * negated}NULL)"
        span = literals.span(self.frame.context, literal)
        if span is not None:
            return _sure(_within(operand, span), negated=negated)
        column, right = _sides(operand, literal)
        # ``!=`` includes rows without a value, as in SOQL.
        if negated:
            return f"({column} IS DISTINCT FROM {right})"
        return f"({column} = {right}{self._pruned(operand, [literal])})"

    def _pruned(self, operand: Typed, given: Sequence[ast.Literal]) -> str:
        """For the object's own Id: the same condition on the counters, which prune the scan."""
        alias = self._own(operand)
        if not alias:
            return ""
        order = ", ".join(str(ids.counter_of(ids.full(str(literal.value)))) for literal in given)
        return f" AND {alias}.{tables.ORDER} IN ({order})"

    def _own(self, operand: Typed) -> str:
        """The alias of the object whose own Id this is, empty for anything else."""
        path = operand.path
        if path is None or path.of is None or path.of.empty_key or path.through:
            return ""
        return path.alias if operand.field.type is FieldType.ID else ""

    def _ordered(self, operand: Typed, node: ast.Compare, *, negated: bool) -> str:
        field, literal, soql = operand.field, node.literal, self.frame.context.soql
        if field.type in _UNORDERED:
            raise refusals.bad_operator(soql, node.expression.at)
        # Nothing is less or greater than null, and the negation of that is true for every row.
        if literals.is_null(literal):
            return "TRUE" if negated else "FALSE"
        span = literals.span(self.frame.context, literal)
        if span is not None:
            bare = _beyond(operand, span, node.operator)
        elif field.type in KEYS:
            bare = _id_order(operand, str(literal.value), node.operator)
        else:
            column, right = _sides(operand, literal)
            bare = f"{column} {node.operator} {right}"
        return _sure(bare, negated=negated)

    def _member(self, node: ast.Member, *, negated: bool) -> str:
        operand = self._operand(node.expression)
        context = self.frame.context
        for literal in node.literals:
            literals.check(context, operand.field, literal)
        spans = [span for literal in node.literals if (span := literals.span(context, literal))]
        given = [
            literal
            for literal in node.literals
            if not literals.is_null(literal) and literal.kind is not ast.Kind.RELATIVE
        ]
        parts = [_within(operand, span) for span in spans]
        if given:
            parts.append(self._among(operand, given))
        if any(literals.is_null(literal) for literal in node.literals):
            parts.append(f"{operand.sql} IS NULL")
        return _sure("(" + " OR ".join(parts) + ")", negated=negated)

    def _among(self, operand: Typed, given: Sequence[ast.Literal]) -> str:
        column = _sides(operand, given[0])[0]
        if operand.field.type in KEYS and len(given) > database.FEW:
            keys = [ids.full(str(literal.value)) for literal in given]
            if all(
                map(ids.is_id, keys)
            ):  # one text instead of many literals, each of which is bound
                listed = f"SELECT unnest(string_split({tables.text(','.join(keys))}, ','))"
                return f"({column} IN ({listed}){self._between(operand, keys)})"
        values = ", ".join(literals.sql(operand.field, literal) for literal in given)
        return f"({column} IN ({values}){self._pruned(operand, given)})"

    def _between(self, operand: Typed, keys: Sequence[str]) -> str:
        """The same as ``_pruned``, for many: between the lowest and the highest."""
        alias = self._own(operand)
        orders = [ids.counter_of(key) for key in keys] if alias else []
        within = f"BETWEEN {min(orders)} AND {max(orders)}" if orders else ""
        return f" AND {alias}.{tables.ORDER} {within}" if orders else ""

    def _includes(self, node: ast.Includes, *, negated: bool) -> str:
        operand = self._operand(node.expression)
        if operand.field.type is not FieldType.MULTIPICKLIST:
            raise refusals.bad_operator(self.frame.context.soql, node.expression.at)
        parts = []
        for literal in node.literals:
            literals.check(self.frame.context, operand.field, literal)
            wanted = ", ".join(tables.text(each) for each in str(literal.value).lower().split(";"))
            parts.append(f"list_has_all(string_split(lower({operand.sql}), ';'), [{wanted}])")
        return _sure("(" + " OR ".join(parts) + ")", negated=negated)

    def _semi_join(self, node: ast.SemiJoin, where: Where) -> str:
        soql = self.frame.context.soql
        if where.beside_or:
            text = "Semi join sub-selects are not allowed with the 'OR' operator"
            raise refusals.malformed(soql, node.expression.at, text)
        operand = self._operand(node.expression)
        if operand.field.type not in KEYS:
            text = "Semi join sub-selects can only query id fields, cannot use: "
            raise refusals.malformed(soql, node.expression.at, text + f"'{operand.field.name}'")
        bare = f"{operand.sql} IN ({self.subselect(node.select)})"
        return _sure(bare, negated=where.negated != node.negated)


def _sure(bare: str, *, negated: bool) -> str:
    return f"(NOT coalesce({bare}, FALSE))" if negated else f"({bare})"


def _sides(operand: Typed, literal: ast.Literal) -> tuple[str, str]:
    right = literals.sql(operand.field, literal)
    # The literal is lowered by ``literals.sql`` already.
    if literals.is_text(operand.field) and not operand.field.case_sensitive:
        return f"lower({operand.sql})", right
    return operand.sql, right


def _within(operand: Typed, span: Span) -> str:
    start = literals.sql_of_day(operand.field, span.start)
    end = literals.sql_of_day(operand.field, span.end)
    return f"({operand.sql} >= {start} AND {operand.sql} < {end})"


def _beyond(operand: Typed, span: Span, operator: str) -> str:
    start = literals.sql_of_day(operand.field, span.start)
    end = literals.sql_of_day(operand.field, span.end)
    bound = {"<": f"< {start}", "<=": f"< {end}", ">": f">= {end}", ">=": f">= {start}"}
    return f"{operand.sql} {bound[operator]}"


def order_key(operand: Typed) -> str:
    """SQL by which values sort as the org sorts them."""
    field, path = operand.field, operand.path
    if field.type in KEYS:
        own_id = field.type is FieldType.ID and path is not None and not path.through
        if own_id and path is not None and path.of is not None and not path.of.empty_key:
            return f"{path.alias}.{tables.ORDER}"
        # The org sorts lower case before upper case in ids, bytes the other way round.
        both = LOWER + LOWER.upper()
        return f"translate(substr({operand.sql}, 1, 15), '{both}', '{LOWER.upper() + LOWER}')"
    if literals.is_text(field) and field.type is not FieldType.ANY:
        return f"lower({operand.sql})"
    return operand.sql


def _id_order(operand: Typed, value: str, operator: str) -> str:
    """Comparison of ids in the org's order; own ids compare by their counters."""
    key = order_key(operand)
    path = operand.path
    if not key.endswith(f".{tables.ORDER}") or path is None or path.of is None:
        return f"{key} {operator} {tables.text(ids.order_key(value))}"
    stem = ids.order_key(path.of.id_prefix + ids.INSTANCE)
    given = ids.order_key(value)[: ids.STEM]
    if given == stem:
        return f"{key} {operator} {ids.counter_of(value)}"
    less = stem < given
    return str(less == operator.startswith("<")).upper()
