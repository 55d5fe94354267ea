"""One row on its way through a write: what it sets, what it was, and why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unlost_simulators.salesforce.model.schema import FieldDef
from unlost_simulators.salesforce.writing.request import RowError


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference that the row names by an external id of the target."""

    field: FieldDef
    target: str
    key: str
    value: Any


@dataclass(slots=True)
class Draft:
    """A row being written. Effects read it, change ``cells`` and refuse it by ``fail``.

    ``place`` is its place in the request, ``id`` the record's id of 18 characters once known.
    ``cells`` holds canonical field names and values as the store keeps them (str, bool, int,
    Decimal, date, naive UTC datetime, time; ``bytes`` or a blob token for a blob). ``extras`` holds
    members that are no fields and that the object's effects asked for. ``before`` is the stored
    row of an update or deletion (the fields that effects ``read``), None for a new row.
    """

    place: int
    id: str | None = None
    cells: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] | None = None
    errors: list[RowError] = field(default_factory=list)
    given_id: Any = None
    foreign: list[ForeignKey] = field(default_factory=list)
    created: bool | None = None

    @property
    def sound(self) -> bool:
        """True if nothing speaks against the row so far."""
        return not self.errors

    def value(self, name: str) -> Any:
        """Return the value of the field after the write; None if none was given."""
        if name in self.cells:
            return self.cells[name]
        return None if self.before is None else self.before.get(name)

    def changes(self, name: str) -> bool:
        """Return true if the row gives the field another value than it has."""
        if name not in self.cells:
            return False
        old = None if self.before is None else self.before.get(name)
        return bool(self.cells[name] != old)

    def fail(self, code: str, message: str, *fields: str) -> None:
        """Refuse the row."""
        self.errors.append(RowError(code, message, tuple(fields)))

    def refuse(self, error: RowError) -> None:
        """Refuse the row for a reason at hand."""
        self.errors.append(error)
