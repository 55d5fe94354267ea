"""Mass edits: a SOQL condition and assignments as the SQL of one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.soql import clauses, query
from unlost_simulators.salesforce.soql.grammar.parse import parse
from unlost_simulators.salesforce.soql.names import Frame
from unlost_simulators.salesforce.store import tables, values
from unlost_simulators.salesforce.store.store import Store

_EVERYBODY = SimUser("005000000000000AAA", "", permissions=frozenset(Permission))


@dataclass(frozen=True, slots=True)
class Expression:
    """A DuckDB expression over the row, fields as ``{Phone}`` or ``{Account.Name}``."""

    sql: str


def chosen(
    store: Store,
    of: ObjectDef,
    where: str | None,
    assignments: Mapping[str, Any],
    limit: int | None,
) -> tuple[str, dict[str, str]]:
    """``FROM … WHERE …`` for the chosen live rows (alias ``t0``), and SQL for each assignment."""
    soql = f"SELECT Id FROM {of.name}" + (f" WHERE {where}" if where else "")
    select = parse(soql)
    context = query.context_of(store, _EVERYBODY, soql, all_rows=False)
    frame = Frame(context, of)
    condition = clauses.where_sql(frame, select)
    assigned = {name: _value(frame, of, name, given) for name, given in assignments.items()}
    tail = f"{frame.from_sql()}{condition} ORDER BY t0.{tables.ORDER}"
    return tail + ("" if limit is None else f" LIMIT {limit}"), assigned


def _value(frame: Frame, of: ObjectDef, name: str, given: Any) -> str:
    field = values.writable(of, name)
    if isinstance(given, Expression):
        return frame.template(given.sql)
    return literal(values.coerce(field, given))


def literal(value: Any) -> str:
    """A value as the column holds it, as a SQL literal."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case int() | Decimal():
            return str(value)
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case time():
            return f"TIME '{value.isoformat()}'"
        case _:
            return tables.text(str(value))
