"""The Import Set API: a row of a staging table, and its way through a transform map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.servicenow.http.bodies import read_object
from unlost_simulators.servicenow.http.context import Context
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.errors import ServiceNowError, invalid_table
from unlost_simulators.servicenow.model.transforms import TransformMap
from unlost_simulators.servicenow.store.store import equals


def import_row(context: Context) -> Answer:
    """Answer ``POST import/{staging}``: one row, transformed before the answer."""
    mapping = _map(context)
    result = _take(context, mapping, read_object(context.call))
    document = {
        "import_set": f"ISET{ids.fresh()[:7]}",
        "staging_table": mapping.staging,
        "result": [result],
    }
    return json_answer(document, 201)


def import_rows(context: Context) -> Answer:
    """Answer ``POST import/{staging}/insertMultiple``, without the results.

    A real instance transforms the rows later; the simulator does it before it answers.
    """
    mapping = _map(context)
    records = read_object(context.call).get("records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ServiceNowError(400, "records is missing")
    for record in records:
        _take(context, mapping, record)
    document = {"import_set_id": ids.fresh(), "multi_import_set_id": ids.fresh()}
    return json_answer(document, 201)


def _map(context: Context) -> TransformMap:
    staging = context.instance.open_table(context.param("table")).name
    mapping = context.instance.transforms.get(staging)
    if mapping is None:
        raise invalid_table(staging)
    return mapping


def _take(context: Context, mapping: TransformMap, record: Mapping[str, Any]) -> dict[str, Any]:
    result = {"transform_map": mapping.name, "table": mapping.target}
    staged = context.writer().insert(mapping.staging, record)
    values = {column: record[name] for name, column in mapping.columns.items() if name in record}
    try:
        sys_id, status = _transform(context, mapping, values)
    except ServiceNowError as error:
        context.instance.store.update(mapping.staging, staged, {"sys_import_state": "error"})
        message = f"{error.message}: {error.detail}"
        return {**result, "status": "error", "error_message": message}
    cells = {"sys_import_state": status, "sys_target_sys_id": sys_id}
    context.instance.store.update(mapping.staging, staged, cells)
    row = context.instance.store.get(mapping.target, sys_id) or {}
    shown = context.instance.schema.display_column(mapping.target) or "sys_id"
    return {
        **result,
        "display_name": shown,
        "display_value": row.get(shown, ""),
        "record_link": context.address("table", mapping.target, sys_id),
        "status": status,
        "sys_id": sys_id,
    }


def _transform(
    context: Context, mapping: TransformMap, values: Mapping[str, Any]
) -> tuple[str, str]:
    key = mapping.coalesce
    if key and values.get(key):
        where = equals(key, str(values[key]))
        present = context.instance.store.select(mapping.target, where)
        if present:
            context.writer().update(mapping.target, present[0]["sys_id"], values)
            return present[0]["sys_id"], "updated"
    return context.writer().insert(mapping.target, values), "inserted"
