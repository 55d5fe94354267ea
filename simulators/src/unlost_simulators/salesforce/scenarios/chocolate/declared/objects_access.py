"""Describes of objects about the org itself: rights of the caller, objects, fields.

Rows of UserPermissionAccess, EntityDefinition and FieldDefinition are computed by the org when they
are asked for, and all carry the empty key. Declares only.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef, QueryRule
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    audit,
    flag,
    lookup,
    picklist,
    table,
    text,
)

USER_PERMISSION_ACCESS = table(
    "UserPermissionAccess",
    "0zz",
    *(flag(f"Permissions{permission.value}", read_only=True) for permission in Permission),
    flags="Q",
    deleted=False,
    no_prefix=True,
    bulk=False,
    empty_key=True,
    plural="User Permission Access",
    storage_bytes=None,
)

ENTITY_DEFINITION = table(
    "EntityDefinition",
    "4ie",
    text("DurableId", 100, read_only=True),
    text("QualifiedApiName", 70, read_only=True),
    text("DeveloperName", 80, read_only=True),
    text("Label", 80, read_only=True),
    text("MasterLabel", 80, read_only=True),
    text("PluralLabel", 80, read_only=True),
    text("KeyPrefix", 5, read_only=True),
    flag("IsQueryable", read_only=True),
    flag("IsCustomSetting", read_only=True),
    flag("IsReplicateable", read_only=True),
    flags="Q",
    deleted=False,
    no_prefix=True,
    bulk=False,
    empty_key=True,
    plural="Entity Definitions",
    storage_bytes=None,
)

FIELD_DEFINITION = table(
    "FieldDefinition",
    "4fe",
    text("DurableId", 150, read_only=True),
    text("EntityDefinitionId", 100, read_only=True),
    text("QualifiedApiName", 70, read_only=True),
    text("DeveloperName", 80, read_only=True),
    text("Label", 80, read_only=True),
    text("MasterLabel", 80, read_only=True),
    text("DataType", 1_000, read_only=True),
    flags="Q",
    deleted=False,
    no_prefix=True,
    bulk=False,
    empty_key=True,
    plural="Field Definitions",
    rule=QueryRule(
        required_filter=("EntityDefinitionId", "DurableId"),
        message="A filter on a reified column is required [EntityDefinitionId,DurableId]",
    ),
    storage_bytes=None,
)

_RIGHTS = ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")

OBJECT_PERMISSIONS = table(
    "ObjectPermissions",
    "110",
    lookup("ParentId", "PermissionSet", child="ObjectPerms", relation="Parent", updateable=False),
    picklist(
        "SobjectType",
        ("Account", "Contact", "Case", "Opportunity"),
        required=True,
        updateable=False,
    ),
    *(flag(f"Permissions{right}") for right in _RIGHTS),
    *audit(),
    flags="QCUD---",
    deleted=False,
    plural="Object Permissions",
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (
    USER_PERMISSION_ACCESS,
    ENTITY_DEFINITION,
    FIELD_DEFINITION,
    OBJECT_PERMISSIONS,
)
