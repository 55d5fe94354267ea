"""Constructors for objects: their system fields are added, their histories derived."""

import re
from collections.abc import Sequence
from typing import Any

from unlost_simulators.salesforce.model.fields import (
    any_type,
    picklist,
    read_only,
    reference,
    system_fields,
)
from unlost_simulators.salesforce.model.schema import (
    SYSTEM_FIELDS,
    DeleteRule,
    FieldDef,
    ObjectDef,
    PicklistValue,
    history_name,
    history_parent,
)


def build_object(
    name: str,
    *,
    prefix: str | None,
    flags: str,
    fields: Sequence[FieldDef],
    label: str | None = None,
    plural: str | None = None,
    id_prefix: str | None = None,
    owned: bool = True,
    system: Sequence[str] = SYSTEM_FIELDS,
    **rest: Any,
) -> ObjectDef:
    """An object with its system fields.

    ``flags`` are letters as Salesforce's describe flags are often listed: Q queryable,
    C createable, U updateable, D deletable, N undeletable, R replicateable, T triggerable
    (``-`` or absence means false). ``owned=False`` leaves OwnerId out; ``system`` names the
    system fields to add. ``rest`` are further attributes of ObjectDef.
    """
    declared = {field.name for field in fields}
    wanted = [column for column in system if owned or column != "OwnerId"]
    added = [field for field in system_fields(wanted) if field.name not in declared]
    head = [field for field in added if field.name in {"Id", "IsDeleted"}]
    tail = [field for field in added if field.name not in {"Id", "IsDeleted"}]
    named = label or _label(name)
    return ObjectDef(
        name=name,
        label=named,
        plural=plural or f"{named}s",
        prefix=prefix,
        id_prefix=id_prefix or prefix or "0zz",
        fields=(*head, *fields, *tail),
        queryable="Q" in flags,
        createable="C" in flags,
        updateable="U" in flags,
        deletable="D" in flags,
        undeletable="N" in flags,
        replicateable="R" in flags,
        triggerable="T" in flags,
        **rest,
    )


def _label(name: str) -> str:
    """The label of an object that has no other: its name in words, as "Case Comment"."""
    if "__" in name:
        return name.removesuffix("__c").replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def history_of(of: ObjectDef, *, id_prefix: str = "017") -> ObjectDef:
    """The History object of a tracked object: readable and replicateable, never creatable."""
    parent = history_parent(of.name)
    via = f"{of.name}" if parent != "ParentId" else "Parent"
    return build_object(
        history_name(of.name),
        prefix=None,
        id_prefix=id_prefix,
        flags="QR",
        label=f"{of.label} History",
        plural=f"{of.label} History",
        owned=False,
        system=("Id", "IsDeleted", "CreatedDate", "CreatedById"),
        fields=[
            read_only(
                reference(
                    parent,
                    of.name,
                    relationship=via,
                    children="Histories",
                    on_delete=DeleteRule.CASCADE,
                    required=True,
                )
            ),
            read_only(picklist("Field", *(PicklistValue(name) for name in of.tracked))),
            read_only(picklist("DataType", "Text", "EntityId", "DateTime", "Number", "Boolean")),
            read_only(any_type("OldValue")),
            read_only(any_type("NewValue")),
        ],
        searchable=False,
        layoutable=False,
        parent_entity=of.name,
        entity_type="History",
        storage_bytes=0,
    )
