"""Records deleted between two backups, of all tables, with time and user."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.access import action
from unlost.app.backups.moments import Past, parse_past, snapshot_at
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.record_facts import (
    MergeWinners,
    RecordDeletion,
    UserNames,
    deletion_of,
)
from unlost.app.records.record_names import record_names
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.archived import with_archived
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import ChangeKind, nights

MOST = 200  # records of a page
FETCH = 10_000  # ids per lookup


@dataclass(frozen=True, slots=True)
class LostRecord:
    """A record that is in the first backup and not in the second."""

    table: str
    table_label: str
    record: str
    name: str
    gone: RecordDeletion


@dataclass(frozen=True, slots=True)
class LostTable:
    """The number of records that a table lost."""

    table: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class LostResult:
    """The records deleted between two backups, by table and then by id.

    Tables that people open come first, and those of links, history and the like after them.
    ``table`` is the requested one. ``records`` begin with number ``start`` of ``total``.
    ``archived``: records that archives took out of the org meanwhile; they are not lost.
    """

    org: str
    zone: str
    old: int
    old_as_of: datetime
    new: int
    new_as_of: datetime
    table: str | None
    tables: tuple[LostTable, ...]
    total: int
    start: int
    records: tuple[LostRecord, ...]
    archived: int = 0


@dataclass(frozen=True, slots=True)
class _Lost:
    """The ids that one table lost, in order, and the number of records that were archived."""

    table: str
    ids: pa.Array
    archived: int = 0


@action("record.lost", Right.READ, trace=Trace.READ, subject=("one", "other", "table"))
def lost(
    app: Application,
    org: str,
    one: str = "",
    other: str = "",
    *,
    table: str | None = None,
    start: int = 0,
    most: int = MOST,
) -> LostResult:
    """List the records deleted between two backups, by default the last two.

    Raises NotFound for an unknown org, backup or table, UsageError (``lost-one-night``,
    ``page-invalid``).
    """
    check_page(start=start, most=most)
    known = get_org(org)
    old, new = _sides(app, known, one, other)
    opened = {opened_table.name for opened_table in old.schema().opened_tables()}
    names = sorted(old.tables(), key=lambda name: (name not in opened, name))
    archives = uncommitted(app.whole_vault, known.oid, until=new.info.number)
    every = [
        _of_table(app, known, name, (old, new), archives.get(name, {}).keys()) for name in names
    ]
    losses = [loss for loss in every if len(loss.ids)]
    chosen = [loss for loss in losses if table in (None, loss.table)]
    if table is not None and table not in old.tables():
        raise NotFound(
            "table-unknown",
            "Backup {number} has no table {table}.",
            number=old.info.number,
            table=table,
        )
    words = TableWords(old.schema())
    describer = _LossDescriber(app, known, old, new, UserNames(new), MergeWinners(new))
    return LostResult(
        org=org,
        zone=known.identity.zone,
        old=old.info.number,
        old_as_of=old.info.as_of,
        new=new.info.number,
        new_as_of=new.info.as_of,
        table=table,
        tables=tuple(
            LostTable(loss.table, words.label(loss.table, count=len(loss.ids)), len(loss.ids))
            for loss in sorted(losses, key=lambda loss: (loss.table not in opened, -len(loss.ids)))
        ),
        total=sum(len(loss.ids) for loss in chosen),
        start=start,
        records=tuple(describer.records(list(_page(chosen, start, most)))),
        archived=sum(loss.archived for loss in every if table in (None, loss.table)),
    )


def _sides(
    app: Application, org: ProtectedOrg, older: str, other: str
) -> tuple[Snapshot, Snapshot]:
    """Return the two backups, the earlier one first."""
    if not (older and other):
        whole = nights(app.vault.snapshots(org.oid))
        if len(whole) < 2:
            raise _one_night(org)
        older, other = (str(night.number) for night in whole[-2:])
    pasts: list[Past] = [parse_past(text, zone=org.identity.zone) for text in (older, other)]
    old, new = sorted(
        (snapshot_at(app, org, past) for past in pasts), key=lambda snapshot: snapshot.info.number
    )
    if old.info.number == new.info.number:
        raise _one_night(org)
    return old, new


def _one_night(org: ProtectedOrg) -> UsageError:
    return UsageError(
        "lost-one-night",
        "Deleted records can only be listed between two different backups.",
        next_step="Choose two backups, or wait for the next nightly backup of {org}.",
        org=org.name,
    )


def _of_table(
    app: Application,
    org: ProtectedOrg,
    table: str,
    bounds: tuple[Snapshot, Snapshot],
    uncommitted_ids: Collection[str],
) -> _Lost:
    old, new = bounds
    parts = [pa.array([], pa.string())]
    # Only the changes between the two backups are read, not the tables.
    numbers = {"after": old.info.number, "until": new.info.number}
    archived = 0
    for each in app.vault.changes(org.oid, table, **numbers):
        change = with_archived(each, uncommitted_ids)
        gone = change.filter(pc.equal(change["change"], ChangeKind.DELETED.value))
        ids = gone["_u_id"].cast(pa.string()).combine_chunks()
        parts += [_there(old, table, ids.slice(at, FETCH)) for at in range(0, len(ids), FETCH)]
        archived += pc.sum(pc.equal(change["change"], ChangeKind.ARCHIVED.value)).as_py() or 0
    return _Lost(table, pa.concat_arrays(parts), archived)


def _there(old: Snapshot, table: str, ids: pa.Array) -> pa.Array:
    """Return the ids that the first backup can still show."""
    rows = old.get(table, ids.to_pylist(), columns=[])
    alive = rows.filter(pc.equal(rows["_u_op"], Op.STATE.value))["_u_id"].cast(pa.string())
    return ids.filter(pc.is_in(ids, value_set=alive.combine_chunks()))


def _page(lost_rows: Sequence[_Lost], start: int, most: int) -> Iterator[RecordKey]:
    """Yield the record keys of a page, which may span tables."""
    for lost_row in lost_rows:
        some = lost_row.ids.slice(min(start, len(lost_row.ids)), most).to_pylist()
        yield from (RecordKey(lost_row.table, record) for record in some)
        start, most = max(start - len(lost_row.ids), 0), most - len(some)


@dataclass(slots=True)
class _LossDescriber:
    """Describes deleted records for people."""

    app: Application
    org: ProtectedOrg
    old: Snapshot
    new: Snapshot
    people: UserNames
    winners: MergeWinners

    def records(self, keys: Sequence[RecordKey]) -> Iterator[LostRecord]:
        """Yield the records of a page, in the order of their tables."""
        by_table: dict[str, list[str]] = {}
        for key in keys:
            by_table.setdefault(key.table, []).append(key.record)
        for table, ids in by_table.items():
            yield from self._of_table(table, ids)

    def _of_table(self, table: str, ids: list[str]) -> Iterator[LostRecord]:
        names = record_names(self.app, self.org, self.old).of([table], ids)
        label = TableWords(self.old.schema()).label(table)
        is_stored, winner = table in self.new.tables(), self.winners.column(table)
        columns = [winner] if winner is not None else []
        rows = self.new.get(table, ids, columns=columns).to_pylist() if is_stored else []
        last = {row["_u_id"]: row for row in rows}
        for record in ids:
            gone = self._gone(table, record, last.get(record, {}))
            yield LostRecord(table, label, record, names.get(record, ""), gone)

    def _gone(self, table: str, record: str, row: Mapping[str, Any]) -> RecordDeletion:
        """Return the exact time and user if the org reported them, else the backups around it."""
        if row.get("_u_op") == Op.DELETED.value:
            by = row["_u_modified_by"]
            name = self.people.name(table, by)
            winner = row.get(self.winners.column(table) or "") or None
            return RecordDeletion(
                Op.DELETED,
                row["_u_modified_at"],
                by,
                name,
                self.old.info.as_of,
                self.new.info.as_of,
                winner,
                self.winners.name(table, winner),
            )
        return self._first_deletion(table, record)

    def _first_deletion(self, table: str, record: str) -> RecordDeletion:
        """Return the deletion as an earlier backup saw it, before the recycle bin was emptied."""
        number, oid = self.new.info.number, self.org.oid
        versions = self.app.vault.history(oid, table, record)
        until = [version for version in versions if version.snapshot <= number]
        nights = self.app.vault.snapshots(oid)
        deletion = deletion_of(until, nights, people=self.people, winners=self.winners)
        assert deletion is not None, "it is not alive at the second night"
        return deletion
