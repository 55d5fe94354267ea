"""The header of an upload against the object: which column sets what, or why the job fails.

Sources: Bulk API 2.0 guide (header row, relationship fields in a header row); the texts of
refusals as people report them from live jobs. Names are compared without case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from unlost_simulators.salesforce.bulk.ingest_csv import BatchRefused
from unlost_simulators.salesforce.bulk.ingest_habits import UnknownColumns
from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef, Schema
from unlost_simulators.salesforce.model.users import SimUser

CLEAR = "#N/A"
ONLY_IDS = frozenset({"delete", "hardDelete"})


@dataclass(frozen=True, slots=True)
class UploadColumn:
    """One column: the field that it sets, or the relationship through which it finds a record.

    ``place`` is its place in the upload. ``key`` is the field of the other object by which the
    record is found, ``target`` that object where the reference may point to several.
    """

    place: int
    field: str
    relation: str | None = None
    key: str | None = None
    target: str | None = None

    def put(self, row: dict[str, Any], cell: str) -> None:
        """Add the content of a cell to a row, in the form of a write request."""
        if self.relation is None or self.key is None or cell == CLEAR:
            row[self.field] = cell
        elif cell:
            kind = {"attributes": {"type": self.target}} if self.target else {}
            row[self.relation] = {**kind, self.key: cell}


@dataclass(frozen=True, slots=True)
class UploadColumns:
    """The columns of an upload that count; others were passed over."""

    columns: tuple[UploadColumn, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """Give the places of the columns in the upload."""
        return tuple(column.place for column in self.columns)

    def row(self, cells: Sequence[str]) -> dict[str, Any]:
        """Give the cells of one row as a write request takes them; an empty Id is no Id."""
        cells_by_name: dict[str, Any] = {}
        for column in self.columns:
            column.put(cells_by_name, cells[column.place])
        if cells_by_name.get("Id") == "":
            del cells_by_name["Id"]
        return cells_by_name


@dataclass(frozen=True, slots=True)
class HeaderRules:
    """The context in which a header is read."""

    schema: Schema
    of: ObjectDef
    user: SimUser
    operation: str
    unknown: UnknownColumns = UnknownColumns.FAIL


def read(names: Sequence[str], rules: HeaderRules) -> UploadColumns:
    """Read a header; raises ``BatchRefused`` with the first thing that is wrong."""
    if rules.operation in ONLY_IDS and [name.lower() for name in names] != ["id"]:
        raise BatchRefused(f"The '{rules.operation}' batch must contain only ids")
    columns: list[UploadColumn] = []
    for place, name in enumerate(names):
        column = _column(place, name, rules)
        if column is not None:
            columns.append(column)
    _once(columns)
    return UploadColumns(tuple(columns))


def _once(columns: Iterable[UploadColumn]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.field.lower() in seen:
            raise BatchRefused(f"Duplicate field found : {column.field}")
        seen.add(column.field.lower())


def _column(place: int, name: str, rules: HeaderRules) -> UploadColumn | None:
    try:
        return _path(place, name, rules) if "." in name else _plain(place, name, rules)
    except LookupError:
        if rules.unknown is UnknownColumns.DROP:
            return None
        raise BatchRefused(f"Field name not found : {name}") from None


def _plain(place: int, name: str, rules: HeaderRules) -> UploadColumn:
    return UploadColumn(place, _visible(rules.of, name, rules.user).name)


def _visible(of: ObjectDef, name: str, user: SimUser) -> FieldDef:
    field = of.field(name)
    if field is None or not user.sees(of.name, field.name):
        raise LookupError(name)
    return field


def _path(place: int, name: str, rules: HeaderRules) -> UploadColumn:
    """Read ``[ObjectType:]RelationshipName.Field``; the prefix only where it is needed."""
    head, _, key = name.partition(".")
    kind, _, relation = head.rpartition(":")
    field = rules.of.by_relationship.get(relation.lower())
    if field is None or not rules.user.sees(rules.of.name, field.name):
        raise BatchRefused(f"Unable to find relationship: {relation}")
    if kind and not field.polymorphic:
        text = f"type is not needed for non polymorphic foreign key references: {relation}"
        raise BatchRefused(text)
    if field.polymorphic and not kind:
        text = f"type is needed for polymorphic foreign key references: {relation}"
        raise BatchRefused(text)
    target = _target(kind or field.targets[0], field, rules)
    by = _visible(target, key, rules.user)
    if not (by.external_id or by.id_lookup):
        raise LookupError(name)
    return UploadColumn(
        place, field.name, field.relationship, by.name, target.name if kind else None
    )


def _target(name: str, field: FieldDef, rules: HeaderRules) -> ObjectDef:
    target = rules.schema.get(name)
    if target is None or target.name not in field.targets or not rules.user.sees(target.name):
        raise LookupError(name)
    return target
