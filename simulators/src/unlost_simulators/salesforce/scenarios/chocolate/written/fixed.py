"""Written-out rows by object, with handles by which rows refer to each other.

The position of a row within its object gives its id, so an id of the story stays the same at every
seed and every scale. Knows no particular row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from unlost_simulators.company.times import OPENING
from unlost_simulators.salesforce.model.schema import NUMBERS, FieldType, ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.world import FIXED_SPACE, Keys
from unlost_simulators.salesforce.store.tables import arrow_type

type Value = object

_AUDIT_DATES = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_AUDIT_USERS = ("CreatedById", "LastModifiedById", "OwnerId")


@dataclass(frozen=True, slots=True)
class Ref:
    """Points to a written-out row, also to one that is written out later."""

    object: str
    handle: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A text that names a record by id: `{id}` stands for the id of the row."""

    template: str
    ref: Ref


@dataclass(frozen=True, slots=True)
class FixedRow:
    """One row: its handle, when it was written and by whom, and its values."""

    handle: str
    at: datetime
    by: Ref
    values: Mapping[str, Value]


@dataclass(slots=True)
class FixedRows:
    """All written-out rows of a scenario."""

    author: Ref
    rows: dict[str, list[FixedRow]] = field(default_factory=dict)
    places: dict[Ref, int] = field(default_factory=dict)

    def add(
        self,
        object_name: str,
        handle: str | None = None,
        *,
        days_ago: float = 400.0,
        by: Ref | None = None,
        **values: Value,
    ) -> Ref:
        """Write a row, `days_ago` days before the story opens, and give its reference."""
        at = (OPENING - timedelta(days=days_ago)).replace(microsecond=0)
        return self._put(object_name, handle, at, by or self.author, values)

    def along(self, row: FixedRow, object_name: str, **values: Value) -> Ref:
        """Write what the platform wrote along with a row: at the same time, for the same user."""
        return self._put(object_name, None, row.at, row.by, values)

    def _put(
        self,
        object_name: str,
        handle: str | None,
        at: datetime,
        by: Ref,
        values: Mapping[str, Value],
    ) -> Ref:
        rows = self.rows.setdefault(object_name, [])
        ref = Ref(object_name, handle or f"#{len(rows)}")
        if ref in self.places or len(rows) >= FIXED_SPACE:
            raise ValueError(f"{ref} is written twice, or {object_name} has no room left")
        self.places[ref] = len(rows)
        rows.append(FixedRow(ref.handle, at, by, values))
        return ref

    def id(self, keys: Keys, ref: Ref) -> str:
        """The record id of a written-out row."""
        return keys.fixed(ref.object, self.places[ref])

    def tables(
        self, objects: Mapping[str, ObjectDef], keys: Keys, *, only: Collection[str] | None = None
    ) -> Iterator[tuple[str, pa.Table]]:
        """One Arrow table per object (only the objects named by `only`)."""
        for name, rows in self.rows.items():
            if only is None or name in only:
                yield name, self._table(objects[name], rows, keys)

    def _table(self, of: ObjectDef, rows: list[FixedRow], keys: Keys) -> pa.Table:
        stored = {column.name: column for column in of.stored}
        given = {"Id"} | {name for row in rows for name in row.values}
        unknown = given - stored.keys()
        if unknown:
            raise ValueError(f"{of.name} has no stored field {sorted(unknown)}")
        given |= stored.keys() & {*_AUDIT_DATES, *_AUDIT_USERS}
        filled = [self._filled(of.name, place, row, keys) for place, row in enumerate(rows)]
        columns = {
            name: pa.array([row.get(name) for row in filled], _type(stored[name].type, of, name))
            for name in stored
            if name in given
        }
        return pa.table(columns)

    def _resolved(self, value: Value, keys: Keys) -> Value:
        if isinstance(value, Ref):
            return self.id(keys, value)
        if isinstance(value, Linked):
            return value.template.replace("{id}", self.id(keys, value.ref))
        return value

    def _filled(self, name: str, place: int, row: FixedRow, keys: Keys) -> dict[str, Value]:
        by = self.id(keys, row.by)
        values: dict[str, Value] = dict.fromkeys(_AUDIT_DATES, row.at)
        values |= dict.fromkeys(_AUDIT_USERS, by)
        values |= {column: self._resolved(value, keys) for column, value in row.values.items()}
        values["Id"] = keys.fixed(name, place)
        return values


def _type(kind: FieldType, of: ObjectDef, name: str) -> pa.DataType:
    if kind in NUMBERS:
        return pa.float64()
    if kind is FieldType.DATETIME:
        return pa.timestamp("us", tz="UTC")
    declared = of.field(name)
    assert declared is not None
    return arrow_type(declared)
