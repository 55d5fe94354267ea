"""Convert a cell's text to its form in JSON and in CSV. Pure.

Sources: REST guide (field types), Bulk API 2.0 guide (prepare CSV files: ``#N/A`` clears a field,
an empty one is left alone; 32,000 characters a field).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from unlost.kit.json_cells import json_value
from unlost.model.source.schema import Table

LONGEST_BULK_CELL = 32_000
CLEARED = "#N/A"


def json_record(
    table: Table, cells: Mapping[str, str | None], *, lists: frozenset[str], record: str | None
) -> dict[str, Any]:
    """A record of a REST call. ``lists`` are columns that hold ids separated by ``;``."""
    row_json: dict[str, Any] = {"attributes": {"type": table.name}}
    if record is not None:
        row_json["Id"] = record
    for name, text in cells.items():
        row_json[name] = (
            text.split(";") if name in lists and text else json_value(table, name, text)
        )
    return row_json


def encode(value: object) -> bytes:
    """Encode JSON, with the digits of numbers as they are."""
    return msgspec.json.encode(value)


def fits_bulk(cells: Mapping[str, str | None]) -> bool:
    """True if a Bulk job can carry these cells exactly."""
    for text in cells.values():
        if text is not None and (len(text) > LONGEST_BULK_CELL or text == CLEARED or "\r" in text):
            return False
    return True


def csv_cell(text: str | None) -> str:
    """A field of a CSV file; null clears the column, where an empty cell would leave it."""
    if text is None:
        return CLEARED
    return '"' + text.replace('"', '""') + '"' if _needs_quotes(text) else text


def _needs_quotes(text: str) -> bool:
    if not text or text[0].isspace() or text[-1].isspace():
        return True
    return "," in text or '"' in text or "\n" in text or "\r" in text
