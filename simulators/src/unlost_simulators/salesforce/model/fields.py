"""Constructors for every kind of field, so that an object reads as a list of its fields."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from unlost_simulators.salesforce.model.schema import (
    DeleteRule,
    FieldDef,
    FieldType,
    Formula,
    Junction,
    PicklistValue,
    Rollup,
)

LONGEST_FILTERABLE_TEXT = 255
"""Text areas longer than this cannot be filtered or sorted (SOQL reference, text areas)."""


def _label(name: str) -> str:
    bare = name.removesuffix("__c").replace("_", " ")
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in bare)
    return " ".join(spaced.split()).removesuffix(" Id") or bare


def _make(name: str, kind: FieldType, label: str | None, **rest: Any) -> FieldDef:
    return FieldDef(name, kind, label or _label(name), **rest)


def text(name: str, length: int = 255, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A one-line text. ``external_id=True``, ``unique=True``, ``required=True`` as needed."""
    return _make(name, FieldType.STRING, label, length=length, **rest)


def textarea(name: str, length: int = 255, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A text of several lines; above 255 characters it can be neither filtered nor sorted."""
    short = length <= LONGEST_FILTERABLE_TEXT
    flags: dict[str, Any] = {"filterable": short, "sortable": short, "groupable": short}
    flags["aggregatable"] = short
    return _make(name, FieldType.TEXTAREA, label, length=length, **(flags | rest))


def html(name: str, length: int = 32768, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A rich text area (``htmlFormatted``)."""
    return textarea(name, length, label=label, **({"html": True} | rest))


def _values(values: Sequence[str | PicklistValue]) -> tuple[PicklistValue, ...]:
    return tuple(PicklistValue(value) if isinstance(value, str) else value for value in values)


def picklist(
    name: str, *values: str | PicklistValue, label: str | None = None, **rest: Any
) -> FieldDef:
    """A picklist; ``restricted_picklist=True`` refuses other values."""
    rest = {"length": 255, "picklist": _values(values)} | rest
    return _make(name, FieldType.PICKLIST, label, **rest)


def multipicklist(
    name: str, *values: str | PicklistValue, label: str | None = None, **rest: Any
) -> FieldDef:
    """A multi-select picklist: one text, values joined by ``;``."""
    flags: dict[str, Any] = {"sortable": False, "groupable": False, "aggregatable": False}
    flags |= {"length": 4099, "picklist": _values(values)}
    return _make(name, FieldType.MULTIPICKLIST, label, **(flags | rest))


def reference(
    name: str,
    *targets: str,
    relationship: str | None = None,
    children: str | None = None,
    on_delete: DeleteRule = DeleteRule.SET_NULL,
    label: str | None = None,
    **rest: Any,
) -> FieldDef:
    """A lookup to one or several objects. ``relationship`` defaults to the name without Id."""
    named = relationship
    if named is None:
        named = f"{name[:-3]}__r" if name.endswith("__c") else name.removesuffix("Id")
    rest = {"length": 18, "targets": targets, "relationship": named} | rest
    return _make(name, FieldType.REFERENCE, label, children=children, on_delete=on_delete, **rest)


def junction(name: str, child: str, *targets: str, label: str | None = None) -> Junction:
    """A list of ids of ``targets`` that becomes rows of ``child``."""
    flags: dict[str, Any] = {"filterable": False, "sortable": False}
    flags |= {"groupable": False, "aggregatable": False}
    return Junction(reference(name, *targets, relationship=name, label=label, **flags), child)


def master_detail(
    name: str, target: str, *, children: str, order: int = 0, **rest: Any
) -> FieldDef:
    """A master-detail reference: required, cascade-deleted with its master."""
    given: dict[str, Any] = {"required": True, "on_delete": DeleteRule.CASCADE} | rest
    return reference(name, target, children=children, master_order=order, **given)


def currency(
    name: str, *, precision: int = 18, scale: int = 2, label: str | None = None, **rest: Any
) -> FieldDef:
    """An amount of money, stored exactly as decimal(precision, scale)."""
    rest = {"precision": precision, "scale": scale, "groupable": False} | rest
    return _make(name, FieldType.CURRENCY, label, **rest)


def double(
    name: str, *, precision: int = 18, scale: int = 2, label: str | None = None, **rest: Any
) -> FieldDef:
    """A number, stored exactly as decimal(precision, scale) with precision at most 18."""
    rest = {"precision": precision, "scale": scale, "groupable": False} | rest
    return _make(name, FieldType.DOUBLE, label, **rest)


def percent(
    name: str, *, precision: int = 18, scale: int = 2, label: str | None = None, **rest: Any
) -> FieldDef:
    """A percentage."""
    rest = {"precision": precision, "scale": scale, "groupable": False} | rest
    return _make(name, FieldType.PERCENT, label, **rest)


def integer(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """An ``int`` (standard fields like NumberOfEmployees and BodyLength)."""
    return _make(name, FieldType.INT, label, **({"digits": 9} | rest))


def long(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A ``long`` (ContentSizeLong)."""
    return _make(name, FieldType.LONG, label, **({"digits": 18} | rest))


def boolean(
    name: str,
    *,
    default: bool = False,
    label: str | None = None,
    **rest: Any,
) -> FieldDef:
    """A checkbox: never null."""
    return _make(name, FieldType.BOOLEAN, label, **({"default": default} | rest))


def date(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A date without a time."""
    return _make(name, FieldType.DATE, label, **rest)


def datetime(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """An instant, in UTC."""
    return _make(name, FieldType.DATETIME, label, **({"groupable": False} | rest))


def time(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A time of day."""
    return _make(name, FieldType.TIME, label, **rest)


def email(name: str, length: int = 80, *, label: str | None = None, **rest: Any) -> FieldDef:
    """An e-mail address."""
    return _make(name, FieldType.EMAIL, label, length=length, **rest)


def phone(name: str, length: int = 40, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A telephone number, kept as typed."""
    return _make(name, FieldType.PHONE, label, length=length, **rest)


def url(name: str, length: int = 255, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A web address."""
    return _make(name, FieldType.URL, label, length=length, **rest)


def encrypted(name: str, length: int = 175, **rest: Any) -> FieldDef:
    """A classic encrypted text: masked for users without View Encrypted Data."""
    rest = {"filterable": False, "sortable": False, "groupable": False} | rest
    return _make(name, FieldType.ENCRYPTED, None, length=length, **rest)


def base64(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A blob: JSON shows its address, Bulk refuses it; loaded as a recipe token."""
    flags: dict[str, Any] = {"filterable": False, "sortable": False, "groupable": False}
    return _make(name, FieldType.BASE64, label, **(flags | {"aggregatable": False} | rest))


def external_id(name: str = "Legacy_Id__c", length: int = 40, **rest: Any) -> FieldDef:
    """A unique external-id text, matched without case unless ``case_sensitive=True``."""
    return text(name, length, **({"external_id": True, "unique": True, "id_lookup": True} | rest))


def autonumber(name: str, pattern: str, **rest: Any) -> FieldDef:
    """An auto-number, as in ``autonumber("CaseNumber", "{00000000}")``: read-only text."""
    read_only: dict[str, Any] = {"createable": False, "updateable": False, "required": True}
    return text(name, 30, **(read_only | {"auto_number": pattern} | rest))


def formula(
    name: str, returns: FieldType, sql: str, text: str, *, label: str | None = None, **rest: Any
) -> FieldDef:
    """A formula field: ``sql`` as in ``schema.Formula``, ``text`` as people typed it."""
    rest = {"createable": False, "updateable": False, "formula": Formula(sql, text)} | rest
    if returns is FieldType.STRING:
        rest = {"length": 1300} | rest
    elif returns in {FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}:
        rest = {"precision": 18, "scale": 2} | rest
    return _make(name, returns, label, **rest)


def rollup(
    name: str,
    child: str,
    via: str,
    *,
    function: str = "COUNT",
    of: str = "Id",
    label: str | None = None,
    **rest: Any,
) -> FieldDef:
    """A roll-up summary (COUNT, SUM, MIN, MAX) over the live rows of ``child`` by ``via``."""
    rest = {"createable": False, "updateable": False, "precision": 18, "scale": 2} | rest
    if function == "COUNT":
        rest["scale"] = 0
    return _make(name, FieldType.DOUBLE, label, rollup=Rollup(child, via, function, of), **rest)


def person_name(*, middle: bool = False) -> tuple[FieldDef, ...]:
    """The compound Name of Contact, Lead and User with its parts."""
    parts = ["Salutation", "FirstName", "MiddleName", "LastName"]
    sql = "nullif(concat_ws(' ', {FirstName}, {LastName}), '')"
    if middle:
        sql = "nullif(concat_ws(' ', {FirstName}, {MiddleName}, {LastName}), '')"
    else:
        parts.remove("MiddleName")
    members = [
        text(part, 80 if part == "LastName" else 40, compound="Name", required=part == "LastName")
        for part in parts
    ]
    members[0] = replace(
        picklist("Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."), compound="Name", length=40
    )
    name = text(
        "Name", 121, name_field=True, createable=False, updateable=False, formula=Formula(sql)
    )
    return (name, *members)


def address(stem: str, *, codes: bool = False, geo: bool = True) -> tuple[FieldDef, ...]:
    """A compound address, as in ``*address("Billing")``: BillingAddress and its parts."""
    whole = f"{stem}Address" if stem else "Address"
    part = {"compound": whole}
    members = [
        textarea(f"{stem}Street", 255, **part),
        text(f"{stem}City", 40, **part),
        text(f"{stem}State", 80, **part),
        text(f"{stem}PostalCode", 20, **part),
        text(f"{stem}Country", 80, **part),
    ]
    if codes:
        members.append(picklist(f"{stem}StateCode", length=10, **part))
        members.append(picklist(f"{stem}CountryCode", length=10, **part))
    if geo:
        members.append(double(f"{stem}Latitude", precision=18, scale=15, **part))
        members.append(double(f"{stem}Longitude", precision=18, scale=15, **part))
        members.append(picklist(f"{stem}GeocodeAccuracy", "Address", "City", length=40, **part))
    compound = _make(
        whole,
        FieldType.ADDRESS,
        None,
        createable=False,
        updateable=False,
        sortable=False,
        groupable=False,
        aggregatable=False,
    )
    return (*members, compound)


def location(name: str) -> tuple[FieldDef, ...]:
    """A custom geolocation ``X__c`` with its parts ``X__Latitude__s`` and ``X__Longitude__s``."""
    stem = name.removesuffix("__c")
    flags = {"createable": False, "updateable": False, "sortable": False, "groupable": False}
    return (
        double(f"{stem}__Latitude__s", precision=18, scale=15, compound=name),
        double(f"{stem}__Longitude__s", precision=18, scale=15, compound=name),
        _make(name, FieldType.LOCATION, None, aggregatable=False, **flags),
    )


def _audit(name: str, kind: FieldType, **rest: Any) -> FieldDef:
    flags: dict[str, Any] = {"createable": False, "updateable": False, "required": True}
    return _make(name, kind, None, **(flags | {"system": True} | rest))


def _by(name: str) -> FieldDef:
    return _audit(
        name,
        FieldType.REFERENCE,
        length=18,
        targets=("User",),
        relationship=name.removesuffix("Id"),
    )


def system_fields(names: Iterable[str]) -> tuple[FieldDef, ...]:
    """The system fields of these names, in the order of describe."""
    members = {
        "Id": _audit("Id", FieldType.ID, length=18, id_lookup=True),
        "IsDeleted": _audit("IsDeleted", FieldType.BOOLEAN, default=False),
        "OwnerId": reference("OwnerId", "User", on_delete=DeleteRule.NONE, required=True),
        "CreatedDate": _audit("CreatedDate", FieldType.DATETIME, groupable=False),
        "CreatedById": _by("CreatedById"),
        "LastModifiedDate": _audit("LastModifiedDate", FieldType.DATETIME, groupable=False),
        "LastModifiedById": _by("LastModifiedById"),
        "SystemModstamp": _audit("SystemModstamp", FieldType.DATETIME, groupable=False),
    }
    members["OwnerId"] = replace(members["OwnerId"], system=True)
    return tuple(members[name] for name in members if name in set(names))


def read_only(field: FieldDef) -> FieldDef:
    """The field as neither createable nor updateable."""
    return replace(field, createable=False, updateable=False)


def any_type(name: str) -> FieldDef:
    """A value of any type, as in the History objects."""
    flags = {"filterable": False, "sortable": False, "groupable": False, "aggregatable": False}
    return _make(name, FieldType.ANY, None, **flags)
