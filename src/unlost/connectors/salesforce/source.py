"""The read side of a Salesforce org: plans, prepares and reads tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.access.checklist import SetupFacts, checklist
from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.access.identity import read_identity
from unlost.connectors.salesforce.access.rights import (
    grants_by_table,
    read_flags,
    read_rights,
    read_user_name,
)
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal, first_line
from unlost.connectors.salesforce.http.limits import EMPTY_KEY, MOST_POLLS
from unlost.connectors.salesforce.ids import is_id
from unlost.connectors.salesforce.quotas import read_quotas
from unlost.connectors.salesforce.reading.bulk import ENDLESS, BulkQueries, pause
from unlost.connectors.salesforce.reading.census import LIVE, SalesforceCensus, live, live_ids
from unlost.connectors.salesforce.reading.deletes import DeleteLog
from unlost.connectors.salesforce.reading.files import files_in, open_file, open_image
from unlost.connectors.salesforce.reading.nightly import (
    FIRST_KIND,
    LARGE_KIND,
    night_tasks,
    unchanged_rows,
    whole_due,
)
from unlost.connectors.salesforce.reading.parents import ReadByParents, rule_of
from unlost.connectors.salesforce.reading.parts import id_condition
from unlost.connectors.salesforce.reading.replication import updated_ids
from unlost.connectors.salesforce.reading.rest import RestQueries
from unlost.connectors.salesforce.reading.together import SharedReads
from unlost.connectors.salesforce.reading.work import TableQuery, TaskKind, TaskState, task, work_of
from unlost.connectors.salesforce.rows import canonical
from unlost.connectors.salesforce.schema.describes import DescribeCache
from unlost.connectors.salesforce.schema.discover import DiscoveredSchema, discover
from unlost.connectors.salesforce.schema.hidden import read_record_counts
from unlost.connectors.salesforce.schema.special import LINKS, ReadStrategy, filter_of
from unlost.connectors.salesforce.schema.tables import cursor_column, parent_types, selected
from unlost.kit.cursors import cursor_of, instant_of
from unlost.kit.rows import no_rows
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.org import OrgIdentity
from unlost.model.ports.system import Cache
from unlost.model.source.checklist import ChecklistStep
from unlost.model.source.images import is_image, text_column
from unlost.model.source.quota import Quota
from unlost.model.source.reading import (
    Cursor,
    FileRef,
    Page,
    Proof,
    ReadTask,
    Ready,
    RowCheckPart,
    Rows,
    Wait,
)
from unlost.model.source.schema import Schema, Table

# A failed Bulk job is tried once more; after that the table is read by REST.
BULK_TRIES = 2
# Salesforce does not know a column or a table of a describe (REST guide, status codes).
OTHERWISE_DESCRIBED = ("INVALID_FIELD", "INVALID_TYPE")


class SalesforceSource:
    """Reads one org. Safe for threads. Any other process can continue its tasks (JSON values)."""

    def __init__(
        self, api: SalesforceApi, config: SalesforceConfig, *, cache: Cache | None = None
    ) -> None:
        self._api = api
        self._config = config
        self._describes = DescribeCache(api, cache)
        self._rest = RestQueries(api)
        self._bulk = BulkQueries(api, page_rows=config.page_rows)
        self._census = SalesforceCensus(self._rest, self._bulk)
        self._deletes = DeleteLog(api)
        self._shared = SharedReads(api, self._rest, bulk_above=config.bulk_above)
        self._parents = ReadByParents(
            self._rest, self._census, linkable=self._linkable, largest=config.linked_parents
        )
        self._discovered: DiscoveredSchema | None = None

    def identity(self) -> OrgIdentity:
        """The org's identity."""
        return read_identity(self._api)

    def server_time(self) -> datetime:
        """Salesforce's clock."""
        return self._api.server_time()

    def discover(self) -> Schema:
        """Tables, columns, rights and findings, as the backup user sees them now."""
        return self._discover().schema

    def grants(self, schema: Schema) -> Mapping[str, frozenset[str]]:
        """The rights of the backup user now, by five queries."""
        grants = grants_by_table(read_rights(self._api), schema.tables)
        return {name: frozenset(grants_of_table) for name, grants_of_table in grants.items()}

    def quotas(self) -> Sequence[Quota]:
        """Storage and API calls, in bytes and calls."""
        return read_quotas(self._api)

    def checklist(self, schema: Schema) -> Sequence[ChecklistStep]:
        """The steps of app and permission set, by three calls."""
        user, flags = read_user_name(self._api), read_flags(self._api)
        return checklist(SetupFacts(user, flags, schema.findings, self.quotas()))

    def deleted_along(self, table: Table) -> Sequence[str]:
        """The objects of cascading child relationships, from the describe of the object."""
        return sorted(self._last_discovered().children.get(table.name, ()))

    def record_counts(self) -> Mapping[str, int]:
        """The org's own counts of records, in one call; they may be some hours old."""
        return read_record_counts(self._api) or {}

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """An instant of the server's clock; None for tables that are read whole each time."""
        return cursor_of(when) if cursor_column(table) else None

    def plan_reads(
        self, table: Table, since: Cursor | None, *, nightly: Cursor | None = None
    ) -> Sequence[ReadTask]:
        """Plan Salesforce's list of deletions, then the rows; from ``since`` less the overlap.

        For tables whose changes cannot be queried see ``nightly``.
        """
        lo = self._lower(table, since, nightly) if since else None
        stamp = cursor_column(table)
        reading = self._reading(table, stamp, lo if stamp else None)
        if reading.lo is not None:
            return night_tasks(table, reading)
        whole = TaskState(reading, parent_types=parent_types(table))
        return [task(FIRST_KIND[ReadStrategy(table.strategy)], whole, full=True)]

    def plan_row_check(
        self,
        table: Table,
        since: Cursor,
        part: RowCheckPart,
        *,
        stored: Callable[[], Iterator[pa.Array]],
    ) -> Sequence[ReadTask]:
        """Plan one query for a range of ids; no call counts its rows."""
        reading = self._reading(table, cursor_column(table), None)
        before = self._lower(table, since, None)
        still = unchanged_rows(reading, id_condition(part, stored), before=before)
        by_rest = part.rows <= self._config.bulk_above
        first = TaskKind.REST if by_rest else LARGE_KIND[ReadStrategy(table.strategy)]
        return [task(first, TaskState(still), full=False)]

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Choose between REST and Bulk by the number of rows; start and poll Bulk jobs."""
        kind, work = work_of(task)
        if kind is TaskKind.CHOOSE:
            return self._choose(task, work)
        if kind is TaskKind.BULK:
            return self._start(task, work)
        if kind is TaskKind.JOB:
            return self._poll_job(task, work)
        return Ready((task,))

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Pages of a prepared task. Raises SourceRefused if Salesforce refuses them."""
        kind, work = work_of(task)
        if work.note:
            yield self._note(work)
        try:
            for page in self._pages(kind, work):
                if len(page.rows) and page.rows.ids[0].as_py() == EMPTY_KEY:
                    raise SalesforceRefusal("", f"rows of {task.table} have no unique ids", 200)
                yield page
        except SalesforceRefusal as error:
            if error.has_code(*OTHERWISE_DESCRIBED):
                self._describes.forget(task.table)
            raise

    def read_together(
        self, tasks: Sequence[ReadTask]
    ) -> Iterator[tuple[ReadTask, Sequence[Page] | None]]:
        """Changes of many tables, five queries and their lists of deletions a call."""
        return self._shared.read(tasks)

    def live_among(self, wanted: Sequence[tuple[Table, Sequence[str]]]) -> Sequence[frozenset[str]]:
        """Live records of these ids, also archived activities; 20,000 ids a call."""
        return self._shared.live(
            [
                (self._live(table), [record for record in ids if is_id(record)])
                for table, ids in wanted
            ]
        )

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """The rows of these ids, also from the recycle bin and the archive."""
        known = [record for record in ids if is_id(record)]
        yield from self._rest.read_chunks(self._reading(table, None, None), "Id", known)

    def census(self, table: Table) -> Iterator[pa.Array]:
        """Every id that is not deleted; archived activities are alive."""
        if ReadStrategy(table.strategy) is ReadStrategy.PARENTS:
            return self._census_by_parents(table)
        may_bulk = ReadStrategy(table.strategy) is ReadStrategy.BULK
        ids = self._census.ids(self._live(table), may_bulk=may_bulk)
        return self._or_by_parents(table, ids) if rule_of(table.name) else ids

    def count(self, table: Table) -> int | None:
        """The number of rows that are not deleted; None if Salesforce will not count them."""
        if ReadStrategy(table.strategy) is ReadStrategy.PARENTS:
            return None
        reading = self._live(table)
        tells = LIVE in reading.condition
        return self._rest.count(reading, all_rows=tells)

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """The files of these rows that have bytes in Salesforce."""
        return files_in(table, rows)

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """A file's bytes; size and MD5 are proved at the end."""
        if not is_image(ref.column):
            return open_file(self._api, ref)
        rich_texts = self._image_columns(ref.table)
        others = [column for column in rich_texts if column != text_column(ref.column)]
        return open_image(self._api, ref, others)

    def finish(self) -> None:
        """Delete the jobs that were read completely: all their rows are safe."""
        self._bulk.forget_read_jobs()

    # --- planning ---------------------------------------------------------------------------

    def _lower(self, table: Table, since: Cursor, nightly: Cursor | None) -> str | None:
        """The instant to read from; None if the table must be read whole."""
        if nightly is not None:
            # clocks that were wrong in the last nightly backup may have set its cursor ahead
            night = min(instant_of(since), instant_of(nightly))
            if whole_due(table.name, since=night, now=self._api.recent_time()):
                return None
        overlap = timedelta(minutes=self._config.overlap_minutes)
        return soql.instant(instant_of(since, overlap=overlap))

    def _reading(self, table: Table, stamp: str | None, lo: str | None) -> TableQuery:
        columns = tuple(selected(table))
        return TableQuery(table.name, columns, filter_of(table.name, frozenset(columns)), stamp, lo)

    def _live(self, table: Table) -> TableQuery:
        columns = frozenset(column.name for column in table.columns)
        # it refuses a condition on IsDeleted, so that column is read and checked here
        if table.name == LINKS:
            return TableQuery(LINKS, ("Id", "IsDeleted"))
        return live(
            table.name,
            filter_of(table.name, columns),
            tells_deleted="IsDeleted" in columns,
        )

    # --- preparing --------------------------------------------------------------------------

    def _choose(self, first: ReadTask, work: TaskState) -> Ready | Wait:
        total = self._rest.size(work.reading)
        if total == 0:
            return Ready(())
        if total is not None and total <= self._config.bulk_above:
            return Ready((task(TaskKind.REST, work, full=first.full),))
        return self._start(first, work)

    def _start(self, first: ReadTask, work: TaskState) -> Ready | Wait:
        try:
            job = self._bulk.start(work.reading)
        except SalesforceRefusal as error:
            return self._by_rest(first, work, first_line(error.text) or error.native)
        return self._wait(first, replace(work, job=job, polls=0))

    def _poll_job(self, first: ReadTask, work: TaskState) -> Ready | Wait:
        info = self._bulk.job_info(work.job) if work.polls < MOST_POLLS else ENDLESS
        if info.complete:
            return self._ready(first, replace(work, rows=info.rows))
        if not info.lost:
            return self._wait(first, replace(work, polls=work.polls + 1))
        if work.tries + 1 < BULK_TRIES:
            return self._start(first, replace(work, tries=work.tries + 1))
        return self._by_rest(first, work, info.message or f"the job ended as {info.state}")

    def _wait(self, first: ReadTask, work: TaskState) -> Wait:
        until = self._api.clock.now() + timedelta(seconds=pause(work.polls))
        return Wait(until, task(TaskKind.JOB, work, full=first.full))

    def _ready(self, first: ReadTask, work: TaskState) -> Ready:
        if work.rows == 0:
            self._bulk.forget(work.job)
            return Ready(())
        if work.rows <= self._config.parallel_pages_above:
            return Ready((task(TaskKind.PAGES, work, full=first.full),))
        paths = self._bulk.page_paths(work.job)
        return Ready(
            tuple(
                task(TaskKind.PAGE, replace(work, path=path, pages=len(paths)), full=first.full)
                for path in paths
            )
        )

    def _by_rest(self, first: ReadTask, work: TaskState, reason: str) -> Ready:
        noted = replace(work, note=reason, job="")
        return Ready((task(TaskKind.REST, noted, full=first.full),))

    # --- reading ----------------------------------------------------------------------------

    def _pages(self, kind: TaskKind, work: TaskState) -> Iterator[Page]:
        if kind is TaskKind.DELETES:
            return self._deletes.read(work.reading.table, work.reading.lo or "")
        if kind is TaskKind.PARENTS:
            return self._parents.read(work.reading, work.parent_types)
        if kind is TaskKind.LINKED:
            return self._parents.read_changed(work.reading)
        if kind is TaskKind.CHANGED:
            return self._changed(work.reading)
        if kind in {TaskKind.PAGES, TaskKind.PAGE}:
            return self._job_pages(kind, work)
        return self._rest_pages(work)

    def _rest_pages(self, work: TaskState) -> Iterator[Page]:
        """Read by REST; a table that requires named parents is read by them."""
        try:
            yield from self._rest.read(work.reading)
        except SalesforceRefusal:
            if rule_of(work.reading.table) is None:
                raise
            yield from self._parents.read(work.reading)

    def _changed(self, reading: TableQuery) -> Iterator[Page]:
        """New rows by their window, then the rows that Salesforce lists as changed, each once."""
        changed = updated_ids(self._api, reading.table, since=reading.lo or "")
        whole = replace(reading, stamp=None, lo=None)
        if changed is None:
            yield self._note_whole(reading.table)
            yield from self._whole(whole)
            return
        seen = []
        for page in self._rest.read(reading):
            seen.append(page.rows.ids)
            yield page
        ids = canonical(pa.array(changed, pa.string()))
        new = pc.is_in(ids, value_set=pa.chunked_array(seen, pa.string()))
        yield from self._rest.read_chunks(whole, "Id", ids.filter(pc.invert(new)).to_pylist())

    def _whole(self, reading: TableQuery) -> Iterator[Page]:
        """All rows by Bulk, or by REST if Bulk refuses."""
        try:
            yield from self._run_again(reading)
        except SalesforceRefusal:
            yield from self._rest.read(reading)

    def _job_pages(self, kind: TaskKind, work: TaskState) -> Iterator[Page]:
        """Results of a job; a job that no longer exists is run again."""
        columns = work.reading.columns
        try:
            if kind is TaskKind.PAGES:
                yield from self._bulk.read_all(work.job, work.rows, columns)
            else:
                yield from self._bulk.read_page(
                    work.job, work.path, columns, pages=work.pages, rows=work.rows
                )
        except SalesforceRefusal as error:
            if error.status != 404:
                raise
            yield from self._run_again(work.reading)

    def _run_again(self, reading: TableQuery) -> Iterator[Page]:
        job = self._bulk.start(reading)
        info = self._bulk.wait(job)
        if not info.complete:
            raise TransientError(
                "bulk-job-lost",
                "Salesforce lost a Bulk job of {table} and did not finish another one.",
                next_step="The next run reads the table again.",
                table=reading.table,
            )
        if info.rows:
            yield from self._bulk.read_all(job, info.rows, reading.columns)

    def _note_whole(self, table: str) -> Page:
        finding = Finding.of(
            FindingKind.READ_OTHERWISE,
            Severity.NOTE,
            "{table_name} was read in full, because Salesforce's list of changed records does "
            "not reach back to the last backup or was refused.",
            "No action is needed. It takes more API calls.",
            table=table,
            table_name=table,
        )
        return Page(no_rows(self._api.clock.now()), Proof(None, 0), findings=(finding,))

    def _note(self, work: TaskState) -> Page:
        finding = Finding.of(
            FindingKind.READ_OTHERWISE,
            Severity.NOTE,
            "{table_name} was read with REST, because Bulk API 2.0 reported: {note}.",
            "No action is needed. It takes more API calls.",
            table=work.reading.table,
            table_name=work.reading.table,
            note=work.note,
        )
        return Page(no_rows(self._api.clock.now()), Proof(None, 0), findings=(finding,))

    def _or_by_parents(self, table: Table, ids: Iterator[pa.Array]) -> Iterator[pa.Array]:
        """The ids; if Salesforce requires named parents after all, the ids found by them."""
        try:
            yield from ids
        except SalesforceRefusal:
            yield from self._census_by_parents(table)

    def _census_by_parents(self, table: Table) -> Iterator[pa.Array]:
        """Links are found from both ends; each counts once."""
        columns = ("Id", "IsDeleted") if table.column("IsDeleted") else ("Id",)
        ranges = []
        for page in self._parents.read(TableQuery(table.name, columns), parent_types(table)):
            if page.incomplete:
                raise _not_listed(table)
            ranges.append(live_ids(page.rows))
        if ranges:
            yield pa.chunked_array(ranges, pa.string()).unique()

    def _linkable(self) -> Sequence[str]:
        return self._last_discovered().linkable

    def _image_columns(self, name: str) -> tuple[str, ...]:
        table = self._last_discovered().schema.table(name)
        return table.image_columns if table is not None else ()

    def _last_discovered(self) -> DiscoveredSchema:
        return self._discovered or self._discover()

    def _discover(self) -> DiscoveredSchema:
        self._discovered = discover(self._api, self._config, self._describes)
        return self._discovered


def _not_listed(table: Table) -> SourceRefused:
    return SourceRefused(
        "census-incomplete",
        "The ids of {table} cannot all be listed.",
        next_step="Grant the permission 'Query All Files' to the backup user.",
        table=table.name,
    )
