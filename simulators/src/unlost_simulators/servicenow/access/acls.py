"""ACLs: which roles may read, write, create and delete rows, and ask about columns.

A simplification: tables and columns without an ACL are open to every user. The list is mirrored in
sys_security_acl, where a client looks for the operations query_range and query_match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.model.users import ApiUser

ANY = "*"


class Operation(StrEnum):
    """An operation that an ACL permits.

    ``CONDITIONAL_RANGE`` is not documented; security maintenance of 2025 added it to many tables.
    That a user who fails it may send no ranges is an inference.
    """

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    QUERY_RANGE = "query_range"
    QUERY_MATCH = "query_match"
    CONDITIONAL_RANGE = "conditional_table_query_range"


CONDITIONAL = frozenset({Operation.READ, Operation.WRITE, Operation.DELETE})
"""Operations on rows that exist."""


@dataclass(frozen=True, slots=True)
class Acl:
    """A rule: an operation on a table, or on a column of it, needs one of the roles.

    ``column`` is ``*`` for all columns, empty for the row. ``condition`` is an encoded query that
    rows must meet, too, before a write; the operations on existing rows have one. Users with the
    role admin pass where ``admin_overrides``.
    """

    table: str
    operation: Operation
    column: str = ""
    roles: frozenset[str] = frozenset()
    condition: str = ""
    admin_overrides: bool = True

    def __post_init__(self) -> None:
        """Refuse a condition that would not be looked at."""
        if self.condition and self.operation not in CONDITIONAL:
            raise ValueError(f"an ACL for {self.operation} has no condition here")

    @property
    def name(self) -> str:
        """The name as sys_security_acl has it."""
        return f"{self.table}.{self.column}" if self.column else self.table

    def passes(self, user: ApiUser) -> bool:
        """Return true if the roles of the user suffice."""
        if self.admin_overrides and user.is_admin:
            return True
        return not self.roles or user.has_any(self.roles)


@dataclass(slots=True)
class Acls:
    """The active ACLs of an instance."""

    schema: Schema
    _rules: list[Acl] = field(default_factory=list)

    def add(self, rule: Acl) -> None:
        """Add a rule."""
        self._rules.append(rule)

    def all(self) -> list[Acl]:
        """Give all rules."""
        return list(self._rules)

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def of_rows(self, table: str, operation: Operation) -> list[Acl]:
        """Give the rules of rows of a table: those of the nearest table that has some."""
        for name in (*self.schema.lineage(table), ANY):
            rules = list(self._about(name, operation, ("",)))
            if rules:
                return rules
        return []

    def of_column(self, table: str, column: str, operation: Operation) -> list[Acl]:
        """Give the rules of a column: the nearest ones that name it, else those of all columns."""
        tables = (*self.schema.lineage(table), ANY)
        for names in ((column,), (ANY,)):
            for name in tables:
                rules = list(self._about(name, operation, names))
                if rules:
                    return rules
        return []

    def _about(self, table: str, operation: Operation, columns: Iterable[str]) -> Iterator[Acl]:
        for rule in self._rules:
            if rule.table == table and rule.operation is operation and rule.column in columns:
                yield rule

    def may(self, user: ApiUser, table: str, operation: Operation) -> bool:
        """Return true if the user's roles suffice for rows of a table."""
        rules = self.of_rows(table, operation)
        return not rules or any(rule.passes(user) for rule in rules)

    def may_column(self, user: ApiUser, table: str, column: str, operation: Operation) -> bool:
        """Return true if the user's roles suffice for a column."""
        rules = self.of_column(table, column, operation)
        return not rules or any(rule.passes(user) for rule in rules)

    def may_ask(self, user: ApiUser, table: str, column: str, operation: Operation) -> bool:
        """Decide whether a query may use a column; without a query ACL its read ACL decides."""
        if operation is Operation.QUERY_RANGE and not self._may_send_ranges(user, table, column):
            return False
        if not self.of_column(table, column, operation):
            return self.may_column(user, table, column, Operation.READ)
        return self.may_column(user, table, column, operation)

    def _may_send_ranges(self, user: ApiUser, table: str, column: str) -> bool:
        conditional = Operation.CONDITIONAL_RANGE
        return self.may(user, table, conditional) and self.may_column(
            user, table, column, conditional
        )
