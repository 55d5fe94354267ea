"""Conversion of a single value: from JSON or Python to the column's form, or a refusal.

Pure. The texts of the refusals come from the REST API (error reference of the REST guide).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    KEYS,
    NUMBERS,
    FieldDef,
    FieldType,
    ObjectDef,
)

BLANKS = " \t\r\n\f\v"
"""White space that the org trims from text on save; U+00A0 is not among it."""

_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")
_RANGES = {FieldType.INT: 2**31, FieldType.LONG: 2**63}


def refuse(code: str, message: str, *fields: str) -> SalesforceError:
    """A refusal of a write, with the fields that it names."""
    return SalesforceError(400, code, message, list(fields))


class WrongType(SalesforceError):
    """A value that is none of the field's type; ``xsd`` is the type's name in XML Schema."""

    def __init__(self, field: FieldDef, value: object, xsd: str) -> None:
        sent = f"'{value}' is not a valid value for the type xsd:{xsd}"
        text = f"Failed to deserialize field {field.name}: {sent}"
        super().__init__(400, "INVALID_FIELD", text, [field.name])
        self.value = value
        self.xsd = xsd


def parse_datetime(value: str) -> datetime:
    """An instant in any of the forms that the API takes; the zone defaults to UTC."""
    whole = _OFFSET.sub(r"\1:\2", value.strip().replace("Z", "+00:00"))
    parsed = datetime.fromisoformat(whole)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _text(field: FieldDef, value: Any) -> str | None:
    if not isinstance(value, str):
        raise WrongType(field, value, "string")
    trimmed = value.strip(BLANKS)
    if field.length and len(trimmed) > field.length:
        shown = trimmed[:255]
        message = f"{field.label}: data value too large: {shown} (max length={field.length})"
        raise refuse("STRING_TOO_LONG", message, field.name)
    return trimmed or None


def _choice(field: FieldDef, value: Any) -> str | None:
    chosen = _text(field, value)
    if chosen is None or not field.restricted_picklist:
        return chosen
    allowed = {entry.value for entry in field.picklist if entry.active}
    parts = chosen.split(";") if field.type is FieldType.MULTIPICKLIST else [chosen]
    for part in parts:
        if part not in allowed:
            message = f"{field.label}: bad value for restricted picklist field: {part}"
            raise refuse("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    return chosen


def _key(field: FieldDef, value: Any) -> str | None:
    if value == "":
        return None
    if not isinstance(value, str) or not ids.is_id(value):
        message = f"{field.label}: id value of incorrect type: {value}"
        raise refuse("MALFORMED_ID", message, field.name)
    return ids.full(value)


def _boolean(field: FieldDef, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise WrongType(field, value, "boolean")


def _integer(field: FieldDef, value: Any) -> int:
    try:
        whole = int(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        raise WrongType(field, value, "int") from None
    if abs(whole) >= min(_RANGES[field.type], 10 ** (field.digits or 18)):
        raise _outside(field, value)
    return whole


def _outside(field: FieldDef, value: object) -> SalesforceError:
    message = f"{field.label}: value outside of valid range on numeric field: {value}"
    return refuse("NUMBER_OUTSIDE_VALID_RANGE", message, field.name)


def _number(field: FieldDef, value: Any) -> Decimal:
    try:
        given = Decimal(repr(value) if isinstance(value, float) else str(value))
        rounded = given.quantize(Decimal(1).scaleb(-field.scale), rounding="ROUND_HALF_UP")
    except InvalidOperation:
        raise WrongType(field, value, "double") from None
    if not rounded.is_finite():
        raise WrongType(field, value, "double")
    if abs(rounded) >= Decimal(10) ** ((field.precision or 18) - field.scale):
        raise _outside(field, value)
    return rounded


def _date(field: FieldDef, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise WrongType(field, value, "date") from None


def _instant(field: FieldDef, value: Any) -> datetime:
    try:
        given = value if isinstance(value, datetime) else parse_datetime(str(value))
    except ValueError:
        raise WrongType(field, value, "dateTime") from None
    return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given


def _time(field: FieldDef, value: Any) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    try:
        parsed: time = time.fromisoformat(str(value).removesuffix("Z"))
        return parsed
    except ValueError:
        raise WrongType(field, value, "time") from None


def _blob(field: FieldDef, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongType(field, value, "base64Binary")
    return value


type Coercion = Callable[[FieldDef, Any], Any]

_COERCE: Mapping[FieldType, Coercion] = {
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _instant,
    FieldType.TIME: _time,
    FieldType.BASE64: _blob,
    FieldType.PICKLIST: _choice,
    FieldType.MULTIPICKLIST: _choice,
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(KEYS, _key),
}


def coerce(field: FieldDef, value: Any) -> Any:
    """The value as the column holds it; raises the API's refusal of a value that does not fit."""
    if value is None:
        return bool(field.default) if field.type is FieldType.BOOLEAN else None
    chosen: Coercion = _COERCE.get(field.type, _text)
    return chosen(field, value)


def writable(of: ObjectDef, name: str) -> FieldDef:
    """The stored field of that name; raises INVALID_FIELD for any other name."""
    field = of.field(name)
    if field is None or field.computed:
        message = f"No such column '{name}' on sobject of type {of.name}"
        raise SalesforceError(400, "INVALID_FIELD", message)
    return field


def check_required(of: ObjectDef, row: Mapping[str, Any]) -> None:
    """Refuse a new row that lacks a required field."""
    given = {name.lower() for name, value in row.items() if value not in {None, ""}}
    missing = [
        field.name
        for field in of.fields
        if field.required and not field.system and field.createable and field.default is None
        if field.name.lower() not in given and not field.computed
    ]
    if missing:
        listed = ", ".join(missing)
        raise refuse("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", *missing)
