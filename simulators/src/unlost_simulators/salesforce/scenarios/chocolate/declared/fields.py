"""Field constructors in the words of the chocolate maker's object lists.

A thin layer over `unlost_simulators.salesforce.model.fields`: it knows which habits the lists share (who
may own a record, audit columns in their usual place, which rows cost storage) and no single object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from unlost_simulators.salesforce.model import fields as sf
from unlost_simulators.salesforce.model.objects import build_object
from unlost_simulators.salesforce.model.schema import (
    DeleteRule,
    FieldDef,
    FieldType,
    Junction,
    ObjectDef,
    PicklistValue,
    RecordTypeDef,
)

CASCADE = DeleteRule.CASCADE
RESTRICT = DeleteRule.RESTRICT
CASCADE_DRAFTS = DeleteRule.CASCADE_DRAFTS
SET_NULL = DeleteRule.SET_NULL
KEEP = DeleteRule.NONE


def _given(
    label: str | None,
    *,
    read_only: bool = False,
    required: bool = False,
    updateable: bool = True,
    **rest: Any,
) -> dict[str, Any]:
    return {
        "label": label,
        "required": required,
        "createable": not read_only,
        "updateable": updateable and not read_only,
        **rest,
    }


def text(
    name: str,
    length: int,
    *,
    label: str | None = None,
    kind: Literal["string", "textarea", "combobox", "url"] = "string",
    external_id: bool = False,
    unique: bool = False,
    **rest: Any,
) -> FieldDef:
    """A text; an external id can be used for look-up and upsert."""
    extra: dict[str, Any] = {"external_id": True, "id_lookup": True} if external_id else {}
    field = sf.text(name, length, unique=unique, **extra, **_given(label, **rest))
    return replace(field, type=FieldType(kind))


def name(length: int, *, unique: bool = True, label: str | None = None, **rest: Any) -> FieldDef:
    """The `Name` of an object; names that can repeat are no key for look-ups."""
    extra = {"required": not rest.get("read_only", False)} | rest
    return sf.text("Name", length, name_field=True, id_lookup=unique, **_given(label, **extra))


def person_name(*, name_length: int, account: bool = False) -> tuple[FieldDef, ...]:
    """Name parts and `Name`. On Account it is a stored text, filled from the parts for persons."""
    parts = (
        sf.text("LastName", 80, compound="Name", required=not account),
        sf.text("FirstName", 40, compound="Name"),
        replace(sf.picklist("Salutation", *_SALUTATIONS, compound="Name"), length=40),
    )
    if account:
        whole = sf.text(
            "Name",
            name_length,
            label="Account Name",
            name_field=True,
            compound="Name",
            required=True,
        )
        return (whole, *parts)
    compound = next(field for field in sf.person_name() if field.name == "Name")
    return (*parts, replace(compound, length=name_length))


_SALUTATIONS = ("Dhr.", "Mevr.", "Herr", "Frau", "様", "Dr.", "Sr.", "Sra.", "Prof.")


def phone(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A telephone number, kept as typed."""
    return sf.phone(name, **_given(label, **rest))


def email(name: str, *, length: int = 80, label: str | None = None, **rest: Any) -> FieldDef:
    """A mail address."""
    return sf.email(name, length, **_given(label, **rest))


def url(name: str, *, length: int = 255, label: str | None = None, **rest: Any) -> FieldDef:
    """A web address."""
    return sf.url(name, length, **_given(label, **rest))


def textarea(name: str, length: int, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A text of several lines."""
    return sf.textarea(name, length, **_given(label, **rest))


def long_area(name: str, length: int, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A long text: neither filtered nor sorted."""
    return sf.textarea(name, length, **_given(label, **rest))


def html(name: str, length: int, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A rich text."""
    return sf.html(name, length, **_given(label, **rest))


def picklist(
    name: str,
    values: Sequence[str],
    *,
    label: str | None = None,
    restricted: bool = False,
    default: str | None = None,
    controller: str | None = None,
    retired: Sequence[str] = (),
    **rest: Any,
) -> FieldDef:
    """A picklist. A dependent list allows all its values under every controlling value.

    `retired` values are listed as inactive: old rows still hold them.
    """
    everywhere = "gAAA" if controller is None else "8AAA"
    entries = [
        PicklistValue(
            value, default=value == default, valid_for=None if controller is None else everywhere
        )
        for value in values
    ]
    entries += [PicklistValue(value, active=False) for value in retired]
    return sf.picklist(
        name,
        *entries,
        restricted_picklist=restricted,
        controller=controller,
        default=default,
        **_given(label, **rest),
    )


def multipicklist(name: str, values: Sequence[str], *, label: str | None = None) -> FieldDef:
    """A multi-select picklist."""
    return sf.multipicklist(name, *values, label=label)


def number(
    name: str, precision: int, scale: int, *, label: str | None = None, **rest: Any
) -> FieldDef:
    """A number of `precision` digits, `scale` of them behind the point."""
    return sf.double(name, precision=precision, scale=scale, **_given(label, **rest))


def currency(
    name: str, precision: int, scale: int, *, label: str | None = None, **rest: Any
) -> FieldDef:
    """An amount of money."""
    return sf.currency(name, precision=precision, scale=scale, **_given(label, **rest))


def percent(
    name: str, precision: int, scale: int, *, label: str | None = None, **rest: Any
) -> FieldDef:
    """A percentage."""
    return sf.percent(name, precision=precision, scale=scale, **_given(label, **rest))


def integer(name: str, digits: int, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A whole number; beyond nine digits it is described as long."""
    if digits > 9:
        return sf.long(name, digits=digits, **_given(label, **rest))
    return sf.integer(name, digits=digits, **_given(label, **rest))


def flag(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A checkbox."""
    return sf.boolean(name, **_given(label, **rest))


def day(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A calendar date."""
    return sf.date(name, **_given(label, **rest))


def instant(name: str, *, label: str | None = None, **rest: Any) -> FieldDef:
    """A point in time."""
    return sf.datetime(name, **_given(label, **rest))


def clock_time(name: str, *, label: str | None = None) -> FieldDef:
    """A time of day."""
    return sf.time(name, label=label)


def encrypted(name: str, length: int, *, label: str | None = None) -> FieldDef:
    """A classic encrypted text."""
    return replace(sf.encrypted(name, length), label=label or sf.encrypted(name, length).label)


def geolocation(name: str) -> tuple[FieldDef, ...]:
    """A geolocation with its two parts, which can be written."""
    return tuple(
        replace(part, createable=True, updateable=True) if part.type is FieldType.DOUBLE else part
        for part in sf.location(name)
    )


def blob(name: str, *, label: str | None = None) -> FieldDef:
    """The bytes of a file."""
    return sf.base64(name, label=label)


def address(stem: str) -> tuple[FieldDef, ...]:
    """A compound address with its eight parts."""
    return sf.address(stem)


def lookup(
    name: str,
    *targets: str,
    child: str | None,
    relation: str | None = None,
    rule: DeleteRule | None = None,
    label: str | None = None,
    **rest: Any,
) -> FieldDef:
    """A reference. Without a child relationship and rule, the target's deletion leaves it alone."""
    if rule is None:
        rule = KEEP if child is None else SET_NULL
    return sf.reference(
        name,
        *targets,
        relationship=relation,
        children=child,
        on_delete=rule,
        **_given(label, **rest),
    )


def junction(name: str, child: str, *targets: str) -> Junction:
    """A list of ids that is sent with a record."""
    return sf.junction(name, child, *targets)


def master(name: str, target: str, *, child: str, order: int) -> FieldDef:
    """The master of a detail object; a junction object has two, with order 0 and 1."""
    return sf.master_detail(name, target, children=child, order=order, updateable=False)


def owner(*targets: str, child: str | None = None, label: str = "Owner ID") -> FieldDef:
    """The owner; the platform fills it in when it is left out."""
    definition = lookup(
        "OwnerId", *targets, child=child, relation="Owner", label=label, required=True
    )
    return replace(definition, system=True)


def record_type() -> FieldDef:
    """The record type of a record."""
    return lookup("RecordTypeId", "RecordType", child=None, label="Record Type ID")


def audit(
    *, created: bool = True, modified: bool = True, modified_date: bool | None = None
) -> tuple[FieldDef, ...]:
    """Created and last modified, when and by whom, and the system's own stamp."""
    wanted = ["SystemModstamp"]
    if created:
        wanted += ["CreatedDate", "CreatedById"]
    if modified:
        wanted += ["LastModifiedDate", "LastModifiedById"]
    elif modified_date:
        wanted += ["LastModifiedDate"]
    return sf.system_fields(wanted)


def viewed() -> tuple[FieldDef, ...]:
    """When the calling user saw the record last: per user, hence null in what others read."""
    return (
        instant("LastViewedDate", read_only=True, label="Last Viewed Date"),
        instant("LastReferencedDate", read_only=True, label="Last Referenced Date"),
    )


def autonumber(
    name: str, *, label: str, pattern: str = "{00000000}", name_field: bool = False
) -> FieldDef:
    """A number that the platform counts up, as text with leading zeros."""
    return sf.autonumber(name, pattern, label=label, name_field=name_field, id_lookup=name_field)


def formula_text(name: str, shown: str, sql: str, *, label: str | None = None) -> FieldDef:
    """A formula that gives text: as people typed it, and as the store computes it."""
    return sf.formula(name, FieldType.STRING, sql, shown, label=label)


def formula_number(
    name: str, precision: int, scale: int, shown: str, sql: str, *, label: str | None = None
) -> FieldDef:
    """A formula that gives a number."""
    field = sf.formula(name, FieldType.DOUBLE, sql, shown, label=label)
    return replace(field, precision=precision, scale=scale)


def rollup(name: str, child: str, via: str, *, label: str | None = None) -> FieldDef:
    """The number of detail rows of a master."""
    return sf.rollup(name, child, via, label=label)


def table(
    name: str,
    prefix: str,
    *fields: FieldDef,
    plural: str,
    flags: str = "QCUDNRT",
    deleted: bool = True,
    no_prefix: bool = False,
    record_types: Sequence[RecordTypeDef] = (),
    **rest: Any,
) -> ObjectDef:
    """An object with exactly these fields after Id and IsDeleted (which setup objects lack).

    Whole business objects have layouts, tabs of recent records and a feed; satellites have none.
    """
    business = flags == "QCUDNRT" and not no_prefix
    shown = business or ("U" in flags and not no_prefix and deleted)
    looks = {"layoutable": shown, "searchable": shown, "mru": business, "feed": business}
    return build_object(
        name,
        prefix=None if no_prefix else prefix,
        id_prefix=prefix,
        flags=flags,
        fields=list(fields),
        plural=plural,
        system=("Id", "IsDeleted") if deleted else ("Id",),
        record_types=tuple(record_types),
        **(looks | rest),
    )
