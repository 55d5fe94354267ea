"""Watch an org while an archive runs: records that changed, vanished, or came since the copy.

  copy (backup 12) ──▶ read() before group 1 ──▶ read() before group 2 ──▶ …
                       mail 7 of case 1 is new    account 9 vanished

A new mail of an old case would be deleted with the case, and no copy of it exists: so the case must
stay. A record that vanished and that the archive does not name shows that the org deletes more than
was planned. Each ``read`` reads only what changed since the last one, of each row the id, the times
and the references, and adds it to ``changes``. Tables that do not deliver their changes completely,
such as links of files, are asked for their rows that refer to given records. See docs/adr/0051.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from unlost.engine.named_rows import AT as ROW_AT
from unlost.engine.named_rows import RECORD, TABLE, by_id, naming_rows
from unlost.engine.storage.mails import instants
from unlost.model.finding import Severity
from unlost.model.named_records import names_ids
from unlost.model.plan import RecordKey
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.ports.writer import PlanningAccess
from unlost.model.source.reading import Op, Page, ReadTask, Ready, Rows
from unlost.model.source.schema import Column, DeleteRule, Schema, Table, TableTrait, WireKind
from unlost.model.source.writing import Birth, ReferrerQuery
from unlost.model.vault.snapshot import nights

WHOLE_ORG = ""  # the place of a gap that is not one table's
LOOK_UP = 5_000  # records that are looked up in the copy at a time
SKEW = timedelta(seconds=10)  # stamps are cut to seconds
_NEEDED = (WireKind.ID, WireKind.REFERENCE, WireKind.INSTANT, WireKind.DATE, WireKind.BOOLEAN)
ID, OP, BY, AT, STAMP = "id", "op", "by", "at", "stamp"
WAS, THEN = "was", "then"


def gaps_of(vault: VaultReader, org: str) -> Mapping[str, str]:
    """The tables of which the newest backups lack something, and a sentence about it.

    ``WHOLE_ORG`` for something that is lacking in all tables, such as a right of the backup user.
    """
    backups = vault.snapshots(org)
    if not nights(backups):
        return {WHOLE_ORG: "There is no backup of all tables."}
    gaps: dict[str, str] = {}
    for number in {backups[-1].number, nights(backups)[-1].number}:
        certificate = vault.at(org, number).certificate()
        if certificate is None:
            gaps[WHOLE_ORG] = "The backup has no certificate."
            continue
        findings = [finding for line in certificate.tables for finding in line.findings]
        for finding in (*findings, *certificate.findings):
            if finding.severity is Severity.GAP:
                gaps.setdefault(finding.table or WHOLE_ORG, finding.sentence)
    return gaps


@dataclass(slots=True)
class OrgChanges:
    """Changes since the copy.

    ``changed``: planned records with a new time of change, or that others deleted. ``named``: planned
    records that have a new reference to them. ``deleted``: planned records that the write user
    deleted, apart from settled ones.
    ``vanished``: other records that this user deleted, or that are gone without a known user.
    ``unread``: tables that were not delivered completely. ``unlisted``: tables whose list of
    deletions is not complete, although only it has records that left without the recycle bin.
    ``binned``: records that left since the copy, and that are in the recycle bin by others than the
    run.
    """

    changed: set[RecordKey] = field(default_factory=set)
    named: set[RecordKey] = field(default_factory=set)
    deleted: set[RecordKey] = field(default_factory=set)
    vanished: set[RecordKey] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    binned: set[RecordKey] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPorts:
    """The ports of a watch. ``links``: tables that are never read for their changes."""

    source: Source
    access: PlanningAccess
    clock: Clock
    links: frozenset[str] = frozenset()


class OrgWatch:
    """Watches the tables of planned records, and all tables that refer to them or that they name."""

    def __init__(
        self,
        ports: WatchPorts,
        copy: Snapshot,
        schema: Schema,
        planned: Mapping[str, Sequence[str] | pl.Series],
        *,
        since: datetime,
        began: datetime | None = None,
        hard: bool = False,
        settled: Callable[[RecordKey], bool] = lambda _: False,
    ) -> None:
        """``schema``: the org's tables that are watched. ``planned``: ids by table.

        ``since``: the source's clock when the backup of the copy began. ``began``: the time at which
        the run began to delete; earlier deletions are by others. ``hard``: the run deletes without
        the recycle bin, and the org does not name the user of such a deletion. ``settled``: tells
        for a record that its deletion is known, and is not to be noted.
        """
        self.changes = OrgChanges()
        self._ports = ports
        self._copy = copy
        self._planned = {
            name: pl.Series(ids, dtype=pl.String).sort() for name, ids in planned.items()
        }
        self._settled = settled
        self._stored = copy.tables()
        self._hard = hard
        self._since = since
        self._began = began - SKEW if began is not None else None
        tables = list(_related_tables(schema, self._planned.keys()))
        self._followed = [watched_columns(table) for table in tables if self._is_followed(table)]
        followed = {table.name for table in self._followed}
        self._asked = [table for table in tables if table.name not in followed]

    @property
    def without_deletions(self) -> list[str]:
        """The followed tables of which the org does not list deletions, by name."""
        return sorted(t.name for t in self._followed if not t.has(TableTrait.REPORTS_DELETES))

    def follows(self, table: str) -> bool:
        """True if the changes of this table are read."""
        return any(followed.name == table for followed in self._followed)

    def read(self) -> None:
        """Add the changes since the last reading; the first time, since the copy was made."""
        source = self._ports.source
        began = source.server_time()
        tables = {table.name: table for table in self._followed}
        tasks: list[ReadTask] = []
        for table in self._followed:
            cursor = source.cursor_at(table, self._since)
            assert cursor is not None
            tasks += source.plan_reads(table, cursor)
        waiting = len(tasks)
        gone: dict[str, list[pl.DataFrame]] = defaultdict(list)
        for task, pages in source.read_together(tasks):
            waiting -= 1
            for page in self._pages(task) if pages is None else pages:
                gone[task.table].append(self._note_live(tables[task.table], page.rows))
                if page.incomplete:
                    self.changes.unread.add(task.table)
                if self._hard and page.wants_census:
                    self.changes.unlisted.add(task.table)
        assert waiting == 0, "a table without an answer would look like one without changes"
        for name, frames in gone.items():
            self._note_gone(tables[name], pl.concat(frames, how="diagonal"))
        self._since = began

    def unknown_referrers(
        self, planned: Mapping[str, Sequence[str]]
    ) -> tuple[set[RecordKey], set[str]]:
        """Of these ids, those to which unknown rows of the other tables refer.

        Also the tables that cannot be asked, although people may add rows to them.
        """
        named: set[RecordKey] = set()
        closed: set[str] = set()
        queries = list(self._queries(planned))
        answers = self._ports.access.referrers([query for query, _ in queries]) if queries else ()
        for (query, target), rows in zip(queries, answers, strict=True):
            if rows is not None:
                named |= self._unknown(query, target, rows)
            elif self._ports.access.capability(query.table).birth is not Birth.NEVER:
                closed.add(query.table.name)
        return named, closed

    # --- tables ----------------------------------------------------------------------------------

    def _is_followed(self, table: Table) -> bool:
        return (
            table.name not in self._ports.links
            and table.name in self._stored
            and _stamp(table) != ""
            and self._ports.source.cursor_at(watched_columns(table), self._since) is not None
        )

    def _queries(self, planned: Mapping[str, Sequence[str]]) -> Iterator[tuple[ReferrerQuery, str]]:
        for table in self._asked:
            for column in table.columns:
                reference = column.reference if names_ids(column) else None
                for target in reference.tables if reference is not None else ():
                    if planned.get(target):
                        yield ReferrerQuery(table, column.name, planned[target]), target

    def _unknown(self, query: ReferrerQuery, target: str, rows: Rows) -> set[RecordKey]:
        """The targets of rows that the copy does not have with this value."""
        if rows.cells is None or not len(rows):
            return set()
        column = query.table.column(query.column)
        assert column is not None
        frame = pl.DataFrame({
            ID: rows.ids.to_pylist(),
            query.column: rows.cells.column(query.column).to_pylist(),
        })  # fmt: skip
        ids = pl.Series(query.ids, dtype=pl.String)
        return set(self._new_references(query.table, frame, column, by_id(target, ids)))

    # --- rows --------------------------------------------------------------------------------------

    def _pages(self, task: ReadTask) -> Iterator[Page]:
        waiting = [task]
        while waiting:
            match self._ports.source.prepare(waiting.pop()):
                case Ready(tasks):
                    for ready in tasks:
                        yield from self._ports.source.read(ready)
                case wait:
                    seconds = (wait.until - self._ports.clock.now()).total_seconds()
                    self._ports.clock.sleep(max(0.0, seconds))
                    waiting.append(wait.task)

    def _note_live(self, table: Table, rows: Rows) -> pl.DataFrame:
        """Note the live rows of a page; returns what is needed of the others."""
        frame = _observed(table, rows)
        live = pl.col(OP) == Op.STATE.value
        inside = pl.col(ID).is_in(self._ids(table.name).implode())
        if STAMP in frame.columns:
            living = frame.filter(live)
            self._note_changed(table, living.filter(inside))
            for column in _references(table, living, self._planned.keys()):
                for target in column.reference.tables if column.reference is not None else ():
                    named = by_id(target, self._ids(target))
                    self.changes.named |= set(self._new_references(table, living, column, named))
        masters = (c.name for c in _references(table, frame, self._planned.keys()) if _cascades(c))
        return self._unsettled(table, frame.select(ID, OP, BY, AT, *masters).filter(~live))

    def _unsettled(self, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows without settled ones: each reading has those of an hour, which may be all."""
        settled = [self._settled(RecordKey(table.name, record)) for record in frame[ID]]
        return frame.filter(~pl.Series(settled, dtype=pl.Boolean))

    def _note_gone(self, table: Table, frame: pl.DataFrame) -> None:
        """Note the deleted rows of all pages."""
        inside = pl.col(ID).is_in(self._ids(table.name).implode())
        self._note_binned(table, frame)
        # The list of deletions names records of the recycle bin too, but not their users.
        by_someone = frame.filter(pl.col(BY).is_not_null())[ID]
        gone = frame.filter(pl.col(BY).is_not_null() | ~pl.col(ID).is_in(by_someone.implode()))
        if self._began is not None:
            gone = gone.filter((pl.col(AT) >= self._began).fill_null(value=True))
        self._note_deleted(table, gone.filter(inside))
        self._note_vanished(table, gone.filter(~inside))
        self._note_taken(table, gone.filter(~inside))

    def _note_binned(self, table: Table, frame: pl.DataFrame) -> None:
        """Note what others deleted since the copy: each reading has those of an hour before it, too."""
        if not table.has(TableTrait.UNDELETE):
            return
        by_others = (pl.col(BY) != self._ports.access.user_id()).fill_null(value=True)
        binned = frame.filter((pl.col(OP) == Op.DELETED.value) & by_others)
        for part in binned.iter_slices(LOOK_UP):
            was = part.join(self._copy_state(table, part[ID]), on=ID, how="left")
            fresh = was.filter((pl.col(WAS) == Op.STATE.value).fill_null(value=True))
            self.changes.binned |= {RecordKey(table.name, record) for record in fresh[ID]}

    def _note_changed(self, table: Table, frame: pl.DataFrame) -> None:
        for part in frame.iter_slices(LOOK_UP):
            both = part.join(self._copy_state(table, part[ID], _stamp(table)), on=ID, how="left")
            moved = both.filter(instants(STAMP).ne_missing(instants(THEN)))
            self.changes.changed |= {RecordKey(table.name, record) for record in moved[ID]}

    def _note_deleted(self, table: Table, frame: pl.DataFrame) -> None:
        """Note planned records that are gone: one that others deleted has changed."""
        ours = (pl.col(BY) == self._ports.access.user_id()).fill_null(value=self._hard)
        deleted, changed = frame.filter(ours)[ID], frame.filter(~ours)[ID]
        self.changes.deleted |= {RecordKey(table.name, record) for record in deleted}
        self.changes.changed |= {RecordKey(table.name, record) for record in changed}

    def _note_vanished(self, table: Table, frame: pl.DataFrame) -> None:
        """Note what this user deleted; without a known user only records that the copy has as live.

        Also records that are new, or that came back since the copy: it has those as deleted.
        """
        ours = pl.col(BY) == self._ports.access.user_id()
        if self._hard:
            ours = ours.fill_null(value=True)
        alive = pl.col(WAS) == Op.STATE.value
        came = pl.col(WAS).is_null()
        if self._began is not None:
            # Earlier deletions are filtered out. Without a user it may be an emptied recycle bin.
            came |= pl.col(AT).is_not_null() & pl.col(BY).is_not_null()
        for part in frame.filter(ours | pl.col(BY).is_null()).iter_slices(LOOK_UP):
            was = part.join(self._copy_state(table, part[ID]), on=ID, how="left")
            lost = was.filter(alive.fill_null(value=False) | (ours & came))
            self.changes.vanished |= {RecordKey(table.name, record) for record in lost[ID]}

    def _note_taken(self, table: Table, frame: pl.DataFrame) -> None:
        """Note unplanned records that the org deleted together with planned ones.

        The user does not matter: the org may give such a record any last user.
        """
        for column in _references(table, frame, self._planned.keys()):
            if column.reference is not None and _cascades(column):
                for target in column.reference.tables:
                    taken = frame.filter(pl.col(column.name).is_in(self._ids(target).implode()))
                    self.changes.vanished |= {RecordKey(table.name, record) for record in taken[ID]}

    def _new_references(
        self, table: Table, frame: pl.DataFrame, column: Column, targets: pl.DataFrame
    ) -> Iterator[RecordKey]:
        """The targets that rows name with another cell than in the copy, or that were not there."""
        pairs = naming_rows(frame, column, targets)
        naming = frame[pairs[ROW_AT]].select(ID, column.name).hstack(pairs.select(TABLE, RECORD))
        for part in naming.iter_slices(LOOK_UP):
            was = self._copy_state(table, part[ID].unique(), column.name)
            both = part.join(was, on=ID, how="left")
            same = (pl.col(WAS) == Op.STATE.value) & (pl.col(column.name) == pl.col(THEN))
            fresh = both.filter(~same.fill_null(value=False)).select(TABLE, RECORD)
            yield from (RecordKey(target, record) for target, record in fresh.iter_rows())

    def _ids(self, table: str) -> pl.Series:
        return self._planned.get(table, pl.Series([], dtype=pl.String))

    def _copy_state(self, table: Table, ids: pl.Series, column: str = "") -> pl.DataFrame:
        """The states of records in the copy: ``was``, the op, and ``then``, the text of a column."""
        shape = {ID: pl.String, WAS: pl.String, THEN: pl.String}
        known = self._copy.schema().table(table.name)
        if table.name not in self._stored or known is None:
            return pl.DataFrame(schema=shape)
        columns = [column] if known.column(column) is not None else []
        rows = self._copy.get(table.name, ids.to_list(), columns=columns)
        frame = pl.DataFrame(pl.from_arrow(rows.select(["_u_id", "_u_op", *columns])))
        then = pl.col(column) if columns else pl.lit(None, pl.String)
        return frame.select(
            pl.col("_u_id").cast(pl.String).alias(ID),
            pl.col("_u_op").cast(pl.String).alias(WAS),
            then.cast(pl.String).alias(THEN),
        )


def watched_columns(table: Table) -> Table:
    """The table with the columns that a watch needs: texts of mails would make it slow.

    Connectors also need times and marks, by which they find changed and deleted rows.
    """
    columns = tuple(c for c in table.columns if c.reference is not None or c.kind in _NEEDED)
    return replace(table, columns=columns, files=(), image_columns=(), change_log=None)


def _related_tables(schema: Schema, names: Collection[str]) -> Iterator[Table]:
    """The tables with these names, those that refer to them, and those that they name."""
    reached = set(names)
    for table in schema.tables:
        targets = {
            target
            for column in table.columns
            if column.reference is not None
            for target in column.reference.tables
        }
        if targets & set(names):
            reached.add(table.name)
        if table.name in names:
            reached |= targets
    yield from (table for table in schema.tables if table.name in reached)


def _stamp(table: Table) -> str:
    return table.stamp_column or table.modified_column or ""


def _observed(table: Table, rows: Rows) -> pl.DataFrame:
    """Rows of a page: id, op, user, time and, if it has cells, the stamp and the references."""
    frame = pl.DataFrame({
        ID: pl.Series(rows.ids.to_pylist(), dtype=pl.String),
        OP: pl.Series(rows.ops.to_pylist(), dtype=pl.String),
        BY: pl.Series(rows.modified_by.to_pylist(), dtype=pl.String),
        AT: pl.Series(rows.modified_at.to_pylist(), dtype=pl.Datetime("us", "UTC")),
    })  # fmt: skip
    if rows.cells is None:
        return frame
    cells = pl.DataFrame(pl.from_arrow(rows.cells))
    delivered = [c.name for c in table.columns if c.reference is not None and c.name in cells]
    stamp = cells[_stamp(table)].cast(pl.String).alias(STAMP)
    return frame.hstack([stamp, *cells.select(delivered)])


def _cascades(column: Column) -> bool:
    return column.reference is not None and column.reference.rule is DeleteRule.CASCADE


def _references(table: Table, frame: pl.DataFrame, targets: Collection[str]) -> list[Column]:
    return [
        column
        for column in table.columns
        if column.reference is not None
        and column.name in frame.columns
        and set(targets) & set(column.reference.tables)
    ]
