"""From an encoded query to SQL, without the conditions that the caller may not send.

An invalid condition is dropped without a word and rows come from the rest, unless the property
``glide.invalid_query.returns_no_rows`` is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unlost_simulators.kit.sqlite import Where, quoted
from unlost_simulators.servicenow.model.columns import NUMBERS, Column
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.query.encoded import (
    Condition,
    EncodedQuery,
    Operator,
    Order,
)

NOTHING = Where("0")
SCRIPT = "javascript:"
USER_ID = "gs.getUserID()"
_SIGNS = {
    Operator.EQUAL: "=", Operator.NOT_EQUAL: "<>", Operator.ABOVE: ">", Operator.BELOW: "<",
    Operator.AT_LEAST: ">=", Operator.AT_MOST: "<=",
}  # fmt: skip
_PATTERNS = {
    Operator.LIKE: "%{}%", Operator.NOT_LIKE: "%{}%",
    Operator.STARTS_WITH: "{}%", Operator.ENDS_WITH: "%{}",
}  # fmt: skip
_NEGATIONS = frozenset({
    Operator.NOT_EQUAL, Operator.NOT_LIKE, Operator.NOT_IN, Operator.IS_EMPTY,
})  # fmt: skip
"""Tests that also hold where a reference leads to no row (an inference)."""
UNSORTED = "rowid"
"""The order in which rows were inserted (an inference)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The compiled query. ``dropped`` are conditions and orders that were left out."""

    where: Where
    order: str
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class Compiler:
    """Compiles queries of one caller.

    ``may_test`` and ``may_sort`` say whether the caller may use a column of a table, ``refused``
    is the SQL in place of a test that he may not, None to drop it. ``run_script`` takes the text
    after ``javascript:`` and gives its value, None if it has none.
    """

    schema: Schema
    may_test: Callable[[str, Column, Operator], bool] = lambda *_: True
    may_sort: Callable[[str, Column], bool] = lambda *_: True
    run_script: Callable[[str], str | None] = lambda _: None
    refused: Where | None = None
    invalid: Where | None = None
    _dropped: list[str] = field(default_factory=list)

    def compile(self, table: str, query: EncodedQuery) -> Reading:
        """Give the condition and the order of a query on a table."""
        self._dropped = []
        wholes = [self._all(table, groups) for groups in query.queries]
        where = _joined(wholes, "OR") if wholes else Where()
        orders = [self._order(table, order) for order in query.orders]
        sql = ", ".join(each for each in orders if each) or UNSORTED
        return Reading(where, sql, tuple(self._dropped))

    def _all(self, table: str, groups: tuple[tuple[Condition | None, ...], ...]) -> Where:
        parts = [self._any(table, group) for group in groups]
        return _joined([part for part in parts if part is not None], "AND")

    def _any(self, table: str, group: tuple[Condition | None, ...]) -> Where | None:
        parts = [self._test(table, condition) for condition in group]
        valid = [part for part in parts if part is not None]
        return _joined(valid, "OR") if valid else None

    def _test(self, table: str, condition: Condition | None) -> Where | None:
        if condition is None:
            self._dropped.append("?")
            return self.invalid
        head, _, rest = condition.column.partition(".")
        column = self._step(table, head, rest)
        if column is None:
            self._dropped.append(condition.column)
            return self.invalid
        if not self.may_test(table, column, condition.operator):
            self._dropped.append(condition.column)
            return self.refused
        if rest:
            return self._beyond(column, Condition(rest, condition.operator, condition.value))
        return self._plain(column, condition)

    def _step(self, table: str, head: str, rest: str) -> Column | None:
        """Give the first column of a path, None if there is none that leads on to ``rest``."""
        column = self.schema.columns(table).get(head)
        if column is None or not rest:
            return column
        return column if column.refers and self.schema.get(column.target) else None

    def _beyond(self, column: Column, condition: Condition) -> Where | None:
        inner = self._test(column.target, condition)
        if inner is None:
            return None
        root = quoted(self.schema.root(column.target))
        name = quoted(column.name)
        sql = f"{name} IN (SELECT sys_id FROM {root} WHERE {inner.sql})"
        if condition.operator in _NEGATIONS:
            sql = f"{sql} OR {name} NOT IN (SELECT sys_id FROM {root})"
        return Where(sql, inner.parameters)

    def _plain(self, column: Column, condition: Condition) -> Where | None:
        value: str | None = condition.value
        if condition.value.startswith(SCRIPT):
            value = self.run_script(condition.value.removeprefix(SCRIPT))
        if value is None:
            self._dropped.append(condition.column)
            return self.invalid
        if condition.operator is Operator.INSTANCE_OF:
            classes = self.schema.classes(value) if self.schema.get(value) else [value]
            return _test(column, Operator.IN, ",".join(classes))
        return _test(column, condition.operator, value)

    def _order(self, table: str, order: Order) -> str | None:
        cell = self._sorted_by(table, order.column, quoted(self.schema.root(table)))
        if cell is None:
            self._dropped.append(f"ORDERBY{order.column}")
            return None
        return cell + (" DESC" if order.descending else "")

    def _sorted_by(self, table: str, path: str, row: str) -> str | None:
        """Give the SQL of a cell; ``row`` is the name of the row in the SQL around it."""
        head, _, rest = path.partition(".")
        column = self._step(table, head, rest)
        if column is None or not self.may_sort(table, column):
            return None
        name = f"{row}.{quoted(head)}"
        if not rest:
            return _as_number(column, name)
        cell = self._sorted_by(column.target, rest, quoted(rest))
        root = quoted(self.schema.root(column.target))
        sql = f"(SELECT {cell} FROM {root} AS {quoted(rest)} WHERE {quoted(rest)}.sys_id = {name})"
        return None if cell is None else sql


def _test(column: Column, operator: Operator, value: str) -> Where:
    name = quoted(column.name)
    match operator:
        case Operator.IS_EMPTY:
            return Where(f"{name} = ''")
        case Operator.IS_NOT_EMPTY:
            return Where(f"{name} <> ''")
        case Operator.IN | Operator.NOT_IN:
            values = tuple(value.split(","))
            word = "NOT IN" if operator is Operator.NOT_IN else "IN"
            return Where(f"{name} {word} ({', '.join('?' * len(values))})", values)
        case Operator.BETWEEN:
            first, _, last = value.partition("@")
            return _compared(column, ">=", first).also(_compared(column, "<=", last))
        case operator if operator in _PATTERNS:
            escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            word = "NOT LIKE" if operator in _NEGATIONS else "LIKE"
            return Where(f"{name} {word} ? ESCAPE '\\'", (_PATTERNS[operator].format(escaped),))
        case _:
            return _compared(column, _SIGNS[operator], value)


def _compared(column: Column, sign: str, value: str) -> Where:
    if column.kind in NUMBERS and sign not in ("=", "<>"):
        cell = _as_number(column, quoted(column.name))
        return Where(f"{cell} {sign} CAST(? AS REAL)", (value,))
    return Where(f"{quoted(column.name)} {sign} ?", (value,))


def _as_number(column: Column, cell: str) -> str:
    """Give the SQL of a cell that compares numbers as numbers."""
    return f"CAST(nullif({cell}, '') AS REAL)" if column.kind in NUMBERS else cell


def _joined(parts: Sequence[Where], word: str) -> Where:
    """Join conditions in halves, because SQLite takes a thousand levels of an expression at most."""
    if len(parts) < 2:
        return parts[0] if parts else Where()
    middle = len(parts) // 2
    first, second = _joined(parts[:middle], word), _joined(parts[middle:], word)
    return Where(f"({first.sql}) {word} ({second.sql})", first.parameters + second.parameters)
