"""Changes of the schema while the org runs: each gives the new definition and the statements."""

from dataclasses import replace

from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef
from unlost_simulators.salesforce.store import tables

type Change = tuple[ObjectDef, tuple[str, ...]]
"""The object after the change, and the SQL that makes its table so."""


def _need(of: ObjectDef, name: str) -> FieldDef:
    field = of.field(name)
    if field is None:
        msg = f"{of.name} has no field {name}"
        raise KeyError(msg)
    return field


def add_field(of: ObjectDef, field: FieldDef) -> Change:
    """A new field; stored rows get its default."""
    if of.field(field.name) is not None:
        msg = f"{of.name} already has a field {field.name}"
        raise ValueError(msg)
    changed = of.with_fields((*of.fields, field))
    if field.computed:
        return changed, ()
    add = f"ALTER TABLE {tables.name(of.name)} ADD COLUMN {tables.column(field)}"
    default = tables.default_sql(field)
    if default == "NULL":
        return changed, (add,)
    return changed, (
        add,
        f"UPDATE {tables.name(of.name)} SET {tables.name(field.name)} = {default}",
    )


def drop_field(of: ObjectDef, name: str) -> Change:
    """Without the field and its values."""
    field = _need(of, name)
    changed = replace(
        of.with_fields([each for each in of.fields if each.name != field.name]),
        tracked=tuple(each for each in of.tracked if each != field.name),
    )
    if field.computed:
        return changed, ()
    drop = f"ALTER TABLE {tables.name(of.name)} DROP COLUMN {tables.name(field.name)}"
    return changed, (drop,)


def rename_field(of: ObjectDef, name: str, new_name: str) -> Change:
    """The same field and values under another API name."""
    field = _need(of, name)
    renamed = replace(field, name=new_name)
    if field.relationship and field.name.endswith("__c"):
        renamed = replace(renamed, relationship=f"{new_name[:-3]}__r")
    changed = replace(
        of.with_fields([renamed if each.name == field.name else each for each in of.fields]),
        tracked=tuple(new_name if each == field.name else each for each in of.tracked),
    )
    if field.computed:
        return changed, ()
    table, old, new = tables.name(of.name), tables.name(field.name), tables.name(new_name)
    return changed, (f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}",)


def retype_field(of: ObjectDef, field: FieldDef) -> Change:
    """Another type under the same name; values that do not fit become null."""
    old = _need(of, field.name)
    renewed = replace(field, name=old.name)
    changed = of.with_fields([renewed if each.name == old.name else each for each in of.fields])
    if tables.sql_type(old) == tables.sql_type(renewed):
        return changed, ()
    column = tables.name(old.name)
    kind = tables.sql_type(renewed)
    alter = (
        f"ALTER TABLE {tables.name(of.name)} ALTER COLUMN {column} TYPE {kind} "
        f"USING TRY_CAST({column} AS {kind})"
    )
    return changed, (alter,)
