"""Choose the records of one archive plan: groups of records that can leave the org together.

    all records of the policy that may go
      - changed in the org since the backup, or named by a new record     the group stays
      - activated, not deletable, not readable in the vault               the group stays
      = groups, as many as the plan can have

Each round keeps more records, until all that remain can go.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa

from unlost.engine.archive.graph import OWNER, ROW, ArchiveGraph
from unlost.engine.archive.groups import BinLimit, GroupOrder, groups_of
from unlost.engine.archive.members import ID, NODE
from unlost.engine.archive.settle import OUTSIDE, Mask, Numbers
from unlost.engine.named_rows import AT, RECORD, by_id, naming_rows
from unlost.engine.restore.journal.effects import Effect, EffectKind
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.planning.undo_deletes import arrange
from unlost.engine.restore.planning.undo_step import UndoStep
from unlost.engine.restore.running.org_watch import WHOLE_ORG, OrgWatch, WatchPorts, gaps_of
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values.cells import digests
from unlost.engine.restore.values.referrers import Referrer
from unlost.model.errors import UsageError
from unlost.model.named_records import names_ids
from unlost.model.plan import Action, RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table
from unlost.model.source.writing import LockedDelete
from unlost.model.vault.snapshot import nights

CHANGED, REFERRED, LOCKED, UNDELETABLE, UNREADABLE = (
    "archive-stays-changed",
    "archive-stays-referred",
    "archive-stays-locked",
    "archive-stays-undeletable",
    "archive-stays-unread",
)
GROUP = "group"
_NO_VALUES: dict[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class ArchivedRecord:
    """A record that leaves the org. ``version`` and ``digest`` are those of its copy.

    ``selected``: the policy selects it. ``master``: the record with which the org deletes it. ``circular``: references to records that
    are deleted before it. ``late``: columns that make it a draft first, since the org does not delete
    it otherwise.
    """

    key: RecordKey
    group: int
    version: int
    digest: str
    selected: bool
    level: int
    master: RecordKey | None
    circular: frozenset[str]
    late: tuple[str, ...] = ()


@dataclass(slots=True)
class ArchiveChoice:
    """The choice of one plan. ``goes``: records that could leave the org, in this or later plans.

    ``beyond_bin``: their records in the recycle bin would be more than it can have.
    ``without_deletions``: related tables of which the org does not list deletions. ``activated``:
    tables of which the policy names the activated records.
    """

    survey: RestoreSurvey
    copy: Snapshot
    graph: ArchiveGraph
    links: frozenset[str] = frozenset()
    activated: frozenset[str] = frozenset()
    goes: int = 0
    _stays: dict[RecordKey, str] = field(default_factory=dict)
    _roots: frozenset[int] = frozenset()
    _checked: dict[str, pl.Series] = field(default_factory=dict)
    without_deletions: tuple[str, ...] = ()
    beyond_bin: bool = False

    @property
    def selected(self) -> int:
        """The number of records that the policy selects."""
        return len(self.graph.roots)

    def reasons(self) -> Mapping[RecordKey, str]:
        """The records that stay although the policy takes them, and the code of a note."""
        return {key: code for key, code in self._stays.items() if code}

    def is_root(self, node: int) -> bool:
        """True for the number of a record that the policy selects."""
        return node in self._roots

    def mask(self, records: Collection[RecordKey]) -> Mask:
        """The mask of these records, by their numbers."""
        chosen = np.zeros(self.graph.members.count, dtype=np.bool_)
        chosen[self._numbers(records)] = True
        return chosen

    def keep(self, records: Collection[RecordKey], *, code: str = "") -> None:
        """Let records stay, with all that hangs on them."""
        for key in records:
            self._stays.setdefault(key, code)

    def choose(
        self, *, most: int, order: GroupOrder | None = None, bin_limit: BinLimit | None = None
    ) -> list[ArchivedRecord]:
        """The records of the plan; empty if none can go. Raises UsageError (``archive-gap``)."""
        self._roots = frozenset(self.graph.roots.tolist())
        gaps = gaps_of(self.survey.ports.vault, self.survey.org)
        watch = self._watch(gaps)
        watch.read()
        self.without_deletions = tuple(watch.without_deletions)
        self._check_read(watch.changes.unread)
        self.keep(watch.changes.changed, code=CHANGED)
        self.keep(watch.changes.named, code=REFERRED)
        while True:
            groups = self._groups(most, order, bin_limit)
            frames = dict(self._frames(groups))
            self._check_gaps(frames.keys(), gaps)
            strangers = self._unknown_referrers(watch, frames)
            if strangers:
                self.keep(strangers, code=REFERRED)
                continue
            drafts = _Drafts(self, frames)
            drafts.read()
            if not drafts.refused:
                return drafts.records()
            for key, code in drafts.refused.items():
                self.keep([key], code=code)

    def _groups(self, most: int, order: GroupOrder | None, bin_limit: BinLimit | None) -> pl.Series:
        """The group of each node; 0 for all that do not leave with this plan."""
        stays = self._numbers(self._stays)
        going = self.graph.going(without=stays)
        self.goes = int(np.count_nonzero(going))
        if bin_limit is not None:
            entering = int(np.count_nonzero(going & bin_limit.enters))
            self.beyond_bin = entering > bin_limit.most
        takes, needs = self.graph.takes, self.graph.needs
        inside = needs.needed != OUTSIDE
        pairs = [
            (takes.owner, takes.taken),
            (needs.record[inside], needs.needed[inside]),
            *((e.pairs[OWNER].to_numpy(), e.pairs[ROW].to_numpy()) for e in self.graph.emptied),
        ]
        return pl.Series(
            GROUP, groups_of(going, pairs, most=most, order=order, bin_limit=bin_limit)
        )

    def _numbers(self, keys: Collection[RecordKey]) -> Numbers:
        by_table: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            by_table[key.table].append(key.record)
        numbers = [
            self.graph.members.of([table]).filter(pl.col(ID).is_in(ids))[NODE].to_numpy()
            for table, ids in by_table.items()
        ]
        return np.concatenate([np.empty(0, np.uint32), *numbers])

    def _frames(self, groups: pl.Series) -> Iterator[tuple[str, pl.DataFrame]]:
        """The chosen records by table: ``id``, ``node`` and ``group``."""
        for table, members in sorted(self.graph.members.tables.items()):
            of_table = members.with_columns(groups.gather(members[NODE]).alias(GROUP))
            chosen = of_table.filter(pl.col(GROUP) > 0).sort(ID)
            if len(chosen):
                yield table, chosen

    # --- the org since the backup ------------------------------------------------------------------

    def _unknown_referrers(
        self, watch: OrgWatch, frames: Mapping[str, pl.DataFrame]
    ) -> set[RecordKey]:
        """The chosen records to which rows refer that the vault does not know.

        Raises UsageError (``archive-unlooked``).
        """
        none = pl.Series(ID, [], dtype=pl.String)
        fresh = {
            name: frame.filter(~pl.col(ID).is_in(self._checked.get(name, none).implode()))[ID]
            for name, frame in frames.items()
        }
        named, closed = watch.unknown_referrers(
            {name: ids.to_list() for name, ids in fresh.items()}
        )
        self._check_read(closed)
        for name, ids in fresh.items():
            self._checked[name] = pl.concat([self._checked.get(name, none), ids])
        return named

    def _check_read(self, closed: Collection[str]) -> None:
        if closed:
            raise UsageError(
                "archive-unlooked",
                "Unlost cannot check {tables} for new records that would be deleted together with the "
                "archived ones.",
                next_step="Let backup user and write user read them, then plan again.",
                tables=", ".join(sorted(closed)),
            )

    def _watch(self, gaps: Mapping[str, str]) -> OrgWatch:
        """A watch on all records that could go."""
        going = self.graph.going()
        planned = {
            name: members.filter(pl.Series(going[members[NODE].to_numpy()]))[ID]
            for name, members in self.graph.members.tables.items()
        }
        ports = self.survey.ports
        return OrgWatch(
            WatchPorts(
                source=ports.source,
                access=ports.writer,
                clock=ports.clock,
                links=self.links | gaps.keys(),
            ),
            self.copy,
            self.survey.schema,
            {name: ids for name, ids in planned.items() if len(ids)},
            since=nights(self.survey.backups)[-1].as_of,
        )

    def _check_gaps(self, chosen: Collection[str], gaps: Mapping[str, str]) -> None:
        """Raise UsageError (``archive-gap``) if the backup may lack a part of what would go."""
        source, described = self.survey.ports.source, self.survey.tables
        along = {
            name
            for table in chosen
            if table in described
            for name in source.deleted_along(described[table])
        }
        # Rows of tables that are read and refer to the chosen ones are asked for.
        unseen = along - described.keys()
        incomplete = sorted(gaps.keys() & {WHOLE_ORG, *chosen, *unseen})
        if incomplete:
            raise UsageError(
                "archive-gap",
                "The backup is not complete, so that records could be deleted without a copy. "
                "{sentence}",
                next_step="Close the gap, back up, then plan again.",
                sentence=gaps[incomplete[0]],
            )


@dataclass(frozen=True, slots=True)
class _Edges:
    """References of records by a ``column``: ``rows`` with their ids and those of the targets."""

    table: str
    column: str
    target: str
    rows: pl.DataFrame


@dataclass(slots=True, kw_only=True)
class _DeleteStep(UndoStep):
    """The step of a record that leaves: its place in the plan, and its copy.

    There are many: each key exists once, and steps have no mappings of their own.
    """

    place: RecordKey
    group: int
    version: int
    digest: str
    selected: bool

    def record(self) -> ArchivedRecord:
        """The drafted record."""
        return ArchivedRecord(
            self.place,
            self.group,
            self.version,
            self.digest,
            self.selected,
            self.level,
            self.master,
            self.circular,
            self.late,
        )


@dataclass(slots=True)
class _Drafts:
    """Reads the copies of chosen records, and puts them in the order of their deletion."""

    choice: ArchiveChoice
    frames: Mapping[str, pl.DataFrame]
    refused: dict[RecordKey, str] = field(default_factory=dict)
    _steps: dict[RecordKey, _DeleteStep] = field(default_factory=dict)
    _edges: list[_Edges] = field(default_factory=list)

    def read(self) -> None:
        """Draft all steps; ``refused`` then names the records that cannot go."""
        for name, frame in self.frames.items():
            table = self.choice.survey.tables.get(name)
            stored = self.choice.copy.schema().table(name)
            if table is None or stored is None:
                self._refuse(name, frame[ID].to_list(), UNDELETABLE)
                continue
            for part in frame.iter_slices(rows_in_memory(stored)):
                self._read_part(stored, part)
        if not self.refused:
            for key in arrange(self.choice.survey, self._steps, list(self._referrers())):
                self.refused[key] = UNDELETABLE

    def records(self) -> list[ArchivedRecord]:
        """The drafted records."""
        return [step.record() for step in self._steps.values()]

    def _read_part(self, table: Table, part: pl.DataFrame) -> None:
        copy, ids = self.choice.copy, part[ID].to_list()
        rows = copy.get(table.name, ids)
        columns = [column.name for column in table.columns if column.name in rows.column_names]
        hashes = digests(table, rows, columns)
        copies = zip(
            rows["_u_id"].to_pylist(),
            rows["_u_op"].to_pylist(),
            rows["_u_snap"].to_pylist(),
            hashes,
            strict=True,
        )
        known = {record: (snap, text) for record, op, snap, text in copies if op == Op.STATE.value}
        lost = copy.unread(table.name, ids) if copy.salvaged else {}
        for record, node, group in part.select(ID, NODE, GROUP).iter_rows():
            key = RecordKey(table.name, record)
            if record not in known or record in lost:
                self.refused[key] = UNREADABLE
                continue
            version, text = known[record]
            self._steps[key] = _DeleteStep(
                Effect(table.name, record, record, EffectKind.BROUGHT, before=_NO_VALUES),
                Action.DELETE,
                checked=_NO_VALUES,
                place=key,
                group=group,
                version=version,
                digest=text,
                selected=self.choice.is_root(node),
            )
        self._unlock(table, rows)
        self._note_edges(table, rows)

    def _refuse(self, table: str, records: Sequence[str], code: str) -> None:
        for record in records:
            self.refused.setdefault(RecordKey(table, record), code)

    def _unlock(self, table: Table, rows: pa.Table) -> None:
        """Decide how records are deleted whose status prevents that; refuse those that stay."""
        capability = self.choice.survey.capability(table.name)
        ids = rows["_u_id"].to_pylist()
        for late in capability.late:
            if not late.locks or late.column not in rows.column_names:
                continue
            values = rows[late.column].to_pylist()
            locked = [r for r, value in zip(ids, values, strict=True) if value in late.locks]
            is_named = table.name in self.choice.activated
            is_draft = late.locked_delete is LockedDelete.AS_DRAFT
            steps = [self._steps.get(RecordKey(table.name, record)) for record in locked]
            if is_named and is_draft and late.column in capability.changeable:
                for step in filter(None, steps):
                    step.late += (late.column,)
            elif is_named and late.locked_delete is LockedDelete.ALONE:
                for step in filter(None, steps):
                    step.alone = True
            else:
                self._refuse(table.name, locked, LOCKED)

    def _note_edges(self, table: Table, rows: pa.Table) -> None:
        """Note the references from these records to others of the plan."""
        ids = pl.Series(rows["_u_id"].to_pylist(), dtype=pl.String)
        for column in filter(names_ids, table.columns):
            for target in column.reference.tables if column.reference is not None else ():
                chosen = self.frames.get(target)
                if chosen is None:
                    continue
                pairs = naming_rows(rows, column, by_id(target, chosen[ID]))
                inside = pl.DataFrame({"row": ids.gather(pairs[AT]), ID: pairs[RECORD]})
                if len(inside):
                    self._edges.append(_Edges(table.name, column.name, target, inside))

    def _referrers(self) -> Iterator[Referrer]:
        """The edges between records of the plan."""
        while self._edges:
            edges = self._edges.pop(0)
            for row, value in edges.rows.iter_rows():
                # No step: the record is not alive in the copy, and is refused.
                first = self._steps.get(RecordKey(edges.table, row))
                last = self._steps.get(RecordKey(edges.target, value))
                if first is not None and last is not None:
                    yield Referrer(first.place, edges.column, last.place)
