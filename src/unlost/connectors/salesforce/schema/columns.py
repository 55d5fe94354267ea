"""Convert a field of Salesforce's describe to a column. Pure."""

from collections.abc import Mapping
from typing import Any

from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    DeleteRule,
    Reference,
    SearchedAs,
    WireKind,
)

# REST guide and metadata WSDL: values of ``type``.
KINDS = {
    "id": WireKind.ID,
    "reference": WireKind.REFERENCE,
    "boolean": WireKind.BOOLEAN,
    "int": WireKind.INTEGER,
    "long": WireKind.INTEGER,
    "double": WireKind.DECIMAL,
    "currency": WireKind.DECIMAL,
    "percent": WireKind.DECIMAL,
    "date": WireKind.DATE,
    "time": WireKind.TIME,
    "datetime": WireKind.INSTANT,
    "multipicklist": WireKind.MULTI,
    "json": WireKind.JSON,
    "complexvalue": WireKind.JSON,
    "base64": WireKind.BINARY,
}
COMPOUND = frozenset({"address", "location"})
# No query delivers these as a cell, neither Bulk nor REST.
UNREADABLE_SOAP = (
    "urn:JunctionIdListNames",
    "urn:RecordTypesSupported",
    "urn:SearchLayout",
    "urn:address",
    "urn:location",
)
# Bulk refuses these, and REST delivers them.
REST_ONLY_SOAP = ("tns:json", "urn:")
# Per user or recomputed: a change of these never makes a version (object reference, system fields).
PER_USER = frozenset({"LastViewedDate", "LastReferencedDate"})


def column_of(
    field: Mapping[str, Any],
    rule: DeleteRule = DeleteRule.UNKNOWN,
    *,
    search: SearchedAs | None = None,
) -> Column:
    """The column of a describe field; ``search``: how people search for its values."""
    targets = tuple(field.get("referenceTo") or ())
    return Column(
        name=field["name"],
        kind=KINDS.get(field["type"], WireKind.TEXT),
        label=field.get("label") or field["name"],
        native=field["type"],
        length=int(field.get("length") or 0),
        traits=frozenset(_traits(field)),
        reference=Reference(targets, rule) if targets else None,
        choices=tuple(choice["value"] for choice in field.get("picklistValues") or ()),
        search=search,
        labels=_labels(field),
    )


def _labels(field: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of a picklist's values; empty if they are the values."""
    choices = field.get("picklistValues") or ()
    labels = tuple(choice.get("label") or choice["value"] for choice in choices)
    return labels if labels != tuple(choice["value"] for choice in choices) else ()


def _traits(field: Mapping[str, Any]) -> list[ColumnTrait]:
    facts = {
        ColumnTrait.VOLATILE: field.get("calculated") or field["name"] in PER_USER,
        ColumnTrait.CALCULATED: field.get("calculated"),
        # Only a formula has a text (REST guide, describe): roll-ups are calculated without one.
        ColumnTrait.SUMMARY: field.get("calculated")
        and field.get("custom")
        and not field.get("calculatedFormula"),
        ColumnTrait.NAME: field.get("nameField"),
        ColumnTrait.UNIQUE: field.get("unique"),
        ColumnTrait.EXTERNAL_ID: field.get("externalId"),
        ColumnTrait.AUTO_NUMBER: field.get("autoNumber"),
        ColumnTrait.EMAIL: field["type"] == "email",
        ColumnTrait.PHONE: field["type"] == "phone",
        ColumnTrait.REQUIRED: not field.get("nillable", True)
        and not field.get("defaultedOnCreate")
        and bool(field.get("createable")),
        ColumnTrait.CREATABLE: field.get("createable"),
        ColumnTrait.UPDATABLE: field.get("updateable"),
        ColumnTrait.CASE_SENSITIVE: field.get("caseSensitive"),
    }
    return [trait for trait, holds in facts.items() if holds]


def is_compound(field: Mapping[str, Any]) -> bool:
    """True for a field that is only a view of other fields.

    Not decided by ``compoundFieldName``: Account.Name is listed there and is an independent field.
    """
    return field["type"] in COMPOUND


def is_unreadable(field: Mapping[str, Any]) -> bool:
    """True for a field that no query delivers."""
    return str(field.get("soapType", "")).startswith(UNREADABLE_SOAP)


def needs_rest(field: Mapping[str, Any]) -> bool:
    """True for a field that REST delivers and Bulk refuses."""
    soap = str(field.get("soapType", ""))
    return soap.startswith(REST_ONLY_SOAP) or field["type"] in {"json", "complexvalue"}
