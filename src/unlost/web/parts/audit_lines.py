"""Exports of the audit log, line by line: as JSON and as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec

from unlost.catalog.audit import AuditEntry

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
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection: what spreadsheets would run
ROWS = 500  # in a piece


def json_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """Each deed as an object of JSON on a line of its own, as it is."""
    for entry in entries:
        yield msgspec.json.encode(entry) + b"\n"


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    """Deeds as CSV; cells that a spreadsheet would run as formulas begin with an apostrophe."""
    yield _csv([HEAD])
    for entry in entries:
        yield _csv([[harmless(cell) for cell in _cells(entry)]])


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _cells(entry: AuditEntry) -> list[str]:
    deed = entry.deed
    return [
        str(entry.number),
        deed.at.isoformat(),
        deed.kind.value,
        deed.actor,
        deed.act,
        deed.trace.value,
        deed.org,
        deed.subject,
        deed.outcome,
        msgspec.json.encode(deed.detail).decode(),
        entry.digest,
    ]


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
