"""Journal entries: added again by the write user, with their author and time in the text.

An entry is added by writing the journal column of its record. It gets a new id, the present time and
the write user as its author. ServiceNow docs, "Journal fields"; that sys_journal_field itself cannot
be written is an inference.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

from unlost.connectors.servicenow.writing.calls import BatchItem
from unlost.model.source.writing import WriteRow

TABLE, RECORD, ELEMENT, VALUE = ENTRY_KEY = ("name", "element_id", "element", "value")
BY, AT = "sys_created_by", "sys_created_on"
ATTRIBUTION = re.compile(
    r"\[Restored by Unlost: originally by (?P<by>[^\n]*) at (?P<at>[^\n]*) UTC\]\n(?P<text>.*)",
    re.DOTALL,
)


def attributed(cells: Mapping[str, str | None]) -> str:
    """The text of an entry with its author and time; one that has them already stays as it is."""
    text = cells.get(VALUE) or ""
    if ATTRIBUTION.fullmatch(text):
        return text
    by, at = cells.get(BY) or "an unknown user", cells.get(AT) or "an unknown time"
    return f"[Restored by Unlost: originally by {by} at {at} UTC]\n{text}"


def original(cells: Mapping[str, str | None]) -> dict[str, str | None]:
    """The cells that were sent for an entry that was added again; others as they are."""
    match = ATTRIBUTION.fullmatch(cells.get(VALUE) or "")
    if match is None:
        return dict(cells)
    return {**cells, VALUE: match["text"], BY: match["by"], AT: match["at"]}


def entry_item(row: WriteRow) -> BatchItem:
    """The call that adds an entry to its record."""
    cells = {name: row.cells.get(name) or "" for name in ENTRY_KEY}
    path = f"table/{quote(cells[TABLE], safe='')}/{quote(cells[RECORD], safe='')}"
    fields = {"sysparm_fields": "sys_id"}
    return BatchItem(row.key, "PATCH", path, {cells[ELEMENT]: attributed(row.cells)}, fields)
