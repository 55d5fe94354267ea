"""Cells of a row as values for a JSON body: the way back of ``json_to_arrow``. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from unlost.model.source.schema import Table, WireKind

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NUMBERS = (WireKind.INTEGER, WireKind.DECIMAL)


def json_cells(table: Table, cells: Mapping[str, str | None]) -> dict[str, Any]:
    """The cells by the kinds of their columns, for ``msgspec.json.encode``."""
    return {name: json_value(table, name, text) for name, text in cells.items()}


def json_value(table: Table, name: str, text: str | None) -> Any:
    """The value of a cell: a number with all its digits, true or false, null, or the text.

    A text that is no value of its kind stays a text, so that the source refuses it by name.
    """
    column = table.column(name)
    if text is None or column is None:
        return text
    if column.kind is WireKind.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if column.kind in _NUMBERS and _NUMBER.fullmatch(text):
        return msgspec.Raw(text.encode())
    return text
