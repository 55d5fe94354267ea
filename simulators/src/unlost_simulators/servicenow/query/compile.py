"""From an encoded query to SQL, without the conditions that the caller may not send.

An invalid condition is dropped without a word and rows come from the rest, unless the property
``glide.invalid_query.returns_no_rows`` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from unlost_simulators.servicenow.model.columns import NUMBERS, Column
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.query.encoded import (
    Condition,
    EncodedQuery,
    Operator,
    Order,
)
from unlost_simulators.servicenow.store.database import quoted
from unlost_simulators.servicenow.store.store import Where

NOTHING = Where("0")
SCRIPT = "javascript:"
USER_ID = "gs.getUserID()"
_SIGNS = {
    Operator.EQUAL: "=", Operator.NOT_EQUAL: "<>", Operator.ABOVE: ">", Operator.BELOW: "<",
    Operator.AT_LEAST: ">=", Operator.AT_MOST: "<=",
}  # fmt: skip
_PATTERNS = {
    Operator.LIKE: "%{}%", Operator.NOT_LIKE: "%{}%", Operator.STARTS_WITH: "{}%",
    Operator.ENDS_WITH: "%{}",
}  # fmt: skip


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
        sql = ", ".join(each for each in orders if each) or "sys_id"
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
        column = self.schema.columns(table).get(head)
        if column is None or (rest and not column.refers):
            self._dropped.append(condition.column)
            return self.invalid
        if not self.may_test(table, column, condition.operator):
            self._dropped.append(condition.column)
            return self.refused
        if rest:
            return self._beyond(column, Condition(rest, condition.operator, condition.value))
        return self._plain(column, condition)

    def _beyond(self, column: Column, condition: Condition) -> Where | None:
        if self.schema.get(column.target) is None:
            self._dropped.append(condition.column)
            return self.invalid
        inner = self._test(column.target, condition)
        if inner is None:
            return None
        root = quoted(self.schema.root(column.target))
        return Where(
            f"{quoted(column.name)} IN (SELECT sys_id FROM {root} WHERE {inner.sql})",
            inner.parameters,
        )

    def _plain(self, column: Column, condition: Condition) -> Where | None:
        value: str | None = condition.value
        if condition.value.startswith(SCRIPT):
            value = self.run_script(condition.value.removeprefix(SCRIPT))
        if value is None:
            self._dropped.append(condition.column)
            return self.invalid
        return _test(column, condition.operator, value)

    def _order(self, table: str, order: Order) -> str | None:
        column = self.schema.columns(table).get(order.column)
        if column is None or not self.may_sort(table, column):
            self._dropped.append(f"ORDERBY{order.column}")
            return None
        return _as_number(column) + (" DESC" if order.descending else "")


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
        case Operator.LIKE | Operator.NOT_LIKE | Operator.STARTS_WITH | Operator.ENDS_WITH:
            escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            word = "NOT LIKE" if operator is Operator.NOT_LIKE else "LIKE"
            return Where(f"{name} {word} ? ESCAPE '\\'", (_PATTERNS[operator].format(escaped),))
        case _:
            return _compared(column, _SIGNS[operator], value)


def _compared(column: Column, sign: str, value: str) -> Where:
    if column.kind in NUMBERS and sign not in ("=", "<>"):
        cell = _as_number(column)
        return Where(f"{cell} {sign} CAST(? AS REAL)", (value,))
    return Where(f"{quoted(column.name)} {sign} ?", (value,))


def _as_number(column: Column) -> str:
    name = quoted(column.name)
    return f"CAST(nullif({name}, '') AS REAL)" if column.kind in NUMBERS else name


def _joined(parts: list[Where], word: str) -> Where:
    if not parts:
        return Where()
    sql = f" {word} ".join(f"({part.sql})" for part in parts)
    return Where(sql, tuple(each for part in parts for each in part.parameters))
