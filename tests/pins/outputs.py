"""Names in the other outputs that programs read: metrics, the log of the service, the archive of a person's data."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import unlost
from pins.shapes import value_shape
from unlost.app.service.metrics import MetricsBoard, ServiceFigures, ServiceSample
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.vault.snapshot import Version
from unlost.outside.person.parts import ExportedTable, PersonReader
from unlost.outside.person.tables import FIRST_COLUMNS, as_json

AT = datetime(2026, 3, 4, tzinfo=UTC)
CONTACT = Table("Contact", (Column("Name", WireKind.TEXT),))
SOURCES = Path(unlost.__file__).parent


def metrics() -> Iterator[str]:
    """List the metrics for Prometheus with their labels."""
    watched: Any = SimpleNamespace(orgs=(), check=SimpleNamespace(at=AT, damages=()))
    board = MetricsBoard()
    board.show(ServiceSample(AT, watched, {"now": 0}, 0, 0))
    for family in ServiceFigures(board).collect():
        yield " ".join((family.name, *family._labelnames))


def events() -> Iterator[str]:
    """List the events of the log with their fields. ``…`` stands for names that are computed."""
    lines = set()
    texts = (file.read_text("utf-8") for file in SOURCES.rglob("*.py"))
    for text in texts:
        for node in ast.walk(ast.parse(text)) if ".event(" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".event"):
                name = node.args[0].value if isinstance(node.args[0], ast.Constant) else "…"
                lines.add(" ".join((name, *sorted(field.arg or "…" for field in node.keywords))))
    yield from sorted(lines)


def person() -> Iterator[str]:
    """List the fields of tables in the archive of a person's data."""
    version = Version("Contact", "C1", 1, Op.STATE, AT, AT, "U1", {"Name": "Ann"})
    reading: Any = PersonReader(lambda *_: [version], lambda *_: "Ada", lambda _: None)  # type: ignore[arg-type, return-value]
    text = b"".join(as_json(ExportedTable(CONTACT, "Contact", ("C1",)), reading, {}))
    yield from (f"JSON: {line}" for line in value_shape(json.loads(text)))
    yield from (f"CSV: {name}" for name in FIRST_COLUMNS)
