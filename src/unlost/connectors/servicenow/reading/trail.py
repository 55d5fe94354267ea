"""Deletions as the instance records them: sys_audit_delete, and DELETED rows of sys_audit.

Sources: ServiceNow docs, "Deleted records" and "Exclude a table from auditing"; knowledge base,
"sys_audit has a row with fieldname DELETED for each deletion" (also for tables without auditing, and
RECOVERED for a record that was undeleted). The table cleaner and the archive leave no trail, and
people may empty both tables, so a census is needed too. sys_audit is the largest table of most
instances: it is only asked for short spans of time.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import RowCondition, TableWalk, WalkQuery
from unlost.connectors.servicenow.schema.tables import AUDIT, CREATED, DELETIONS
from unlost.model.errors import IntegrityError, SourceRefused, TransientError

OLDEST = timedelta(days=30)  # an older trail may have been emptied in part
MOST_DELETIONS = 200_000  # more are not held in memory: a census finds them
FORM = "%Y-%m-%d %H:%M:%S"
KEYS = ("tablename", "documentkey", CREATED, "user")
SCHEMA = pa.schema([(name, pa.string()) for name in KEYS])
MARKED = RowCondition("fieldname", among=("DELETED", "RECOVERED"))


@dataclass(frozen=True, slots=True)
class DeletionTrail:
    """The last deletion or undeletion of each record since an instant, as columns of ``KEYS``.

    ``whole``: false if some may be missing, so that a census must be taken.
    """

    rows: pa.Table
    whole: bool

    def of_table(self, table: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table in bounded batches."""
        rows = self.rows.filter(pc.equal(self.rows["tablename"], table))
        yield from rows.to_batches(max_chunksize=1_000)


class DeletionTrails:
    """The trails of an instance; each is read once for all tables. Safe for threads."""

    def __init__(self, api: ServiceNowApi) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._trails: dict[str, DeletionTrail] = {}

    def since(self, since: str) -> DeletionTrail:
        """The deletions since an instant in the form of the instance, UTC."""
        with self._lock:
            if since not in self._trails:  # a backup has a few instants, each for many tables
                self._trails[since] = self._read(since)
            return self._trails[since]

    def _read(self, since: str) -> DeletionTrail:
        """Read both tables; where the instance does not deliver the rows, a census finds deletions."""
        parts: list[pa.Table] = []
        whole = not self._is_old(since)
        created = RowCondition(CREATED, at_least=since)
        for query in (
            WalkQuery(DELETIONS, KEYS, (created,)),
            WalkQuery(AUDIT, KEYS, (created, MARKED)),
        ):
            try:
                rows = self._rows(query)
            except (SourceRefused, IntegrityError, TransientError):
                rows = None
            whole = whole and rows is not None
            parts += [] if rows is None else [rows]
        return DeletionTrail(_last_of_each(pa.concat_tables([SCHEMA.empty_table(), *parts])), whole)

    def _rows(self, query: WalkQuery) -> pa.Table | None:
        """All rows of a query; None if there are too many, or if some are hidden."""
        walk = TableWalk(self._api, query)
        batches = []
        for page in walk.pages():
            batches.append(page.cells.select(list(KEYS)))
            if walk.seen > MOST_DELETIONS:
                return None
        if walk.hidden():
            return None
        return pa.Table.from_batches(batches, SCHEMA)

    def _is_old(self, since: str) -> bool:
        begins = datetime.strptime(f"{since}+0000", f"{FORM}%z")
        return self._api.now() - begins > OLDEST


def _last_of_each(rows: pa.Table) -> pa.Table:
    """The last row of each record; rows without an id are left out."""
    known = rows.filter(pc.is_valid(rows["documentkey"])).sort_by(CREATED)
    last = known.group_by(list(KEYS[:2]), use_threads=False).aggregate(
        [(CREATED, "last"), ("user", "last")]
    )
    return last.rename_columns(list(KEYS))
