"""Rules of administrators: before-query rules, business rules and data policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.model.users import ApiUser


@dataclass(frozen=True, slots=True)
class QueryRule:
    """A before-query business rule: users without one of ``roles`` see only rows of ``condition``."""

    table: str
    condition: str
    roles: frozenset[str] = frozenset()


class Effect(StrEnum):
    """The effect of a business rule on a write."""

    REFUSE = "refuse"
    SET = "set"  # sets values of the written row
    CREATE = "create"  # adds a row to another table, such as an SLA


CURRENT = "current."
"""``current.number`` stands for the number of the written row."""


@dataclass(frozen=True, slots=True)
class WriteRule:
    """A business rule on writes to rows of the condition; no condition means all rows.

    ``values`` are set, or are those of the new row in ``target``.
    """

    name: str
    table: str
    effect: Effect
    operations: frozenset[str]
    condition: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    sys_id: str = ""

    def values_for(self, row: Mapping[str, str]) -> dict[str, str]:
        """Give the values of the new row."""
        return {
            name: row[value.removeprefix(CURRENT)] if value.startswith(CURRENT) else value
            for name, value in self.values.items()
        }


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """Columns that may not be empty in rows of a table."""

    table: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Rules:
    """The rules of an instance; those of a table hold for its descendants too."""

    schema: Schema
    queries: list[QueryRule] = field(default_factory=list)
    writes: list[WriteRule] = field(default_factory=list)
    policies: list[DataPolicy] = field(default_factory=list)

    def clear(self) -> None:
        """Remove all rules."""
        self.queries.clear()
        self.writes.clear()
        self.policies.clear()

    def query_conditions(self, user: ApiUser, table: str) -> list[str]:
        """Give the conditions that before-query rules add for a user."""
        tables = self.schema.lineage(table)
        return [
            rule.condition
            for rule in self.queries
            if rule.table in tables and not user.has_any(rule.roles)
        ]

    def of_writes(self, table: str, operation: str) -> list[WriteRule]:
        """Give the business rules of an operation on a table."""
        tables = self.schema.lineage(table)
        return [
            rule for rule in self.writes if rule.table in tables and operation in rule.operations
        ]

    def mandatory(self, table: str) -> list[str]:
        """Give the columns that policies demand."""
        tables = self.schema.lineage(table)
        return [name for rule in self.policies if rule.table in tables for name in rule.columns]
