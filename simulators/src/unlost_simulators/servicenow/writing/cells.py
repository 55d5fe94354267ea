"""Values of requests as the instance stores them."""

from __future__ import annotations

import hashlib
from typing import Any

from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import times
from unlost_simulators.servicenow.model.columns import NUMBERS, Column, Kind
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.store.store import equals

TRUE = frozenset({"true", "1", "yes"})


def stored(
    instance: Instance, user: ApiUser, column: Column, entered: Any, *, display: bool
) -> str:
    """Give the cell of an entered value.

    With ``display`` instants are in the user's zone, and references may be given by their names.
    """
    text = _text(entered)
    match column.kind:
        case Kind.BOOLEAN:
            return "true" if text.lower() in TRUE else "false"
        case Kind.INSTANT if display:
            return times.typed(text, user.zone)
        case Kind.REFERENCE if display and text:
            return _named(instance, column, text)
        case Kind.HASH if text:
            return hashlib.sha256(text.encode()).hexdigest()
        case kind if kind in NUMBERS:
            return text if _is_number(text) else ""
        case _:
            return text


def _text(entered: Any) -> str:
    if entered is None:
        return ""
    if isinstance(entered, bool):
        return str(entered).lower()
    if isinstance(entered, dict):
        return _text(entered.get("value"))
    return str(entered)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(instance: Instance, column: Column, text: str) -> str:
    schema, store = instance.schema, instance.store
    if schema.get(column.target) is None or store.get(column.target, text):
        return text
    shown = schema.display_column(column.target)
    rows = store.select(column.target, equals(shown, text)) if shown else []
    return rows[0]["sys_id"] if rows else text
