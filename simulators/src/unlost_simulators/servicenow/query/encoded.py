"""Encoded queries, as ``sysparm_query`` carries them.

``^`` joins conditions, ``^OR`` adds an alternative to the condition before it, ``^NQ`` begins
another query whose rows come too. The operators ``=``, ``!=``, ``LIKE``, ``STARTSWITH``,
``ENDSWITH`` and the orders are documented; the others are inferences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """Operators as they are written; the longer of two that fit comes first."""

    IS_NOT_EMPTY = "ISNOTEMPTY"
    IS_EMPTY = "ISEMPTY"
    STARTS_WITH = "STARTSWITH"
    ENDS_WITH = "ENDSWITH"
    NOT_LIKE = "NOT LIKE"
    LIKE = "LIKE"
    NOT_IN = "NOT IN"
    BETWEEN = "BETWEEN"
    INSTANCE_OF = "INSTANCEOF"  # a class or one of its descendants
    IN = "IN"
    NOT_EQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    EQUAL = "="
    ABOVE = ">"
    BELOW = "<"


RANGES = frozenset({
    Operator.ABOVE, Operator.BELOW, Operator.AT_LEAST, Operator.AT_MOST, Operator.BETWEEN,
    Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.LIKE, Operator.NOT_LIKE,
})  # fmt: skip
"""Operators that need the operation query_range; those on texts are an inference."""
_WRITTEN = {
    **{operator.value: operator for operator in Operator},
    "NOTLIKE": Operator.NOT_LIKE,
    "CONTAINS": Operator.LIKE,  # as PySNC 1.2.1 writes it
    "DOES NOT CONTAIN": Operator.NOT_LIKE,
}
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")
_ORDER = re.compile(r"ORDERBY(DESC)?([a-z_][a-z0-9_.]*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a column, which may be reached through references (``caller_id.name``)."""

    column: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A column by which rows are sorted."""

    column: str
    descending: bool = False


type Alternatives = tuple[Condition | None, ...]
"""Conditions of which one must hold; None stands for text that is no condition."""


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """Queries of which one must hold, each a list of alternatives that must all hold."""

    queries: tuple[tuple[Alternatives, ...], ...] = ()
    orders: tuple[Order, ...] = ()


def parse(text: str) -> EncodedQuery:
    """Read an encoded query; no text is refused, as on a real instance."""
    orders: list[Order] = []
    queries = [_query(part, orders) for part in text.split("^NQ")]
    return EncodedQuery(tuple(queries), tuple(orders))


def _query(text: str, orders: list[Order]) -> tuple[Alternatives, ...]:
    groups: list[list[Condition | None]] = []
    for part in text.split("^"):
        order = _ORDER.fullmatch(part)
        if order is not None:
            orders.append(Order(order[2], descending=order[1] is not None))
        elif part in ("", "EQ") or part.startswith("GROUPBY"):
            continue
        elif part.startswith("OR") and groups:
            groups[-1].append(condition(part.removeprefix("OR")))
        else:
            groups.append([condition(part)])
    return tuple(tuple(group) for group in groups)


def condition(text: str) -> Condition | None:
    """Read one condition, None for text that is none."""
    column = _COLUMN.match(text)
    if column is None:
        return None
    rest = text[column.end() :]
    for written, operator in _WRITTEN.items():
        if rest.startswith(written):
            return Condition(column[0], operator, rest.removeprefix(written))
    return None
