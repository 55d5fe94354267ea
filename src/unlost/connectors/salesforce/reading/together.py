"""Small reads of many tables in few calls.

  composite   queryAll Case, Contact, EmailMessage, Task, Event + the lists of deletions of these

REST guide, composite: a composite of 25 subrequests, five of them queries, counts as one call. A
batch would take 25 queries, but each of its subrequests counts against rate limits (REST guide,
composite batch). What is refused, too large, or not whole is read alone, as if this had not been
tried: only whole results count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import BatchedAnswer, BatchedGet, SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import (
    BATCH_REQUESTS,
    COLLECTIONS_IN_A_COMPOSITE,
    EMPTY_KEY,
    IDS_IN_A_LOOK,
)
from unlost.connectors.salesforce.http.shapes import DeletedRecords, UpdatedRecords
from unlost.connectors.salesforce.reading.census import live_ids
from unlost.connectors.salesforce.reading.deletes import DeleteLog
from unlost.connectors.salesforce.reading.replication import updates_path
from unlost.connectors.salesforce.reading.rest import RestQueries
from unlost.connectors.salesforce.reading.work import TableQuery, TaskKind, TaskState, task, work_of
from unlost.connectors.salesforce.rows import canonical
from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.model.source.reading import Page, ReadTask

# Errors of one result, or of the call that many share: reading alone raises or heals them.
NOT_SHARED = (SalesforceRefusal, SourceRefused, TransientError, IntegrityError)
QUERIED = frozenset({TaskKind.CHOOSE, TaskKind.REST})

type Answers = Sequence[BatchedAnswer] | None
type TaskPages = tuple[ReadTask, Sequence[Page] | None]


@dataclass(frozen=True, slots=True)
class SharedTask:
    """A task and its calls in a composite: at most one query, the last one."""

    task: ReadTask
    kind: TaskKind
    work: TaskState
    requests: Sequence[BatchedGet]

    @property
    def queries(self) -> int:
        """The number of queries among the calls."""
        return 0 if self.kind is TaskKind.DELETES else 1


class SharedReads:
    """Reads of one org that share calls."""

    def __init__(self, api: SalesforceApi, rest: RestQueries, *, bulk_above: int) -> None:
        """``bulk_above``: rows of a table up to which REST is always used."""
        self._api = api
        self._rest = rest
        self._deletes = DeleteLog(api)
        self._bulk_above = bulk_above

    def read(self, tasks: Sequence[ReadTask]) -> Iterator[TaskPages]:
        """The pages of tasks; None for those that must be read alone."""
        shared: list[SharedTask] = []
        for read_task in tasks:
            ready = self._shared(read_task)
            if ready is None:
                yield read_task, None
            else:
                shared.append(ready)
        for group in _composites(shared):
            answers, at = self._answers([call for ready in group for call in ready.requests])
            place = 0
            for ready in group:
                part = answers and answers[place : place + len(ready.requests)]
                place += len(ready.requests)
                yield self._read(ready, part, at)

    def live(self, wanted: Sequence[tuple[TableQuery, Sequence[str]]]) -> list[frozenset[str]]:
        """The ids that are live among these, for queries of live records."""
        parts = [
            (place, reading, part)
            for place, (reading, ids) in enumerate(wanted)
            for part in batched(ids, IDS_IN_A_LOOK)
        ]
        records: list[set[str]] = [set() for _ in wanted]
        for group in batched(parts, COLLECTIONS_IN_A_COMPOSITE):
            readings = [_among(reading, part) for _, reading, part in group]
            answers, at = self._answers([self._get(reading) for reading in readings])
            shared = [
                self._pages(among, answer, at)
                for among, answer in zip(readings, answers or (), strict=answers is not None)
            ]
            for number, (place, reading, part) in enumerate(group):
                pages = shared[number] if shared else None
                if pages is None:
                    pages = list(self._rest.read_chunks(reading, "Id", part))
                for page in pages:
                    records[place].update(live_ids(page.rows).to_pylist())
        return [frozenset(ids) for ids in records]

    # --- inside ----------------------------------------------------------------------------------

    def _shared(self, read_task: ReadTask) -> SharedTask | None:
        kind, work = work_of(read_task)
        reading = work.reading
        if read_task.full or reading.lo is None:
            return None  # probably large
        if kind is TaskKind.DELETES:
            calls = [BatchedGet(self._deletes.path(reading.table, reading.lo))]
        elif kind is TaskKind.CHANGED:
            updates = updates_path(self._api, reading.table, since=reading.lo)
            calls = [BatchedGet(updates), self._get(reading)]
        elif kind in QUERIED:
            calls = [self._get(reading)]
        else:
            return None
        return SharedTask(read_task, kind, work, calls)

    def _get(self, reading: TableQuery) -> BatchedGet:
        return BatchedGet(self._rest.path(reading))

    def _answers(self, calls: Sequence[BatchedGet]) -> tuple[Answers, datetime]:
        try:
            return self._api.composite(calls)
        except NOT_SHARED:
            return None, self._api.recent_time()

    def _read(self, ready: SharedTask, answers: Answers, at: datetime) -> TaskPages:
        if answers is None:
            return ready.task, None
        reading = ready.work.reading
        try:
            if ready.kind is TaskKind.DELETES:
                return ready.task, self._deletions(reading, answers[0])
            pages = self._rest.shared(reading, answers[-1], at, most=self._bulk_above)
            if pages is None:
                return _by_job(ready), None
            if ready.kind is TaskKind.CHANGED:
                pages = self._with_edited(reading, pages, answers[0])
        except NOT_SHARED:
            return ready.task, None
        return ready.task, pages if pages is not None and _has_unique_ids(pages) else None

    def _deletions(self, reading: TableQuery, answer: BatchedAnswer) -> Sequence[Page] | None:
        if answer.status != 200:
            return None
        log = answer.read(DeletedRecords)
        return list(self._deletes.pages(reading.table, reading.lo or "", log))

    def _with_edited(
        self, reading: TableQuery, pages: Sequence[Page], updates: BatchedAnswer
    ) -> list[Page] | None:
        """The pages, and the rows that Salesforce lists as changed and that they do not have."""
        if updates.status != 200:
            return None
        ids = canonical(pa.array(updates.read(UpdatedRecords).ids or [], pa.string()))
        read = pa.chunked_array([page.rows.ids for page in pages], pa.string())
        others = ids.filter(pc.invert(pc.is_in(ids, value_set=read))).to_pylist()
        whole = replace(reading, stamp=None, lo=None)
        return [*pages, *self._rest.read_chunks(whole, "Id", others)]

    def _pages(
        self, reading: TableQuery, answer: BatchedAnswer, at: datetime
    ) -> Sequence[Page] | None:
        try:
            return self._rest.shared(reading, answer, at, most=IDS_IN_A_LOOK)
        except NOT_SHARED:
            return None


def _composites(tasks: Sequence[SharedTask]) -> Iterator[list[SharedTask]]:
    """Tasks whose calls fit into one composite."""
    group: list[SharedTask] = []
    for ready in tasks:
        calls = sum(len(each.requests) for each in group) + len(ready.requests)
        queries = sum(each.queries for each in group) + ready.queries
        if calls > BATCH_REQUESTS or queries > COLLECTIONS_IN_A_COMPOSITE:
            yield group
            group = []
        group.append(ready)
    if group:
        yield group


def _by_job(ready: SharedTask) -> ReadTask:
    """The task for many rows: they are counted already."""
    if ready.kind is not TaskKind.CHOOSE:
        return ready.task
    return task(TaskKind.BULK, ready.work, full=ready.task.full)


def _among(reading: TableQuery, ids: Sequence[str]) -> TableQuery:
    conditions = (reading.condition, soql.any_of("Id", ids))
    return replace(reading, condition=" AND ".join(filter(None, conditions)))


def _has_unique_ids(pages: Sequence[Page]) -> bool:
    return not any(len(page.rows) and page.rows.ids[0].as_py() == EMPTY_KEY for page in pages)
