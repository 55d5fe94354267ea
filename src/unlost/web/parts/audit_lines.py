"""Exports of the audit log, line by line: as JSON and as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec

from unlost.catalog.people.audit import AuditEntry

HEAD = (
    "number",
    "at",
    "kind",
    "actor",
    "act",
    "trace",
    "org",
    "subject",
    "outcome",
    "detail",
    "digest",
    "intent",
)
# First characters of formulas (owasp.org, "CSV Injection"), also in full width and as small forms.
FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
ROWS = 500  # in a chunk


def json_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """Yield each entry as a JSON object on its own line, unchanged."""
    for entry in entries:
        yield msgspec.json.encode(entry) + b"\n"


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """Yield entries as CSV; cells that a spreadsheet would run as formulas get an apostrophe."""
    yield _csv([HEAD])
    for entry in entries:
        yield _csv([[harmless(cell) for cell in _cells(entry)]])


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _cells(entry: AuditEntry) -> list[str]:
    event = entry.deed
    return [
        str(entry.number),
        event.at.isoformat(),
        event.kind.value,
        event.actor,
        event.act,
        event.trace.value,
        event.org,
        event.subject,
        event.outcome,
        msgspec.json.encode(event.detail).decode(),
        entry.digest,
        str(event.intent) if event.intent is not None else "",
    ]


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
