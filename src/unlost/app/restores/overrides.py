"""Values that a restore writes instead of the backup's: their syntax and meaning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from unlost.app.backups.moments import backup_at, parse_past
from unlost.app.compose import Application
from unlost.app.records.ids import stored_id, typed_ids
from unlost.app.records.record_selectors import chosen_records
from unlost.app.records.restored_as import restored_from
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.restore.values.edits import Edits, typed_text
from unlost.engine.restore.values.outcome import RecordOutcome
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, WireKind
from unlost.model.vault.snapshot import SearchMatch

NAMESAKES = 50  # records of a name that are looked at
KEYS = frozenset({SearchMatch.ID, SearchMatch.KEY})
SHOWN = 5  # ids that an error names


@dataclass(frozen=True, slots=True)
class TypedEdit:
    """A value for a column of a record (TABLE/ID); None empties the cell."""

    record: str
    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class TakenEdit:
    """A column of a record (TABLE/ID) that gets its value from the backup ``at``, as typed."""

    record: str
    column: str
    at: str


@dataclass(frozen=True, slots=True)
class ReassignedReference:
    """References to ``person`` (TABLE/ID) are replaced by the record ``to`` (an id)."""

    person: str
    to: str


@dataclass(frozen=True, slots=True)
class CauseEdit:
    """A value for a column of all failed records of a table, or of the failures with ``code``."""

    table: str
    column: str
    value: str | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Overrides:
    """All values that differ from the backup. ``causes`` are for retries.

    A value for a single record takes precedence over one for a cause, and over a taken one.
    """

    edits: tuple[TypedEdit, ...] = ()
    given: tuple[ReassignedReference, ...] = ()
    causes: tuple[CauseEdit, ...] = ()
    taken: tuple[TakenEdit, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edits or self.given or self.causes or self.taken)

    def __str__(self) -> str:
        """List the columns and people, without values, for the audit."""
        return ", ".join(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The affected columns, as TABLE.COLUMN, and people, as TABLE/ID."""
        cells: tuple[TypedEdit | TakenEdit, ...] = (*self.edits, *self.taken)
        named = {f"{edit.record.partition('/')[0]}.{edit.column}" for edit in cells}
        named |= {f"{cause.table}.{cause.column}" for cause in self.causes}
        return tuple(sorted(named | {reference.person for reference in self.given}))


NO_OVERRIDES = Overrides()


# --- command-line syntax --------------------------------------------------------------------------


def typed_overrides(
    *,
    values: Iterable[str] = (),
    empty: Iterable[str] = (),
    instead: Iterable[str] = (),
    every: Iterable[str] = (),
) -> Overrides:
    """Parse TABLE/ID.COLUMN=VALUE, TABLE/ID.COLUMN, TABLE/OLD=NEW and TABLE.COLUMN=VALUE.

    Raises UsageError (``edit-unreadable``).
    """
    edits = [_edit(text) for text in values]
    edits += [TypedEdit(*_cell(text, text), None) for text in empty]
    return Overrides(
        tuple(edits),
        tuple(_given(text) for text in instead),
        tuple(_cause(text) for text in every),
    )


def corrected_overrides(
    record: str,
    *,
    taken: Iterable[str] = (),
    values: Iterable[str] = (),
    empty: Iterable[str] = (),
) -> Overrides:
    """Parse COLUMN@WHEN, COLUMN=VALUE and COLUMN for a record (TABLE/ID).

    Raises UsageError (``edit-unreadable``, ``correction-empty`` if there is none).
    """
    edits = [
        TypedEdit(record, *_split(text, "=", "COLUMN=VALUE", "Phone=+49 1")) for text in values
    ]
    edits += [TypedEdit(record, column, None) for column in empty]
    backups = [_split(text, "@", "COLUMN@WHEN", "Phone@2026-03-04") for text in taken]
    if not (edits or backups):
        raise correction_empty(record)
    return Overrides(tuple(edits), taken=tuple(TakenEdit(record, *each) for each in backups))


def correction_empty(record: str) -> UsageError:
    """Return the error for a correction without a value."""
    return UsageError(
        "correction-empty",
        "No value was chosen for {key}.",
        next_step="Choose an earlier value, or enter one. On the command line, use --take, --set "
        "or --clear.",
        key=record,
    )


def _split(text: str, separator: str, form: str, example: str) -> tuple[str, str]:
    column, sign, rest = text.partition(separator)
    if not (column and sign and (rest or separator == "=")):
        raise _unreadable(text, form, example)
    return column, rest


def _edit(text: str) -> TypedEdit:
    cell, separator, value = text.partition("=")
    return TypedEdit(*_cell(cell if separator else "", text), value)


def _cell(cell: str, text: str) -> tuple[str, str]:
    record, _, column = cell.rpartition(".")
    table, _, word = record.partition("/")
    if not (table and word and column):
        raise _unreadable(text, "TABLE/ID.COLUMN=VALUE", "Contact/003….Email=ann@example.com")
    return record, column


def _given(text: str) -> ReassignedReference:
    person, _, other = text.partition("=")
    table, _, word = person.partition("/")
    if not (table and word and other):
        raise _unreadable(text, "TABLE/OLD=NEW", "User/005…=005…")
    return ReassignedReference(person, other)


def _cause(text: str) -> CauseEdit:
    name, separator, value = text.partition("=")
    table, _, column = name.partition(".")
    if not (table and column and separator):
        raise _unreadable(text, "TABLE.COLUMN=VALUE", "Case.Status=New")
    return CauseEdit(table, column, value)


def _unreadable(text: str, form: str, example: str) -> UsageError:
    place = text.partition("=")[0]  # the rest may be personal data, which errors must not repeat
    return UsageError(
        "edit-unreadable",
        "{place!r} is not a valid change of a restored value.",
        next_step="Write it as {form}, such as {example}.",
        place=place,
        form=form,
        example=example,
    )


# --- meaning --------------------------------------------------------------------------------------


def resolve_overrides(
    app: Application,
    org: ProtectedOrg,
    overrides: Overrides,
    *,
    failed: Sequence[RecordOutcome] = (),
) -> Edits:
    """Return the values of each record, and the replaced references.

    ``failed`` are the records of a retry. Raises UsageError (``record-unreadable``, ``id-wrong``,
    ``edit-value-wrong``, ``reference-unknown``, ``reference-ambiguous``), NotFound for a moment
    without a backup.
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
    taken: dict[RecordKey, dict[str, int]] = {}
    numbers = {edit.at: number_at(app, org, edit.at) for edit in overrides.taken}
    keys = chosen_records(app, org, [edit.record for edit in overrides.taken])
    for key, take in zip(keys, overrides.taken, strict=True):
        earlier = _earlier_value(app, org, key, take.column, numbers[take.at])
        if earlier is None:
            taken.setdefault(key, {})[take.column] = numbers[take.at]
        else:
            values.setdefault(key, {}).setdefault(take.column, earlier.value)
    return Edits(values, instead, taken)


def _earlier_value(
    app: Application, org: ProtectedOrg, key: RecordKey, column: str, number: int
) -> TypedEdit | None:
    """Return the value that the record had in a backup under the id from before a restore.

    None if it has the same id there, or the backup does not have it at all.
    """
    snapshot = app.vault.at(org.oid, number)
    shape = snapshot.schema().table(key.table) if key.table in snapshot.tables() else None
    if shape is None or shape.column(column) is None:
        return None
    former = (each.record for each in restored_from(app, org, key.table, key.record))
    for record in (key.record, *former):
        rows = snapshot.get(key.table, [record], columns=[column]).to_pylist()
        if rows and rows[0]["_u_op"] == Op.STATE.value:
            value: str | None = rows[0][column]
            return None if record == key.record else TypedEdit(str(key), column, value)
    return None


def number_at(app: Application, org: ProtectedOrg, text: str) -> int:
    """Return the number of the backup at a moment as typed; raises UsageError, NotFound."""
    moment = parse_past(text, zone=org.identity.zone)
    return backup_at(app.vault, org.oid, moment).number


def check_overrides(app: Application, org: ProtectedOrg, overrides: Overrides) -> None:
    """Raise the errors of ``resolve_overrides`` that are known before planning."""
    resolve_overrides(app, org, overrides)


class TypedValueReader:
    """Parses typed values by the column's type in the newest backup."""

    def __init__(self, app: Application, org: ProtectedOrg) -> None:
        self._app, self._org = app, org
        self._head = app.vault.newest_backup(org.oid)
        tables = self._head.schema().tables if self._head is not None else ()
        self._tables = {table.name: table for table in tables}

    def cell(self, table: str, name: str, text: str | None) -> str | None:
        """Return a value in the org's own form; unchanged if the column is unknown."""
        described = self._tables.get(table)
        column = described.column(name) if described is not None else None
        if column is None or text is None:
            return text
        if column.reference is not None and column.reference.holds_one_id:
            return self.id_of(column.reference.tables, text)
        return read_value(column, text, zone=self._org.identity.zone)

    def id_of(self, tables: Sequence[str], text: str) -> str:
        """Return the id that a text stands for: that of a record in the vault's tables, or the likeliest.

        The text is an id, or the name or number of a live record. Raises UsageError
        (``reference-unknown``, ``reference-ambiguous``).
        """
        ids = self._ids(text)
        stored = (stored_id(self._head, table, ids) for table in tables if self._head and ids)
        record = next((record_id for record_id in stored if record_id is not None), None)
        record = record or self._id_of_named(tables, text) or next(iter(ids), None)
        if record is None:
            raise UsageError(
                "reference-unknown",
                "No live record of {tables} has this name, number or id.",
                next_step="Search for the record with `unlost find`, and enter its id.",
                tables=", ".join(tables),
            )
        return record

    def _ids(self, text: str) -> Sequence[str]:
        """Return the ids that a text may stand for; none if it cannot be an id."""
        try:
            return typed_ids(self._app, self._org, text)
        except UsageError:
            return ()

    def _id_of_named(self, tables: Sequence[str], text: str) -> str | None:
        hits = self._app.vault.search(self._org.oid, text, limit=NAMESAKES, tables=tables)
        name = text.strip().casefold()
        records = {
            hit.record
            for hit in hits
            if hit.alive and not hit.former and (hit.match in KEYS or hit.label.casefold() == name)
        }
        if len(records) > 1:
            raise UsageError(
                "reference-ambiguous",
                "Several records of {tables} have this name or number.",
                next_step="Enter the id of one of them: {ids}.",
                tables=", ".join(tables),
                ids=", ".join(sorted(records)[:SHOWN]),
            )
        return next(iter(records), None)


def read_value(column: Column, text: str, *, zone: str) -> str:
    """Parse a typed value in the org's zone; raises UsageError (``edit-value-wrong``).

    The name of a referred record is looked up only when the plan is made.
    """
    if column.kind is WireKind.REFERENCE:
        return text.strip()
    return typed_text(column, text, zone=ZoneInfo(zone))


def with_edits(overrides: Overrides, record: str, values: Mapping[str, str | None]) -> Overrides:
    """Return the overrides with these values of a record replacing earlier ones."""
    others = tuple(
        edit for edit in overrides.edits if (edit.record, edit.column in values) != (record, True)
    )
    edits = tuple(TypedEdit(record, column, value) for column, value in values.items())
    return replace(overrides, edits=(*others, *edits))


def with_reassigned(overrides: Overrides, given: Mapping[str, str]) -> Overrides:
    """Return the overrides with these people replaced; earlier replacements are redirected."""
    on = {person.partition("/")[2]: to for person, to in given.items()}
    replacements = {
        reference.person: on.get(reference.to, reference.to) for reference in overrides.given
    }
    every = {**replacements, **given}
    references = (ReassignedReference(person, to) for person, to in every.items())
    return replace(overrides, given=tuple(references))
