"""The schema as rows: sys_db_object, sys_dictionary, sys_choice and sys_m2m."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from unlost_simulators.kit.sqlite import Row, Where
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import Column, TableDef
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.store.store import Store, equals

DESCRIBING = ("sys_db_object", "sys_dictionary", "sys_choice", "sys_m2m")
COLLECTION = "collection"


def describe(store: Store, stamp: str) -> None:
    """Write the rows of all tables; ``stamp`` is when they were created."""
    with store.database.writing():
        for table in DESCRIBING:
            store.delete(table, Where())
        for definition in store.schema.tables():
            describe_table(store, definition, stamp)


def describe_table(store: Store, table: TableDef, stamp: str) -> None:
    """Write the rows of one table that differ from those that are there."""
    present = {row["sys_id"]: (name, row) for name, row in _present(store, table.name)}
    for name, row in _rows(store.schema, table):
        _, old = present.pop(row["sys_id"], (name, None))
        if old is None:
            store.insert(name, {**_stamps(stamp), **row})
        elif old | row != old:
            count = str(int(old["sys_mod_count"]) + 1)
            store.update(
                name, row["sys_id"], {**row, "sys_updated_on": stamp, "sys_mod_count": count}
            )
    for sys_id, (name, _) in present.items():
        store.delete(name, equals("sys_id", sys_id))


def _present(store: Store, name: str) -> Iterator[tuple[str, Row]]:
    for table in DESCRIBING:
        column = "m2m_to_table" if table == "sys_m2m" else "name"
        for row in store.select(table, equals(column, name)):
            yield table, row


def _stamps(stamp: str) -> Mapping[str, str]:
    return {
        "sys_created_on": stamp,
        "sys_created_by": "system",
        "sys_updated_on": stamp,
        "sys_updated_by": "system",
        "sys_mod_count": "0",
    }


def _rows(schema: Schema, table: TableDef) -> Iterator[tuple[str, dict[str, str]]]:
    yield (
        "sys_db_object",
        {
            "sys_id": ids.fixed("sys_db_object", table.name),
            "name": table.name,
            "label": table.label,
            "super_class": ids.fixed("sys_db_object", table.extends) if table.extends else "",
            "sys_scope": table.scope,
            "is_extendable": _flag(table.extendable),
            "ws_access": _flag(table.web_access),
            "number_ref": table.number,
        },
    )
    yield "sys_dictionary", _dictionary_row(table.name, "", table)
    if table.many_to_many:
        yield "sys_m2m", {
            "sys_id": ids.fixed("sys_m2m", table.name), "m2m_to_table": table.name,
        }  # fmt: skip
    inherited = schema.columns(table.extends) if table.extends else {}
    for column in schema.columns(table.name).values():
        if inherited.get(column.name) == column:
            continue
        yield "sys_dictionary", _dictionary_row(table.name, column.name, column)
        for place, choice in enumerate(column.choices):
            yield (
                "sys_choice",
                {
                    "sys_id": ids.fixed("sys_choice", f"{table.name}.{column.name}.{choice.value}"),
                    "name": table.name,
                    "element": column.name,
                    "value": choice.value,
                    "label": choice.label,
                    "sequence": str(place),
                    "language": "en",
                    "inactive": "false",
                },
            )


def _dictionary_row(table: str, element: str, of: Column | TableDef) -> dict[str, str]:
    row = {
        "sys_id": ids.fixed("sys_dictionary", f"{table}.{element}"),
        "name": table,
        "element": element,
        "active": "true",
        "attributes": of.attributes,
        "column_label": of.label,
    }
    if isinstance(of, TableDef):
        return {**row, "internal_type": COLLECTION, "audit": _flag(of.audited)}
    return {
        **row,
        "internal_type": of.kind.value,
        "reference": of.target,
        "max_length": str(of.max_length),
        "mandatory": _flag(of.mandatory),
        "read_only": _flag(of.read_only),
        "virtual": _flag(of.virtual),
        "display": _flag(of.display),
        "default_value": of.default,
        "reference_cascade_rule": of.cascade.value if of.target else "",
        "choice": "1" if of.choices else "0",
    }


def _flag(value: object) -> str:
    return str(value).lower()
