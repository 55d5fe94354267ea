"""The read side of a ServiceNow instance: opens it, plans and reads tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from threading import RLock
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.identity import read_identity, read_user
from unlost.connectors.servicenow.access.rights import read_access
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.errors import SERVICENOW
from unlost.connectors.servicenow.http.walk import KNOWN_ID, IdRange, RowCondition
from unlost.connectors.servicenow.reading.records import RecordReader
from unlost.connectors.servicenow.reading.trail import FORM, KEYS, DeletionTrails
from unlost.connectors.servicenow.schema.discover import DiscoveredInstance, discover
from unlost.connectors.servicenow.schema.newest import NewestRows
from unlost.connectors.servicenow.schema.tables import cursor_column
from unlost.kit.columns import Zoneless
from unlost.kit.cursors import cursor_of, instant_of
from unlost.kit.files import file_refs, proved_stream
from unlost.kit.plain import PlainSource
from unlost.kit.rows import deleted_rows, no_rows
from unlost.kit.tables import cascading
from unlost.model.errors import SourceRefused
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import (
    Cursor,
    FileRef,
    Json,
    Page,
    Proof,
    ReadTask,
    RowCheckPart,
    Rows,
)
from unlost.model.source.schema import Schema, Table, TableTrait

ROWS, CHANGES, DELETES = "rows", "changes", "deletes"  # kinds of tasks
FROM, LOW, HIGH, SINCE, BEFORE = "from", "low", "high", "since", "before"  # members of their state


class ServiceNowSource(PlainSource):
    """Reads one instance. Safe for threads. Any other process can continue its tasks."""

    def __init__(self, api: ServiceNowApi, config: ServiceNowConfig) -> None:
        self._api = api
        self._config = config
        self._trails = DeletionTrails(api)
        self._lock = RLock()
        self._discovered: DiscoveredInstance | None = None
        # Of tables whose changes were not planned yet; and the counts of the probe, until a change is
        # read or looked for again.
        self._newest: dict[str, NewestRows] = {}
        self._counted: dict[str, int] = {}

    def identity(self) -> OrgIdentity:
        """The identity of the instance."""
        return read_identity(self._api, self._config.host)

    def server_time(self) -> datetime:
        """The instance's clock, from the header of an answer."""
        read_user(self._api)
        return self._api.now()

    def discover(self) -> Schema:
        """Tables, columns, rights and findings, as the backup user sees them now."""
        with self._lock:
            self._discovered = discover(self._api, self._config)
            self._newest, self._counted = dict(self._discovered.newest), {}
            return self._discovered.schema

    def grants(self, schema: Schema) -> Mapping[str, frozenset[str]]:
        """The rights of the backup user now, by four queries."""
        instance, access = self._instance(), read_access(self._api)
        return {
            table.name: frozenset(access.grants(instance.place(table.name).lineage))
            for table in schema.tables
        }

    def deleted_along(self, table: Table) -> Sequence[str]:
        """The tables with a cascading reference, and those of journals and attachments."""
        return cascading(self._instance().schema.tables, table.name)

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """An instant of the instance's clock."""
        return cursor_of(when) if cursor_column(table) else None

    def plan_reads(
        self,
        table: Table,
        since: Cursor | None,
        *,
        nightly: Cursor | None = None,  # noqa: ARG002 (no full read is regularly due)
    ) -> Sequence[ReadTask]:
        """Plan the list of deletions, then the rows; from ``since`` less the overlap."""
        sources = self._instance().place(table.name).sources
        if since is None:
            return [ReadTask(table.name, ROWS, full=True, state={FROM: each}) for each in sources]
        begins = self._begin_of_changes(since)
        deletes = ReadTask(table.name, DELETES, full=False, state={SINCE: begins})
        # A record may be changed and archived between two backups.
        changes = [
            ReadTask(table.name, CHANGES, full=False, state={SINCE: begins, FROM: each})
            for each in ([] if self._is_unchanged(table.name, since) else sources)
        ]
        return [deletes, *changes] if table.has(TableTrait.REPORTS_DELETES) else changes

    def plan_row_check(
        self,
        table: Table,
        since: Cursor,
        part: RowCheckPart,
        *,
        stored: Callable[[], Iterator[pa.Array]],  # noqa: ARG002 (parts are cut by the ids' form)
    ) -> Sequence[ReadTask]:
        """Plan the unchanged rows of a range of ids, in the table and in its archive."""
        ids = IdRange.of_part(part)
        before = self._begin_of_changes(since)
        ends: dict[str, Json] = {LOW: ids.low, HIGH: ids.high, BEFORE: before}
        sources = self._instance().place(table.name).sources
        return [
            ReadTask(table.name, ROWS, full=False, state={FROM: each, **ends}) for each in sources
        ]

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Pages of a task. Raises SourceRefused if ServiceNow refuses them, or ignores a condition."""
        table = self._described(task.table)
        if task.kind == DELETES:
            yield from self._deletions(table, str(task.state[SINCE]))
        elif task.kind == CHANGES:
            since = RowCondition(_stamp_of(table), at_least=str(task.state[SINCE]))
            for page in self._reader(table).rows(str(task.state.get(FROM, table.name)), since):
                self._counted.pop(table.name, None)
                yield page
        else:
            yield from self._reader(table).rows(str(task.state[FROM]), *_part_of(table, task))

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """The rows of these ids, also archived ones and those whose class was changed."""
        return self._reader(table).by_id([each for each in ids if KNOWN_ID.match(each)])

    def census(self, table: Table) -> Iterator[pa.Array]:
        """Every id of the table and of its archive."""
        return self._reader(table).ids()

    def count(self, table: Table) -> int | None:
        """The instance's count, if the user sees all rows; it has rows that ACLs hide, too.

        Logs are not counted: the instance deletes their old rows.
        """
        if not table.has(TableTrait.CENSUS):
            return None
        counted = self._counted.get(table.name)
        return self._reader(table).count() if counted is None else counted

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """The attachments that have bytes among these rows.

        Not every release gives a hash; that it is SHA-256 of the bytes is an inference (ServiceNow
        docs, "Attachment API").
        """
        return list(file_refs(table, rows, algorithm="sha256"))

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """The bytes of an attachment; size and hash are proved at their end."""
        reopen = partial(self._api.file, ref.record)
        return proved_stream(ref, reopen, self._api.client.backoff, source=SERVICENOW)

    def _is_unchanged(self, table: str, since: Cursor) -> bool:
        """True if the probe of a table has proved it.

        A probe answers the first question alone, and only about the time before it: a later one is
        about changes that it could not see.
        """
        with self._lock:
            self._instance()
            newest = self._newest.pop(table, None)
            self._counted.pop(table, None)
            if newest is None or newest.at <= instant_of(since):
                return False
            self._counted[table] = newest.total
            return newest.is_before(self._begin_of_changes(since))

    def _begin_of_changes(self, since: Cursor) -> str:
        overlap = timedelta(minutes=self._config.overlap_minutes)
        return instant_of(since, overlap=overlap).strftime(FORM)

    def _instance(self) -> DiscoveredInstance:
        with self._lock:
            if self._discovered is None:
                self.discover()
            assert self._discovered is not None
            return self._discovered

    def _described(self, name: str) -> Table:
        table = self._instance().schema.table(name)
        if table is None:
            raise SourceRefused(
                "servicenow-table-gone",
                "The instance does not describe the table {table} any more.",
                next_step="If it was not removed on purpose, give the backup user access to it.",
                table=name,
            )
        return table

    def _reader(self, table: Table) -> RecordReader:
        return RecordReader(self._api, table, self._instance().place(table.name))

    def _deletions(self, table: Table, since: str) -> Iterator[Page]:
        """Reported deletions, apart from records that the instance still has, or has again."""
        trail = self._trails.since(since)
        for batch in trail.of_table(table.name):
            ids = batch.column("documentkey")
            live = list(self.read_ids(table, ids.to_pylist()))
            yield from live
            live_ids = pa.concat_arrays(
                [pa.array([], pa.string()), *(page.rows.ids for page in live)]
            )
            gone = batch.filter(pc.invert(pc.is_in(ids, value_set=live_ids)))
            yield Page(_purged(gone, self._api.now()), Proof(None, len(gone)))
        if not trail.whole:
            yield Page(no_rows(self._api.now()), Proof(None, 0), wants_census=True)


def _stamp_of(table: Table) -> str:
    stamp = cursor_column(table)
    assert stamp is not None, "only tables with a stamp are asked for changes"
    return stamp


def _part_of(table: Table, task: ReadTask) -> Iterator[RowCondition | IdRange]:
    """The conditions of a read of all rows, or of a part of the unchanged ones."""
    low, high, before = (str(task.state.get(name, "")) for name in (LOW, HIGH, BEFORE))
    yield IdRange(low, high)
    if before:
        yield RowCondition(_stamp_of(table), before=before)


def _purged(deletions: pa.RecordBatch, at: datetime) -> Rows:
    return deleted_rows(
        deletions.column(KEYS[1]),
        deletions.column(KEYS[2]),
        at,
        deleted_by=deletions.column(KEYS[3]),
        zoneless=Zoneless.UTC,
    )
