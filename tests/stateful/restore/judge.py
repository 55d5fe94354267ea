"""What must be true after a restore, judged from the org alone and what it looked like at night.

The engine's outcome is believed in one thing only: which live record stands for which lost one.
Even that is checked: it must be there, it must be the record by its content, and nothing else may
have come to be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from stateful.restore.town import LINKS, Cells, Picture, Seen, Town, references
from unlost.engine.restore.running.compared import LINK_LOST, OVERWRITTEN
from unlost.engine.restore.running.readback import ENDINGS
from unlost.engine.restore.values.edits import NO_EDITS, Edits
from unlost.engine.restore.values.outcome import Ending, RecordOutcome, RestoreOutcome
from unlost.model.plan import Action, ActionReason, PlanStep, RecordKey, RestorePlan, SelectionKind
from unlost.model.source.writing import NOT_IN_BIN

WHOLE = (Action.CREATE, Action.RECREATE, Action.UNDELETE, Action.ADOPT)
SKIPS = {
    "key-taken",
    "key-not-unique",
    "parent-required",
    "circle-required",
    "lost-since",
    "newer-twin",
    "file-differs",  # a restore replaces no file of a live record
}
TAKEN = "has this value already"


@dataclass(frozen=True)
class Further:
    """What makes a restore a further try.

    ``unbinned`` is what its plan knew to lie in the bin for ever, ``failed`` the records that it is
    for, each in the backup of the earlier plan.
    """

    unbinned: frozenset[RecordKey] = frozenset()
    failed: tuple[tuple[RecordKey, int], ...] = ()
    links: frozenset[RecordKey] = frozenset()  # live ones that only get references again


FIRST = Further()


@dataclass(frozen=True)
class Case:
    """One restore: what the org was when it was planned, when it was run, and what it is now."""

    plan: RestorePlan
    outcome: RestoreOutcome
    planned: Picture
    before: Picture
    after: Picture
    calm: bool = False
    further: Further = FIRST
    edits: Edits = NO_EDITS

    @property
    def pairs(self) -> Iterator[tuple[PlanStep, RecordOutcome]]:
        return zip(self.plan.steps, self.outcome.records, strict=True)


@dataclass
class Judge:
    """``nights``: what was live, by backup. ``origins``: of which record a restored one is the life.

    ``mixed`` are lives of two records: a restore took one that people had made anew for the lost one. From then
    on either may be lost and come back by itself, so that nobody can say any more which life is whose.
    """

    town: Town
    nights: dict[int, Picture] = field(default_factory=dict)
    origins: dict[RecordKey, RecordKey] = field(default_factory=dict)
    made: set[RecordKey] = field(default_factory=set)
    mixed: frozenset[RecordKey] = frozenset()
    lived: set[RecordKey] = field(default_factory=set)
    met: Counter[str] = field(default_factory=Counter)
    named: dict[str, int] = field(default_factory=dict)

    # --- memory ------------------------------------------------------------------------------------

    def night(self) -> None:
        """Remember what the newest backup must hold."""
        self.nights[self.town.head.info.number] = self.town.picture()

    def origin(self, key: RecordKey) -> RecordKey:
        """One name for all records that are lives of the same."""
        while key in self.origins:
            key = self.origins[key]
        return key

    def lost(self) -> list[RecordKey]:
        """Records that some backup held and that are not live."""
        live = self.town.picture()
        held = {key for night in self.nights.values() for key in night}
        return sorted(held - set(live), key=str)

    def held(self) -> list[RecordKey]:
        return sorted({key for night in self.nights.values() for key in night}, key=str)

    def newest(self, key: RecordKey) -> int:
        """The newest backup in which it was alive."""
        return max(number for number, night in self.nights.items() if key in night)

    # --- the verdict -------------------------------------------------------------------------------

    def judge(self, case: Case) -> None:
        """All that must be true."""
        self._chosen(case)
        self.mixed = frozenset(self._mixed())  # what this run takes for one is judged still
        # Before the run is learned from: a twin that it adopts was somebody else until then.
        lives = {self.origin(key) for key, seen in case.planned.items() if not seen.binned}
        self.lived = {step.key for step in case.plan.steps if self.origin(step.key) in lives}
        self.learn(case)
        self.nothing_doubled(case)
        self.nothing_else_changed(case)
        for step, told in case.pairs:
            assert (step.table, step.record) == (told.table, told.record)
            self.met[f"ending {told.ending.value}"] += 1
            as_planned = told.ending is ENDINGS.get(step.action, Ending.SKIPPED)
            assert as_planned or (told.code and told.sentence), f"{step} became {told}"
            self._as_it_was(case, step, told)
            self._not_written_over(case, step)
            self._not_set_again(case, step)
        if case.plan.related and case.plan.selection.kind is not SelectionKind.CHANGED:
            self._children(case)

    def _chosen(self, case: Case) -> None:
        """All that was selected is in the plan, in the state that is wanted."""
        wanted: dict[RecordKey, set[tuple[RecordKey, int]]] = {}
        for key, number in self._wanted(case):
            wanted.setdefault(self.origin(key), set()).add((key, number))
        chosen = [step for step in case.plan.steps if step.why is ActionReason.SELECTED]
        assert {self.origin(step.key) for step in chosen} == set(wanted)
        for step in chosen:
            asked = wanted[self.origin(step.key)]
            later = step.snapshot > max(number for _, number in asked)  # a later life was met
            assert (step.key, step.snapshot) in asked or later

    def _wanted(self, case: Case) -> Iterator[tuple[RecordKey, int]]:
        selection = case.plan.selection
        if case.further.failed:
            yield from case.further.failed
            return
        if selection.kind is SelectionKind.RECORDS:
            for key in selection.records:
                yield key, self.named.get(case.plan.id) or self.newest(key)
            return
        after, until = selection.after, selection.until
        assert after is not None
        assert until is not None
        old, new = self.nights[after], self.nights[until]
        for key, seen in old.items():
            if selection.table not in (None, key.table):
                continue
            if selection.kind is SelectionKind.LOST and key not in new:
                yield key, after
            if selection.kind is SelectionKind.CHANGED and key in new:
                columns = selection.columns
                if any(seen.value(c) != new[key].value(c) for c in columns):
                    yield key, after

    def fixed_at(self, plan: RestorePlan, at: int) -> None:
        """One backup was named for all records of a plan."""
        self.named[plan.id] = at

    def learn(self, case: Case) -> None:
        """Remember of which records the run brought new lives; a copy beside a record is none."""
        for step, told in case.pairs:
            if told.live is None or step.beside:
                continue
            life = self.origin(RecordKey(told.table, told.live))
            own = self.origin(RecordKey(told.table, told.record))
            if life != own:  # also two records of one key, of which one life remains
                self.origins[life] = own
            if told.ending is Ending.CREATED:
                self.made.add(RecordKey(told.table, told.live))

    def _mixed(self) -> Iterator[RecordKey]:
        """All that are lives of two records which nobody restored: each was made by people."""
        natural = {key for night in self.nights.values() for key in night} - self.made
        records = Counter(self.origin(key) for key in natural)
        for key in {*natural, *self.origins}:
            if records[self.origin(key)] > 1:
                yield key

    # --- nothing doubled, nothing else touched -----------------------------------------------------

    def nothing_doubled(self, case: Case) -> None:
        """Each record lives once, and none came to be of which the outcome says nothing."""
        came = set(case.after) - set(case.before)
        told = Counter(
            RecordKey(one.table, one.live) for one in case.outcome.records if one.live is not None
        )
        for key in came:
            assert told[key] <= 1, f"{key} stands for {told[key]} records"
            assert told[key] == 1 or key in case.planned, f"{key} came to be and nobody says so"
        # The bin gives all back that went into it with a master: two lives, if there were two.
        along = {key for key in came if key in case.planned and not told[key]}
        lives = Counter(self.origin(key) for key in case.after if key not in along)
        earlier = Counter(self.origin(key) for key in case.before)
        mixed = {self.origin(key) for key in self.mixed}
        for key, count in lives.items():
            if key in mixed:
                continue
            assert count <= max(1, earlier[key]), f"{key} lives {count} times"
        assert not set(case.before) - set(case.after), "a restore deletes nothing"

    def nothing_else_changed(self, case: Case) -> None:
        """The run set the columns of its plan, and no other ones."""
        allowed: dict[RecordKey, set[str]] = {}
        for step, told in case.pairs:
            if told.live is not None:
                key = RecordKey(step.table, told.live)
                allowed.setdefault(key, set()).update(step.columns)
        for key, seen in case.before.items():
            now = case.after[key]
            assert now.body == seen.body
            for column in now.cells:
                same = now.value(column) == seen.value(column)
                free = column in allowed.get(key, ()) or self.relinked(case, key, column)
                assert same or free, f"{key}.{column} was not to be touched"

    def relinked(self, case: Case, key: RecordKey, column: str) -> bool:
        """True if the org set a reference again because its record left the bin."""
        value = case.after[key].value(column)
        if column not in LINKS[key.table] or value is None:
            return False
        if case.before[key].value(column) is not None:
            return False
        targets = [RecordKey(table, value) for table in LINKS[key.table][column].tables]
        return any(t in case.after and t not in case.before for t in targets)

    def _not_written_over(self, case: Case, step: PlanStep) -> None:
        """What people changed after the plan was made stands."""
        if step.live is None or not step.columns:
            return
        key = RecordKey(step.table, step.live)
        if key not in case.planned or key not in case.before or key not in case.after:
            return
        for column in step.columns:
            then, before = case.planned[key].value(column), case.before[key].value(column)
            if then != before:
                self.met["changed after planning"] += 1
                now = case.after[key].value(column)
                ours = self.relinked(case, key, column)
                assert now == before or ours, f"{key}.{column}: somebody's change is lost"

    def _not_set_again(self, case: Case, step: PlanStep) -> None:
        """A reference that names a record which comes back with its id is not set."""
        again = {other.key for other in case.plan.steps if other.action is Action.RECREATE}
        live = case.planned.get(RecordKey(step.table, step.live or ""))
        if live is None or live.binned:
            return
        wanted = self.wanted(case, step)
        for column, targets in references(step.key, wanted):
            if live.value(column) == wanted.value(column) and again.intersection(targets):
                self.met["reference kept"] += 1
                assert column not in step.columns, f"{step}: {column} is right already"

    # --- as it was ---------------------------------------------------------------------------------

    def _as_it_was(self, case: Case, step: PlanStep, told: RecordOutcome) -> None:
        if step.key in self.mixed:
            self.met["mixed"] += 1
            return
        wanted = self.wanted(case, step)
        if not told.ending.good:
            assert told.code, told
            assert told.sentence, told
            self._excused(case, step, told)
            return
        assert told.live is not None, told
        key = RecordKey(step.table, told.live)
        assert key in case.after, f"{told} is not live"
        named = {one.column for one in told.differences}
        self._empty_named(case, step, told, wanted)
        for column in self._columns(case, step, wanted):
            if self.alike(case, step.key, wanted, case.after[key], column):
                # What the plan takes for another record, whose key is taken, is lost to it.
                lost = self._leads_nowhere(case, key, column) or "parent-missing" in step.notes
                # A life that another restore made meanwhile is nobody to this one.
                lost = lost or not case.calm
                assert column not in named or lost, f"{told}: {column} is named, and is as it was"
                continue
            assert column in named, (
                f"{told}: {column} is {case.after[key].value(column)!r}, "
                f"not {wanted.value(column)!r}, and nobody says so ({step})"
            )
            self._lost_for_good(case, step, told, column)
            self.met["difference"] += 1
        if step.action.creates:
            assert case.after[key].body == wanted.body
        if told.ending is Ending.RECREATED:
            assert told.live == step.record, f"{told}: it has another id"
        if wanted.cells != self.nights[step.snapshot][step.key].cells:
            self.met["typed" if self.typed(case, step.key) else "given to others"] += 1

    def _empty_named(self, case: Case, step: PlanStep, told: RecordOutcome, wanted: Seen) -> None:
        """A reference that is said to stay empty is empty, and its record is named."""
        now = case.after[RecordKey(step.table, str(told.live))]
        for one in told.differences:
            value = wanted.value(one.column)
            if not one.target or value is None:
                continue
            assert now.value(one.column) is None, f"{told}: {one.column} is not empty"
            table, _, record = one.target.partition("/")
            tables = LINKS[step.table][one.column].tables
            meant = {self.origin(RecordKey(name, value)) for name in tables}
            assert self.origin(RecordKey(table, record)) in meant, f"{told}: another is meant"
            self.met["reference that stays empty"] += 1

    def typed(self, case: Case, key: RecordKey) -> Cells:
        """What people typed for a record, under whichever of its ids."""
        return {
            column: value
            for other, own in case.edits.values.items()
            if self.origin(other) == self.origin(key)
            for column, value in own.items()
        }

    def wanted(self, case: Case, step: PlanStep) -> Seen:
        """The record as it was, with what people asked for to be otherwise."""
        was = self.nights[step.snapshot][step.key]
        given = {
            column: live
            for column, targets in references(step.key, was)
            for target, live in case.edits.instead.items()
            if target in targets and self._is_given(case, step)
        }
        return replace(was, cells={**was.cells, **given, **self.typed(case, step.key)})

    def _is_given(self, case: Case, step: PlanStep) -> bool:
        """True if the record names others: it was chosen, or it was lost."""
        if step.key in case.further.links:
            return False
        return step.why is ActionReason.SELECTED or step.key not in self.lived

    def _leads_nowhere(self, case: Case, key: RecordKey, column: str) -> bool:
        """True if a reference that is as it was means a record that is lost."""
        value = case.after[key].value(column)
        if value is None or column not in LINKS[key.table]:
            return False
        targets = [RecordKey(table, value) for table in LINKS[key.table][column].tables]
        return not any(target in case.after for target in targets)

    def _lost_for_good(self, case: Case, step: PlanStep, told: RecordOutcome, column: str) -> None:
        """A reference is said to be lost only where its record is.

        Or where it lay in the bin, was not to come back, and did with its master.
        """
        reasons = {one.column: one.reason for one in told.differences}
        overwritten = case.calm and reasons[column] == OVERWRITTEN
        assert not overwritten, f"{told}: nothing in this org overwrites {column}"
        value = self.wanted(case, step).value(column)
        if not case.calm or reasons[column] != LINK_LOST or value is None:
            return
        lives = {self.origin(key) for key in case.after}
        targets = [RecordKey(table, value) for table in LINKS[step.table][column].tables]
        lost = {self.origin(target) for target in targets if target not in self.mixed}
        binned = {self.origin(key) for key, seen in case.planned.items() if seen.binned}
        along = binned - {self.origin(one.key) for one in case.plan.steps}
        assert not (lives & lost) - along, f"{told}: {column} is not lost"

    def _columns(self, case: Case, step: PlanStep, wanted: Seen) -> Iterable[str]:
        """The columns that have to be as they were."""
        selection = case.plan.selection
        if step.action in WHOLE:
            return wanted.cells
        typed = self.typed(case, step.key)
        if step.why is not ActionReason.SELECTED or step.key in case.further.links:
            return {*step.columns, *typed}
        if selection.kind is SelectionKind.CHANGED:
            night, was = self.nights[selection.until or 0][step.key], self.nights[step.snapshot]
            changed = [c for c in selection.columns if was[step.key].value(c) != night.value(c)]
            return {*changed, *typed}
        return wanted.cells

    def alike(self, case: Case, key: RecordKey, wanted: Seen, now: Seen, column: str) -> bool:
        """True if a column is as it was, references followed to their records of today."""
        was, value = wanted.value(column), now.value(column)
        if was == value:
            return True
        if was is None or value is None or column not in LINKS[key.table]:
            return False
        pairs = [(RecordKey(t, was), RecordKey(t, value)) for t in LINKS[key.table][column].tables]
        return any(
            self.origin(one) == self.origin(other)
            and (other in case.after or self._dangles(case, other) or other in self.mixed)
            for one, other in pairs
        )

    def _dangles(self, case: Case, target: RecordKey) -> bool:
        """True if the right record is meant and it is lost: the bin gives back such references."""
        return self.origin(target) not in {self.origin(key) for key in case.after}

    def _excused(self, case: Case, step: PlanStep, told: RecordOutcome) -> None:
        """What may stand in the way where nothing was disturbed."""
        if not case.calm:
            return
        if told.ending is Ending.SKIPPED:
            assert SKIPS & set(step.notes), f"{told}: skipped for {step.notes}"
        elif told.code == NOT_IN_BIN:
            assert step.live is not None, step
            stuck = not self.town.platform.leaves_bin(step.table, step.live)
            assert stuck, f"{told}: it could leave the bin"
            assert RecordKey(step.table, step.live) not in case.further.unbinned, (
                f"{told}: tried again"
            )
            self.met["stuck in the bin"] += 1
        elif told.code == "restore-parent-missing":
            bad = {self.origin(s.key) for s, o in case.pairs if not o.ending.good}
            wanted = self.wanted(case, step)
            parents = {self.origin(t) for _, ts in references(step.key, wanted) for t in ts}
            assert bad & parents, f"{told}: all that it refers to is there"
        else:
            assert TAKEN in told.sentence, f"{told}: nothing stood in its way"

    def _children(self, case: Case) -> None:
        """What referred to a chosen record that was lost is there and refers to it again."""
        bad = {self.origin(s.key) for s, told in case.pairs if not told.ending.good}
        now = {self.origin(key): key for key in case.after}
        other = {self.origin(s.key) for s in case.plan.steps if s.why is ActionReason.SELECTED}
        for step, told in case.pairs:
            gone = step.action.creates or step.action is Action.UNDELETE
            if step.why is not ActionReason.SELECTED or not gone or not told.ending.good:
                continue
            for child, seen in self.nights[step.snapshot].items():
                for column, targets in references(child, seen):
                    known = self.origin(child) in bad | other
                    later = self._empty_later(case, child, column, step.snapshot)
                    given = column in self.typed(case, child) or case.edits.instead.keys() & {
                        *targets
                    }
                    if step.key in targets and not known and not later and not given:
                        self._child(case, child, column, now)

    def _empty_later(self, case: Case, child: RecordKey, column: str, number: int) -> bool:
        """True if the plan has the child from a later backup, in which the reference was empty."""
        return any(
            step.snapshot > number
            and self.origin(step.key) == self.origin(child)
            and self.nights[step.snapshot][step.key].value(column) is None
            for step in case.plan.steps
        )

    def _child(
        self, case: Case, child: RecordKey, column: str, now: dict[RecordKey, RecordKey]
    ) -> None:
        if child in self.mixed:
            return
        live = now.get(self.origin(child))
        assert live is not None, f"the child {child} did not come back"
        told = [
            o for o in case.outcome.records if (o.table, o.record) == (child.table, child.record)
        ]
        named = {d.column for one in told for d in one.differences}
        empty = case.after[live].value(column) is None
        assert not empty or column in named, f"{live}.{column} is still empty"
