"""Describe: the global list of 28 keys per entry, and one object with 57 keys per field.

Pure: schema and user in, JSON out. Key sets and flags come from recorded responses of live orgs
(API 59 to 62).
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from unlost_simulators.salesforce import ids, rights
from unlost_simulators.salesforce.answers import Json
from unlost_simulators.salesforce.schema import (
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
from unlost_simulators.salesforce.settings import OrgSettings
from unlost_simulators.salesforce.users import ObjectOperation, SimUser

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
        "mergeable": of.name in {"Account", "Contact", "Lead", "Case"},
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
    seen = (one for one in schema.objects if user.sees(one.name))
    return tuple(sorted(seen, key=lambda one: one.name))


def describe_global(schema: Schema, user: SimUser, version: str) -> Json:
    """The global describe."""
    entries = [entry(one, user, version) for one in visible_objects(schema, user)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


ORDINARY = OrgSettings()


def describe(
    schema: Schema, user: SimUser, of: ObjectDef, version: str, settings: OrgSettings = ORDINARY
) -> Json:
    """The describe of one object; hidden fields are absent."""
    seen = [one for one in of.fields if user.sees(of.name, one.name)]
    lists = [one for one in of.junctions if user.sees(of.name, one.field.name)]
    children = [
        one
        for one in schema.children_of(of.name)
        if user.sees(one.child) and user.sees(one.child, one.field)
    ]
    whole: Json = entry(of, user, version) | {
        "actionOverrides": [],
        "childRelationships": [_child(one, lists) for one in children],
        "compactLayoutable": of.layoutable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [
            *(_field(of, one, user, settings) for one in seen),
            *(_field(of, one.field, user, settings) | {"soapType": _JUNCTION} for one in lists),
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


def _child(one: ChildRelationship, lists: Sequence[Junction]) -> Json:
    through = [each.field for each in lists if each.child == one.child]
    return {
        "cascadeDelete": one.on_delete is DeleteRule.CASCADE,
        "childSObject": one.child,
        "deprecatedAndHidden": False,
        "field": one.field,
        "junctionIdListNames": sorted(each.name for each in through),
        "junctionReferenceTo": sorted({name for each in through for name in each.targets}),
        "relationshipName": one.name,
        "restrictedDelete": one.on_delete is DeleteRule.RESTRICT,
    }


def _record_types(of: ObjectDef, version: str) -> list[Json]:
    master = RecordTypeDef(
        MASTER_RECORD_TYPE,
        "Master",
        "Master",
        default=not any(one.default for one in of.record_types),
    )
    layouts = f"/services/data/{version}/sobjects/{of.name}/describe/layouts"
    return [
        {
            "active": one.active,
            "available": one.available,
            "defaultRecordTypeMapping": one.default,
            "developerName": one.developer_name,
            "master": one is master,
            "name": one.name,
            "recordTypeId": one.id,
            "urls": {"layout": f"{layouts}/{one.id}"},
        }
        for one in (*of.record_types, master)
    ]


def _picklist(one: PicklistValue) -> Json:
    return {
        "active": one.active,
        "defaultValue": one.default,
        "label": one.label or one.value,
        "validFor": one.valid_for,
        "value": one.value,
    }


def _field(of: ObjectDef, one: FieldDef, user: SimUser, settings: OrgSettings) -> Json:
    calculated = one.rollup is not None or (
        one.formula is not None and one.formula.text is not None
    )
    numeric = one.type in NUMBERS
    reference = one.type is FieldType.REFERENCE
    length = 18 if one.type in {FieldType.ID, FieldType.REFERENCE} else one.length
    nillable = not one.required and one.type is not FieldType.BOOLEAN
    made: dict[str, Any] = {
        "aggregatable": one.aggregatable and one.type is not FieldType.BOOLEAN,
        "aiPredictionField": False,
        "autoNumber": one.auto_number is not None,
        "byteLength": length if length == 18 else length * BYTES_PER_CHARACTER,
        "calculated": calculated,
        "calculatedFormula": one.formula.text if one.formula else None,
        "cascadeDelete": one.on_delete is DeleteRule.CASCADE,
        "caseSensitive": one.case_sensitive,
        "compoundFieldName": one.compound,
        "controllerName": one.controller,
        "createable": rights.createable(of, one, user, settings),
        "custom": one.custom,
        "defaultValue": one.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": one.system or one.default is not None or one.auto_number is not None,
        "dependentPicklist": one.controller is not None,
        "deprecatedAndHidden": False,
        "digits": one.digits if one.type in INTEGERS else 0,
        "displayLocationInDecimal": one.type is FieldType.LOCATION,
        "encrypted": one.type is FieldType.ENCRYPTED,
        "externalId": one.external_id,
        "extraTypeInfo": _extra(one),
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": calculated and numeric,
        "groupable": one.groupable,
        "highScaleNumber": False,
        "htmlFormatted": one.html,
        "idLookup": one.id_lookup,
        "inlineHelpText": one.help,
        "label": one.label,
        "length": length,
        "mask": None,
        "maskType": None,
        "name": one.name,
        "nameField": one.name_field,
        "namePointing": reference and one.polymorphic,
        "nillable": nillable,
        "permissionable": not one.system and not one.required and not one.name_field,
        "picklistValues": [_picklist(each) for each in one.picklist],
        "polymorphicForeignKey": one.polymorphic and one.name != "OwnerId",
        "precision": one.precision if numeric else 0,
        "queryByDistance": one.type is FieldType.LOCATION,
        "referenceTargetField": None,
        "referenceTo": list(one.targets),
        "relationshipName": one.relationship,
        "relationshipOrder": one.master_order,
        "restrictedDelete": one.on_delete is DeleteRule.RESTRICT,
        "restrictedPicklist": one.restricted_picklist,
        "scale": one.scale if numeric else 0,
        "searchPrefilterable": reference,
        "soapType": _SOAP.get(one.type, "xsd:string"),
        "sortable": one.sortable,
        "type": one.type.value,
        "unique": one.unique,
        "updateable": rights.updateable(of, one, user),
        "writeRequiresMasterRead": one.master_order is not None,
    }
    return made


def _extra(one: FieldDef) -> str | None:
    if one.html:
        return "richtextarea"
    if one.type is FieldType.TEXTAREA:
        return "plaintextarea"
    return None


def etag(body: Json) -> str:
    """Entity tag of a describe, in double quotes."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
