"""The graph as a dataset of CumulusCI: an SQLite database and a mapping.

References into the same table, and those of a cycle, are set in steps after the load, as its
documentation advises. Files are rows whose bytes are base64, published at their record.
"""

import base64
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.graph import File, Graph, Rows


def write(graph: Graph, folder: Path) -> tuple[Path, Path]:
    """The database and the mapping, in an empty folder."""
    database, mapping = folder / "dataset.db", folder / "mapping.yml"
    with sqlite3.connect(database) as connection:
        for rows in graph.tables:
            _table(connection, rows)
        for table in _published(graph):
            _files(connection, table, [file for file in graph.files if file.table == table])
    connection.close()
    steps = {_step(rows.table): _rows_step(rows) for rows in graph.tables}
    steps |= {_step(f"Files of {t}"): _files_step(t) for t in _published(graph)}
    mapping.write_text(json.dumps(steps, indent=1), "utf-8")  # JSON is YAML
    return database, mapping


def _published(graph: Graph) -> Sequence[str]:
    return sorted({file.table for file in graph.files})


def _step(name: str) -> str:
    return f"Insert {name}"


def _key(table: str, place: str) -> str:
    """How CumulusCI names rows since its fourth release: table and number."""
    return f"{table}-{place.rsplit('-', 1)[1].lstrip('0') or '0'}"


def _table(connection: sqlite3.Connection, rows: Rows) -> None:
    names = ["id", *rows.columns, *(link.column for link in rows.links)]
    to = {link.column: link.to for link in rows.links}
    connection.execute(_create(rows.table, names))
    values = (
        [
            _key(rows.table, cells["Key__c"]),
            *(cells[name] or None for name in rows.columns),
            *(_key(to[name], cells[name]) if cells[name] else None for name in to),
        ]
        for cells in rows.cells
    )
    connection.executemany(_insert(rows.table, names), values)


def _files(connection: sqlite3.Connection, table: str, files: Sequence[File]) -> None:
    names = ["id", "Title", "PathOnClient", "VersionData", "FirstPublishLocationId"]
    connection.execute(_create(f"{table}File", names))
    values = (
        [
            f"{table}File-{number}",
            file.title,
            f"{file.title}.bin",
            base64.b64encode(file.body).decode(),
            _key(table, file.record),
        ]
        for number, file in enumerate(files)
    )
    connection.executemany(_insert(f"{table}File", names), values)


def _create(table: str, names: Sequence[str]) -> str:
    columns = ", ".join(f'"{name}" VARCHAR(255)' for name in names[1:])
    return f'CREATE TABLE "{table}" (id VARCHAR(255) NOT NULL PRIMARY KEY, {columns})'


def _insert(table: str, names: Sequence[str]) -> str:
    return f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(names))})'


def _rows_step(rows: Rows) -> dict[str, Any]:
    lookups: dict[str, dict[str, str]] = {link.column: {"table": link.to} for link in rows.early}
    lookups |= {link.column: {"table": link.to, "after": _step(link.to)} for link in rows.late}
    return {
        "sf_object": rows.table,
        "api": "rest",
        "fields": list(rows.columns),
        "lookups": lookups,
    }


def _files_step(table: str) -> dict[str, Any]:
    return {
        "sf_object": "ContentVersion",
        "table": f"{table}File",
        "api": "rest",
        "fields": ["Title", "PathOnClient", "VersionData"],
        "lookups": {"FirstPublishLocationId": {"table": table}},
    }
