"""Rows of a request as drafts: names resolved, cells converted, what cannot be read refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from unlost_simulators.salesforce.model import rights
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft, ForeignKey
from unlost_simulators.salesforce.writing.job import Job
from unlost_simulators.salesforce.writing.platform.registry import effects_of
from unlost_simulators.salesforce.writing.request import Channel, Row, RowError
from unlost_simulators.salesforce.writing.values.coercion import Convert, converter, row_error

CLEARED = "#N/A"
"""What clears a field in a CSV cell (Bulk 2.0 guide, valid record rows)."""
POLYMORPHIC = RowError(
    "JSON_PARSER_ERROR",
    "Nested object for polymorphic foreign key must have an attributes field before any other "
    "fields.",
)


class _Kind(Enum):
    FIELD = 1
    ID = 2
    IGNORED = 3
    FOREIGN = 4
    EXTRA = 5
    COMPUTED = 6
    UNKNOWN = 7


@dataclass(frozen=True, slots=True)
class _Column:
    """The meaning of a member name in all rows of the request."""

    kind: _Kind
    name: str
    field: FieldDef | None = None
    convert: Convert | None = None


class Reader:
    """Reads the rows of one job; what a name means is worked out once."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._known: dict[str, _Column] = {}
        self._extras = effects_of(job.of.name).extras
        self._bulk = job.options.channel is Channel.BULK

    def read(self, rows: Sequence[Row], places: Sequence[int]) -> list[Draft]:
        """Drafts of the rows at these places."""
        return [self._one(rows[place], place) for place in places]

    def unwritable(self, row: Row, *, new: bool) -> list[str]:
        """The fields that the row sets and may not set, in its order."""
        job = self._job
        settings = job.store.settings
        names = []
        for name in row:
            column = self._column(name)
            field = column.field
            if field is None or column.kind is _Kind.ID or self._leaves(row[name]):
                continue
            if new and not rights.createable(job.of, field, job.user, settings):
                names.append(field.name)
            if not new and not rights.updateable(job.of, field, job.user):
                names.append(field.name)
        return names

    def suspects(self, *, new: bool) -> bool:
        """Return true if any name in the request is one that may not be set."""
        row: dict[str, Any] = dict.fromkeys(self._known, True)
        return bool(self.unwritable(row, new=new))

    def _leaves(self, value: Any) -> bool:
        """Return true if the cell leaves the field unchanged."""
        return self._bulk and isinstance(value, str) and value == ""

    def _column(self, name: str) -> _Column:
        known = self._known.get(name)
        if known is None:
            known = self._resolve(name)
            self._known[name] = known
        return known

    def _resolve(self, name: str) -> _Column:
        job, lowered = self._job, name.lower()
        if lowered == "attributes":
            return _Column(_Kind.IGNORED, name)
        if lowered == "id":
            return _Column(_Kind.ID, "Id", job.of.field("Id"))
        listed = job.of.junction(name)
        hidden = listed is not None and not job.user.sees(job.of.name, listed.name)
        if lowered in self._extras and not hidden:
            return _Column(_Kind.EXTRA, self._extras[lowered], listed)
        field = job.of.field(name)
        if field is not None and (job.by_platform or job.user.sees(job.of.name, field.name)):
            if field.computed:
                return _Column(_Kind.COMPUTED, field.name, field)
            convert = None if job.by_platform else converter(field, job.options.channel)
            return _Column(_Kind.FIELD, field.name, field, convert)
        link = job.of.by_relationship.get(lowered)
        if link is not None and job.user.sees(job.of.name, link.name):
            return _Column(_Kind.FOREIGN, link.name, link)
        return _Column(_Kind.UNKNOWN, name)

    def _one(self, row: Row, place: int) -> Draft:
        draft = Draft(place)
        for at, (name, value) in enumerate(row.items()):
            column = self._column(name)
            if column.kind is _Kind.FIELD:
                self._cell(draft, column, value, at)
            elif column.kind is _Kind.ID:
                draft.given_id = None if value == "" else value
            elif column.kind is _Kind.FOREIGN:
                self._foreign(draft, column, value)
            elif column.kind is _Kind.EXTRA:
                draft.extras[column.name] = value
            elif column.kind is _Kind.UNKNOWN:
                draft.refuse(refusals.no_column(self._job.of, name))
        return draft

    def _cell(self, draft: Draft, column: _Column, value: Any, at: int) -> None:
        field = column.field
        assert field is not None
        if self._bulk and isinstance(value, str) and not self._job.by_platform:
            if value == "":
                return
            value = None if value == CLEARED else value
        if value is None or column.convert is None:
            draft.cells[column.name] = _empty(field) if value is None else value
            return
        try:
            draft.cells[column.name] = column.convert(field, value)
        except SalesforceError as error:
            draft.refuse(row_error(error, field, self._job.options.channel, at))

    def _foreign(self, draft: Draft, column: _Column, value: Any) -> None:
        field = column.field
        assert field is not None
        if value is None:
            draft.cells[field.name] = None
            return
        target = self._target(field, value)
        members = {} if not isinstance(value, dict) else _members(value)
        if target is None or len(members) != 1:
            draft.refuse(POLYMORPHIC if isinstance(value, dict) else _no_object(field, value))
            return
        ((key, wanted),) = members.items()
        if not self._leaves(wanted):
            draft.foreign.append(ForeignKey(field, target, key, wanted))

    def _target(self, field: FieldDef, value: Any) -> str | None:
        """The object that a nested object stands for: named, or the only one there is."""
        if not isinstance(value, dict):
            return None
        named = value.get("attributes", {})
        kind = value.get("type") or (named.get("type") if isinstance(named, dict) else None)
        if kind is not None:
            return next(
                (target for target in field.targets if target.lower() == str(kind).lower()), None
            )
        return field.targets[0] if len(field.targets) == 1 else None


def _members(value: dict[str, Any]) -> dict[str, Any]:
    return {key: cell for key, cell in value.items() if key.lower() not in {"attributes", "type"}}


def _no_object(field: FieldDef, value: Any) -> RowError:
    text = f"Cannot deserialize instance of {field.type.value} from value {value}"
    return RowError("JSON_PARSER_ERROR", f"{text} at [line:1, column:1]")


def _empty(field: FieldDef) -> Any:
    """Return the value of a cleared field: a checkbox is never null."""
    return bool(field.default) if field.type is FieldType.BOOLEAN else None
