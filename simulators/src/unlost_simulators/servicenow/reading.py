"""Reading rows on behalf of a user.

The limit is applied before row ACLs, so a page may be short or empty and not be the last. Domains
and before-query rules take rows away before anything is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from unlost_simulators.kit.sqlite import Row, Where, quoted
from unlost_simulators.servicenow.access.acls import Acl, Operation
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model.columns import CLASS, ID, Column
from unlost_simulators.servicenow.model.errors import ServiceNowError, no_record
from unlost_simulators.servicenow.model.users import GLOBAL_DOMAIN, QUERY_NO_DOMAIN, ApiUser
from unlost_simulators.servicenow.query.compile import NOTHING, USER_ID, Compiler, Reading
from unlost_simulators.servicenow.query.conditions import condition_sql
from unlost_simulators.servicenow.query.encoded import RANGES, EncodedQuery, Operator
from unlost_simulators.servicenow.settings import RefusedCondition
from unlost_simulators.servicenow.store.store import Slice, equals

DOMAIN = "sys_domain"


@dataclass(frozen=True, slots=True)
class Search:
    """A question: table, query, and whether domains are disregarded."""

    table: str
    query: EncodedQuery
    no_domain: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Visible rows of a page, and how many rows it had before row ACLs."""

    rows: list[Row]
    fetched: int


class Reader:
    """Reads for one user."""

    def __init__(self, instance: Instance, user: ApiUser) -> None:
        self.instance, self.user = instance, user
        self._compiled: dict[Search, Reading] = {}

    def page(self, search: Search, *, limit: int, offset: int) -> Page:
        """Give a page of a search."""
        reading = self.compile(search)
        part = Slice(reading.order, limit, offset)
        rows = self.instance.store.select(search.table, reading.where, part)
        return Page(self.visible(search.table, rows), len(rows))

    def count(self, search: Search) -> int:
        """Give the number of rows before row ACLs (an inference)."""
        return self.instance.store.count(search.table, self.compile(search).where)

    def row(self, table: str, sys_id: str, *, no_domain: bool = False) -> Row:
        """Give a row that the user may read, or refuse with 404."""
        where = equals(ID, sys_id).also(self._around(table, no_domain=no_domain))
        rows = self.visible(table, self.instance.store.select(table, where))
        if not rows:
            raise no_record()
        return rows[0]

    def compile(self, search: Search) -> Reading:
        """Give the SQL of a search, with all that hides rows from the user before the limit."""
        if search not in self._compiled:
            reading = self._compiler().compile(search.table, search.query)
            around = self._around(search.table, no_domain=search.no_domain)
            where = reading.where.also(around)
            self._compiled[search] = Reading(where, reading.order, reading.dropped)
        return self._compiled[search]

    def _compiler(self) -> Compiler:
        settings = self.instance.settings
        return Compiler(
            self.instance.schema,
            may_test=self._may_test,
            may_sort=self._may_sort,
            run_script=self._run_script,
            refused=NOTHING if settings.refused_condition is RefusedCondition.EMPTY else None,
            invalid=NOTHING if settings.invalid_query_returns_no_rows else None,
        )

    def _may_test(self, table: str, column: Column, operator: Operator) -> bool:
        operation = Operation.QUERY_RANGE if operator in RANGES else Operation.QUERY_MATCH
        return self.instance.acls.may_ask(self.user, table, column.name, operation)

    def _may_sort(self, table: str, column: Column) -> bool:
        return self.instance.acls.may_ask(self.user, table, column.name, Operation.QUERY_RANGE)

    def _run_script(self, script: str) -> str | None:
        self.instance.scripts.append(script)
        return self.user.sys_id if script.strip() == USER_ID else None

    def _around(self, table: str, *, no_domain: bool) -> Where:
        where = self._domains(table, no_domain=no_domain)
        for text in self.instance.rules.query_conditions(self.user, table):
            where = where.also(self._condition(table, text))
        return where

    def _condition(self, table: str, text: str) -> Where:
        schema = self.instance.schema
        return condition_sql(schema, table, text, user_id=self.user.sys_id)

    def _domains(self, table: str, *, no_domain: bool) -> Where:
        if no_domain and not (self.user.is_admin or QUERY_NO_DOMAIN in self.user.roles):
            raise ServiceNowError(403, "User Not Authorized", "sysparm_query_no_domain")
        separated = self.instance.settings.domains and not no_domain
        if not separated or DOMAIN not in self.instance.schema.columns(table):
            return Where()
        seen = ("", GLOBAL_DOMAIN, *sorted(self.user.domains))
        return Where(f"{DOMAIN} IN ({', '.join('?' * len(seen))})", seen)

    def visible(self, table: str, rows: Sequence[Row]) -> list[Row]:
        """Give the rows that row ACLs let the user read."""
        return self.permitted(table, rows, Operation.READ)

    def permitted(self, table: str, rows: Sequence[Row], operation: Operation) -> list[Row]:
        """Give the rows with which row ACLs let the user do an operation."""
        by_class: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_class[self._class_of(table, row)].append(row[ID])
        allowed: set[str] = set()
        for name, sys_ids in by_class.items():
            rules = self.instance.acls.of_rows(name, operation)
            allowed |= self._admitted(rules, name, sys_ids) if rules else set(sys_ids)
        return [row for row in rows if row[ID] in allowed]

    def closed_cells(
        self, table: str, column: str, rows: Sequence[Row], operation: Operation
    ) -> set[str]:
        """Give the sys_ids of rows whose cell ACLs close to the user."""
        rules = self.instance.acls.of_column(table, column, operation)
        if not rules:
            return set()
        sys_ids = [row[ID] for row in rows]
        return set(sys_ids) - self._admitted(rules, table, sys_ids)

    def _class_of(self, table: str, row: Row) -> str:
        name = row.get(CLASS, "")
        return name if self.instance.schema.get(name) else table

    def _admitted(self, rules: Sequence[Acl], table: str, sys_ids: list[str]) -> set[str]:
        """Give the rows that one of the rules admits."""
        allowed: set[str] = set()
        for rule in rules:
            if not rule.passes(self.user):
                continue
            if not rule.condition or (rule.admin_overrides and self.user.is_admin):
                return set(sys_ids)
            allowed |= self._matching(table, sys_ids, rule.condition)
        return allowed

    def _matching(self, table: str, sys_ids: list[str], condition: str) -> set[str]:
        where = self._condition(table, condition)
        root = quoted(self.instance.schema.root(table))
        marks = ", ".join("?" * len(sys_ids))
        rows = self.instance.store.database.rows(
            f"SELECT sys_id FROM {root} WHERE sys_id IN ({marks}) AND ({where.sql})",
            (*sys_ids, *where.parameters),
        )
        return {row[ID] for row in rows}
