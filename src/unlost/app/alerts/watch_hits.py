"""Look in new backups for what watched sets alert about: deletions, and changes of columns."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.compose import Application
from unlost.app.records.changes.watched_sets import members_of
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.orgs.watches import StoredWatch, store_hits, stored_watches
from unlost.engine.records.compare import Between
from unlost.engine.records.touched import touched_records
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.vault.snapshot import ChangeKind, SnapshotInfo
from unlost.model.watched import WatchHit

LIFETIME = timedelta(days=7)
MOST_BACKUPS = 50  # evaluated after a pause; earlier ones are left out


def update_watches(app: Application, org: ProtectedOrg) -> None:
    """Look in the backups since the last evaluated one, for each watched set that can alert."""
    backups = app.whole_vault.snapshots(org.oid)
    for watch in stored_watches([org.name]):
        pairs = [pair for pair in pairwise(backups) if pair[1].number > watch.evaluated]
        if watch.alerts and pairs:
            recent = [_hit(app, org, watch, *pair) for pair in pairs[-MOST_BACKUPS:]]
            since = backups[-1].as_of - LIFETIME
            hits = [*watch.hits, *(hit for hit in recent if hit.is_reported)]
            young = [hit for hit in hits if hit.as_of > since]
            store_hits(watch, young, evaluated=backups[-1].number)


def _hit(
    app: Application,
    org: ProtectedOrg,
    watch: StoredWatch,
    before: SnapshotInfo,
    backup: SnapshotInfo,
) -> WatchHit:
    try:
        members = members_of(app, org, watch, at=before.number)
    except (NotFound, UsageError) as error:  # its list is too long by now, or its table is gone
        return WatchHit(backup.number, backup.as_of, error=error.message)
    span = {"after": before.number, "until": backup.number}
    touched = touched_records(app.whole_vault, org.oid, members, **span)
    by_table: dict[str, list[str]] = defaultdict(list)
    for each in touched.records:
        by_table[each.key.table].append(each.key.record)
    between = Between.of(
        app.whole_vault,
        org.oid,
        after=before.number,
        other=backup.number,
        uncommitted=uncommitted(app.whole_vault, org.oid, until=backup.number),
    )
    counter = _Counter(frozenset(members), watch)
    for table, records in by_table.items():
        counter.count(table, _described(between, table, records))
    return WatchHit(
        backup.number,
        backup.as_of,
        counter.deleted,
        dict(counter.columns),
        touched.unsearched if watch.columns else (),
    )


def _described(between: Between, table: str, records: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the differing fields of these records between two backups."""
    wanted = pa.array(sorted(records), pa.string())
    for changes in between.changed(table):
        mine = changes.filter(pc.is_in(changes["id"], value_set=wanted))
        if mine.num_rows:
            yield between.described(table, mine)


class _Counter:
    """Counts what a set alerts about."""

    def __init__(self, members: frozenset[RecordKey], watch: StoredWatch) -> None:
        self._members, self._watch = members, watch
        self._gone: set[RecordKey] = set()
        self.columns: dict[str, int] = {}

    @property
    def deleted(self) -> int:
        """Records of the set that were deleted."""
        return len(self._gone) if self._watch.deletions else 0

    def count(self, table: str, batches: Iterator[pa.Table]) -> None:
        """Count the differing fields of records of a table."""
        for batch in batches:
            for row in batch.select(["id", "change", "column"]).to_pylist():
                self._count(table, row)

    def _count(self, table: str, row: Mapping[str, str | None]) -> None:
        key, column = RecordKey(table, str(row["id"])), f"{table}.{row['column']}"
        if row["change"] == ChangeKind.DELETED.value and key in self._members:
            self._gone.add(key)
        if row["change"] == ChangeKind.CHANGED.value and column in self._watch.columns:
            self.columns[column] = self.columns.get(column, 0) + 1
