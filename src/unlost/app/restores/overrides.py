"""What people want to come back otherwise than it was: how they say it, and what it means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from unlost.app.compose import Application
from unlost.app.records.ids import stored_id, typed_ids
from unlost.app.records.record_selectors import chosen_records
from unlost.catalog.orgs import ProtectedOrg
from unlost.engine.restore.values.edits import Edits, typed_text
from unlost.engine.restore.values.outcome import RecordOutcome
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.schema import Column


@dataclass(frozen=True, slots=True)
class TypedEdit:
    """A value for a column of a record (TABLE/ID); None: the cell shall be empty."""

    record: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ReassignedReference:
    """Records that name ``person`` (TABLE/ID) shall name the record ``to`` (an id) instead."""

    person: str
    to: str


@dataclass(frozen=True, slots=True)
class CauseEdit:
    """A value for a column of all records of a table that failed, with ``code`` if it is said."""

    table: str
    column: str
    value: str | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Overrides:
    """All that somebody wants otherwise. ``causes`` are for another try: what is typed for single
    records counts more.
    """

    edits: tuple[TypedEdit, ...] = ()
    given: tuple[ReassignedReference, ...] = ()
    causes: tuple[CauseEdit, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edits or self.given or self.causes)

    def __str__(self) -> str:
        """What it is about, without a value: for the audit."""
        return ", ".join(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, as TABLE.COLUMN, and the people, as TABLE/ID, that it is about."""
        named = {f"{edit.record.partition('/')[0]}.{edit.column}" for edit in self.edits}
        named |= {f"{cause.table}.{cause.column}" for cause in self.causes}
        return tuple(sorted(named | {reference.person for reference in self.given}))


AS_IT_WAS = Overrides()


# --- as it is typed at a terminal -----------------------------------------------------------------


def typed_overrides(
    *,
    values: Iterable[str] = (),
    empty: Iterable[str] = (),
    instead: Iterable[str] = (),
    every: Iterable[str] = (),
) -> Overrides:
    """TABLE/ID.COLUMN=VALUE, TABLE/ID.COLUMN, TABLE/OLD=NEW and TABLE.COLUMN=VALUE.

    Raises UsageError (``edit-unreadable``).
    """
    edits = [_edit(text) for text in values]
    edits += [TypedEdit(*_cell(text, text), None) for text in empty]
    return Overrides(
        tuple(edits),
        tuple(_given(text) for text in instead),
        tuple(_cause(text) for text in every),
    )


def _edit(text: str) -> TypedEdit:
    cell, separator, value = text.partition("=")
    return TypedEdit(*_cell(cell if separator else "", text), value)


def _cell(cell: str, text: str) -> tuple[str, str]:
    record, _, column = cell.rpartition(".")
    table, _, word = record.partition("/")
    if not (table and word and column):
        raise _unreadable(text, "TABLE/ID.COLUMN=VALUE, such as Contact/003….Email=ann@example.com")
    return record, column


def _given(text: str) -> ReassignedReference:
    person, _, other = text.partition("=")
    table, _, word = person.partition("/")
    if not (table and word and other):
        raise _unreadable(text, "TABLE/OLD=NEW, such as User/005…=005…")
    return ReassignedReference(person, other)


def _cause(text: str) -> CauseEdit:
    name, separator, value = text.partition("=")
    table, _, column = name.partition(".")
    if not (table and column and separator):
        raise _unreadable(text, "TABLE.COLUMN=VALUE, such as Case.Status=New")
    return CauseEdit(table, column, value)


def _unreadable(text: str, form: str) -> UsageError:
    place = text.partition("=")[0]  # what comes after it may be somebody's data
    return UsageError(
        "edit-unreadable",
        f"{place!r} does not say what shall come back otherwise.",
        next_step=f"Write it as {form}.",
    )


# --- what it means --------------------------------------------------------------------------------


def meant(
    app: Application,
    org: ProtectedOrg,
    overrides: Overrides,
    *,
    failed: Sequence[RecordOutcome] = (),
) -> Edits:
    """The values of each record, and whom references name; ``failed`` is what is tried again.

    Raises UsageError (``record-unreadable``, ``id-wrong``, ``edit-value-wrong``).
    """
    values: dict[RecordKey, dict[str, str | None]] = {}
    if not overrides:
        return Edits()
    reading = TypedValueReader(app, org)
    for cause in overrides.causes:
        cell = reading.cell(cause.table, cause.column, cause.value)
        for outcome in failed:
            if outcome.table == cause.table and cause.code in ("", outcome.code):
                values.setdefault(RecordKey(outcome.table, outcome.record), {})[cause.column] = cell
    keys = chosen_records(app, org, [typed_edit.record for typed_edit in overrides.edits])
    for key, edit in zip(keys, overrides.edits, strict=True):
        values.setdefault(key, {})[edit.column] = reading.cell(key.table, edit.column, edit.value)
    people = chosen_records(app, org, [reference.person for reference in overrides.given])
    instead = {
        key: reading.id_of((key.table,), reference.to)
        for key, reference in zip(people, overrides.given, strict=True)
    }
    return Edits(values, instead)


def check(app: Application, org: ProtectedOrg, overrides: Overrides) -> None:
    """Raise as ``meant`` what can be known before anything is planned."""
    meant(app, org, overrides)


class TypedValueReader:
    """Reads what was typed by what the newest backup knows of its column."""

    def __init__(self, app: Application, org: ProtectedOrg) -> None:
        self._app, self._org = app, org
        self._head = app.vault.head(org.oid)
        tables = self._head.schema().tables if self._head is not None else ()
        self._tables = {table.name: table for table in tables}

    def cell(self, table: str, name: str, text: str | None) -> str | None:
        """A value as the org would tell it; as it was typed where nobody knows the column."""
        described = self._tables.get(table)
        column = described.column(name) if described is not None else None
        if column is None or text is None:
            return text
        if column.reference is not None:
            return self.id_of(column.reference.tables, text)
        return read_value(column, text, zone=self._org.identity.zone)

    def id_of(self, tables: Sequence[str], text: str) -> str:
        """The id that is meant: one that the vault knows in one of the tables, or the likeliest."""
        ids = typed_ids(self._app, self._org, text)
        known = (stored_id(self._head, table, ids) for table in tables if self._head is not None)
        return next((record_id for record_id in known if record_id is not None), ids[0])


def read_value(column: Column, text: str, *, zone: str) -> str:
    """What was typed for a column, in the org's zone; raises UsageError (``edit-value-wrong``)."""
    return typed_text(column, text, zone=ZoneInfo(zone))


def with_edits(overrides: Overrides, record: str, values: Mapping[str, str | None]) -> Overrides:
    """The same with these values of a record, whatever was typed for them before."""
    others = tuple(
        edit for edit in overrides.edits if (edit.record, edit.column in values) != (record, True)
    )
    edits = tuple(TypedEdit(record, column, value) for column, value in values.items())
    return Overrides((*others, *edits), overrides.given, overrides.causes)


def with_given(overrides: Overrides, given: Mapping[str, str]) -> Overrides:
    """The same with these people instead of others; who was given records before gives them on."""
    on = {person.partition("/")[2]: to for person, to in given.items()}
    replacements = {
        reference.person: on.get(reference.to, reference.to) for reference in overrides.given
    }
    every = {**replacements, **given}
    return Overrides(
        overrides.edits,
        tuple(ReassignedReference(person, to) for person, to in every.items()),
        overrides.causes,
    )
