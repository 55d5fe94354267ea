"""A backup of a small company as plain rows, and its archive by a slow reading of the rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    DeleteRule,
    Reference,
    Schema,
    Table,
    WireKind,
)
from unlost.model.source.shared_files import KeepingColumn, SharedFile

NOW = datetime(2026, 6, 1, tzinfo=UTC)
INSTANT = pa.timestamp("us", tz="UTC")

type Row = dict[str, str | None]


def to(*tables: str, rule: DeleteRule = DeleteRule.SET_NULL) -> Reference:
    """A reference to tables."""
    return Reference(tables, rule)


CASCADE, RESTRICT = DeleteRule.CASCADE, DeleteRule.RESTRICT
REFERENCES: Mapping[str, Mapping[str, Reference]] = {
    "Account": {"OwnerId": to("User")},
    "Case": {"AccountId": to("Account", rule=RESTRICT), "ParentId": to("Case")},
    "Mail": {"ParentId": to("Case", rule=CASCADE), "ReplyToId": to("Mail")},
    "Task": {"WhatId": to("Account", "Case")},
    "Link": {
        "DocumentId": to("Document", rule=CASCADE),
        "HolderId": to("Account", "Case", "Mail", "User", rule=CASCADE),
    },
    "Document": {"OwnerId": to("User")},
    "Version": {"DocumentId": to("Document", rule=CASCADE)},
    "PublicLink": {"DocumentId": to("Document", rule=CASCADE)},
    "User": {},
}
OTHERS: Mapping[str, Mapping[str, WireKind]] = {
    "Case": {"Status": WireKind.TEXT, "Closed": WireKind.INSTANT},
    "Task": {"Status": WireKind.TEXT, "Day": WireKind.DATE},
    "Mail": {"Text": WireKind.TEXT, "Price": WireKind.DECIMAL},
    "Version": {"Size": WireKind.INTEGER},
}
NUMBERED = {"Case": "Number"}
SUMMARIES = {"Case": ("Mails", "Total")}
FILES = SharedFile(
    "Document",
    "Link",
    "DocumentId",
    "HolderId",
    "OwnerId",
    (KeepingColumn("PublicLink", "DocumentId"),),
)


def schema() -> Schema:
    """All tables of the company."""
    return Schema(tuple(map(_table, REFERENCES)), "f")


def _table(name: str) -> Table:
    references = [
        Column(column, WireKind.REFERENCE, reference=reference)
        for column, reference in REFERENCES[name].items()
    ]
    others = [Column(column, kind) for column, kind in OTHERS.get(name, {}).items()]
    others += [
        Column(column, WireKind.DECIMAL, traits=frozenset({ColumnTrait.SUMMARY}))
        for column in SUMMARIES.get(name, ())
    ]
    if name in NUMBERED:
        number = frozenset({ColumnTrait.AUTO_NUMBER})
        others.append(Column(NUMBERED[name], WireKind.TEXT, traits=number))
    return Table(name, (Column("Id", WireKind.ID), *references, *others))


@dataclass
class Company:
    """Rows by table and id, and the times of their last changes."""

    rows: dict[str, dict[str, Row]] = field(
        default_factory=lambda: {name: {} for name in REFERENCES}
    )
    changed: dict[str, datetime] = field(default_factory=dict)

    def add(self, table: str, record: str, /, **cells: str | None) -> str:
        """Add a record, and return its id."""
        self.rows[table][record] = cells
        return record

    def snapshot(self) -> Snapshot:
        """The backup of these rows."""
        plain: Any = PlainSnapshot(self)
        return plain


@dataclass
class PlainSnapshot:
    """As much of a snapshot as an archive reads."""

    company: Company
    scans: list[str] = field(default_factory=list)
    info: Any = field(default_factory=lambda: SimpleNamespace(number=7, as_of=NOW))

    def schema(self) -> Schema:
        """All tables."""
        return schema()

    def tables(self) -> Mapping[str, Any]:
        """Tables with the number of their records."""
        return {n: SimpleNamespace(alive=len(rows)) for n, rows in self.company.rows.items()}

    def scan(self, table: str, *, columns: Sequence[str]) -> pa.RecordBatchReader:
        """The rows by id, two at a time."""
        return self.read(table, ["_u_id", "_u_modified_at", *columns])

    def read(self, table: str, columns: Sequence[str]) -> pa.RecordBatchReader:
        """These columns of the rows by id, two at a time."""
        self.scans.append(table)
        known = {"_u_modified_at": INSTANT}
        shape = pa.schema([(name, known.get(name, pa.string())) for name in columns])
        return pa.RecordBatchReader.from_batches(shape, self._batches(table, shape))

    def _batches(self, table: str, shape: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows = sorted(self.company.rows[table].items())
        old = NOW - timedelta(days=900)
        for at in range(0, len(rows), 2):
            plain = [
                {"_u_id": key, "_u_modified_at": self.company.changed.get(key, old), **cells}
                for key, cells in rows[at : at + 2]
            ]
            full = [{name: row.get(name) for name in shape.names} for row in plain]
            yield pa.RecordBatch.from_pylist(full, schema=shape)
