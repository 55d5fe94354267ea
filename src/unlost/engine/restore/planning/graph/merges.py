"""Merges that a plan takes back: the record that survived each, and the values that it took over.

    backup 7              A  Phone 1  Fax 8      B  Phone 2  Fax 9
    merge of B into A     a person keeps A, with the phone of B
    backup 8              A  Phone 2  Fax 8      B  merged into A

Restoring B gives A its Phone 1 again. No backup lies right before and right after a merge, so a person
may have edited A between the two as well. A column counts as overwritten by the merge if its value
became that of B. Other columns that changed then are named, and keep their values. If A was merged
into C since, C has the value, and each merge must have handed it on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts
from unlost.engine.restore.planning.survey import FETCH_IDS, LiveRow, RestoreSurvey, chunks
from unlost.engine.restore.values.cells import different, digest
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import ColumnTrait, Table, WireKind
from unlost.model.source.writing import NeverReason, WriteCapability

MOST_MERGES = 50  # of one record into another, of that one into a third, and so on

type Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class MergeChain:
    """The merges of one lost record. ``winners``: ids, in the order of the merges.

    ``survives``: the last of them is live.
    """

    winners: tuple[str, ...] = ()
    survives: bool = False


NO_CHAIN = MergeChain()


@dataclass(frozen=True, slots=True)
class MergeReversal:
    """The values of a surviving record before the merge of lost ones.

    ``losers``: the lost records, by their ids in the plan. ``snapshot``: the newest backup before the
    merge. ``columns`` are put back. ``newer`` ones changed again since. ``unclear`` ones changed at
    the time of the merge, by a person or to a value that cannot be set.
    """

    winner: RecordKey
    losers: tuple[RecordKey, ...]
    snapshot: int
    columns: frozenset[str] = frozenset()
    newer: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.columns or self.newer or self.unclear)


# --- which record survived --------------------------------------------------------------------------


def merge_chains(
    survey: RestoreSurvey, records: Iterable[RecordFacts]
) -> dict[RecordKey, MergeChain]:
    """The chains of those of the records that are lost and were merged."""
    lost: dict[str, list[RecordFacts]] = {}
    for facts in records:
        mergeable = survey.table(facts.key.table).merged_into_column is not None
        if mergeable and facts.standing is not LiveStanding.LIVE:
            lost.setdefault(facts.key.table, []).append(facts)
    return {
        facts.key: chain
        for name, some in lost.items()
        for facts, chain in _chains_of_table(survey, name, some)
        if chain.winners
    }


def _chains_of_table(
    survey: RestoreSurvey, name: str, lost: Sequence[RecordFacts]
) -> Iterator[tuple[RecordFacts, MergeChain]]:
    merged = {survey.life(facts.key).record: facts.merged_into for facts in lost}
    gone = [survey.life(facts.key).record for facts in lost if _is_gone(facts)]
    merged.update(survey.merged_into(name, gone))
    live: set[str] = set()
    for _ in range(MOST_MERGES):
        winners = (
            {winner for winner in merged.values() if winner is not None} - merged.keys() - live
        )
        if not winners:
            break
        live |= _follow(survey, name, sorted(winners), merged)
    for facts in lost:
        yield facts, _chain(survey.life(facts.key).record, merged, live)


def _is_gone(facts: RecordFacts) -> bool:
    return facts.standing is LiveStanding.GONE


def _follow(
    survey: RestoreSurvey, name: str, ids: Sequence[str], merged: dict[str, str | None]
) -> set[str]:
    """Learn into which records these were merged; returns the live ones."""
    column = survey.table(name).merged_into_column or ""
    rows = survey.rows(name, ids, columns=[column])
    merged.update(dict.fromkeys(ids))
    merged.update(survey.merged_into(name, [key for key in ids if key not in rows]))
    merged.update({key: row.cells.get(column) for key, row in rows.items() if row.deleted})
    live = {key for key, row in rows.items() if not row.deleted}
    for key in live:
        del merged[key]
    return live


def _chain(record: str, merged: Mapping[str, str | None], live: Collection[str]) -> MergeChain:
    winners: list[str] = []
    winner = merged.get(record)
    while winner is not None and winner not in (record, *winners):
        winners.append(winner)
        winner = merged.get(winner)
    return MergeChain(tuple(winners), bool(winners) and winners[-1] in live)


# --- which values it took over ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Merge:
    """One merge, between two backups; ``after`` is None if no backup has seen it."""

    loser: str
    winner: str
    before: int
    after: int | None


def merge_reversals(
    survey: RestoreSurvey, chains: Mapping[RecordKey, MergeChain]
) -> Iterator[MergeReversal]:
    """The values that can be put back, one result for each live survivor of these chains."""
    by_table: dict[str, dict[RecordKey, MergeChain]] = {}
    for key, chain in chains.items():
        if chain.survives:
            by_table.setdefault(key.table, {})[key] = chain
    for name, surviving in by_table.items():
        reversals = sorted(_Reversals(survey, name, surviving).all(), key=_by_winner)
        for _, group in groupby(reversals, key=lambda reversal: reversal.winner):
            if together := _together(list(group)):
                yield together


def _by_winner(reversal: MergeReversal) -> tuple[str, int]:
    return reversal.winner.record, -reversal.snapshot


def _together(reversals: Sequence[MergeReversal]) -> MergeReversal:
    """The reversal of several merges into one record, the latest first.

    Values are put back from one backup: those of earlier merges can be put back afterwards.
    """
    latest = reversals[0]
    same = [reversal for reversal in reversals if reversal.snapshot == latest.snapshot]
    columns = frozenset[str]().union(*(reversal.columns for reversal in same))
    newer = frozenset[str]().union(*(reversal.newer for reversal in same))
    changed = (reversal.columns | reversal.newer | reversal.unclear for reversal in reversals)
    return replace(
        latest,
        losers=tuple(key for reversal in reversals for key in reversal.losers),
        columns=columns,
        newer=newer,
        unclear=frozenset[str]().union(*changed) - columns - newer,
    )


@dataclass(slots=True)
class _Reversals:
    """Compares the survivors of one table with what they were; reads each backup once."""

    survey: RestoreSurvey
    name: str
    chains: Mapping[RecordKey, MergeChain]
    _now: dict[str, LiveRow] = field(init=False)
    _cells: dict[tuple[int, str], Cells] = field(init=False, default_factory=dict)
    _living: set[tuple[int, str]] = field(init=False, default_factory=set)

    def all(self) -> Iterator[MergeReversal]:
        ids_of = {
            key: (self.survey.life(key).record, *chain.winners)
            for key, chain in self.chains.items()
        }
        losers = {record for ids in ids_of.values() for record in ids[:-1]}
        alive = self.survey.newest_alive(self.name, sorted(losers), upto=self.survey.newest)
        merges = {
            key: self._merges(ids, alive)
            for key, ids in ids_of.items()
            if {*ids[:-1]} <= alive.keys()
        }
        ids = {merge.winner for some in merges.values() for merge in some}
        columns = _compared(self._table, self._capability)
        self._now = self.survey.rows(self.name, sorted(ids), columns=columns)
        self._read([merge for some in merges.values() for merge in some], columns)
        for key, some in merges.items():
            if self._is_known(some):
                yield self._reversal(key, some)

    @property
    def _table(self) -> Table:
        return self.survey.table(self.name)

    @property
    def _capability(self) -> WriteCapability:
        return self.survey.capability(self.name)

    def _merges(self, ids: Sequence[str], alive: Mapping[str, int]) -> Sequence[_Merge]:
        """The merges of a chain; ``alive``: the newest backups in which its losers lived."""
        after = self.survey.backup_after
        return [
            _Merge(loser, winner, alive[loser], after(alive[loser]))
            for loser, winner in pairwise(ids)
        ]

    def _read(self, merges: Sequence[_Merge], columns: Sequence[str]) -> None:
        """Read losers and winners as they were before and after their merges."""
        wanted: dict[int, set[str]] = {}
        for merge in merges:
            wanted.setdefault(merge.before, set()).update((merge.loser, merge.winner))
            if merge.after is not None:
                wanted.setdefault(merge.after, set()).add(merge.winner)
        for number, ids in wanted.items():
            shape = self.survey.shape(number, self.name)
            present = [name for name in columns if shape is not None and shape.column(name)]
            for chunk in chunks(sorted(ids) if present else (), FETCH_IDS):
                self._read_some(number, chunk, present)

    def _read_some(self, number: int, ids: Sequence[str], columns: Sequence[str]) -> None:
        snapshot = self.survey.snapshot(number)
        rows, unread = (
            snapshot.get(self.name, ids, columns=columns),
            snapshot.unread(self.name, ids),
        )
        records, ops = rows["_u_id"].to_pylist(), rows["_u_op"].to_pylist()
        for record, op, cells in zip(records, ops, rows.select(columns).to_pylist(), strict=True):
            lost = unread.get(record, frozenset())
            self._cells[number, record] = {n: v for n, v in cells.items() if n not in lost}
            if op == Op.STATE.value:
                self._living.add((number, record))

    def _is_known(self, merges: Sequence[_Merge]) -> bool:
        """True if each winner lived before its merge: a new record has no former values."""
        return all((merge.before, merge.winner) in self._living for merge in merges)

    def _after(self, merge: _Merge) -> Cells:
        """The winner after a merge: in the next backup, or in the org if there is none."""
        if merge.after is not None:
            return self._cells.get((merge.after, merge.winner), {})
        row = self._now.get(merge.winner)
        return row.cells if row is not None else {}

    def _reversal(self, key: RecordKey, merges: Sequence[_Merge]) -> MergeReversal:
        last = merges[-1]
        before, now = self._cells[last.before, last.winner], self._now[last.winner].cells
        lost = self._cells[merges[0].before, merges[0].loser]
        shared = [name for name in before if name in now and name in lost]
        overwritten = frozenset(shared).intersection(
            *(self._overwritten(merge, lost, shared) for merge in merges)
        )
        differing = frozenset(different(self._table, before, now, shared))
        changed = frozenset(different(self._table, before, self._after(last), shared))
        newer = frozenset(different(self._table, lost, now, shared))
        mine = overwritten & differing & self._capability.changeable
        return MergeReversal(
            RecordKey(self.name, last.winner),
            (key,),
            last.before,
            mine - newer,
            mine & newer,
            (changed & differing) - mine,
        )

    def _overwritten(self, merge: _Merge, lost: Cells, columns: Sequence[str]) -> frozenset[str]:
        """The columns in which the winner got the value of the lost record with this merge."""
        before, after = self._cells[merge.before, merge.winner], self._after(merge)
        names = [name for name in columns if name in before and name in after]
        other = different(self._table, lost, after, names)
        return frozenset(different(self._table, lost, before, names)) - {*other}


def _compared(table: Table, capability: WriteCapability) -> tuple[str, ...]:
    """The columns that a person can have changed in a merge."""
    not_permitted = {n.column for n in capability.never if n.reason is NeverReason.NO_PERMISSION}
    stamps = {table.modified_column, table.modified_by_column, table.stamp_column}
    apart = {table.id_column, table.merged_into_column, *stamps}
    apart |= {product.column for product in capability.by_products}
    names = (capability.settable | capability.changeable | not_permitted) - apart
    return tuple(
        column.name
        for column in table.columns
        if column.name in names
        and column.kind is not WireKind.BINARY
        and not column.has(ColumnTrait.VOLATILE)
    )


# --- another try ------------------------------------------------------------------------------------


def still_as_planned(survey: RestoreSurvey, steps: Iterable[PlanStep]) -> set[RecordKey]:
    """The records of these whose columns the org still has as an earlier plan saw them."""
    by_table: dict[str, list[PlanStep]] = {}
    for step in steps:
        by_table.setdefault(step.table, []).append(step)
    same: set[RecordKey] = set()
    for name, some in by_table.items():
        columns = sorted({column for step in some for column in step.columns})
        rows = survey.rows(name, [step.live or step.record for step in some], columns=columns)
        for step in some:
            row = rows.get(step.live or step.record)
            if row is not None and step.expect == _seen(survey.table(name), row, step):
                same.add(step.key)
    return same


def _seen(table: Table, row: LiveRow, step: PlanStep) -> str:
    return digest(table, {name: row.cells.get(name) for name in step.columns})
