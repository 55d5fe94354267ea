"""The graph as SFDMU reads it: a CSV file for each table, and ``export.json`` that says what to do.

A run knows an object once, and a reference to records of several tables leads to one of them in a
run: files at records of another table take a run of their own.
"""

import base64
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.graph import FILE_KEY, KEY, File, Graph, Link, Rows

API_VERSION = "66.0"
# More rows than this go by Bulk API 2.0; below, by collections of 200.
BULK_ABOVE = 1_000_000


def write(graph: Graph, folder: Path, *, url: str, token: str) -> tuple[Path, ...]:
    """A folder for each run, in the order of the runs; the first run brings the tables."""
    published = sorted({file.table for file in graph.files})
    runs = [folder / f"run-{number}" for number in range(max(1, len(published)))]
    for number, run in enumerate(runs):
        table = published[number] if published else ""
        files = [file for file in graph.files if file.table == table]
        known = [rows for rows in graph.tables if number == 0 or rows.table == table]
        objects = [_inserted(rows) if number == 0 else _known(rows) for rows in known]
        _write_run(run, known, files)
        settings = _settings(url, token, [*objects, _publishing(table)] if files else objects)
        (run / "export.json").write_text(json.dumps(settings, indent=1), "utf-8")
    return tuple(runs)


def _settings(url: str, token: str, objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "orgs": [{"name": "bench", "instanceUrl": url, "accessToken": token}],
        "objects": list(objects),
        "apiVersion": API_VERSION,
        "bulkThreshold": BULK_ABOVE,
        "importCSVFilesAsIs": True,
        "createTargetCSVFiles": False,
        "fileLog": False,
        "promptOnUpdateError": False,
        "promptOnMissingParentObjects": False,
        "promptOnIssuesInCSVFiles": False,
    }


def _inserted(rows: Rows) -> dict[str, Any]:
    names = [*rows.columns, *(link.column for link in rows.links)]
    return _object(f"SELECT {', '.join(names)} FROM {rows.table}", "Insert", KEY)


def _known(rows: Rows) -> dict[str, Any]:
    return _object(f"SELECT Id, {KEY} FROM {rows.table}", "Readonly", KEY)


def _publishing(table: str) -> dict[str, Any]:
    """Files that are published at records of this table."""
    names = f"Title, PathOnClient, VersionData, FirstPublishLocationId${table}"
    return _object(f"SELECT {names} FROM ContentVersion", "Insert", FILE_KEY)


def _object(query: str, operation: str, key: str) -> dict[str, Any]:
    return {"query": query, "operation": operation, "externalId": key}


def _write_run(folder: Path, tables: Sequence[Rows], files: Sequence[File]) -> None:
    folder.mkdir()
    for rows in tables:
        _table(folder / f"{rows.table}.csv", rows)
    if files:
        _files(folder / "ContentVersion.csv", files)


def _table(file: Path, rows: Rows) -> None:
    header = ["Id", *rows.columns]
    for link in rows.links:
        header += [_parent(link), link.column]
    lines = []
    for cells in rows.cells:
        line = [f"{rows.table}:{cells[KEY]}", *(cells[name] for name in rows.columns)]
        for link in rows.links:
            line += [
                cells[link.column],
                f"{link.to}:{cells[link.column]}" if cells[link.column] else "",
            ]
        lines.append(line)
    _csv(file, header, lines)


def _parent(link: Link) -> str:
    """The parent's key as a column: the reference's relationship, then the key."""
    own = link.column.removesuffix("__c")
    stem = f"{own}__r" if own != link.column else link.column.removesuffix("Id")
    return f"{stem}.{KEY}"


def _files(file: Path, files: Sequence[File]) -> None:
    header = [
        "Id",
        "Title",
        "PathOnClient",
        "VersionData",
        f"FirstPublishLocation.{KEY}",
        "FirstPublishLocationId",
    ]
    lines = [
        [
            f"ContentVersion:{one.title}",
            one.title,
            f"{one.title}.bin",
            base64.b64encode(one.body).decode(),
            one.record,
            f"{one.table}:{one.record}",
        ]
        for one in files
    ]
    _csv(file, header, lines)


def _csv(file: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(lines)
