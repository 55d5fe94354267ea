"""The syntax tree of a SOQL query, and its text again. Knows no schema."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum


class Kind(Enum):
    """Kinds of literals."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    RELATIVE = "relative"
    """A date literal such as TODAY or LAST_N_DAYS:7."""


type Plain = str | Decimal | bool | date | datetime | time | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal: its value, and its source text (LIKE needs the escapes as written)."""

    kind: Kind
    value: Plain
    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """A field, maybe through parents: ``Account.Owner.Name``."""

    names: tuple[str, ...]
    at: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The path as written."""
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of fields: an aggregate, a date function, FIELDS, toLabel."""

    name: str
    arguments: tuple["Expression", ...]
    at: int = field(default=0, compare=False)


type Expression = Path | FunctionCall


@dataclass(frozen=True, slots=True)
class FieldItem:
    """One selected expression."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class ChildItem:
    """A child subquery."""

    select: "Select"


@dataclass(frozen=True, slots=True)
class TypeOf:
    """``TYPEOF path WHEN type THEN fields … ELSE fields END``."""

    path: Path
    branches: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...] = ()


type Item = FieldItem | ChildItem | TypeOf


@dataclass(frozen=True, slots=True)
class Compare:
    """``expression operator literal``; the operator may be LIKE."""

    expression: Expression
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Member:
    """``expression [NOT] IN (literals)``."""

    expression: Expression
    literals: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """``expression [NOT] IN (SELECT …)``."""

    expression: Expression
    select: "Select"
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Includes:
    """``multipicklist INCLUDES|EXCLUDES (literals)``."""

    expression: Expression
    literals: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction."""

    parts: tuple["Condition", ...]


type Condition = Compare | Member | SemiJoin | Includes | Not | And | Or


@dataclass(frozen=True, slots=True)
class Ordering:
    """One ORDER BY key; ``nulls_first`` is None if the query does not specify it."""

    expression: Expression
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT."""

    items: tuple[Item, ...]
    source: str
    alias: str | None = None
    scope: str | None = None
    where: Condition | None = None
    group: tuple[Expression, ...] = ()
    rollup: str | None = None
    having: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None
    purpose: str | None = None
    source_at: int = field(default=0, compare=False)


def render(node: Select) -> str:
    """SOQL text that parses to an equal tree."""
    parts = [f"SELECT {', '.join(_item(item) for item in node.items)} FROM {node.source}"]
    if node.alias:
        parts.append(node.alias)
    if node.scope:
        parts.append(f"USING SCOPE {node.scope}")
    if node.where is not None:
        parts.append(f"WHERE {_condition(node.where)}")
    parts.extend(_grouping(node))
    if node.order:
        parts.append(f"ORDER BY {', '.join(_ordering(ordering) for ordering in node.order)}")
    if node.limit is not None:
        parts.append(f"LIMIT {node.limit}")
    if node.offset is not None:
        parts.append(f"OFFSET {node.offset}")
    if node.purpose:
        parts.append(f"FOR {node.purpose}")
    return " ".join(parts)


def _grouping(node: Select) -> list[str]:
    parts = []
    if node.group:
        keys = ", ".join(_expression(expression) for expression in node.group)
        parts.append(f"GROUP BY {node.rollup}({keys})" if node.rollup else f"GROUP BY {keys}")
    if node.having is not None:
        parts.append(f"HAVING {_condition(node.having)}")
    return parts


def _item(item: Item) -> str:
    match item:
        case FieldItem(expression, alias):
            return _expression(expression) + (f" {alias}" if alias else "")
        case ChildItem(select):
            return f"({render(select)})"
        case TypeOf(path, branches, otherwise):
            whens = " ".join(f"WHEN {name} THEN {_paths(paths)}" for name, paths in branches)
            tail = f" ELSE {_paths(otherwise)}" if otherwise else ""
            return f"TYPEOF {path.text} {whens}{tail} END"


def _paths(paths: tuple[Path, ...]) -> str:
    return ", ".join(path.text for path in paths)


def _expression(expression: Expression) -> str:
    if isinstance(expression, Path):
        return expression.text
    return f"{expression.name}({', '.join(_expression(argument) for argument in expression.arguments)})"


def _ordering(ordering: Ordering) -> str:
    text = _expression(ordering.expression) + (" DESC" if ordering.descending else " ASC")
    if ordering.nulls_first is None:
        return text
    return f"{text} NULLS {'FIRST' if ordering.nulls_first else 'LAST'}"


def _listed(literals: tuple[Literal, ...]) -> str:
    return f"({', '.join(literal.text for literal in literals)})"


def _condition(node: Condition) -> str:
    match node:
        case Compare(expression, operator, literal):
            return f"{_expression(expression)} {operator} {literal.text}"
        case Member(expression, literals, negated):
            return f"{_expression(expression)} {'NOT ' * negated}IN {_listed(literals)}"
        case SemiJoin(expression, select, negated):
            return f"{_expression(expression)} {'NOT ' * negated}IN ({render(select)})"
        case Includes(expression, literals, negated):
            word = "EXCLUDES" if negated else "INCLUDES"
            return f"{_expression(expression)} {word} {_listed(literals)}"
        case Not(part):
            return f"NOT ({_condition(part)})"
        case And(parts):
            return " AND ".join(f"({_condition(part)})" for part in parts)
        case Or(parts):
            return " OR ".join(f"({_condition(part)})" for part in parts)
