"""The refusals of rows, word for word where the words were seen.

Sources: REST guide (status codes and error responses), recorded bodies, responses of live orgs that
public repositories quote; a text without a known source is marked here.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.writing.request import RowError

BARE = 15
"""Ids inside messages have 15 characters."""

ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)
NO_SUCH_ROW = RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
DELETED = RowError("ENTITY_IS_DELETED", "entity is deleted")
NO_ACCESS = RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
LOCKED = RowError("ENTITY_IS_LOCKED", "the entity is locked for editing")
# Neither the code nor the text was seen.
PUBLISHED = RowError("INVALID_OPERATION", "You can only update draft versions of articles.")
NO_ROOM = RowError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
NO_ID = RowError("MISSING_ARGUMENT", "Id not specified in an update call")
ID_ON_INSERT = RowError(
    "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",)
)
MANY_MATCHES = RowError("DUPLICATE_EXTERNAL_ID", "more than one match for upsert")
NOT_IN_BIN = RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")
NO_BIN_ENTRY = RowError("INVALID_ID_FIELD", "invalid record id; no recycle bin entry found")
NOTHING_TO_UPDATE = RowError("NOT_FOUND", "The requested resource does not exist")
BELOW_ITSELF = RowError("CIRCULAR_DEPENDENCY", "attempt to violate hierarchy constraints")


def no_column(of: ObjectDef, name: str) -> RowError:
    """A field that does not exist for the user."""
    return RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {of.name}")


def not_writable(names: list[str]) -> RowError:
    """Fields that exist and cannot be set."""
    text = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set."
    )
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(names))


def missing(names: list[str]) -> RowError:
    """Required fields without a value."""
    text = f"Required fields are missing: [{', '.join(names)}]"
    return RowError("REQUIRED_FIELD_MISSING", text, tuple(names))


def key_missing(name: str) -> RowError:
    """An upsert without its key."""
    return RowError("MISSING_ARGUMENT", f"{name} not specified")


def misshapen_id(of: ObjectDef, value: object) -> RowError:
    """The ``Id`` of an update that is no id of the object."""
    label = "Record" if of.custom else of.label
    return RowError("MALFORMED_ID", f"{label} ID: id value of incorrect type: {value}", ("Id",))


def malformed_id(value: object) -> RowError:
    """The id of a deletion that is no id."""
    return RowError("MALFORMED_ID", f"malformed id {value}")


def repeated_id(value: str) -> RowError:
    """One record twice in a request; the text has no known source."""
    return RowError("DUPLICATE_VALUE", f"Duplicate id specified: {value}")


def repeated_key(value: object) -> RowError:
    """One external id twice in a request."""
    return RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}")


def taken(name: str, holder: str) -> RowError:
    """A unique value that another record has."""
    text = f"duplicate value found: {name} duplicates value on record with id: {holder[:BARE]}"
    return RowError("DUPLICATE_VALUE", text)


def wrong_target(label: str, name: str, value: str) -> RowError:
    """A reference to an object that the field cannot point to."""
    text = f"{label}: id value of incorrect type: {value}"
    return RowError("FIELD_INTEGRITY_EXCEPTION", text, (name,))


def no_access_to(value: str) -> RowError:
    """A reference to a record that the user does not see."""
    text = f"insufficient access rights on cross-reference id: {value[:BARE]}"
    return RowError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text)


def no_foreign_key(value: object, name: str, target: str) -> RowError:
    """A reference by an external id that no record has."""
    text = f"Foreign key external ID: {value} not found for field {name} in entity {target}"
    return RowError("INVALID_FIELD", text)


def many_foreign_keys(value: object, name: str, target: str) -> RowError:
    """A reference by an external id that several records have; the text was not seen."""
    text = f"More than one record found for external id field: {name} value {value} in {target}"
    return RowError("INVALID_FIELD", text)


def wrong_record_type(value: str) -> RowError:
    """A record type of another object, inactive, or not for the user."""
    text = f"Record Type ID: this ID value isn't valid for the user: {value}"
    return RowError("INVALID_CROSS_REFERENCE_KEY", text, ("RecordTypeId",))


def inactive_owner(of: ObjectDef, owner: str) -> RowError:
    """An owner who is inactive."""
    text = f"operation performed with inactive user [{owner[:BARE]}] as owner of {of.label.lower()}"
    return RowError("INACTIVE_OWNER_OR_USER", text)


def no_verb(of: ObjectDef, participle: str) -> RowError:
    """An object whose rows the user cannot insert, update or delete."""
    text = f"entity type cannot be {participle}: {of.label}"
    return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)


def invalid_date(label: str, name: str, value: object) -> RowError:
    """A date beyond the range of the org; the text has no known source."""
    return RowError("FIELD_INTEGRITY_EXCEPTION", f"{label}: invalid date: {value}", (name,))


def mixed(of: ObjectDef, original: str) -> RowError:
    """A set-up object and another one in one transaction."""
    text = (
        "DML operation on setup object is not permitted after you have updated a non-setup object "
        f"(or vice versa): {of.name}, original object: {original}"
    )
    return RowError("MIXED_DML_OPERATION", text)
