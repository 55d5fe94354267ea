"""Convert Salesforce's answers about single rows to outcomes. Pure.

Sources: REST guide (sObject Collections, response body), Bulk API 2.0 guide (get failed record
results: ``CODE:message:fields --``), SOAP guide (undelete, status codes).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unlost.kit import outcomes
from unlost.kit.outcomes import done
from unlost.model.source.writing import (
    DELETE_BLOCKED,
    DELETE_TOO_LARGE,
    RECORD_LOCKED,
    WRITE_REFUSED,
    RowOutcome,
    WriteRow,
)

FULL = "write-storage-full"
# The same row may be accepted later (SOAP guide, status codes).
PASSING = frozenset({
    "REQUEST_RUNNING_TOO_LONG", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION",
    "TXN_SECURITY_METERING_ERROR",
})  # fmt: skip
STORAGE = frozenset({"STORAGE_LIMIT_EXCEEDED"})
DUPLICATE = frozenset({"DUPLICATE_VALUE"})
# Refusals of a delete because there is no such record (any more).
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
CODES = {
    "STORAGE_LIMIT_EXCEEDED": FULL,
    "DELETE_FAILED": DELETE_BLOCKED,
    "DELETE_OPERATION_TOO_LARGE": DELETE_TOO_LARGE,
    "ENTITY_IS_LOCKED": RECORD_LOCKED,
}
_BULK_ERROR = re.compile(r"(?s)([A-Z0-9_]+):(.*?)(?::([\w,. ]*))? ?--\s*$")

MEANINGS = {
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger of the org failed or refused it.",
    "DELETE_FAILED": "Other records prevent its deletion.",
    "DELETE_OPERATION_TOO_LARGE": "Too many records would be deleted with it.",
    "DUPLICATES_DETECTED": "A duplicate rule of the org blocks it.",
    "DUPLICATE_VALUE": "Another record has a value that must be unique.",
    "ENTITY_IS_DELETED": "It, or a record that it refers to, is deleted.",
    "ENTITY_IS_LOCKED": "An approval process locks it, or the record that it belongs to.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the org does not accept it.",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "A lookup filter of the org does not accept a value.",
    "INACTIVE_OWNER_OR_USER": "Its owner, or another user in it, is not active.",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "The write user may not see a record that it "
    "refers to.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The write user may not write it.",
    "INVALID_CROSS_REFERENCE_KEY": "A record that it refers to is not there.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "A value is not in the picklist of its field.",
    "REQUIRED_FIELD_MISSING": "A required field is empty.",
    "STORAGE_LIMIT_EXCEEDED": "The storage of the org is full.",
    "STRING_TOO_LONG": "A text is too long for its field.",
    "UNABLE_TO_LOCK_ROW": "Another process was changing it.",
}  # SOAP guide, status codes
NEXT_STEPS = {
    "ENTITY_IS_LOCKED": "Decide or recall the approval in Salesforce, or unlock the record there. Then "
    "run `unlost restore retry RUN`.",
    "INACTIVE_OWNER_OR_USER": "Enter another owner for the record, or reactivate the user.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "Add the value to the picklist, or enter another value.",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "Enter a value that the validation rule accepts, or "
    "exempt the write user from the rule.",
    "REQUIRED_FIELD_MISSING": "Enter a value for the field.",
    "DUPLICATE_VALUE": "Check the record that has the value now. To adopt it, make a new plan.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "Give the write user access to these records and fields, then retry.",
    "DELETE_FAILED": "Delete the records that refer to it first, or let them refer to another one.",
    "DELETE_OPERATION_TOO_LARGE": "Delete the records below it first, in parts.",
    "STORAGE_LIMIT_EXCEEDED": "Free storage in the org, then resume with `unlost restore resume RUN`.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger refused the record. Ask the author of the trigger.",
}


def deleted(outcome: RowOutcome) -> RowOutcome:
    """The outcome of a delete: a record that is gone already counts as deleted."""
    return done(outcome.key, outcome.id or "") if outcome.native in GONE else outcome


def failed(
    key: str,
    record: str | None,
    native: str,
    message: str,
    columns: Sequence[str] = (),
) -> RowOutcome:
    """The outcome of a row that Salesforce refused."""
    return outcomes.failed(
        key,
        _sentence(native, message.strip()),
        record=record,
        code=CODES.get(native, WRITE_REFUSED),
        native=native,
        next_step=NEXT_STEPS.get(native, "Look up the code in the Salesforce help."),
        columns=columns,
        retry=native in PASSING | STORAGE,
    )


def _sentence(native: str, message: str) -> str:
    """Say why a row was refused: in plain words if the code is known, then as Salesforce says it.

    People need the code to search for it in the Salesforce help.
    """
    refusal = f"Salesforce refused it: {message or native}"
    coded = refusal if native in refusal else f"{refusal} ({native})"
    return f"{MEANINGS[native]} {coded}" if native in MEANINGS else coded


def without_bulk(row: WriteRow, table: str) -> RowOutcome:
    """The outcome of a hard delete of a record whose object has no Bulk API."""
    return outcomes.failed(
        row.key,
        f"Salesforce cannot delete records of {table} without the recycle bin.",
        record=row.id,
        next_step="Archive it by a policy without hard delete.",
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
