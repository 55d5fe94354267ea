"""A connector without a network: reads a MemoryOrg through the Source port."""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO
from zlib import crc32

import pyarrow as pa

from unlost.model.errors import IntegrityError, NotFound, SourceRefused
from unlost.model.org import OrgIdentity
from unlost.model.source.checklist import ChecklistStep
from unlost.model.source.images import image_column, image_name, is_image
from unlost.model.source.quota import Quota
from unlost.model.source.reading import (
    Cursor,
    FileRef,
    Json,
    Op,
    Page,
    Proof,
    ReadTask,
    Ready,
    RowCheckPart,
    Rows,
    Wait,
)
from unlost.model.source.schema import DeleteRule, Schema, Table, TableTrait, WireKind
from unlost.testing.faults import Faults
from unlost.testing.images import shown
from unlost.testing.org import MemoryOrg, MemoryRecord

INSTANT = pa.timestamp("ms", tz="UTC")


class MemorySource:
    """Source over a MemoryOrg, with scripted faults.

    ``page_rows``: rows a page. ``split``: tasks of a full read. ``job_seconds``: time of the
    source's own job before a task can be read. ``overlap``: distance that a cursor reaches back.
    ``read_seconds``: time that a page takes, by the org's clock. ``clock_error``: the lead of the
    source's clock.
    """

    def __init__(
        self,
        org: MemoryOrg,
        *,
        page_rows: int = 3,
        split: int = 2,
        job_seconds: float = 0,
        overlap: timedelta = timedelta(hours=1),
        read_seconds: float = 0,
    ) -> None:
        self.org = org
        self.faults = Faults()
        self.calls: list[tuple[str, str | None]] = []
        self.page_rows = page_rows
        self.split = split
        self.job_seconds = job_seconds
        self.overlap = overlap
        self.read_seconds = read_seconds
        self.quota: tuple[Quota, ...] = (Quota("api-calls", 10, 1000, "calls", storage=False),)
        self.census_wanted = False
        self.clock_error = timedelta(0)
        self.read_incomplete = False
        self.whole_nightly: set[str] = set()
        self.steps: tuple[ChecklistStep, ...] = ()

    def identity(self) -> OrgIdentity:
        """The org's identity."""
        self._called("identity")
        return self.org.identity

    def server_time(self) -> datetime:
        """The org's clock."""
        self._called("server_time")
        return self._now()

    def discover(self) -> Schema:
        """Tables and columns that the reading user may see."""
        self._called("discover")
        tables = [self._table(name) for name, table in self.org.tables.items() if not table.dropped]
        return Schema(tuple(tables), self.org.fingerprint, tuple(self.org.findings))

    def grants(self, schema: Schema) -> Mapping[str, frozenset[str]]:
        """The rights on each table; those that the test set, or the org's fingerprint."""
        self._called("grants")
        now = Schema(
            tuple(
                self._table(table.name)
                for table in schema.tables
                if not self.org.tables[table.name].dropped
            ),
            self.org.fingerprint,
        )
        return now.grants()

    def quotas(self) -> Sequence[Quota]:
        """The quotas that the test set."""
        self._called("quotas")
        return self.quota

    def checklist(self, schema: Schema) -> Sequence[ChecklistStep]:
        """The steps that the test set."""
        del schema
        self._called("checklist")
        return self.steps

    def deleted_along(self, table: Table) -> Sequence[str]:
        """The tables with a cascading reference to this one, also ones that are not described."""
        return [
            name
            for name, memory_table in self.org.tables.items()
            for column in memory_table.columns.values()
            if column.reference is not None
            and column.reference.rule is DeleteRule.CASCADE
            and table.name in column.reference.tables
        ]

    def record_counts(self) -> Mapping[str, int]:
        """The number of live records of each table."""
        self._called("record_counts")
        return {
            name: sum(not record.deleted for record in self.org.visible(name).values())
            for name in self.org.tables
        }

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """The instant, in ISO form."""
        return Cursor(when.isoformat()) if table.has(TableTrait.INCREMENTAL) else None

    def plan_reads(
        self, table: Table, since: Cursor | None, *, nightly: Cursor | None = None
    ) -> Sequence[ReadTask]:
        """Purges first, then the rows in ``split`` pieces.

        A table in ``whole_nightly`` is read whole in each nightly backup.
        """
        self._called("plan_reads", table.name)
        if nightly is not None and table.name in self.whole_nightly:
            since = None
        state = _state(table, since)
        tasks = []
        if table.has(TableTrait.REPORTS_DELETES):
            tasks.append(ReadTask(table.name, "purged", since is None, state))
        pieces = self.split if since is None else 1
        for piece in range(pieces):
            piece_state: dict[str, Json] = {**state, "piece": piece, "pieces": pieces}
            tasks.append(ReadTask(table.name, "rows", since is None, piece_state))
        return tasks

    def plan_row_check(
        self,
        table: Table,
        since: Cursor,
        part: RowCheckPart,
        *,
        stored: Callable[[], Iterator[pa.Array]],  # noqa: ARG002
    ) -> Sequence[ReadTask]:
        """The unchanged rows of a part; a hash of the id decides which part a record is in."""
        self._called("plan_row_check", table.name)
        state = {**_state(table, since), "number": part.number, "of": part.of}
        return [ReadTask(table.name, "part", False, state)]  # noqa: FBT003

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Ready immediately, or after the source's own job."""
        self._called("prepare", task.table)
        now = self.org.clock.now()
        if self.job_seconds and "job" not in task.state:
            until = now + timedelta(seconds=self.job_seconds)
            state = {**task.state, "job": until.isoformat()}
            return Wait(until, ReadTask(task.table, task.kind, task.full, state))
        if "job" in task.state and datetime.fromisoformat(str(task.state["job"])) > now:
            return Wait(datetime.fromisoformat(str(task.state["job"])), task)
        return Ready((task,))

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Pages of ``page_rows`` rows."""
        self._called("open_read", task.table)
        self._refuse(task.table)
        since = task.state["since"]
        start = datetime.fromisoformat(str(since)) - self.overlap if since else None
        if task.kind == "purged":
            ids = self.org.listed_purges(task.table, start)
            gap = start is not None and start < self.org.oldest_purge
            for page in self._pages(task.table, [self._purged(ids)]):
                yield replace(page, wants_census=page.wants_census or gap)
            return
        columns = [str(name) for name in _items(task.state["columns"])]
        rows = self._still(task, start) if task.kind == "part" else self._changed(task, start)
        chunks = [rows[at : at + self.page_rows] for at in range(0, len(rows), self.page_rows)]
        yield from self._pages(
            task.table, [self._rows(task.table, columns, chunk) for chunk in chunks]
        )

    def read_together(
        self, tasks: Sequence[ReadTask]
    ) -> Iterator[tuple[ReadTask, Sequence[Page] | None]]:
        """The pages of tasks that need no job, the last task first; None for a refused table."""
        self._called("read_together")
        for task in reversed(tasks):
            alone = bool(self.job_seconds) or self.org.tables[task.table].refused
            yield task, None if alone else list(self.read(task))

    def live_among(self, wanted: Sequence[tuple[Table, Sequence[str]]]) -> Sequence[frozenset[str]]:
        """The ids of live records."""
        self._called("live_among")
        tables = [(self._visible(table.name), ids) for table, ids in wanted]
        return [
            frozenset(key for key in ids if key in visible and not visible[key].deleted)
            for visible, ids in tables
        ]

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """Rows of these ids, including deleted ones."""
        self._called("read_ids", table.name)
        visible = self._visible(table.name)
        records = [(key, visible[key]) for key in ids if key in visible]
        if records:
            yield self._page(self._rows(table.name, [c.name for c in table.columns], records))

    def census(self, table: Table) -> Iterator[pa.Array]:
        """Live ids, in another order than that of the ids, in small arrays."""
        self._called("census", table.name)
        self._refuse(table.name)
        live = [key for key, record in self.org.visible(table.name).items() if not record.deleted]
        # The order of a source's list is not that of the ids, and callers must not rely on it.
        live.reverse()
        for at in range(0, len(live), self.page_rows):
            self._called("census_page", table.name)
            yield pa.array(live[at : at + self.page_rows], pa.string())

    def count(self, table: Table) -> int | None:
        """Live rows that the user may see."""
        self._called("count", table.name)
        self._refuse(table.name)
        return sum(not record.deleted for record in self.org.visible(table.name).values())

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """One file a row for a table with files, and the images in texts."""
        if rows.cells is None or not (table.files or table.image_columns):
            return ()
        images = list(self._images(table, rows.ids, rows.cells))
        if not table.files:
            return images
        cells = rows.cells.to_pydict()
        return [*images, *self._bodies(table, rows.ids, cells)]

    def _bodies(
        self, table: Table, ids: pa.Array, cells: Mapping[str, Sequence[str | None]]
    ) -> Iterator[FileRef]:
        yield from (
            FileRef(
                table.name,
                record,
                "Body",
                int(cells["BodySize"][at] or 0),
                f"md5:{cells['BodyDigest'][at]}",
                cells["Name"][at] or "",
            )
            for at, record in enumerate(ids.to_pylist())
            if cells["BodySize"][at] is not None
        )

    def _images(self, table: Table, ids: pa.Array, cells: pa.RecordBatch) -> Iterator[FileRef]:
        for column in table.image_columns:
            texts = cells.column(column).to_pylist()
            for record, text in zip(ids.to_pylist(), texts, strict=True):
                for image in shown(record, text or ""):
                    yield FileRef(table.name, record, image_column(column, image), name=image)

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """The bytes, checked against the row's hash."""
        self._called("open_file", ref.table)
        table = self.org.tables[ref.table]
        if is_image(ref.column):
            body = table.images.get((ref.record, image_name(ref.column)))
        else:
            body = table.files.get(ref.record)
        if body is None:
            raise NotFound(
                "file-missing", "The file of {record} does not exist.", record=ref.record
            )
        digest = "md5:" + hashlib.md5(body, usedforsecurity=False).hexdigest()
        if ref.checksum not in (None, digest):
            raise IntegrityError(
                "file-cut", "The file of {record} does not match its row.", record=ref.record
            )
        return closing(io.BytesIO(body))

    # --- inside ----------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self.org.clock.now() + self.clock_error

    def _called(self, call: str, table: str | None = None) -> None:
        self.calls.append((call, table))
        self.faults.strike(call, table)

    def _refuse(self, table: str) -> None:
        memory_table = self.org.tables[table]
        if memory_table.refused or memory_table.dropped:
            raise _refused(table)

    def _visible(self, table: str) -> dict[str, MemoryRecord]:
        """The records of a table, unless the org has none of this name."""
        if table not in self.org.tables:
            raise _refused(table)
        return self.org.visible(table)

    def _table(self, name: str) -> Table:
        table = self.org.tables[name]
        hidden = [c for owner, c in sorted(self.org.hidden_columns) if owner == name]
        seen = [c for c in table.columns.values() if c.name not in hidden]
        return Table(
            name,
            tuple(seen),
            label=name,
            plural=name + "s",
            strategy="memory",
            name_column="Name" if "Name" in table.columns else None,
            modified_column="Modified",
            modified_by_column="ModifiedBy",
            traits=table.traits,
            files=table.file_columns,
            change_log=table.change_log,
            hidden=tuple(c for c in hidden if c in table.columns),
            grants=tuple(sorted(table.grants)),
            merged_into_column=table.merged_into,
            remarks=table.remarks,
            image_columns=tuple(c for c in table.image_columns if c not in hidden),
        )

    def _changed(self, task: ReadTask, start: datetime | None) -> list[tuple[str, MemoryRecord]]:
        bins = TableTrait.REPORTS_DELETES in self.org.tables[task.table].traits
        rows = [
            (key, record)
            for key, record in self.org.visible(task.table).items()
            if (start is None or record.modified >= start) and (bins or not record.deleted)
        ]
        piece, pieces = int(str(task.state["piece"])), int(str(task.state["pieces"]))
        return rows[len(rows) * piece // pieces : len(rows) * (piece + 1) // pieces]

    def _still(self, task: ReadTask, start: datetime | None) -> list[tuple[str, MemoryRecord]]:
        """The rows of a part that did not change."""
        assert start is not None, "a part has a cursor"
        number, of = int(str(task.state["number"])), int(str(task.state["of"]))
        return [
            (key, record)
            for key, record in self.org.visible(task.table).items()
            if record.modified < start and crc32(key.encode()) % of == number
        ]

    def _pages(self, table: str, pages: list[Rows]) -> Iterator[Page]:
        for rows in pages:
            self._called("read", table)
            if self.read_seconds:
                self.org.clock.sleep(self.read_seconds)
            yield self._page(rows)

    def _page(self, rows: Rows) -> Page:
        size = rows.cells.nbytes if rows.cells is not None else 0
        return Page(
            rows,
            Proof(len(rows), len(rows), size),
            wants_census=self.census_wanted,
            incomplete=self.read_incomplete,
        )

    def _purged(self, ids: list[str]) -> Rows:
        count = len(ids)
        return Rows(
            pa.array(ids, pa.string()),
            pa.array([Op.PURGED.value] * count, pa.string()),
            pa.nulls(count, INSTANT),
            pa.nulls(count, pa.string()),
            None,
            self._now(),
        )

    def _rows(
        self, table: str, columns: list[str], records: list[tuple[str, MemoryRecord]]
    ) -> Rows:
        known = self.org.tables[table].columns
        blind = {column for owner, column in self.org.hidden_columns if owner == table}
        if any(name not in known or name in blind for name in columns):
            raise SourceRefused("column-gone", "A column of {table} no longer exists.", table=table)
        cells = {
            name: pa.array([cell_text(name, record) for _, record in records], pa.string())
            for name in columns
            if known[name].kind is not WireKind.BINARY
        }
        ops = [(Op.DELETED if record.deleted else Op.STATE).value for _, record in records]
        return Rows(
            pa.array([key for key, _ in records], pa.string()),
            pa.array(ops, pa.string()),
            pa.array([record.modified for _, record in records], INSTANT),
            pa.array([record.by for _, record in records], pa.string()),
            pa.RecordBatch.from_pydict(cells),
            self._now(),
        )


def _refused(table: str) -> SourceRefused:
    return SourceRefused("table-refused", "The source does not deliver {table}.", table=table)


def cell_text(name: str, record: MemoryRecord) -> str | None:
    """The text of a cell as the source delivers it."""
    if name == "Modified":
        return record.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if name == "ModifiedBy":
        return record.by
    return record.cells.get(name)


def _state(table: Table, since: Cursor | None) -> dict[str, Json]:
    columns: list[Json] = [column.name for column in table.columns]
    return {"since": since.value if since else None, "columns": columns}


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
