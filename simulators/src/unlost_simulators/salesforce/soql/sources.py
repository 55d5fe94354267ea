"""The source of an object's rows: its table, or SQL that computes a virtual object."""

import json
import re
from collections.abc import Sequence

from unlost_simulators.salesforce.model.schema import FieldDef, FieldType, ObjectDef, Schema
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.store import tables

_FILL = re.compile(r"\{([A-Za-z_]\w*)\}")
_COMMON = ("FirstName", "LastName", "Alias", "Title", "Username", "Email", "Phone")


def source(of: ObjectDef, schema: Schema, user: SimUser) -> str:
    """A table expression with one column per stored field."""
    maker = _VIRTUAL.get(of.name)
    return tables.name(of.name) if maker is None else maker(of, schema, user)


def _row(of: ObjectDef, values: dict[str, str]) -> str:
    cells = ", ".join(f"{_cell(field, values)} AS {tables.name(field.name)}" for field in of.stored)
    return f"SELECT 0::BIGINT AS {tables.ORDER}, {cells}"


def _cell(field: FieldDef, values: dict[str, str]) -> str:
    if field.type is FieldType.ID and field.name not in values:
        return "'000000000000000AAA'"
    return values.get(field.name, f"CAST({tables.default_sql(field)} AS {tables.sql_type(field)})")


def _permissions(of: ObjectDef, _schema: Schema, user: SimUser) -> str:
    """UserPermissionAccess: one row about the caller."""
    granted = {
        f"Permissions{permission.value}": str(user.may(permission)).upper()
        for permission in Permission
    }
    return f"({_row(of, granted)})"


def _entities(of: ObjectDef, schema: Schema, user: SimUser) -> str:
    """EntityDefinition: one row per object that the user sees."""
    rows = []
    for definition in schema.objects:
        if not user.sees(definition.name):
            continue
        values = {
            "DurableId": tables.text(definition.name),
            "QualifiedApiName": tables.text(definition.name),
            "DeveloperName": tables.text(definition.name.removesuffix("__c")),
            "Label": tables.text(definition.label),
            "MasterLabel": tables.text(definition.label),
            "PluralLabel": tables.text(definition.plural),
            "KeyPrefix": tables.text(definition.prefix)
            if definition.prefix
            else "CAST(NULL AS VARCHAR)",
            "IsQueryable": str(definition.queryable).upper(),
            "IsCustomSetting": str(definition.custom_setting).upper(),
            "IsReplicateable": str(definition.replicateable).upper(),
        }
        rows.append(_row(of, values))
    return f"({' UNION ALL '.join(rows)})"


def _field_definitions(of: ObjectDef, schema: Schema, user: SimUser) -> str:
    """FieldDefinition: one row per field of every object, hidden fields included.

    All rows are one literal: DuckDB binds it a hundred times faster than a UNION of thousands.
    """
    values = {
        "DurableId": "j.f[1] || '.' || j.f[2]",
        "EntityDefinitionId": "j.f[1]",
        "QualifiedApiName": "j.f[2]",
        "DeveloperName": "regexp_replace(j.f[2], '__c$', '')",
        "Label": "j.f[3]",
        "MasterLabel": "j.f[3]",
        "DataType": "j.f[4]",
    }
    literal = _FIELD_LITERALS.of(schema, user)
    unpacked = f"SELECT unnest(from_json({literal}, '[[\"VARCHAR\"]]')) AS f"
    return f"({_row(of, values)} FROM ({unpacked}) AS j)"


class _FieldLiterals:
    """The fields that users see, as literals: each of many queries in a row would make one anew."""

    def __init__(self) -> None:
        # The newest last. A schema is known by its identity, for its hash goes through all fields.
        self._made: list[tuple[Schema, frozenset[str], str]] = []

    def of(self, schema: Schema, user: SimUser) -> str:
        """The literal of a schema for a user."""
        for known, hidden, literal in self._made[::-1]:
            if known is schema and hidden == user.hidden_objects:
                return literal
        made = _field_literal(schema, user)
        self._made = [*self._made[-MOST_LITERALS + 1 :], (schema, user.hidden_objects, made)]
        return made


MOST_LITERALS = 8
_FIELD_LITERALS = _FieldLiterals()


def _field_literal(schema: Schema, user: SimUser) -> str:
    fields = [
        [each.name, field.name, field.label, field.type.value]
        for each in schema.objects
        if user.sees(each.name)
        for field in each.fields
    ]
    return tables.text(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


_VIRTUAL = {
    "UserPermissionAccess": _permissions,
    "EntityDefinition": _entities,
    "FieldDefinition": _field_definitions,
}


def poly_source(targets: Sequence[ObjectDef]) -> str:
    """The parents of a polymorphic path: Id, Type, Name and what else the Name object has."""
    return f"({' UNION ALL '.join(_as_name(target) for target in targets)})"


def _as_name(of: ObjectDef) -> str:
    cells = [
        '"Id"',
        f'{tables.text(of.name)} AS "Type"',
        f'{_display_name(of)} AS "Name"',
        *(f"{_text(of, name)} AS {tables.name(name)}" for name in _COMMON),
        f'{_plain(of, "IsActive", "BOOLEAN")} AS "IsActive"',
        f'{_text(of, "ProfileId")} AS "ProfileId"',
        f'{_text(of, "UserRoleId")} AS "UserRoleId"',
    ]
    return f"SELECT {', '.join(cells)} FROM {tables.name(of.name)}"


def _plain(of: ObjectDef, name: str, kind: str) -> str:
    field = of.field(name)
    if field is None or field.computed:
        return f"CAST(NULL AS {kind})"
    return tables.name(field.name)


def _text(of: ObjectDef, name: str) -> str:
    return _plain(of, name, "VARCHAR")


def _display_name(of: ObjectDef) -> str:
    """SQL of the name field; a compound name is filled from the object's own columns."""
    name_field = next((field for field in of.fields if field.name_field), None) or of.field("Name")
    if name_field is None:
        return "CAST(NULL AS VARCHAR)"
    if name_field.formula is None:
        return tables.name(name_field.name)
    return _FILL.sub(lambda hole: tables.name(hole.group(1)), name_field.formula.sql)
