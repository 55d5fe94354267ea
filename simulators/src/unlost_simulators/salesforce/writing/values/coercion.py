"""Conversion of one cell from the API to the column's form; stricter than admin edits are.

Refusals of whole values (too long, out of range) come from ``store.values``; a value of another
type is named in the words of its channel.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.rights import AUDIT_FIELDS
from unlost_simulators.salesforce.model.schema import KEYS, NUMBERS, FieldDef, FieldType
from unlost_simulators.salesforce.store import values
from unlost_simulators.salesforce.store.values import WrongType
from unlost_simulators.salesforce.writing.refusals import invalid_date
from unlost_simulators.salesforce.writing.request import Channel, RowError

type Convert = Callable[[FieldDef, Any], Any]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?")
_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
# Data Loader guide (dates) and object reference (system fields): the instants that can be kept.
YEARS = (1700, 4000)
AUDIT_YEARS = (1970, 4000)
_SPECIAL = frozenset({
    FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN, FieldType.EMAIL, FieldType.BASE64,
})  # fmt: skip


class OutOfRangeDate(SalesforceError):
    """A date or an instant beyond what the org keeps."""

    def __init__(self, field: FieldDef, value: object) -> None:
        error = invalid_date(field.label, field.name, value)
        super().__init__(400, error.code, error.message, list(error.fields))


def converter(field: FieldDef, channel: Channel) -> Convert:
    """Return the conversion of the field's cells on the channel; it raises ``SalesforceError``."""
    if field.type in _SPECIAL:
        return _SPECIALS[field.type] if channel is Channel.REST else _LOOSE[field.type]
    if field.type in KEYS or field.type is FieldType.TIME:
        return values.coerce
    if field.type in NUMBERS or field.type in {FieldType.INT, FieldType.LONG}:
        return _number
    return _words


def _words(field: FieldDef, value: Any) -> Any:
    """Text and choices; JSON numbers and booleans become their text."""
    if isinstance(value, str):
        return values.coerce(field, value if value.isascii() else _whole(value))
    if isinstance(value, dict | list | tuple):
        raise WrongType(field, value, "string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return values.coerce(field, text)


def _whole(text: str) -> str:
    """Text without halves of surrogate pairs, which UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _number(field: FieldDef, value: Any) -> Any:
    if isinstance(value, bool | dict | list) or value == "":
        raise WrongType(field, value, "double" if field.type in NUMBERS else "int")
    return values.coerce(field, value)


def _day(field: FieldDef, value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value) is None:
        raise WrongType(field, value, "date")
    if not isinstance(value, str | date):
        raise WrongType(field, value, "date")
    day: date = values.coerce(field, value)
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise OutOfRangeDate(field, value)
    return day


def _instant(field: FieldDef, value: Any) -> datetime:
    if isinstance(value, str) and _INSTANT.fullmatch(value) is None:
        raise WrongType(field, value, "dateTime")
    if not isinstance(value, str | datetime):
        raise WrongType(field, value, "dateTime")
    at: datetime = values.coerce(field, value)
    first, last = AUDIT_YEARS if field.name in AUDIT_FIELDS else YEARS
    if not first <= at.year <= last:
        raise OutOfRangeDate(field, value)
    return at


def _flag(field: FieldDef, value: Any) -> bool:
    """REST takes booleans alone (seen: ``boolean from VALUE_STRING value FALSE`` is refused)."""
    if not isinstance(value, bool):
        raise WrongType(field, value, "boolean")
    return value


def _loose_flag(field: FieldDef, value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise WrongType(field, value, "boolean")
    return text in _TRUE


def _mail(field: FieldDef, value: Any) -> str | None:
    address: str | None = _words(field, value)
    if address is not None and _MAIL.fullmatch(address) is None:
        text = f"{field.label}: invalid email address: {address}"
        raise SalesforceError(400, "INVALID_EMAIL_ADDRESS", text, [field.name])
    return address


def _blob(field: FieldDef, value: Any) -> bytes:
    """Base64, or bytes that came in a part of their own."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise WrongType(field, value, "base64Binary")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        shown = f"{value[:40]}…" if len(value) > 40 else value
        raise WrongType(field, shown, "base64Binary") from None


_SPECIALS: Mapping[FieldType, Convert] = {
    FieldType.DATE: _day,
    FieldType.DATETIME: _instant,
    FieldType.BOOLEAN: _flag,
    FieldType.EMAIL: _mail,
    FieldType.BASE64: _blob,
}
_LOOSE: Mapping[FieldType, Convert] = {**_SPECIALS, FieldType.BOOLEAN: _loose_flag}


def row_error(error: SalesforceError, field: FieldDef, channel: Channel, column: int) -> RowError:
    """Return the refusal of a cell in the channel's words; ``column`` counts from 0, as in Bulk."""
    if not isinstance(error, WrongType):
        return RowError(error.code, error.message, tuple(error.fields or ()))
    kind = f"is not a valid value for the type xsd:{error.xsd}"
    if channel is Channel.BULK:
        text = f"Failed to deserialize field at col {column}. Due to, '{error.value}' {kind}"
        return RowError("INVALID_FIELD", text, (field.name,))
    if channel is Channel.SOAP:
        return RowError("INVALID_FIELD", f"'{error.value}' {kind}", (field.name,))
    token, shown = _token(error.value)
    text = (
        f"Cannot deserialize instance of {field.type.value} from {token} value {shown} or request "
        "may be missing a required field at [line:1, column:1]"
    )
    return RowError("JSON_PARSER_ERROR", text)


def _token(value: object) -> tuple[str, str]:
    match value:
        case bool():
            return ("VALUE_TRUE", "true") if value else ("VALUE_FALSE", "false")
        case int():
            return "VALUE_NUMBER_INT", str(value)
        case float() | Decimal():
            return "VALUE_NUMBER_FLOAT", str(value)
        case dict():
            return "START_OBJECT", "{"
        case list() | tuple():
            return "START_ARRAY", "["
        case _:
            return "VALUE_STRING", str(value)
