"""The graph of an archive: the records that a policy selects, and all that hang on them.

    roots ──▶ tables that refer to them, parents before children ──▶ records that are taken
                                                                └──▶ records that stop or need

Each table is read once, in the order of its references; only tables that refer to each other in a
circle are read again, until nothing new is met. Memory holds ids and numbers, never rows. See
``settle`` for the decision, and docs/adr/0049.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from unlost.engine.archive.conditions import (
    check_policy,
    check_protections,
    columns_of,
    meets,
)
from unlost.engine.archive.members import ID, NODE, Members, near_to
from unlost.engine.archive.rules import (
    LEAVE,
    RESTRICT,
    STOP,
    TAKE,
    ReferenceRule,
    reference_rules,
)
from unlost.engine.archive.settle import (
    OUTSIDE,
    Mask,
    Needs,
    Numbers,
    Takes,
    keep_owners,
    met_needs,
    settle,
)
from unlost.engine.archive.shared import (
    FILE,
    HOLDER,
    LINK,
    RecordsOnHold,
    ReleasedLinks,
    SharedFiles,
)
from unlost.engine.archive.versions import (
    SIZES,
    files_with_old_versions,
    freed_kind,
    of_columns,
    of_sizes,
)
from unlost.engine.named_rows import AT, RECORD, TABLE, TARGETS, TEXT, naming_rows
from unlost.engine.restore.values.cycles import components
from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame
from unlost.model.archive import ArchivePolicy, StayCause, StayReason
from unlost.model.archive_facts import ArchiveFacts, ProtectedRecords
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Schema
from unlost.model.source.shared_files import CopiedVersions, FileMentions, SharedFile
from unlost.model.vault.retention import Hold, HoldScope

OWNER, ROW, RULE, MODIFIED, CAUSE = "owner", "row", "rule", "_u_modified_at", "cause"
CASCADES = "cascades"
_NUMBERS = pl.UInt32
_NAMED = "named"
_STOPS = pl.DataFrame(schema={NODE: _NUMBERS, CAUSE: _NUMBERS})
_TAKES = pl.DataFrame(schema={OWNER: _NUMBERS, ROW: _NUMBERS})
NO_FACTS = ArchiveFacts()
NO_NUMBERS: Numbers = np.empty(0, np.uint32)
_NEEDS = pl.DataFrame(schema={OWNER: _NUMBERS, ROW: _NUMBERS, CAUSE: _NUMBERS})


@dataclass(frozen=True, slots=True)
class EmptiedReferences:
    """References of records that stay, by the record that they name: they would become empty.

    ``owner`` and ``rows``: the record's number, and how many others name it. ``pairs``: the same
    for records of the graph, which may go or stay: their own number in ``row``.
    """

    table: str
    column: str
    outside: pl.DataFrame
    pairs: pl.DataFrame


@dataclass(frozen=True, slots=True)
class ArchiveGraph:
    """The records that could go, and the decision about them.
    ``stops``: frame of ``node`` and ``cause``, the place of a cause in ``causes``. ``needed_for``:
       the cause of each pair in ``needs``. ``released``: links of files that may go without
       the records that have them.
    """

    members: Members
    roots: Numbers
    takes: Takes
    needs: Needs
    needed_for: pl.Series
    stops: pl.DataFrame
    causes: tuple[StayCause, ...]
    emptied: tuple[EmptiedReferences, ...]
    released: tuple[ReleasedLinks, ...] = ()

    def going(self, *, without: Numbers = NO_NUMBERS) -> Mask:
        """The records that go, by their numbers, if the records ``without`` stay."""
        stopped = np.zeros(self.members.count, dtype=np.bool_)
        stopped[self.stops[NODE].to_numpy()] = True
        stopped[without] = True
        return settle(
            self.members.count,
            roots=self.roots,
            stopped=stopped,
            takes=self.takes,
            needs=self.needs,
        )

    def unmet(self, going: Mask) -> pl.DataFrame:
        """The records that stay because one that they need does; a frame like ``stops``.

        Without those that only a record which stays may take, such as the file of a case on hold.
        """
        wanted = np.zeros(self.members.count, dtype=np.bool_)
        wanted[self.roots] = True
        wanted[self.takes.taken[going[self.takes.owner] | ~self.takes.may]] = True
        unmet = ~met_needs(going, self.needs) & wanted[self.needs.record]
        pairs = pl.DataFrame({NODE: self.needs.record, CAUSE: self.needed_for})
        return pairs.filter(pl.Series(unmet, dtype=pl.Boolean)).unique()

    def roots_with(self, nodes: Numbers) -> int:
        """The number of roots that stay if these records do."""
        stays = np.zeros(self.members.count, dtype=np.bool_)
        stays[nodes] = True
        keep_owners(stays, self.takes)
        return int(np.count_nonzero(stays[self.roots]))

    def named(self, nodes: Sequence[int]) -> tuple[str, ...]:
        """The ids of records, in the order of their numbers."""
        everything = self.members.of(self.members.tables)
        return tuple(everything.filter(pl.col(NODE).is_in(nodes)).sort(NODE)[ID].to_list())

    def places(self, nodes: Sequence[int]) -> tuple[str, ...]:
        """The records (TABLE/ID), by table and id."""
        wanted = pl.col(NODE).is_in(nodes)
        return tuple(
            f"{table}/{record}"
            for table, members in sorted(self.members.tables.items())
            for record in members.filter(wanted)[ID].sort()
        )


def collect(
    snapshot: Snapshot,
    policy: ArchivePolicy,
    *,
    shared: Sequence[SharedFile] = (),
    holds: Sequence[Hold] = (),
    facts: ArchiveFacts = NO_FACTS,
    now: datetime,
) -> ArchiveGraph:
    """Read the graph of a policy from a backup.

    ``shared``: the kinds of files that records share in this org. Raises UsageError for a policy
    that cannot be used.
    """
    schema = snapshot.schema()
    check_policy(policy, schema, now=now)
    check_protections(policy, facts, shared)
    lasting = tuple(hold for hold in holds if hold.lasts(now))
    walk = _Walk(snapshot, schema, policy, now, shared, lasting, facts.unreturning)
    walk.select()
    walk.follow()
    walk.hold()
    walk.protect(facts.protecting(policy.include))
    walk.look_back()
    return walk.graph()


@dataclass(slots=True)
class _OtherRows:
    """Rows of a table that refer to records and are not taken, by column.

    ``counts``: how many records of the columns' targets were known when they were read.
    """

    counts: Mapping[str, int]
    rows: dict[str, list[pl.DataFrame]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {column: [] for column in self.counts}


@dataclass(slots=True)
class _Walk:
    """Reads the tables of a backup, and numbers the records that it meets."""

    snapshot: Snapshot
    schema: Schema
    policy: ArchivePolicy
    now: datetime
    shared: Sequence[SharedFile] = ()
    holds: tuple[Hold, ...] = ()
    by_org: frozenset[str] = frozenset()
    members: Members = field(default_factory=Members)
    roots: Numbers = field(default_factory=lambda: np.empty(0, np.uint32))
    edges: dict[str, pl.DataFrame] = field(default_factory=dict)
    file_edges: dict[str, pl.DataFrame] = field(default_factory=dict)
    others: dict[str, _OtherRows] = field(default_factory=dict)
    needs: list[pl.DataFrame] = field(default_factory=list)
    stops: list[pl.DataFrame] = field(default_factory=list)
    causes: dict[StayCause, int] = field(default_factory=dict)
    emptied: list[EmptiedReferences] = field(default_factory=list)
    released: list[ReleasedLinks] = field(default_factory=list)
    versioned: pl.DataFrame | None = None
    rules: dict[str, tuple[ReferenceRule, ...]] = field(init=False)

    def __post_init__(self) -> None:
        states = self.snapshot.tables()
        self.rules = {
            table.name: tuple(
                reference_rules(self.policy, self.schema, table, now=self.now, by_org=self.by_org)
            )
            for table in self.schema.tables
            if table.name in states and states[table.name].alive
        }

    # --- the records that may go ------------------------------------------------------------------

    def select(self) -> None:
        """Number the roots."""
        policy = self.policy
        table = self.schema.table(policy.table)
        if table is None or policy.table not in self.rules:
            return
        matching = meets(table, of_columns(policy), now=self.now)
        if policy.ids:
            matching &= pl.col(ID).is_in(policy.ids)
        kind = freed_kind(policy, self.shared)
        columns = columns_of(of_columns(policy))
        if kind is not None and kind.versions is not None:
            matching &= _can_be_copied(kind.versions)
            columns += [kind.versions.kind_column] if kind.versions.kind_column else []
        for rows in self._frames(policy.table, list(dict.fromkeys(columns))):
            self._add(policy.table, self._versioned(rows.filter(matching), kind))
        self.roots = np.arange(self.members.count, dtype=np.uint32)

    def _versioned(self, rows: pl.DataFrame, kind: SharedFile | None) -> pl.DataFrame:
        """The files among these rows whose old versions are freed; all rows without a kind."""
        if kind is None or kind.versions is None:
            return rows
        if self.versioned is None:
            files = files_with_old_versions(self.snapshot, kind.versions)
            self.versioned = files.filter(meets(SIZES, of_sizes(self.policy), now=self.now))
        return rows.join(self.versioned, on=ID, how="semi", maintain_order="left")

    def follow(self) -> None:
        """Number all records that go with the roots, and those that go with them."""
        order = self._order()
        due = self._takers_of(self.policy.table)
        while due:
            name = min(due, key=order.__getitem__)
            due.discard(name)
            if self._take_from(name):
                due |= self._takers_of(name)
                for table in self._take_files(name):
                    due |= self._takers_of(table)

    def _order(self) -> dict[str, tuple[int, str]]:
        """Tables with those first to which others refer."""
        number = {name: at for at, name in enumerate(sorted(self.rules))}
        pairs = [
            (number[name], number[target])
            for name, rules in self.rules.items()
            for rule in rules
            for target in rule.targets
            if rule.may_take and target in number
        ]
        places = components(len(number), pairs)
        return {name: (places[at], name) for name, at in number.items()}

    def _takers_of(self, table: str) -> set[str]:
        """The tables with records that may go with those of a table."""
        return {
            name
            for name, rules in self.rules.items()
            if any(rule.may_take and table in rule.targets for rule in rules)
        }

    def _take_from(self, table: str) -> bool:
        """Read a table; true if records of it were met for the first time."""
        rules = [rule for rule in self.rules[table] if rule.may_take]
        before = self.members.count
        others = _OtherRows(self._target_counts(rules))
        pairs = []
        for rows in self._frames(table, _needed(rules)):
            for rule in rules:
                hits = self._hits(rows, rule)
                taken = hits.filter(pl.col(RULE) == TAKE)
                pairs.append(taken.select(OWNER, self._add(table, taken).alias(ROW)))
                others.rows[rule.column.name].append(
                    hits.filter(pl.col(RULE) != TAKE).drop(MODIFIED)
                )
        self.others[table] = others
        self.edges[table] = pl.concat([_TAKES, *pairs])
        return self.members.count > before

    def _take_files(self, links: str) -> Iterator[str]:
        """Number the shared files of links; yields the tables with new ones."""
        for files in self._shared():
            if files.kind.links == links:
                before = self.members.count
                pairs = files.take().select(pl.col(LINK).alias(OWNER), pl.col(FILE).alias(ROW))
                self.file_edges[files.kind.table] = pairs
                if self.members.count > before:
                    self._stop_changed_files(files.kind.table, since=before)
                    yield files.kind.table

    def _shared(self) -> Iterator[SharedFiles]:
        for kind in self.shared:
            if kind.table in self.rules:  # without a single link, other records may need a file
                known = replace(kind, mentions=self._mentions(kind))
                yield SharedFiles(
                    known, self.members, self._frames, self._texts, self._released(kind)
                )

    def _released(self, kind: SharedFile) -> Mapping[str, RecordsOnHold]:
        """The tables whose records may lose files, with those on legal hold."""
        targets = [hold.thing for hold in self.holds]
        return {
            name: RecordsOnHold(
                frozenset(target.record for target in targets if target.table == name),
                all=any(target.covers(name) for target in targets),
            )
            for name in kind.released(self.policy.table, self.policy.include)
            if name in self.rules
        }

    def _mentions(self, kind: SharedFile) -> FileMentions | None:
        """The texts that show files, of tables with live rows."""
        mentions = kind.mentions
        if mentions is None or mentions.versions.table not in self.rules:
            return None
        texts = mentions.texts
        if self.policy.frees_versions and kind.table == self.policy.table:
            texts += mentions.mails  # a sent mail keeps the old id
        texts = tuple(text for text in texts if text.table in self.rules)
        return replace(mentions, texts=texts)

    def _add(self, table: str, rows: pl.DataFrame) -> pl.Series:
        """The numbers of records; stops those that were changed too recently."""
        nodes = self.members.add(table, rows[ID])
        if self.policy.unchanged_days:
            self._stop_changed(table, rows.select(nodes.alias(NODE), MODIFIED))
        return nodes

    def _stop_changed(self, table: str, members: pl.DataFrame) -> None:
        limit = self.now - timedelta(days=self.policy.unchanged_days)
        changed = members.filter(pl.col(MODIFIED) > limit)
        self._stop(changed, StayCause(StayReason.CHANGED, table))

    def _stop_changed_files(self, table: str, *, since: int) -> None:
        """Stop files that links brought: they were numbered from ``since`` on, without their times."""
        if self.policy.unchanged_days:
            members = self.members.of([table]).filter(pl.col(NODE) >= since)
            for rows in self._frames(table, []):
                self._stop_changed(table, rows.join(members, on=ID))

    # --- the records that keep them ---------------------------------------------------------------

    def hold(self) -> None:
        """Stop all records on legal hold."""
        holds = self.holds
        for table, members in self.members.tables.items():
            cause = StayCause(StayReason.HOLD, table)
            if any(hold.thing.covers(table) for hold in holds):
                self._stop(members, cause)
                continue
            records = [
                hold.thing.record
                for hold in holds
                if hold.thing.scope is HoldScope.RECORD and hold.thing.table == table
            ]
            self._stop(members.filter(pl.col(ID).is_in(records)), cause)

    def protect(self, kinds: Sequence[ProtectedRecords]) -> None:
        """Stop protected records that were met."""
        for kind in kinds:
            table = self.schema.table(kind.table)
            column = table.column(kind.column) if table is not None and kind.column else None
            reference = column.reference if column is not None else None
            met = self.members.of(reference.tables if reference is not None else [kind.table])
            if table is None or kind.table not in self.rules or not len(met):
                continue
            matching = meets(table, kind.conditions, now=self.now)
            cause = StayCause(StayReason.PROTECTED, kind.table, kind.column, kind.name)
            needed = [*columns_of(kind.conditions), *([kind.column] if kind.column else [])]
            for rows in self._frames(kind.table, needed):
                named = rows.filter(matching).select(pl.col(kind.column or ID).alias(ID))
                self._stop(near_to(met, named[ID]).join(named, on=ID, how="semi"), cause)

    def look_back(self) -> None:
        """Read all tables that refer to the records, for what stops them or would lose them."""
        met = self.members.tables.keys()
        for table, rules in self.rules.items():
            wanted = [rule for rule in rules if met & set(rule.targets)]
            for column, parts in self._other_rows(table, wanted).items():
                self._judge(table, column, pl.concat(parts))
        for files in self._shared():
            for reason, needs in files.needs():
                cause = StayCause(reason, files.kind.table)
                number = pl.lit(self._number(cause), _NUMBERS).alias(CAUSE)
                pairs = needs.rename({FILE: OWNER, HOLDER: ROW})
                self.needs.append(pairs.with_columns(number))
            self.released += files.losses

    def _other_rows(
        self, table: str, rules: Sequence[ReferenceRule]
    ) -> Mapping[str, Sequence[pl.DataFrame]]:
        """The rows that refer to a record and are not taken, by column.

        A table is read again only if it was not read for these columns, or if records that it may
        refer to were met since.
        """
        known, counts = self.others.get(table), self._target_counts(rules)
        if known is not None and known.counts.items() >= counts.items():
            return {rule.column.name: known.rows[rule.column.name] for rule in rules}
        others = _OtherRows(counts)
        for rows in self._frames(table, _needed(rules)) if rules else ():
            for rule in rules:
                hits = self._hits(rows, rule).filter(pl.col(RULE) != TAKE)
                others.rows[rule.column.name].append(hits.drop(MODIFIED))
        return others.rows

    def _target_counts(self, rules: Sequence[ReferenceRule]) -> Mapping[str, int]:
        """The number of records that were met, of those to which each column may refer."""
        return {rule.column.name: len(self.members.of(rule.targets)) for rule in rules}

    def _judge(self, table: str, column: str, hits: pl.DataFrame) -> None:
        """Note the records to which these rows refer."""
        if not len(hits):
            return
        stopping = hits.filter(pl.col(RULE) == STOP)
        cause = StayCause(StayReason.BRANCH, table, column)
        self._stop(stopping.select(pl.col(OWNER).alias(NODE)), cause)
        numbers = self.members.of([table]).rename({NODE: ROW})
        rows = hits.join(numbers, on=ID, how="left").select(OWNER, ROW, RULE)
        restricting = rows.filter(pl.col(RULE) == RESTRICT).with_columns(
            pl.lit(self._number(StayCause(StayReason.RESTRICT, table, column)), _NUMBERS).alias(
                CAUSE
            )
        )
        self.needs.append(restricting.select(OWNER, ROW, CAUSE))
        losing = rows.filter(pl.col(RULE) == LEAVE)
        if len(losing):
            outside = (
                losing.filter(pl.col(ROW).is_null()).group_by(OWNER).agg(pl.len().alias("rows"))
            )
            pairs = losing.drop_nulls(ROW).select(OWNER, ROW)
            self.emptied.append(EmptiedReferences(table, column, outside, pairs))

    def _number(self, cause: StayCause) -> int:
        return self.causes.setdefault(cause, len(self.causes))

    def _stop(self, members: pl.DataFrame, cause: StayCause) -> None:
        if len(members):
            number = pl.lit(self._number(cause), _NUMBERS).alias(CAUSE)
            self.stops.append(members.select(NODE).unique().with_columns(number))

    # --- reading ----------------------------------------------------------------------------------

    def _hits(self, rows: pl.DataFrame, rule: ReferenceRule) -> pl.DataFrame:
        """The rows that refer to a record by a column: its number, and the rule for the row."""
        rows = rows.filter(pl.col(rule.column.name).is_not_null())
        ruled = rows.select(rule.rule.alias(RULE), ID, MODIFIED)
        reference = rule.column.reference
        if reference is not None and reference.is_plain:
            named = ruled.with_columns(rows[rule.column.name].alias(_NAMED))
            targets = self.members.of(rule.targets).rename({ID: _NAMED, NODE: OWNER})
            return named.join(targets, on=_NAMED).drop(_NAMED)
        pairs = naming_rows(rows, rule.column, self._targets(rule.targets))
        nodes = pairs[RECORD].cast(pl.UInt32).alias(OWNER)
        return ruled[pairs[AT]].with_columns(nodes)

    def _targets(self, tables: Sequence[str]) -> pl.DataFrame:
        """The records of these tables, by their ids: a target is a number here."""
        parts = [
            members.select(
                pl.lit(table).alias(TABLE),
                pl.col(ID).alias(TEXT),
                pl.col(NODE).alias(RECORD),
            )
            for table in tables
            if len(members := self.members.of([table]))
        ]
        return pl.concat(parts) if parts else pl.DataFrame(schema=TARGETS)

    def _frames(self, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The live rows of a table, many at a time, with their ids; none if it has none."""
        if table not in self.rules:
            return
        wanted = ["_u_id", MODIFIED, *columns]
        for rows in in_chunks(self.snapshot.read(table, wanted)):
            yield frame(rows).rename({"_u_id": ID})

    def _texts(self, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The same, few at a time: texts are long."""
        for rows in self.snapshot.read(table, ["_u_id", *columns]):
            yield frame(rows).rename({"_u_id": ID})

    def graph(self) -> ArchiveGraph:
        """The graph as it was read."""
        must = pl.concat([_TAKES, *self.edges.values()])
        edges = pl.concat([must, *self.file_edges.values()])
        may = np.arange(len(edges)) >= len(must)
        takes = Takes(edges[OWNER].to_numpy(), edges[ROW].to_numpy(), may)
        needs = pl.concat([_NEEDS, *self.needs])
        return ArchiveGraph(
            self.members,
            self.roots,
            takes,
            Needs(needs[OWNER].to_numpy(), needs[ROW].fill_null(OUTSIDE).to_numpy()),
            needs[CAUSE],
            pl.concat([_STOPS, *self.stops]),
            tuple(self.causes),
            tuple(self.emptied),
            tuple(self.released),
        )


def _needed(rules: Sequence[ReferenceRule]) -> list[str]:
    """The columns that rules read, each once."""
    return list(dict.fromkeys(name for rule in rules for name in rule.columns))


def _can_be_copied(versions: CopiedVersions) -> pl.Expr:
    if not versions.kind_column:
        return pl.lit(value=True)
    return pl.col(versions.kind_column).is_in(versions.uncopied).not_().fill_null(value=True)
