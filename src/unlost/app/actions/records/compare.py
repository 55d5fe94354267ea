"""Compare two backups, or a backup with the live org."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.access import action
from unlost.app.actions.records.history import ChangedField, field_line
from unlost.app.backups.moments import LiveMoment, Moment, parse_moment, snapshot_at
from unlost.app.compose import Application
from unlost.app.records.archived.archives import archived_now
from unlost.app.records.changes.compared_users import ComparedUsers
from unlost.app.records.last_changes import UNKNOWN_CHANGE, LastChange
from unlost.app.records.record_facts import RecordNames, table_named
from unlost.app.records.record_names import record_names
from unlost.app.records.restored_as import replacements
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.archived import ArchivedRecords
from unlost.engine.records.compare import (
    DIFFERENCES,
    Between,
    LiveComparison,
    TableSummary,
    summarize,
)
from unlost.engine.records.explain import FieldChange
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, SourceRefused, UsageError
from unlost.model.mass_changes import UserShare
from unlost.model.ports.vault import Snapshot
from unlost.model.source.hidden_columns import NOTHING_HIDDEN
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import ChangeKind

MOST = 1_000  # listed records; all of them are counted
GONE = (ChangeKind.DELETED.value, ChangeKind.ARCHIVED.value)


@dataclass(frozen=True, slots=True)
class ComparisonSide:
    """One side of a comparison; ``snapshot`` is None for the live org."""

    snapshot: int | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class UnreadTable:
    """A table that could not be compared, and why."""

    table: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record that differs. ``changes`` are the differing fields, none for a deleted record.

    ``last_change``: the user and time of its last change, or of its deletion, on the later side.
    ``archive_run``: the archive that took an archived record out of the org, and ``archived_at`` its
    end; None if it has not ended. ``restored_as``: the id under which a restore created the record
    again; empty if none did.
    """

    record: str
    name: str
    change: ChangeKind
    changes: tuple[ChangedField, ...]
    last_change: LastChange = UNKNOWN_CHANGE
    archive_run: str = ""
    archived_at: datetime | None = None
    restored_as: str = ""


@dataclass(frozen=True, slots=True)
class CompareResult:
    """The differences between two sides, earlier side first.

    ``tables`` are those that differ, of the whole org or the requested table. ``rows`` are its
    records, as many as requested; ``more`` counts those that follow. ``unread`` are tables that the
    live org did not deliver. ``people``: users of the differing records of the table, those with most
    records first; of many records, the first ones are counted.
    """

    org: str
    zone: str
    old: ComparisonSide
    new: ComparisonSide
    table: str | None
    tables: tuple[TableSummary, ...]
    rows: tuple[RecordChange, ...]
    more: int
    unread: tuple[UnreadTable, ...]
    people: tuple[UserShare, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedTables:
    """The differences, before they are combined with the two sides."""

    table: str | None = None
    tables: tuple[TableSummary, ...] = ()
    rows: tuple[RecordChange, ...] = ()
    more: int = 0
    unread: tuple[UnreadTable, ...] = ()
    people: tuple[UserShare, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedSides:
    """The two opened sides. ``shape`` is the later backup, whose schema labels the result.

    ``names`` are those of its records, ``old_names`` of the earlier backup. ``archives`` are those
    up to the later side.
    """

    app: Application
    org: ProtectedOrg

    differ: Between | LiveComparison
    old: ComparisonSide
    new: ComparisonSide
    shape: Snapshot
    names: RecordNames
    old_names: RecordNames
    archives: ArchivedRecords


@dataclass(frozen=True, slots=True)
class RecordSlice:
    """The records of a table to list: ``most`` from ``start`` on, of one kind or all.

    ``by``: only records that this user (an id) changed last, or deleted; they alone are counted too.
    """

    start: int = 0
    most: int = MOST
    kind: ChangeKind | None = None
    by: str = ""


ALL = RecordSlice()


@action("record.compare", Right.READ, trace=Trace.READ, subject=("one", "other", "table"))
def compare(
    app: Application,
    org: str,
    one: str,
    other: str,
    *,
    table: str | None = None,
    part: RecordSlice = ALL,
) -> CompareResult:
    """Compare two moments of an org, given in any order.

    Raises NotFound for an unknown org, backup or table, UsageError for an invalid moment.
    """
    known = get_org(org)
    zone = known.identity.zone
    moments = (parse_moment(one, zone=zone), parse_moment(other, zone=zone))
    with _opened(app, known, moments) as sides:
        tables = _all_tables(sides) if table is None else _one_table(sides, table, part)
        return CompareResult(
            org=org,
            zone=zone,
            old=sides.old,
            new=sides.new,
            table=tables.table,
            tables=tuple(summary for summary in tables.tables if summary.total),
            rows=tables.rows,
            more=tables.more,
            unread=tables.unread,
            people=tables.people,
        )


@contextmanager
def _opened(
    app: Application, org: ProtectedOrg, moments: tuple[Moment, Moment]
) -> Iterator[ComparedSides]:
    past = [
        snapshot_at(app, org, moment) for moment in moments if not isinstance(moment, LiveMoment)
    ]
    if not past:
        raise UsageError(
            "compare-live-twice",
            "The live org cannot be compared with itself.",
            next_step="Choose a backup for one of the two: latest, a number, or a date.",
        )
    if len(past) == 1:
        with app.open_org(org) as source:
            old, now = past[0], ComparisonSide(None, source.server_time())
            app.home.work.mkdir(mode=0o700, exist_ok=True)
            archives = archived_now(app, org.oid)
            live = LiveComparison(
                source,
                old,
                app.clock,
                app.home.work,
                by_census=True,
                schema=source.discover(),
                archives=archives,
            )
            names = record_names(app, org, old)
            yield ComparedSides(app, org, live, _side(old), now, old, names, names, archives)
        return
    # ``Between`` orders the two by number.
    older, other = (snapshot.info.number for snapshot in past)
    hidden = app.hidden.get(org.oid, NOTHING_HIDDEN)
    between = Between.of(
        app.vault,
        org.oid,
        after=older,
        other=other,
        filtered=hidden.by_table,
        uncommitted=uncommitted(app.whole_vault, org.oid, until=max(older, other)),
    )
    yield ComparedSides(
        app,
        org,
        between,
        _side(between.old),
        _side(between.new),
        between.new,
        record_names(app, org, between.new),
        record_names(app, org, between.old),
        between.archives,
    )


def _side(snapshot: Snapshot) -> ComparisonSide:
    return ComparisonSide(snapshot.info.number, snapshot.info.as_of)


def _all_tables(sides: ComparedSides) -> ComparedTables:
    """Count the differences of every table; tables that the org refuses are listed as unread."""
    summaries: list[TableSummary] = []
    unread: list[UnreadTable] = []
    for name in sides.differ.tables():
        try:
            summaries.append(sides.differ.summary(name))
        except (SourceRefused, NotFound) as error:
            unread.append(UnreadTable(name, error.sentence))
    ranked = sorted(
        summaries, key=lambda summary: (-summary.deleted, -summary.total, summary.table)
    )
    return ComparedTables(tables=tuple(ranked), unread=tuple(unread))


def _one_table(sides: ComparedSides, name: str, part: RecordSlice) -> ComparedTables:
    """Count the differences of a table, and list some of its records with their fields."""
    table = _described(sides, name)
    listed = ListedRecords(part)
    users = ComparedUsers(sides.differ, table, part.by, part.kind)
    counts = summarize(_listed(sides.differ, table.name, listed, users), table.name)
    rows = _rows(listed.lines, table, sides, users)
    remaining = listed.passed - part.start - len(rows)
    return ComparedTables(table.name, (counts,), rows, max(remaining, 0), people=users.shares())


def _listed(
    differ: Between | LiveComparison, table: str, listed: "ListedRecords", users: ComparedUsers
) -> Iterator[pa.Table]:
    """Yield the differences in batches, and collect the fields of listed records in passing.

    If records can be counted without reading them, only the listed ones are read.
    """
    if isinstance(differ, Between) and differ.plain(table):
        for changed in differ.changed(table):
            batch = users.narrowed(changed)
            chosen = listed.choose(batch)
            if len(chosen):
                listed.lines += differ.described(table, chosen).to_pylist()
            yield batch
        return
    for differences in differ.differences(table):
        batch = users.narrowed(differences)
        listed.lines += listed.choose(batch).to_pylist()
        yield batch


@dataclass(slots=True)
class ListedRecords:
    """The lines of a slice of records; ``passed`` counts the records of its kind so far."""

    part: RecordSlice
    lines: list[dict[str, str | None]] = field(default_factory=list)
    passed: int = 0

    def choose(self, batch: pa.Table) -> pa.Table:
        """Return the slice's rows of the next batch, each record completely or not at all."""
        if self.part.kind is not None:
            batch = batch.filter(pc.equal(batch["change"], self.part.kind.value))
        ids = batch["id"].unique()
        first = max(self.part.start - self.passed, 0)
        end = max(self.part.start + self.part.most - self.passed, 0)
        self.passed += len(ids)
        page_ids = ids.slice(first, max(end - first, 0))
        return batch.filter(pc.is_in(batch["id"], value_set=page_ids))


def _described(sides: ComparedSides, name: str) -> Table:
    """Return the table of this name, also if only the earlier side has it."""
    try:
        return table_named(sides.shape.schema(), name)
    except NotFound:
        older = sides.differ.old.schema().table(name)
        if older is None:
            raise
        return older


def _rows(
    lines: list[dict[str, str | None]],
    table: Table,
    sides: ComparedSides,
    users: ComparedUsers,
) -> tuple[RecordChange, ...]:
    ids = list(dict.fromkeys(str(line["id"]) for line in lines))
    names, words = _names(sides, table, ids), sides.names
    groups: dict[str, list[dict[str, str | None]]] = {}
    for line in lines:
        groups.setdefault(str(line["id"]), []).append(line)
    changes = users.changes(pa.Table.from_pylist(lines, schema=DIFFERENCES))
    gone = list(dict.fromkeys(str(line["id"]) for line in lines if line["change"] in GONE))
    archived = [str(line["id"]) for line in lines if line["change"] == ChangeKind.ARCHIVED.value]
    acts = sides.archives.acts(table.name, archived)
    restored = replacements(sides.app, sides.org, table.name, gone) if gone else {}
    return tuple(
        RecordChange(
            record=record,
            name=names.get(record, ""),
            change=ChangeKind(str(versions[0]["change"])),
            changes=tuple(
                field_line(
                    FieldChange(version["column"], version["old"], version["new"]), table, words
                )
                for version in versions
                if version["column"] is not None
            ),
            last_change=changes.get(record, UNKNOWN_CHANGE),
            archive_run=acts[record].run if record in acts else "",
            archived_at=acts[record].at if record in acts else None,
            restored_as=restored.get(record, ""),
        )
        for record, versions in groups.items()
    )


def _names(sides: ComparedSides, table: Table, ids: list[str]) -> dict[str, str]:
    """Return the names of records, from the later backup or else from the earlier one."""
    names = dict(sides.names.of([table.name], ids))
    rest = [record_id for record_id in ids if record_id not in names]
    return names | dict(sides.old_names.of([table.name], rest)) if rest else names
