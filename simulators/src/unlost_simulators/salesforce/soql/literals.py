"""Literals against field types: checks with the API's refusals, and the SQL of the values."""

from datetime import UTC, date, datetime

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    KEYS,
    NUMBERS,
    FieldDef,
    FieldType,
)
from unlost_simulators.salesforce.soql.grammar import ast, dates, refusals
from unlost_simulators.salesforce.soql.grammar.ast import Kind
from unlost_simulators.salesforce.soql.names import CompileContext
from unlost_simulators.salesforce.store import tables

_WANTED = {
    FieldType.BOOLEAN: "boolean",
    FieldType.INT: "int",
    FieldType.LONG: "long",
    FieldType.DATE: "date",
    FieldType.DATETIME: "dateTime",
    FieldType.TIME: "time",
    FieldType.ID: "id",
    FieldType.REFERENCE: "id",
    **dict.fromkeys(NUMBERS, "double"),
}
_KINDS: dict[FieldType, frozenset[Kind]] = {
    FieldType.BOOLEAN: frozenset({Kind.BOOLEAN}),
    FieldType.DATE: frozenset({Kind.DATE, Kind.RELATIVE}),
    FieldType.DATETIME: frozenset({Kind.DATETIME, Kind.RELATIVE}),
    FieldType.TIME: frozenset({Kind.TIME}),
    **dict.fromkeys(NUMBERS | INTEGERS, frozenset({Kind.NUMBER})),
}
_TEXTUAL = frozenset({Kind.STRING})


def is_text(field: FieldDef) -> bool:
    """Return true if the field is compared as text."""
    return field.type not in _KINDS and field.type not in KEYS


def check(context: CompileContext, field: FieldDef, literal: ast.Literal) -> None:
    """Refuse a literal of another type than the field's."""
    if literal.kind is Kind.NULL:
        return
    if literal.kind is Kind.RELATIVE and dates.span(literal.text, context.now.date()) is None:
        raise refusals.unexpected(context.soql, literal.at, literal.text)
    if literal.kind not in _KINDS.get(field.type, _TEXTUAL):
        wanted = _WANTED.get(field.type, "string")
        raise refusals.wrong_type(context.soql, literal.at, field.name, wanted)
    if field.type in KEYS and literal.value and not ids.is_id(str(literal.value)):
        raise refusals.bad_id(context.soql, literal.at, str(literal.value))


def is_null(literal: ast.Literal) -> bool:
    """Return true for no value: null, or the empty text, which the org never stores."""
    return literal.kind is Kind.NULL or literal.value == ""


def span(context: CompileContext, literal: ast.Literal) -> dates.Span | None:
    """The days of a date literal, or None for other literals."""
    if literal.kind is not Kind.RELATIVE:
        return None
    return dates.span(literal.text, context.now.date())


def sql_of_day(field: FieldDef, day: date) -> str:
    """The beginning of a day in the type of the field."""
    kind = "DATE" if field.type is FieldType.DATE else "TIMESTAMP"
    return f"{kind} '{day.isoformat()}'"


def sql(field: FieldDef, literal: ast.Literal) -> str:
    """The literal's value as SQL in the type of the field's column (text in lower case unless
    the field minds case).
    """
    value = literal.value
    if isinstance(value, datetime):
        instant = value.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{instant.isoformat(sep=' ')}'"
    if literal.kind is Kind.DATE:
        return f"DATE '{value}'"
    if literal.kind is Kind.TIME:
        return f"TIME '{value}'"
    if field.type in KEYS:
        return tables.text(ids.full(str(value)))
    if literal.kind is Kind.STRING:
        text = str(value)
        return tables.text(text if field.case_sensitive else text.lower())
    return str(value)


def pattern(literal: ast.Literal) -> str:
    """A LIKE pattern as SQL for ``ILIKE … ESCAPE '\\'``, from the literal's source text."""
    inside = literal.text[1:-1]
    out: list[str] = []
    place = 0
    while place < len(inside):
        character = inside[place]
        if character != "\\":
            out.append(character)
            place += 1
            continue
        width = 6 if inside[place + 1 : place + 2] == "u" else 2
        escaped = inside[place : place + width]
        out.append(_in_pattern(escaped))
        place += width
    return tables.text("".join(out))


def _in_pattern(escaped: str) -> str:
    from unlost_simulators.salesforce.soql.grammar.parse import unescape

    value = unescape(escaped)
    return f"\\{value}" if value in {"\\", "%", "_"} else value
