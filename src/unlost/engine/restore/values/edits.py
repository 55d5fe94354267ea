"""Edits of the wanted state: typed values of records, and replacements of referred records."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo

from unlost.model.errors import UsageError
from unlost.model.message import Message, message
from unlost.model.plan import (
    PlanStep,
    RecordKey,
    ReferenceOverride,
    TakenValue,
    TypedOverride,
    TypedValue,
)
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.model.source.writing import NeverReason, WriteCapability

type Values = Mapping[str, str | None]
type Backups = Mapping[str, int]
"""The number of the backup from which each column comes."""

# Narrower than ``Decimal``, which accepts NaN, underscores and any exponent.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)

LISTED = 20  # values of a list that an error names

WHY_NOT = {
    NeverReason.FORMULA: message("", "the org calculates it"),
    NeverReason.AUTO_NUMBER: message("", "the org assigns its number"),
    NeverReason.SYSTEM: message("", "the org sets it automatically"),
    NeverReason.READ_ONLY: message("", "it is read-only"),
    NeverReason.NO_PERMISSION: message("", "the write user may not set it"),
    NeverReason.BY_PLATFORM: message("", "the org derives it from other values"),
    NeverReason.SECRET: message("", "the org never gives its value out"),
}


@dataclass(frozen=True, slots=True)
class Edits:
    """``values``: typed values of a record in place of the vault's, None for an empty cell.

    ``instead``: references to a record, as they are in the vault, lead to this live id. ``taken``:
    columns of a record that come from another backup; a typed value takes precedence.
    """

    values: Mapping[RecordKey, Values] = field(default_factory=dict)
    instead: Mapping[RecordKey, str] = field(default_factory=dict)
    taken: Mapping[RecordKey, Backups] = field(default_factory=dict)

    @property
    def records(self) -> frozenset[RecordKey]:
        """The records with typed or taken values."""
        return frozenset((*self.values, *self.taken))

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table with typed or taken values."""
        edits = (*self.values.items(), *self.taken.items())
        return frozenset(column for key, cells in edits if key.table == table for column in cells)

    @property
    def ids(self) -> frozenset[str]:
        """Possible ids of records that were created after the wanted backup."""
        typed = (value for cells in self.values.values() for value in cells.values())
        return frozenset((*self.instead.values(), *(text for text in typed if text is not None)))

    def swapped(self, tables: Collection[str], value: str) -> str | None:
        """The live id that replaces a reference; None if it is not replaced."""
        replacements = (self.instead.get(RecordKey(table, value)) for table in tables)
        return next((live for live in replacements if live is not None), None)

    def as_plan(self) -> TypedOverride:
        """The edits in a plan's form, in a fixed order."""
        values = [
            TypedValue(key.table, key.record, column, value)
            for key, cells in self.values.items()
            for column, value in cells.items()
        ]
        instead = [
            ReferenceOverride(key.table, key.record, live) for key, live in self.instead.items()
        ]
        taken = [
            TakenValue(key.table, key.record, column, number)
            for key, backups in self.taken.items()
            for column, number in backups.items()
        ]
        return TypedOverride(
            tuple(sorted(values, key=_cell)),
            tuple(sorted(instead, key=lambda override: (override.table, override.record))),
            tuple(sorted(taken, key=_cell)),
        )


NO_EDITS = Edits()


def _cell(value: TypedValue | TakenValue) -> tuple[str, str, str]:
    return value.table, value.record, value.column


def edits_of(typed: TypedOverride, *, only: Collection[RecordKey] | None = None) -> Edits:
    """The edits of a plan, in the form for lookups; ``only`` the values of these records."""
    values: dict[RecordKey, dict[str, str | None]] = {}
    for value in typed.values:
        key = RecordKey(value.table, value.record)
        if only is None or key in only:
            values.setdefault(key, {})[value.column] = value.value
    taken: dict[RecordKey, dict[str, int]] = {}
    for value_taken in typed.taken:
        key = RecordKey(value_taken.table, value_taken.record)
        if only is None or key in only:
            taken.setdefault(key, {})[value_taken.column] = value_taken.snapshot
    instead = {RecordKey(other.table, other.record): other.live for other in typed.instead}
    return Edits(values, instead, taken)


def merged(earlier: Edits, later: Edits) -> Edits:
    """Both edits; the later value counts."""
    values = _merged(earlier.values, later.values)
    return Edits(values, {**earlier.instead, **later.instead}, _merged(earlier.taken, later.taken))


def _merged[V](
    earlier: Mapping[RecordKey, Mapping[str, V]], later: Mapping[RecordKey, Mapping[str, V]]
) -> dict[RecordKey, Mapping[str, V]]:
    keys = {**earlier, **later}
    return {key: {**earlier.get(key, {}), **later.get(key, {})} for key in keys}


def typed_columns(step: PlanStep, emptied: Collection[tuple[str, str, str]]) -> tuple[str, ...]:
    """The columns of a record that differ because people requested it.

    ``emptied`` are columns that they requested to be empty: other references are empty because
    their record is lost.
    """
    typed = {
        name
        for name, value in step.edits.items()
        if value is not None or (step.table, step.record, name) in emptied
    }
    return tuple(sorted(typed | step.taken.keys()))


# --- which columns --------------------------------------------------------------------------------


def settable(table: Table, capability: WriteCapability) -> Iterator[str]:
    """The columns of a table for which a value can be typed."""
    for column in table.columns:
        if why_not(table, capability, column.name) is None:
            yield column.name


def why_not(table: Table, capability: WriteCapability, name: str) -> Message | None:
    """The reason why no value can be typed in a column of a table; None if it can."""
    column = table.column(name)
    assert column is not None
    if column.kind is WireKind.BINARY:
        return message("", "it contains a file")
    if name == table.id_column:
        return message("", "it identifies the record")
    if column.has(ColumnTrait.VOLATILE):
        return message("", "the org recalculates it each time")
    if name in {product.column for product in capability.by_products}:
        return message("", "the org sets it to a record that it creates automatically")
    if name in capability.settable | capability.changeable:
        return None
    reasons = {never.column: WHY_NOT[never.reason] for never in capability.never}
    reason = capability.reason.removesuffix(".")
    return (
        reasons.get(name)
        or (Message("", reason) if reason else None)
        or message("", "the org does not accept a value for it")
    )


def swappable(table: Table, capability: WriteCapability) -> frozenset[str]:
    """References in which one record may be replaced by another.

    Not columns with the author of a creation or change: they record the past, not today's owner.
    """
    people = people_of(table)
    return frozenset(
        column.name
        for column in table.columns
        if column.reference is not None
        and column.reference.holds_one_id
        and why_not(table, capability, column.name) is None
        and (column.name in capability.changeable or not people & {*column.reference.tables})
    )


def people_of(table: Table) -> frozenset[str]:
    """The tables of the users who change its records."""
    column = table.column(table.modified_by_column) if table.modified_by_column else None
    reference = column.reference if column is not None else None
    return frozenset(reference.tables) if reference is not None else frozenset()


# --- values ---------------------------------------------------------------------------------------


def typed_text(column: Column, text: str, *, zone: tzinfo) -> str:
    """Convert typed text to a cell of the column; instants without a zone are in ``zone``.

    Raises UsageError (``edit-value-wrong``) for a text that the column cannot hold.
    """
    reader, form = _READERS.get(column.kind, (None, ""))
    try:
        normalized = reader(text.strip(), zone) if reader is not None else text
    except (ValueError, OverflowError):  # the latter for instants at the ends of the calendar
        raise _wrong(column, form) from None
    texts = column.kind in (WireKind.TEXT, WireKind.MULTI)
    if texts and 0 < column.length < len(normalized):
        raise _wrong(column, f"a text of at most {column.length:,} characters")
    return normalized


def _boolean(text: str, _: tzinfo) -> str:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower()


def _decimal(text: str, _: tzinfo) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return text


def _integer(text: str, _: tzinfo) -> str:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return text


def _date(text: str, _: tzinfo) -> str:
    return date.fromisoformat(text).isoformat()


def _time(text: str, _: tzinfo) -> str:
    time.fromisoformat(text.removesuffix("Z"))
    return text


def _instant(text: str, zone: tzinfo) -> str:
    instant = datetime.fromisoformat(text)
    instant = instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(text: str, _: tzinfo) -> str:
    json.loads(text)
    return text


def _id(text: str, _: tzinfo) -> str:
    if not text or any(sign.isspace() for sign in text):
        raise ValueError(text)
    return text


_READERS: Mapping[WireKind, tuple[Callable[[str, tzinfo], str], str]] = {
    WireKind.BOOLEAN: (_boolean, "true or false"),
    WireKind.DECIMAL: (_decimal, "a number, such as 12.50"),
    WireKind.INTEGER: (_integer, "a whole number"),
    WireKind.DATE: (_date, "a date, such as 2026-03-04"),
    WireKind.TIME: (_time, "a time, such as 14:30:00"),
    WireKind.INSTANT: (_instant, "a date and time, such as 2026-03-04T14:30"),
    WireKind.JSON: (_json, "JSON"),
    WireKind.REFERENCE: (_id, "the id of a record"),
}


def _wrong(column: Column, form: str) -> UsageError:
    """The error for a typed value; it does not repeat personal data, since errors are stored."""
    return UsageError(
        "edit-value-wrong",
        "The value for {label} is not valid.",
        next_step="Enter {form}.",
        label=column.label or column.name,
        form=form,
    )


# --- before a plan is made ------------------------------------------------------------------------


def checked(
    edits: Edits,
    tables: Mapping[str, Table],
    capability: Callable[[str], WriteCapability],
    *,
    zone: tzinfo,
) -> Edits:
    """The edits as cells that the org can accept.

    Raises UsageError (``edit-column-unknown``, ``edit-column-fixed``, ``edit-value-wrong``,
    ``edit-value-unlisted``).
    """

    def column_of(key: RecordKey, name: str) -> Column:
        table = tables.get(key.table)
        column = table.column(name) if table is not None else None
        if table is None or column is None:
            raise column_unknown(key.table, name)
        why = why_not(table, capability(key.table), name)
        if why is not None:
            raise column_fixed(key.table, name, why)
        return column

    def cell(key: RecordKey, name: str, text: str | None) -> str | None:
        column = column_of(key, name)
        if text is None:
            return None
        typed = typed_text(column, text, zone=zone)
        _check_listed(key.table, column, typed, capability(key.table).lists.get(name))
        return typed

    values = {
        key: {name: cell(key, name, text) for name, text in cells.items()}
        for key, cells in edits.values.items()
    }
    for key, backups in edits.taken.items():
        for name in backups:
            column_of(key, name)
    return Edits(values, edits.instead, edits.taken)


def _check_listed(table: str, column: Column, text: str, listed: Collection[str] | None) -> None:
    """Raise UsageError (``edit-value-unlisted``) for a value that the list of a column lacks."""
    values = text.split(";") if column.kind is WireKind.MULTI else [text]
    if listed is not None and not set(values) <= set(listed):
        raise UsageError(
            "edit-value-unlisted",
            "{label} of {table} accepts only the values of its list.",
            next_step="Enter one of: {values}.",
            label=column.label or column.name,
            table=table,
            values=", ".join(sorted(listed)[:LISTED]) + (" …" if len(listed) > LISTED else ""),
        )


def column_unknown(table: str, column: str) -> UsageError:
    """The error for a column or table that the org does not have."""
    return UsageError(
        "edit-column-unknown",
        "{table} has no column {column} in the org.",
        next_step="Column names are case-sensitive. `unlost show ORG TABLE/ID` lists the "
        "columns of a record.",
        column=column,
        table=table,
    )


def column_fixed(table: str, column: str, why: Message) -> UsageError:
    """The error for a column that cannot be set."""
    return UsageError(
        "edit-column-fixed",
        "{column} of {table} cannot be set: {why}.",
        next_step="Leave it out. The plan lists the columns that are not restored as they were.",
        column=column,
        table=table,
        why=why,
    )


def record_not_planned(key: RecordKey) -> UsageError:
    """The error for a typed value of a record outside the plan."""
    return UsageError(
        "edit-record-unknown",
        "A value was entered for {key}, which is not in the plan.",
        next_step="Select that record too, or leave the value out.",
        key=key,
    )
