"""Rows as JSON: which columns, and values, display values or both.

An empty reference is an empty text, not an object. With display values alone the sys_id of a
reference is lost except inside its link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from unlost_simulators.kit.sqlite import Row, Where
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.display import Displays
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.model.columns import ID, Column, Kind
from unlost_simulators.servicenow.settings import HiddenColumn

MASK = "********"
"""The value of a two-way password; the answer of a real instance depends on its settings."""


class Shown(StrEnum):
    """The values of ``sysparm_display_value``."""

    VALUES = "false"
    LABELS = "true"
    BOTH = "all"


@dataclass(frozen=True, slots=True)
class Look:
    """The form of rows that a call asks for; ``names`` None means all columns."""

    shown: Shown = Shown.VALUES
    links: bool = True
    names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, context: Context, table: str) -> Look:
        """Read the parameters of a call; sysparm_fields wins over sysparm_view."""
        query = context.call.query
        text = query.get("sysparm_display_value", "false").lower()
        shown = Shown(text) if text in list(Shown) else Shown.VALUES
        fields = query.get("sysparm_fields", "")
        names = tuple(name.strip() for name in fields.split(",")) if fields else None
        if names is None:
            names = context.instance.views.get((table, query.get("sysparm_view", "")))
        links = not context.switch("sysparm_exclude_reference_link")
        return cls(shown, links, names)


class Renderer:
    """Renders rows of a table for the caller."""

    def __init__(self, context: Context, look: Look) -> None:
        self._context, self._look = context, look
        self._displays = Displays(context.instance, context.user)
        self._reader = context.reader()

    def documents(self, table: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Give the JSON of rows; unknown names of columns are left out without a word."""
        names = self._look.names
        wanted = list(self._context.instance.schema.columns(table)) if names is None else names
        documents: list[dict[str, Any]] = [{} for _ in rows]
        for name in dict.fromkeys(wanted):
            for document, cell in zip(documents, self._cells(table, name, rows), strict=True):
                if cell is not None:
                    document[name] = cell
        return documents

    def _cells(self, table: str, name: str, rows: Sequence[Row | None]) -> list[Any]:
        """Give the cells of a column, which may lie behind references (``user.name``)."""
        head, _, rest = name.partition(".")
        column = self._context.instance.schema.columns(table).get(head)
        if column is None or (rest and not self._leads_to_table(column)):
            return [None] * len(rows)
        closed = self._closed(table, column, [row for row in rows if row is not None])
        opened = [None if row is None or row[ID] in closed else row for row in rows]
        if rest:
            targets = self._targets(column, opened)
            beyond = [None if row is None else targets.get(row[head]) for row in opened]
            cells = self._cells(column.target, rest, beyond)
        else:
            plain = iter(self._plain_cells(column, [row for row in opened if row is not None]))
            cells = [self._blank if row is None else next(plain) for row in opened]
        return [
            self._hidden if row is not None and row[ID] in closed else cell
            for row, cell in zip(rows, cells, strict=True)
        ]

    def _leads_to_table(self, column: Column) -> bool:
        return column.refers and self._context.instance.schema.get(column.target) is not None

    def _closed(self, table: str, column: Column, rows: Sequence[Row]) -> set[str]:
        """Give the sys_ids of rows whose cell the caller may not read."""
        if column.kind is Kind.ENCRYPTED and column.attributes not in self._context.user.contexts:
            return {row[ID] for row in rows}
        return self._reader.closed_cells(table, column.name, rows, Operation.READ)

    @property
    def _blank(self) -> Any:
        both = self._look.shown is Shown.BOTH
        return {"display_value": "", "value": ""} if both else ""

    @property
    def _hidden(self) -> Any:
        """The form of a cell that the caller may not read; None leaves it out."""
        absent = self._context.instance.settings.hidden_column is HiddenColumn.ABSENT
        return None if absent else self._blank

    def _targets(self, column: Column, rows: Sequence[Row | None]) -> Mapping[str, Row]:
        sys_ids = sorted({row[column.name] for row in rows if row is not None and row[column.name]})
        where = Where(f"sys_id IN ({', '.join('?' * len(sys_ids))})", tuple(sys_ids))
        chosen = self._context.instance.store.select(column.target, where)
        return {row[ID]: row for row in self._reader.visible(column.target, chosen)}

    def _plain_cells(self, column: Column, rows: Sequence[Row]) -> list[Any]:
        masked = column.kind is Kind.SECRET
        values = [MASK if masked and row[column.name] else row[column.name] for row in rows]
        linked = column.refers and self._look.links
        root = self._context.address("table", column.target) if linked else ""
        if self._look.shown is Shown.VALUES:
            if not linked:
                return values
            return [
                {"link": f"{root}/{value}", "value": value} if value else "" for value in values
            ]
        labels = values if masked else self._displays.labels(column, rows)
        if self._look.shown is Shown.BOTH:
            return [
                {"display_value": label, "value": value, "link": f"{root}/{value}"}
                if linked and value
                else {"display_value": label, "value": value}
                for label, value in zip(labels, values, strict=True)
            ]
        return [
            {"display_value": label, "link": f"{root}/{value}"} if linked and value else label
            for label, value in zip(labels, values, strict=True)
        ]
