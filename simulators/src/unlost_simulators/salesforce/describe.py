"""Describe: the global list of 28 keys per entry, and one object with 57 keys per field.

Pure: schema and user in, JSON out. Key sets and flags come from recorded responses of live orgs
(API 59 to 62).
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any

from unlost_simulators.salesforce.model import ids, rights
from unlost_simulators.salesforce.model.answers import Json
from unlost_simulators.salesforce.model.schema import (
    INTEGERS,
    NUMBERS,
    ChildRelationship,
    DeleteRule,
    FieldDef,
    FieldType,
    Junction,
    ObjectDef,
    PicklistValue,
    RecordTypeDef,
    Schema,
)
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import ObjectOperation, SimUser
from unlost_simulators.salesforce.writing.merges.merging import MERGEABLE

MASTER_RECORD_TYPE = ids.MASTER_RECORD_TYPE
BYTES_PER_CHARACTER = 3
"""``byteLength`` of text is three times its length (recorded: Name 255/765)."""

_SOAP = {
    FieldType.ID: "tns:ID",
    FieldType.REFERENCE: "tns:ID",
    FieldType.BOOLEAN: "xsd:boolean",
    FieldType.INT: "xsd:int",
    FieldType.LONG: "xsd:long",
    FieldType.DATE: "xsd:date",
    FieldType.DATETIME: "xsd:dateTime",
    FieldType.TIME: "xsd:time",
    FieldType.BASE64: "xsd:base64Binary",
    FieldType.ADDRESS: "urn:address",
    FieldType.LOCATION: "urn:location",
    FieldType.ANY: "xsd:anyType",
    FieldType.JSON: "tns:json",
    **dict.fromkeys(NUMBERS, "xsd:double"),
}

CASCADING = frozenset({DeleteRule.CASCADE, DeleteRule.CASCADE_DRAFTS})
RESTRICTING = frozenset({DeleteRule.RESTRICT, DeleteRule.CASCADE_DRAFTS})
"""A relationship may be in both: recorded for the contracts and orders of an account."""

_JUNCTION = "urn:JunctionIdListNames"
_SYSTEM_OPTION = "sobjectDescribeOption"


def entry(of: ObjectDef, user: SimUser, version: str) -> Json:
    """One entry of the global describe: exactly the 28 keys of recorded answers."""
    base = f"/services/data/{version}/sobjects/{of.name}"
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if of.layoutable:
        urls |= {
            "layouts": f"{base}/describe/layouts",
            "quickActions": f"{base}/quickActions",
            "listviews": f"{base}/listviews",
            "compactLayouts": f"{base}/describe/compactLayouts",
            "approvalLayouts": f"{base}/describe/approvalLayouts",
            "defaultValues": f"{base}/defaultValues?recordTypeId&fields",
        }
    return {
        "activateable": False,
        "associateEntityType": of.entity_type,
        "associateParentEntity": of.parent_entity,
        "createable": rights.may_do(of, user, ObjectOperation.CREATE),
        "custom": of.custom,
        "customSetting": of.custom_setting,
        "deepCloneable": False,
        "deletable": rights.may_do(of, user, ObjectOperation.DELETE),
        "deprecatedAndHidden": False,
        "feedEnabled": of.feed,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": of.prefix,
        "label": of.label,
        "labelPlural": of.plural,
        "layoutable": of.layoutable,
        "mergeable": of.name in MERGEABLE,
        "mruEnabled": of.mru,
        "name": of.name,
        "queryable": of.queryable,
        "replicateable": of.replicateable,
        "retrieveable": of.retrieveable,
        "searchable": of.searchable,
        "triggerable": of.triggerable,
        "undeletable": of.undeletable,
        "updateable": rights.may_do(of, user, ObjectOperation.EDIT),
        "urls": urls,
    }


def visible_objects(schema: Schema, user: SimUser) -> tuple[ObjectDef, ...]:
    """The objects that exist for a user, by name."""
    seen = (definition for definition in schema.objects if user.sees(definition.name))
    return tuple(sorted(seen, key=lambda definition: definition.name))


def describe_global(schema: Schema, user: SimUser, version: str) -> Json:
    """The global describe."""
    entries = [entry(definition, user, version) for definition in visible_objects(schema, user)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


ORDINARY = OrgSettings()


def describe(
    schema: Schema, user: SimUser, of: ObjectDef, version: str, settings: OrgSettings = ORDINARY
) -> Json:
    """The describe of one object; hidden fields are absent."""
    seen = [field for field in of.fields if user.sees(of.name, field.name)]
    lists = [junction for junction in of.junctions if user.sees(of.name, junction.field.name)]
    children = [
        child
        for child in schema.children_of(of.name)
        if user.sees(child.child) and user.sees(child.child, child.field)
    ]
    whole: Json = entry(of, user, version) | {
        "actionOverrides": [],
        "childRelationships": [_child(child, lists) for child in children],
        "compactLayoutable": of.layoutable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [
            *(_field(of, field, user, settings) for field in seen),
            *(
                _field(of, junction.field, user, settings) | {"soapType": _JUNCTION}
                for junction in lists
            ),
        ],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(of, version),
        "searchLayoutable": of.searchable,
        _SYSTEM_OPTION: "DEFAULT",
        "supportedScopes": _scopes(of),
    }
    return dict(sorted(whole.items()))


def _scopes(of: ObjectDef) -> list[Json]:
    scopes = [{"label": f"All {of.plural.lower()}", "name": "everything"}]
    if of.field("OwnerId"):
        scopes.append({"label": f"My {of.plural.lower()}", "name": "mine"})
    return scopes


def _child(relation: ChildRelationship, lists: Sequence[Junction]) -> Json:
    through = [each.field for each in lists if each.child == relation.child]
    return {
        "cascadeDelete": relation.on_delete in CASCADING,
        "childSObject": relation.child,
        "deprecatedAndHidden": False,
        "field": relation.field,
        "junctionIdListNames": sorted(each.name for each in through),
        "junctionReferenceTo": sorted({name for each in through for name in each.targets}),
        "relationshipName": relation.name,
        "restrictedDelete": relation.on_delete in RESTRICTING,
    }


def _record_types(of: ObjectDef, version: str) -> list[Json]:
    master = RecordTypeDef(
        MASTER_RECORD_TYPE,
        "Master",
        "Master",
        default=not any(record_type.default for record_type in of.record_types),
    )
    layouts = f"/services/data/{version}/sobjects/{of.name}/describe/layouts"
    return [
        {
            "active": record_type.active,
            "available": record_type.available,
            "defaultRecordTypeMapping": record_type.default,
            "developerName": record_type.developer_name,
            "master": record_type is master,
            "name": record_type.name,
            "recordTypeId": record_type.id,
            "urls": {"layout": f"{layouts}/{record_type.id}"},
        }
        for record_type in (*of.record_types, master)
    ]


def _picklist(value: PicklistValue) -> Json:
    return {
        "active": value.active,
        "defaultValue": value.default,
        "label": value.label or value.value,
        "validFor": value.valid_for,
        "value": value.value,
    }


def _field(of: ObjectDef, field: FieldDef, user: SimUser, settings: OrgSettings) -> Json:
    calculated = field.rollup is not None or (
        field.formula is not None and field.formula.text is not None
    )
    numeric = field.type in NUMBERS
    reference = field.type is FieldType.REFERENCE
    length = 18 if field.type in {FieldType.ID, FieldType.REFERENCE} else field.length
    nillable = not field.required and field.type is not FieldType.BOOLEAN
    description: dict[str, Any] = {
        "aggregatable": field.aggregatable and field.type is not FieldType.BOOLEAN,
        "aiPredictionField": False,
        "autoNumber": field.auto_number is not None,
        "byteLength": length if length == 18 else length * BYTES_PER_CHARACTER,
        "calculated": calculated,
        "calculatedFormula": field.formula.text if field.formula else None,
        "cascadeDelete": _has_rule(field, CASCADING),
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound,
        "controllerName": field.controller,
        "createable": rights.createable(of, field, user, settings),
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.system
        or field.default is not None
        or field.auto_number is not None,
        "dependentPicklist": field.controller is not None,
        "deprecatedAndHidden": False,
        "digits": field.digits if field.type in INTEGERS else 0,
        "displayLocationInDecimal": field.type is FieldType.LOCATION,
        "encrypted": field.type is FieldType.ENCRYPTED,
        "externalId": field.external_id,
        "extraTypeInfo": _extra(field),
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": calculated and numeric,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": field.html,
        "idLookup": field.id_lookup,
        "inlineHelpText": field.help,
        "label": field.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": reference and field.polymorphic,
        "nillable": nillable,
        "permissionable": not field.system and not field.required and not field.name_field,
        "picklistValues": [_picklist(each) for each in field.picklist],
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision if numeric else 0,
        "queryByDistance": field.type is FieldType.LOCATION,
        "referenceTargetField": None,
        "referenceTo": list(field.targets),
        "relationshipName": field.relationship,
        "relationshipOrder": field.master_order,
        "restrictedDelete": _has_rule(field, RESTRICTING),
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale if numeric else 0,
        "searchPrefilterable": reference,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.sortable,
        "type": field.type.value,
        "unique": field.unique,
        "updateable": rights.updateable(of, field, user),
        "writeRequiresMasterRead": field.master_order is not None,
    }
    return description


def _has_rule(field: FieldDef, rules: Collection[DeleteRule]) -> bool:
    """Recorded answers name the rules of standard lookups in childRelationships alone."""
    named = field.custom or field.master_order is not None
    return named and field.on_delete in rules


def _extra(field: FieldDef) -> str | None:
    if field.html:
        return "richtextarea"
    if field.type is FieldType.TEXTAREA:
        return "plaintextarea"
    return None


def etag(body: Json) -> str:
    """Entity tag of a describe, in double quotes."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
