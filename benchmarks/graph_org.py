"""The graph in a simulated org: putting it there, taking it away for good, judging what is there.

The judge knows no loader. It reads the org by the simulator's admin API, finds records by the keys
that they carry, and compares what every reference leads to.
"""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import httpx

from benchmarks.graph import FILE_KEY, KEY, File, Graph, Link, Rows
from unlost_simulators.process import SimulatorProcess

PART = 2_000  # rows of one admin call
FILES_PART = 100  # files of one collections call
API = "services/data/v66.0"
WRITER = "chocolate-restore"

type Ids = dict[str, dict[str, str]]  # of each table: id by key


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an org holds of a graph. ``strays``: references that should be empty and are not."""

    rows: int
    wanted_rows: int
    files: int
    wanted_files: int
    links: int
    wanted_links: int
    strays: int

    @property
    def links_pct(self) -> float:
        """Right references of records and files, of a hundred; a stray one weighs like a wrong one."""
        return 100 * self.links / (self.wanted_links + self.strays)

    def __str__(self) -> str:
        return (
            f"{self.rows:,} of {self.wanted_rows:,} rows, {self.files:,} of {self.wanted_files:,} "
            f"files, {self.links:,} of {self.wanted_links:,} links right, {self.strays:,} strays"
        )


# --- putting it there -----------------------------------------------------------------------------


def fill(org: SimulatorProcess, graph: Graph) -> Ids:
    """Put the whole graph into an org that has none of it; gives the ids."""
    ids: Ids = {}
    for rows in graph.tables:
        ids[rows.table] = {}
        for part in batched(rows.cells, PART):
            made = [_row(rows, cells, rows.early, ids) for cells in part]
            answer = org.admin.post("records/insert", object=rows.table, rows=made)
            keys = [cells[KEY] for cells in part]
            ids[rows.table] |= dict(zip(keys, answer["ids"], strict=True))
    for rows in graph.tables:
        if rows.late:
            _set_late(org, rows, ids)
    _publish(org, graph.files, ids)
    return ids


def _row(rows: Rows, cells: Mapping[str, str], links: Sequence[Link], ids: Ids) -> dict[str, str]:
    made = {name: cells[name] for name in rows.columns if cells[name]}
    return made | _references(cells, links, ids)


def _references(cells: Mapping[str, str], links: Sequence[Link], ids: Ids) -> dict[str, str]:
    return {link.column: ids[link.to][cells[link.column]] for link in links if cells[link.column]}


def _set_late(org: SimulatorProcess, rows: Rows, ids: Ids) -> None:
    changes = {
        ids[rows.table][cells[KEY]]: found
        for cells in rows.cells
        if (found := _references(cells, rows.late, ids))
    }
    for part in batched(changes.items(), PART):
        org.admin.post("records/update", object=rows.table, changes=dict(part))


def _publish(org: SimulatorProcess, files: Sequence[File], ids: Ids) -> None:
    publish(
        org,
        [
            {
                "attributes": {"type": "ContentVersion"},
                "Title": file.title,
                "PathOnClient": f"{file.title}.bin",
                "VersionData": base64.b64encode(file.body).decode(),
                "FirstPublishLocationId": ids[file.table][file.record],
            }
            for file in files
        ],
    )


def publish(org: SimulatorProcess, versions: Sequence[Mapping[str, object]]) -> None:
    """Insert files the public way: the admin API makes no documents and no links."""
    headers = {"Authorization": f"Bearer {org.token(WRITER)}"}
    for part in batched(versions, FILES_PART):
        answer = httpx.post(
            f"{org.url}/{API}/composite/sobjects",
            headers=headers,
            json={"allOrNone": True, "records": part},
            timeout=600,
        ).json()
        if not all(one["success"] for one in answer):
            raise RuntimeError(str(answer[:1]))


def wipe(org: SimulatorProcess, graph: Graph, ids: Ids) -> None:
    """Delete everything of the graph, past the recycle bin."""
    documents = [row["Id"] for row in _export(org, "ContentDocument")]
    _delete(org, "ContentDocument", documents)
    for rows in reversed(graph.tables):
        left = {row["Id"] for row in _export(org, rows.table)}
        _delete(org, rows.table, [one for one in ids[rows.table].values() if one in left])
    held = org.admin.get("holds")
    over = {name: count for name in (*ids, "ContentVersion") if any((count := held[name]).values())}
    if over:
        raise RuntimeError(f"the org still has {over}")


def _delete(org: SimulatorProcess, table: str, ids: Sequence[str]) -> None:
    for part in batched(ids, PART):
        org.admin.post("records/hard-delete", object=table, ids=list(part))


def _export(org: SimulatorProcess, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = org.admin.get("export", object=table)["rows"]
    return rows


# --- judging --------------------------------------------------------------------------------------


def judge(org: SimulatorProcess, graph: Graph) -> Verdict:
    """What is there of the graph, and how much of it refers to what it should."""
    live = {rows.table: _export(org, rows.table) for rows in graph.tables}
    keys = {(table, row["Id"]): str(row[KEY]) for table, found in live.items() for row in found}
    rows = links = strays = 0
    for wanted in graph.tables:
        found = _once(live[wanted.table], KEY)
        rows += sum(cells[KEY] in found for cells in wanted.cells)
        right, stray = _compared(wanted, found, keys)
        links, strays = links + right, strays + stray
    files, published = _files(org, graph.files, keys)
    return Verdict(
        rows, graph.records, files, len(graph.files), links + published, graph.references, strays
    )


def _once(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Mapping[str, Any]]:
    """Rows by key; a key that several rows have tells nothing."""
    counts = Counter(row[key] for row in rows)
    return {str(row[key]): row for row in rows if counts[row[key]] == 1}


def _compared(
    wanted: Rows, found: Mapping[str, Mapping[str, Any]], keys: Mapping[tuple[str, str], str]
) -> tuple[int, int]:
    """How many references lead where they should, and how many should lead nowhere."""
    right = strays = 0
    for cells in wanted.cells:
        row = found.get(cells[KEY], {})
        for link in wanted.links:
            leads_to = row.get(link.column)
            if cells[link.column]:
                right += keys.get((link.to, str(leads_to))) == cells[link.column]
            else:
                strays += leads_to is not None
    return right, strays


def _files(
    org: SimulatorProcess, files: Sequence[File], keys: Mapping[tuple[str, str], str]
) -> tuple[int, int]:
    """How many files are there with their bytes, and how many of them are at their record."""
    versions = _once(_export(org, "ContentVersion"), FILE_KEY)
    linked: dict[str, set[str]] = defaultdict(set)
    for row in _export(org, "ContentDocumentLink"):
        linked[row["ContentDocumentId"]].add(row["LinkedEntityId"])
    there = published = 0
    for file in files:
        version = versions.get(file.title)
        if version is None or version["Checksum"] != _md5(file.body):
            continue
        there += 1
        at = linked[version["ContentDocumentId"]]
        published += any(keys.get((file.table, one)) == file.record for one in at)
    return there, published


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
