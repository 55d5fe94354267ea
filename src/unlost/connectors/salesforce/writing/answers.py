"""Convert Salesforce's answers about single rows to outcomes. Pure.

Sources: REST guide (sObject Collections, response body), Bulk API 2.0 guide (get failed record
results: ``CODE:message:fields --``), SOAP guide (undelete, status codes).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unlost.model.source.writing import OutcomeKind, RowOutcome

FULL = "write-storage-full"
REFUSED = "write-refused"
# The same row may be accepted later (SOAP guide, status codes).
PASSING = frozenset({
    "REQUEST_RUNNING_TOO_LONG", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION",
    "TXN_SECURITY_METERING_ERROR",
})  # fmt: skip
STORAGE = frozenset({"STORAGE_LIMIT_EXCEEDED"})
DUPLICATE = frozenset({"DUPLICATE_VALUE"})
_BULK_ERROR = re.compile(r"(?s)([A-Z0-9_]+):(.*?)(?::([\w,. ]*))? ?--\s*$")

NEXT_STEPS = {
    "INACTIVE_OWNER_OR_USER": "Enter another owner for the record, or reactivate the user.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "Add the value to the picklist, or enter another value.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "Enter a value that the validation rule accepts, or "
    "exempt the write user from the rule.",
    "REQUIRED_FIELD_MISSING": "Enter a value for the field.",
    "DUPLICATE_VALUE": "Check the record that has the value now. To adopt it, make a new plan.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "Give the write user access to these records and fields, then retry.",
    "STORAGE_LIMIT_EXCEEDED": "Free storage in the org, then resume with `unlost restore resume RUN`.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger refused the record. Ask the author of the trigger.",
}


def done(key: str, record: str) -> RowOutcome:
    """The outcome of a row that was written."""
    return RowOutcome(key, OutcomeKind.DONE, record)


def unknown(key: str) -> RowOutcome:
    """The outcome of a row without an answer."""
    return RowOutcome(
        key, OutcomeKind.UNKNOWN, code="write-answer-lost", sentence="The answer was lost."
    )


def failed(
    key: str,
    record: str | None,
    native: str,
    message: str,
    columns: Sequence[str] = (),
) -> RowOutcome:
    """The outcome of a row that Salesforce refused."""
    return RowOutcome(
        key,
        OutcomeKind.FAILED,
        record,
        code=FULL if native in STORAGE else REFUSED,
        native=native,
        sentence=f"Salesforce refused it: {message.strip() or native}",
        next_step=NEXT_STEPS.get(native, "Look up the code in the Salesforce help."),
        columns=tuple(columns),
        retry=native in PASSING | STORAGE,
    )


def of_collection(key: str, record: str | None, answer: Mapping[str, Any]) -> RowOutcome:
    """The outcome of one row of a collections call."""
    if answer.get("success"):
        return done(key, str(answer.get("id") or record))
    errors = _objects(answer.get("errors")) or [{}]
    first = errors[0]
    native = str(first.get("statusCode") or first.get("errorCode") or "UNKNOWN_EXCEPTION")
    columns = [str(name) for error in errors for name in _listed(error.get("fields"))]
    return failed(key, record, native, str(first.get("message") or ""), columns)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in _listed(value) if isinstance(each, dict)]


def of_bulk(key: str, record: str | None, text: str) -> RowOutcome:
    """The outcome of one row of a job's failed results."""
    match = _BULK_ERROR.fullmatch(text.strip())
    if match is None:
        native = text.split(":", 1)[0].strip()
        return failed(key, record, native, text)
    native, message, fields = match.groups()
    columns = [name.strip() for name in (fields or "").split(",") if name.strip()]
    return failed(key, record, native, message, columns)
