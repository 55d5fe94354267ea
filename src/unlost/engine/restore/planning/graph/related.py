"""Related records of a selection: lost parents above them, children below, and so on.

The graph is that of the snapshot with the wanted state; the walk depends on which records are live
now. A lost record brings the lost records that it refers to, and all that referred to it. A parent
that came this way brings its own parents, but not its other children, which were not requested. The
walk ends at a live record: the records below it were not lost with it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts, facts_of
from unlost.engine.restore.planning.graph.children import Child, Children
from unlost.engine.restore.planning.graph.key_holders import TextInColumn, holders_of
from unlost.engine.restore.planning.graph.merges import (
    MergeChain,
    MergeReversal,
    merge_chains,
    merge_reversals,
)
from unlost.engine.restore.planning.selection import MAX_STEPS, WantedState, too_large
from unlost.engine.restore.planning.survey import FETCH_IDS, RestoreSurvey, chunks
from unlost.model.errors import SourceRefused
from unlost.model.named_records import texts_of
from unlost.model.plan import ActionReason, RecordKey
from unlost.model.source.schema import DeleteRule
from unlost.model.source.writing import Birth


class RelatedPolicy(StrEnum):
    """Inclusion of related records."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Excluded tables and records, although chosen or related."""

    tables: frozenset[str] = frozenset()
    records: frozenset[RecordKey] = frozenset()

    def __contains__(self, key: RecordKey) -> bool:
        return key.table in self.tables or key in self.records

    def __bool__(self) -> bool:
        return bool(self.tables or self.records)


NOTHING = LeftOut()
type Questions = dict[tuple[str, ...], dict[str, RecordKey]]
"""By tables the ids that are looked for in them, and a record that refers to each."""


@dataclass(slots=True)
class PlannedMember:
    """A record of the plan and the reason for it. ``spread``: its children were looked for.

    ``reversal``: its values before a merge that the plan takes back.
    """

    facts: RecordFacts
    why: ActionReason
    because: RecordKey | None = None
    spread: bool = False
    reversal: MergeReversal | None = None


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A record that was met and not read yet."""

    pick: WantedState
    why: ActionReason
    because: RecordKey | None = None


@dataclass(slots=True)
class PlannedRecordSet:
    """The records of a plan.

    ``outside_ids``: live ids of referred records outside the plan, None for lost ones. ``unlooked`` are
    tables that could not be queried. ``never`` counts related records that cannot come back, by
    table. ``lives`` maps a record's last life to its id in the plan. ``merges``: the merges of its
    lost records. ``copied``: last lives of the records beside which new ones come. ``holders``: the
    records that references by key name, by table, key column and text.
    """

    survey: RestoreSurvey
    related: RelatedPolicy
    left_out: LeftOut = NOTHING
    members: dict[RecordKey, PlannedMember] = field(default_factory=dict)
    outside_ids: dict[RecordKey, str | None] = field(default_factory=dict)
    unlooked: set[str] = field(default_factory=set)
    never: Counter[str] = field(default_factory=Counter)
    lives: dict[RecordKey, RecordKey] = field(default_factory=dict)
    merges: dict[RecordKey, MergeChain] = field(default_factory=dict)
    copied: frozenset[RecordKey] = frozenset()
    holders: dict[TextInColumn, RecordKey] = field(default_factory=dict)

    def life(self, key: RecordKey) -> RecordKey:
        """The last life of a record: one that came back and was lost again is one record."""
        return self.survey.life(key)

    def known(self, key: RecordKey) -> RecordKey | None:
        """The plan's record for this one, under this id or another of its lives."""
        return self.lives.get(self.life(key))

    def returning(self, key: RecordKey) -> RecordKey | None:
        """The plan's record to which references to this one lead; never to a copy beside it."""
        return None if self.life(key) in self.copied else self.known(key)

    def target(self, facts: RecordFacts, column: str) -> RecordKey:
        """The record that a wanted reference points to; in the first table if that is unknown."""
        return self.target_of(facts, column, facts.references[column])

    def targets(self, facts: RecordFacts, column: str) -> tuple[RecordKey, ...]:
        """The records that a wanted reference names: several if its cell is a list."""
        texts = self.texts(facts, column, facts.references[column])
        return tuple(self.target_of(facts, column, text) for text in texts)

    def texts(self, facts: RecordFacts, column: str, cell: str) -> tuple[str, ...]:
        """The texts of a cell that each name a record."""
        return texts_of(self.survey.reference(facts.snapshot, facts.key.table, column), cell)

    def tables(self, facts: RecordFacts, column: str) -> tuple[str, ...]:
        """The tables in which the records of a reference may be."""
        if column in facts.tables:
            return facts.tables[column]
        return self.survey.reference(facts.snapshot, facts.key.table, column).tables

    def key_targets(self, facts: RecordFacts) -> Iterator[tuple[str, RecordKey]]:
        """The columns that name records by key, with those of the plan or the vault."""
        for column, table, key_column, text in self.key_names(facts):
            holder = self.holders.get((table, key_column, text))
            if holder is not None:
                yield column, self.returning(holder) or holder

    def key_names(self, facts: RecordFacts) -> Iterator[tuple[str, str, str, str]]:
        """For each key that a record names: column, table, key column and text."""
        for column, cell in facts.keyed.items():
            reference = self.survey.reference(facts.snapshot, facts.key.table, column)
            for table in self.tables(facts, column):
                for text in texts_of(reference, cell):
                    yield column, table, reference.key_column or "", text

    def target_of(self, facts: RecordFacts, column: str, value: str) -> RecordKey:
        """The record that a text of a reference means."""
        tables = self.tables(facts, column)
        for table in tables:
            key = RecordKey(table, value)
            returning = self.returning(key)
            if returning is not None or key in self.outside_ids:
                return returning or key
        return RecordKey(tables[0], value)

    def left_masters(self, facts: RecordFacts) -> Iterator[tuple[str, str]]:
        """The masters with which a record lies in the bin and which edits replace."""
        if facts.standing is not LiveStanding.BIN:
            return
        for column in facts.edits.keys() & facts.seen_references.keys():
            reference = self.survey.reference(facts.snapshot, facts.key.table, column)
            value = facts.seen_references[column]
            if value is not None and reference.rule is DeleteRule.CASCADE:
                yield column, value


def collect_related(
    survey: RestoreSurvey,
    picks: Sequence[WantedState],
    *,
    related: RelatedPolicy,
    left_out: LeftOut = NOTHING,
) -> PlannedRecordSet:
    """The chosen records and related ones, without excluded ones.

    Raises UsageError (``restore-too-large``).
    """
    records = PlannedRecordSet(survey, related, left_out)
    picks = [pick for pick in picks if pick.key not in left_out]
    records.copied = frozenset(records.life(pick.key) for pick in picks if pick.beside)
    # Newest first: a related record that several snapshots lead to is wanted in its latest state.
    selected = frozenset(records.life(pick.key) for pick in picks)
    for number in sorted({pick.snapshot for pick in picks}, reverse=True):
        wanted_states = [pick for pick in picks if pick.snapshot == number]
        walk = _Walk(records, number, selected)
        walk.run(wanted_states)
    if picks:
        walk.learn_masters()
    _collect_survivors(records, selected)
    return records


def _collect_survivors(records: PlannedRecordSet, selected: frozenset[RecordKey]) -> None:
    """Add the records that survived merges of lost ones whose children come back too."""
    members = records.members
    records.merges = merge_chains(records.survey, (member.facts for member in members.values()))
    spread = {key: chain for key, chain in records.merges.items() if members[key].spread}
    if records.related is RelatedPolicy.ALL:
        for reversal in merge_reversals(records.survey, spread):
            if reversal.winner not in records.left_out:
                _Walk(records, reversal.snapshot, selected).take_back(reversal)


@dataclass(slots=True)
class _Walk:
    """The graph of one snapshot, walked from some of its records."""

    records: PlannedRecordSet
    number: int
    selected: frozenset[RecordKey]
    _children: Children = field(init=False)
    _typed: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._children = Children(self.records.survey, self.number)
        self._typed = self.records.survey.edits.ids

    def run(self, picks: Sequence[WantedState]) -> None:
        """Walk until nothing new is met."""
        self._walk(self._new(_Fresh(pick, ActionReason.SELECTED) for pick in reversed(picks)))
        self.records.never += self._children.never

    def take_back(self, reversal: MergeReversal) -> None:
        """Add a surviving record, and the lost ones to which it referred before the merge."""
        records, because = self.records, reversal.losers[0]
        if records.known(reversal.winner) is None:
            pick = WantedState(reversal.winner, reversal.snapshot, selected=False)
            self._add_members([_Fresh(pick, ActionReason.WINNER, because)])
        member = records.members.get(reversal.winner)
        if member is None or member.why is ActionReason.SELECTED:
            return
        if member.facts.snapshot == reversal.snapshot:
            member.reversal = reversal
            self._walk(self._new(self._find_parents([member])))

    def _walk(self, fresh: list[_Fresh]) -> None:
        members = self.records.members
        while fresh:
            if len(members) + len(fresh) > MAX_STEPS:
                raise too_large()
            self._add_members(fresh)
            met = [members[newcomer.pick.key] for newcomer in fresh if newcomer.pick.key in members]
            fresh = []
            if self.records.related is RelatedPolicy.ALL:
                fresh += self._find_children(met)
            fresh += self._find_parents(met)
            fresh = self._new(fresh)

    def _new(self, fresh: Iterable[_Fresh]) -> list[_Fresh]:
        """Records that are not in the plan under any of their ids; each once.

        A chosen record that is met on the way waits for its own walk: its related records are
        looked up in the backup in which it is wanted.
        """
        lives = {
            self.records.life(newcomer.pick.key): newcomer for newcomer in reversed(list(fresh))
        }
        return [
            newcomer
            for life, newcomer in lives.items()
            if life not in self.records.lives
            and (newcomer.why is ActionReason.SELECTED or life not in self.selected)
        ]

    def _add_members(self, fresh: Sequence[_Fresh]) -> None:
        groups: dict[tuple[int, str], list[_Fresh]] = {}
        for newcomer in fresh:
            groups.setdefault((newcomer.pick.snapshot, newcomer.pick.key.table), []).append(
                newcomer
            )
        for (_, table), newcomers in groups.items():
            known = {fresh_member.pick.key: fresh_member for fresh_member in newcomers}
            for facts in facts_of(
                self.records.survey, table, [fresh_member.pick for fresh_member in newcomers]
            ):
                newcomer = known[facts.key]
                life = self.records.life(facts.key)
                why = ActionReason.SELECTED if life in self.selected else newcomer.why
                self.records.members[facts.key] = PlannedMember(facts, why, newcomer.because)
                self.records.lives[life] = facts.key

    # --- down --------------------------------------------------------------------------------------

    def _find_children(self, met: Sequence[PlannedMember]) -> list[_Fresh]:
        """Records that referred to these, if these lead on."""
        fresh: list[_Fresh] = []
        spreading = [member for member in met if self._mark_spread(member)]
        while spreading:
            again: list[PlannedMember] = []
            for child in self._children.of(_by_table(spreading)):
                key = self.records.known(child.key)
                known = self.records.members[key] if key is not None else None
                if child.key in self.records.left_out:
                    continue
                if known is None:
                    fresh.append(self._child(child))
                elif known.why is ActionReason.PARENT and not known.spread:
                    known.why = self._why(child)
                    known.because = child.parent
                    again.append(known)
            # A parent that turns out to be a child as well leads on to its own children.
            spreading = [member for member in again if self._mark_spread(member)]
        return fresh

    def _mark_spread(self, member: PlannedMember) -> bool:
        """Mark a record whose children are looked for, now and not again."""
        facts, table = member.facts, member.facts.key.table
        lost = facts.standing is not LiveStanding.LIVE
        is_by_product = lost and self.records.survey.capability(table).birth is Birth.BY_PRODUCT
        is_wanted = member.why is ActionReason.SELECTED or (
            lost and member.why is not ActionReason.PARENT
        )
        comes_back = facts.whole and not facts.beside
        leads = (is_by_product or is_wanted) and comes_back and not member.spread
        member.spread = member.spread or leads
        return leads

    def _child(self, child: Child) -> _Fresh:
        return _Fresh(
            WantedState(child.key, self.number, selected=False), self._why(child), child.parent
        )

    def _why(self, child: Child) -> ActionReason:
        capability = self.records.survey.capability(child.parent.table)
        holds = capability.file_column is not None or capability.gathers
        return (
            ActionReason.FILE
            if holds or capability.birth is Birth.BY_PRODUCT
            else ActionReason.CHILD
        )

    # --- up ----------------------------------------------------------------------------------------

    def _find_parents(self, met: Sequence[PlannedMember]) -> list[_Fresh]:
        """Lost records that these refer to; also learns the live ids of all others."""
        questions: Questions = {}
        for member in met:
            for column in _wanted_references(member):
                self._collect_question(
                    questions, member.facts, column, member.facts.references[column]
                )
        fresh = []
        for tables, values in questions.items():
            for table, referred in self._by_home_table(tables, values).items():
                lost = self._lost(table, sorted(referred))
                if self.records.related is RelatedPolicy.ALL:
                    fresh += self._parents(table, lost, values)
        return [*fresh, *self._find_holders(met)]

    def _find_holders(self, met: Sequence[PlannedMember]) -> list[_Fresh]:
        """Lost records that these name by their keys."""
        wanted: dict[tuple[str, str], dict[str, RecordKey]] = {}
        for member in met:
            facts = member.facts
            if facts.standing is not LiveStanding.LIVE or member.why is ActionReason.SELECTED:
                for _, table, key_column, text in self.records.key_names(facts):
                    wanted.setdefault((table, key_column), {}).setdefault(text, facts.key)
        fresh = []
        for (table, key_column), texts in wanted.items():
            new = [text for text in texts if (table, key_column, text) not in self.records.holders]
            holders = holders_of(self.records.survey, self.number, (table, key_column), new)
            keys = {text: RecordKey(table, record) for text, record in holders.items()}
            self.records.holders.update({(table, key_column, text): keys[text] for text in keys})
            because = {key.record: texts[text] for text, key in keys.items()}
            unknown = [
                key.record
                for key in keys.values()
                if self.records.returning(key) is None and key not in self.records.outside_ids
            ]
            lost = self._lost(table, sorted(unknown))
            if self.records.related is RelatedPolicy.ALL:
                fresh += self._parents(table, lost, because)
        return fresh

    def learn_masters(self) -> None:
        """Learn which masters are live, for binned records that edits give to other masters."""
        questions: Questions = {}
        for member in self.records.members.values():
            for column, value in self.records.left_masters(member.facts):
                self._collect_question(questions, member.facts, column, value)
        for tables, values in questions.items():
            for table, referred in self._by_home_table(tables, values).items():
                self._lost(table, sorted(referred))

    def _collect_question(
        self, questions: Questions, facts: RecordFacts, column: str, value: str
    ) -> None:
        """Collect the records of a reference that were not looked up yet."""
        known, tables = self.records, self.records.tables(facts, column)
        for text in known.texts(facts, column, value):
            keys = [RecordKey(table, text) for table in tables]
            if not any(known.returning(key) or key in known.outside_ids for key in keys):
                questions.setdefault(tables, {}).setdefault(text, facts.key)

    def _by_home_table(
        self, tables: tuple[str, ...], values: Mapping[str, RecordKey]
    ) -> dict[str, set[str]]:
        """The table of each of these ids, as the vault knows it, or as the org does."""
        if len(tables) == 1:
            return {tables[0]: set(values)}
        survey, unplaced = self.records.survey, set(values)
        placed: dict[str, set[str]] = {}
        for table in tables:
            if survey.shape(self.number, table) is not None:
                placed[table] = self._in_vault(table, unplaced)
                unplaced -= placed[table]
        for table in tables:
            if survey.shape(self.number, table) is None and table in survey.tables:
                placed[table] = self._alive(table, unplaced)
                unplaced -= placed[table]
        for table in tables:
            if unplaced & self._typed and survey.shape(self.number, table) is not None:
                alive = (
                    self._alive(table, unplaced & self._typed) if table in survey.tables else set()
                )
                placed[table] |= alive
                unplaced -= alive
        self._settle_unplaced(tables, unplaced)
        return placed

    def _settle_unplaced(self, tables: tuple[str, ...], unplaced: Iterable[str]) -> None:
        """Ids in no table are gone, unless one of the tables could not be looked at.

        Such a table is neither in the backup nor listed by the org, or the org refused the question.
        A reference into it is kept, as one that names a single such table is.
        """
        survey, unlooked = self.records.survey, self.records.unlooked
        hidden = {
            table
            for table in tables
            if table in unlooked
            or (table not in survey.tables and survey.shape(self.number, table) is None)
        }
        for value in unplaced:
            unlooked.update(hidden)
            self.records.outside_ids[RecordKey(tables[0], value)] = value if hidden else None

    def _in_vault(self, table: str, ids: Iterable[str]) -> set[str]:
        snapshot = self.records.survey.snapshot(self.number)
        found_ids: set[str] = set()
        for chunk in chunks(sorted(ids), FETCH_IDS):
            found_ids.update(snapshot.get(table, chunk, columns=[])["_u_id"].to_pylist())
        return found_ids

    def _lost(self, table: str, ids: Sequence[str]) -> list[str]:
        """Learn the live ids of these records; returns the lost ones."""
        survey, outside_ids = self.records.survey, self.records.outside_ids
        if table not in survey.tables or table in self.records.unlooked:
            self.records.unlooked.add(table)
            outside_ids.update({RecordKey(table, record_id): record_id for record_id in ids})
            return []
        keys = [RecordKey(table, record_id) for record_id in ids]
        alive = self._alive(table, {life for key in keys for life in survey.lives(key)})
        if table in self.records.unlooked:
            return self._lost(table, ids)
        for key in keys:
            outside_ids[key] = next((live for live in survey.lives(key) if live in alive), None)
        return [key.record for key in keys if outside_ids[key] is None]

    def _alive(self, table: str, ids: Iterable[str]) -> set[str]:
        """The live ones; the table is marked if the org refuses to list them."""
        try:
            return self.records.survey.alive(table, ids)
        except SourceRefused:
            self.records.unlooked.add(table)
            return set()

    def _parents(
        self, table: str, lost: Sequence[str], because: Mapping[str, RecordKey]
    ) -> list[_Fresh]:
        """Lost records that the vault has and that can come back."""
        survey = self.records.survey
        if not lost or not survey.plannable(table):
            return []
        records, keys = self.records, (RecordKey(table, record_id) for record_id in lost)
        wanted = [
            key.record
            for key in keys
            if key not in records.left_out and records.life(key) not in records.copied
        ]
        alive = survey.newest_alive(table, wanted, upto=self.number)
        for record in alive:
            del self.records.outside_ids[RecordKey(table, record)]
        return [
            _Fresh(
                WantedState(RecordKey(table, record), number, selected=False),
                ActionReason.PARENT,
                because[record],
            )
            for record, number in alive.items()
        ]


def _by_table(records: Sequence[PlannedMember]) -> dict[str, set[str]]:
    ids_by_table: dict[str, set[str]] = {}
    for record in records:
        ids_by_table.setdefault(record.facts.key.table, set()).add(record.facts.key.record)
    return ids_by_table


def _wanted_references(member: PlannedMember) -> Iterable[str]:
    """The references of a record that may have to be written."""
    facts = member.facts
    if facts.standing is not LiveStanding.LIVE or member.why is ActionReason.SELECTED:
        return facts.references
    put_back = member.reversal.columns if member.reversal is not None else frozenset()
    return facts.references.keys() & (facts.edits.keys() | put_back)
