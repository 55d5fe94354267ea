"""The processing of one ingest job: batches of 10,000 rows side by side, 200 rows a transaction.

Sources: Bulk API 2.0 guide (how requests are processed), Bulk API limits. Batches run in parallel
in life, so rows of different batches come in no order: here they take turns, in an order that the
job's id decides.

A statement costs about the same for 200 rows as for 10,000. So a batch of deletions is one
transaction as long as nobody can see a difference: the rows have nothing to do with one another,
and no rule, fault or poll of a test looks at single transactions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import Any

from unlost_simulators.salesforce.bulk import ingest_csv, ingest_header
from unlost_simulators.salesforce.bulk.ingest_csv import Upload
from unlost_simulators.salesforce.bulk.ingest_habits import BeyondAllocation, IngestHabits
from unlost_simulators.salesforce.bulk.ingest_header import HeaderRules, UploadColumns
from unlost_simulators.salesforce.bulk.render import CsvForm
from unlost_simulators.salesforce.model.allocations import BULK_BATCHES
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.mishaps import WriteSubject
from unlost_simulators.salesforce.writing.removal import independent
from unlost_simulators.salesforce.writing.request import (
    Channel,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)

REMOVALS = frozenset({Verb.DELETE, Verb.HARD_DELETE})
# Bulk API limits: rows of a batch, rows of a transaction.
BATCH_ROWS = 10_000
CHUNK_ROWS = 200
BULK_ROWS = "DailyBulkIngestRows"
QUOTA_SPENT = "ExceededQuota : ApiBatchItems Limit exceeded."
ROWS_SPENT = "ExceededQuota : Daily limit of records exceeded."


class Operation(StrEnum):
    """The operation of a job, and the verb of its writes."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    HARD_DELETE = "hardDelete"

    @property
    def verb(self) -> Verb:
        """Give the verb of its write requests."""
        return _VERBS[self]


_VERBS = {
    Operation.INSERT: Verb.CREATE,
    Operation.UPDATE: Verb.UPDATE,
    Operation.UPSERT: Verb.UPSERT,
    Operation.DELETE: Verb.DELETE,
    Operation.HARD_DELETE: Verb.HARD_DELETE,
}


@dataclass(frozen=True, slots=True)
class IngestOrder:
    """The request of a client."""

    operation: Operation
    object: str
    user_id: str
    version: str
    form: CsvForm
    external_id: str | None = None
    assignment_rule: str | None = None

    def options(self) -> WriteOptions:
        """Give the options of its write requests."""
        return WriteOptions(
            external_id=self.external_id,
            channel=Channel.BULK,
            auto_assign=self.assignment_rule,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one row; ``error`` is the text of ``sf__Error``, None for success."""

    id: str
    created: bool = False
    error: str | None = None


@dataclass(slots=True)
class Load:
    """A job in progress. ``run`` continues it; ``outcomes`` has the results of the rows.

    Rows that are in neither ``outcomes`` nor ``lost`` are unprocessed. ``stopped_by``: the reason
    if the load cannot continue.
    """

    org: Org
    order: IngestOrder
    path: Path
    habits: IngestHabits
    seed: str
    upload: Upload | None = None
    columns: UploadColumns | None = None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    failed: int = 0
    stopped_by: str | None = None
    _batches: list[range] = field(default_factory=list)
    _chunks: Iterator[range] | None = None
    _left: range = range(0)
    _begun: dict[int, bool] = field(default_factory=dict)

    @property
    def processed(self) -> int:
        """Give the number of rows that were tried, failed ones included."""
        return len(self.outcomes)

    @property
    def rows(self) -> int:
        """Give the number of uploaded rows, 0 before they are read."""
        return 0 if self.upload is None else self.upload.rows

    @property
    def done(self) -> bool:
        """True if nothing is left to try."""
        tried = self.processed + len(self.lost)
        return self.upload is not None and (tried == self.rows or self.stopped_by is not None)

    @property
    def error(self) -> str | None:
        """The reason why the job failed although its rows could be read."""
        return QUOTA_SPENT if self.lost else self.stopped_by

    def unprocessed(self) -> list[int]:
        """Give the places of rows that were not tried."""
        tried = self.outcomes.keys() | self.lost
        return [at for at in range(self.rows) if at not in tried]

    def run(self, until: int | None, *, go_on: Callable[[], bool]) -> None:
        """Process rows until so many are tried (None: all); asks ``go_on`` before each chunk.

        Raises ``BatchRefused`` when the upload cannot be processed at all.
        """
        if self.columns is None:
            self._open()
        while not self.done and go_on():
            most = self.rows if until is None else until - self.processed
            if most <= 0:
                return
            self._process(self._next(most, whole_batches=until is None))

    def _open(self) -> None:
        self.upload = upload = ingest_csv.index(
            self.path, self.order.form, self.habits.quoted_breaks
        )
        user = self.org.users.by_id(self.order.user_id) or self.org.users.first()
        of = self.org.schema.get(self.order.object)
        if of is None:
            raise ingest_csv.BatchRefused(f"Unable to find object: {self.order.object}")
        rules = HeaderRules(
            self.org.schema, of, user, self.order.operation, self.habits.unknown_columns
        )
        self.columns = ingest_header.read(upload.header, rules)
        self._batches = batches(upload.rows, self.seed)

    def _next(self, most: int, *, whole_batches: bool) -> range:
        """Give the next rows of one transaction, at most ``most``."""
        here = self._left or self._transaction(whole_batches=whole_batches)
        self._left = here[most:]
        return here[:most]

    def _transaction(self, *, whole_batches: bool) -> range:
        if self._chunks is None and whole_batches and self._is_one(self._batches[0]):
            return self._batches.pop(0)
        if self._chunks is None:
            self._chunks = iter(turns(self._batches))
        return next(self._chunks)

    def _is_one(self, batch: range) -> bool:
        """True if it makes no difference that all rows of a batch are deleted together."""
        if self.order.operation.verb not in REMOVALS:
            return False
        given = [str(row.get("Id")) for row in self._rows(batch)]
        subject = WriteSubject(self.order.object, self.order.operation.verb, Channel.BULK)
        return independent(self.org, subject, given)

    def _process(self, places: range) -> None:
        if not self._allowed(places):
            return
        lost = not self._begun[places[0] // BATCH_ROWS]
        # Whether rows beyond the allocation are written is not documented; a test can choose.
        if lost and self.habits.beyond_allocation is BeyondAllocation.LOST:
            self.lost.update(places)
            return
        results = self._write(places)
        if lost:
            self.lost.update(places)
            return
        for at, result in zip(places, results, strict=True):
            self.outcomes[at] = outcome(result, self.order.operation)
            self.failed += not result.success

    def _allowed(self, places: range) -> bool:
        """Count the rows and, with its first rows, the batch against the daily allocations."""
        allocations = self.org.allocations
        if allocations.used(BULK_ROWS) + len(places) > self.habits.daily_rows:
            self.stopped_by = ROWS_SPENT
            return False
        allocations.count(BULK_ROWS, len(places))
        batch = places[0] // BATCH_ROWS
        # Counted once per batch, with its first transaction, in whatever order batches take turns.
        if batch not in self._begun:
            batches_left = self.org.settings.daily_bulk_batches - allocations.used(BULK_BATCHES)
            self._begun[batch] = batches_left > 0
            if batches_left > 0:
                allocations.count(BULK_BATCHES)
        return True

    def _write(self, places: Sequence[int]) -> list[RowResult]:
        order, rows = self.order, self._rows(places)
        user = self.org.users.by_id(order.user_id) or self.org.users.first()
        try:
            return self.org.write(user, order.operation.verb, order.object, rows, order.options())
        except SalesforceError as error:
            # What concerns the whole request, such as an object that was taken away meanwhile.
            refused = RowError(error.code, error.message, tuple(error.fields or ()))
            keys = [row.get("Id") for row in rows]
            return [RowResult(key, success=False, errors=(refused,)) for key in keys]

    def _rows(self, places: Sequence[int]) -> list[dict[str, Any]]:
        if self.upload is None or self.columns is None:
            return []
        return [self.columns.row(cells) for cells in self.upload.read(places)]


def batches(rows: int, seed: str) -> list[range]:
    """Give the batches of a job in the order in which they begin."""
    cut = [range(at, min(at + BATCH_ROWS, rows)) for at in range(0, rows, BATCH_ROWS)]
    # Seeded by the job's id: no order that a client could rely on, but the same at each run.
    random.Random(seed).shuffle(cut)
    return cut


def turns(some: Sequence[range]) -> list[range]:
    """Give the transactions of batches in the order in which they are carried out."""
    cut = [
        [batch[at : at + CHUNK_ROWS] for at in range(0, len(batch), CHUNK_ROWS)] for batch in some
    ]
    # One transaction of each batch in turn, as if the batches ran in parallel.
    return [chunk for turn in zip_longest(*cut) for chunk in turn if chunk is not None]


def outcome(result: RowResult, operation: Operation) -> Outcome:
    """Return the content of the result files for one row."""
    if result.success:
        created = operation is Operation.INSERT or bool(result.created)
        return Outcome(result.id or "", created=created)
    return Outcome(result.id or "", error="".join(map(error_text, result.errors)))


def error_text(error: RowError) -> str:
    """Give an error as ``sf__Error`` words it: ``CODE:message:field1,field2 --``."""
    fields = ",".join(error.fields)
    return f"{error.code}:{error.message}:{fields}{' ' if fields else ''}--"
