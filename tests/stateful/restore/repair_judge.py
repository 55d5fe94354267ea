"""What must be true after a correction, or after a merge was taken back, judged from the org alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stateful.restore.judge import WHOLE, Case, Judge
from stateful.restore.town import LINKS, Cells, Picture, Seen, references
from unlost.engine.restore.running.compared import LINK_LOST
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.outcome import RecordOutcome
from unlost.model.plan import Action, ActionReason, PlanStep, RecordKey


@dataclass(frozen=True)
class Merge:
    """A merge of two records, what was live right before and right after it."""

    winner: RecordKey
    loser: RecordKey
    before: Picture
    after: Picture

    def moved(self) -> Iterator[tuple[RecordKey, str]]:
        """The references that the merge led to the winner."""
        for key, seen in self.before.items():
            for column, targets in references(key, seen):
                now = self.after.get(key)
                led = now is not None and now.value(column) == self.winner.record
                if self.loser in targets and led:
                    yield key, column

    def overwritten(self) -> Iterator[str]:
        """The columns of the winner that took the value of the other one."""
        was, now, loser = self.before[self.winner], self.after[self.winner], self.before[self.loser]
        for column in was.cells:
            if was.value(column) != now.value(column) == loser.value(column):
                yield column


class RepairJudge(Judge):
    """Judges repairs of live records, beside the restores of lost ones."""

    # --- corrections --------------------------------------------------------------------------------

    def correction(self, case: Case) -> None:
        """The chosen values are there, every other value is as it was, nothing is doubled."""
        lives = self._lives(case.before)  # before the run's own word for them is believed
        self.learn(case)
        self.nothing_doubled(case)
        self.nothing_else_changed(case)
        chosen = {self.origin(key) for key in case.plan.selection.records}
        corrected = [pair for pair in case.pairs if pair[0].why is ActionReason.SELECTED]
        assert {self.origin(step.key) for step, _ in corrected} == chosen
        for step, told in corrected:
            assert step.beside == case.plan.selection.beside, f"{step} is not what was asked for"
            self._corrected(case, step, told, lives.get(self.origin(step.key), set()))

    def _lives(self, live: Picture) -> dict[RecordKey, set[RecordKey]]:
        lives: dict[RecordKey, set[RecordKey]] = {}
        for key in live:
            lives.setdefault(self.origin(key), set()).add(key)
        return lives

    def _corrected(
        self, case: Case, step: PlanStep, told: RecordOutcome, lives: set[RecordKey]
    ) -> None:
        if not told.ending.good:
            assert told.code, told
            assert told.sentence, told
            self._excused(case, step, told)
            self.met[f"correction {told.ending.value}"] += 1
            return
        assert told.live is not None, told
        live = RecordKey(step.table, told.live)
        assert live in case.after, f"{told} is not live"
        if step.beside:
            assert live not in case.before, f"{told} is no new record"
        else:
            assert not lives or live in lives, f"{told}: another record was corrected"
        wanted = self._wanted_cells(case, step)
        if step.action is Action.UPDATE:
            assert set(step.columns) <= set(wanted), f"{step} sets what nobody chose"
        named = {difference.column: difference.reason for difference in told.differences}
        for column, value in wanted.items():
            self._cell(case, step, live, column, value, named)
        if step.action.creates:
            assert case.after[live].body == self.nights[step.snapshot][step.key].body
        self.met[f"corrected {step.action.value}"] += 1

    def _cell(
        self,
        case: Case,
        step: PlanStep,
        live: RecordKey,
        column: str,
        value: str | None,
        named: Mapping[str, str],
    ) -> None:
        now = case.after[live].value(column)
        if self._stays(case, step, column):
            self.met["a later value stays"] += 1
            assert now == case.before[live].value(column), f"{live}.{column}: a change is lost"
            return
        if self._same(live.table, column, now, value):
            self.met["corrected"] += 1
            return
        assert column in named, f"{live}.{column} is {now!r}, not {value!r} ({step})"
        # The plan says that the record stays with the one that it names now.
        was = case.before.get(live)
        stays = was is not None and now == was.value(column)
        moved = NoteCode.MOVED_SINCE.value in step.notes and stays
        excused = named[column] == LINK_LOST or moved
        lost = excused and not self._is_live(case, live.table, column, value)
        assert lost or not case.calm, f"{live}.{column}: {named[column]} is no excuse"
        self.met["named"] += 1

    def _is_live(self, case: Case, table: str, column: str, value: str | None) -> bool:
        """True if the record that a reference means is live, under whichever id."""
        if value is None or column not in LINKS[table]:
            return True
        meant = {self.origin(RecordKey(target, value)) for target in LINKS[table][column].tables}
        return not meant.isdisjoint(self.origin(key) for key in case.after)

    def _wanted_cells(self, case: Case, step: PlanStep) -> Cells:
        """The values that people chose; of a lost record and of a copy all values."""
        cells: Cells = {}
        if step.action in WHOLE:
            cells |= self.nights[step.snapshot][step.key].cells
        for key, backups in case.edits.taken.items():
            if self.origin(key) == self.origin(step.key):
                cells |= {name: self.nights[n][key].value(name) for name, n in backups.items()}
        return cells | self.typed(case, step.key)

    def _stays(self, case: Case, step: PlanStep, column: str) -> bool:
        """True if people changed a value after the backup or preview that the plan compares with."""
        until = case.plan.selection.until
        key = RecordKey(step.table, str(step.live))
        now = case.before.get(key)
        if step.beside or now is None or key not in case.planned:
            return False
        planned = case.planned[key]
        if column in step.columns and planned.value(column) != now.value(column):
            return True
        seen = self.nights[until].get(step.key) if until is not None else None
        return seen is not None and not self._means(case, column, key, planned, seen)

    def _means(self, case: Case, column: str, key: RecordKey, one: Seen, other: Seen) -> bool:
        """True if two states of a record have the same value, references followed."""
        return self._same(key.table, column, one.value(column), other.value(column))

    def _same(self, table: str, column: str, one: str | None, other: str | None) -> bool:
        if one == other:
            return True
        if one is None or other is None or column not in LINKS[table]:
            return False
        return any(
            self.origin(RecordKey(target, one)) == self.origin(RecordKey(target, other))
            for target in LINKS[table][column].tables
        )

    # --- merges -------------------------------------------------------------------------------------

    def taken_back(self, case: Case, merge: Merge) -> None:
        """The lost record is there, has its children again, and the winner its own values."""
        told = {step.key: (step, one) for step, one in case.pairs}
        before = set(case.before)
        self.learn(case)
        self.nothing_doubled(case)
        self.nothing_else_changed(case)
        self._nobody_asked(case, merge)
        _, loser = told[merge.loser]
        if not loser.ending.good:
            assert loser.code, loser
            self.met["merge stays"] += 1
            return
        back = RecordKey(merge.loser.table, str(loser.live))
        assert back in case.after, f"{loser} is not live"
        assert back not in before, f"{loser}: another record is taken for it"
        for step, one in case.pairs:
            if step.why is not ActionReason.WINNER:
                self._as_it_was(case, step, one)
        self.met["merge taken back"] += 1
        for child, column in merge.moved():
            self._given_back(case, merge, child, column, told.get(child))
        for column in merge.overwritten():
            self._put_back(case, merge, column, told.get(merge.winner))

    def _nobody_asked(self, case: Case, merge: Merge) -> None:
        """Of live records the plan sets references, and of the winner what the merge overwrote."""
        for step, _ in case.pairs:
            if step.action is Action.UPDATE:
                free = self._as_of_loser(case, merge) if step.key == merge.winner else set()
                assert set(step.columns) <= free | set(LINKS[step.table]), f"{step} sets more"

    def _as_of_loser(self, case: Case, merge: Merge) -> set[str]:
        """The columns of the winner that have the lost record's value, and another one before.

        A person may have typed it since: nobody can tell that from the merge.
        """
        now, was = case.before[merge.winner], merge.before[merge.winner]
        loser = merge.before[merge.loser]
        return {c for c in was.cells if was.value(c) != now.value(c) == loser.value(c)}

    def _given_back(
        self,
        case: Case,
        merge: Merge,
        child: RecordKey,
        column: str,
        told: tuple[PlanStep, RecordOutcome] | None,
    ) -> None:
        """A child that the merge moved refers to the lost record again, or is named."""
        before = case.before.get(child)
        if before is None or before.value(column) != merge.winner.record:
            return  # it was moved again, or is gone
        if child not in self.nights[max(n for n in self.nights if merge.loser in self.nights[n])]:
            return  # no backup knows that it was a child
        named = told is not None and (
            not told[1].ending.good or column in {one.column for one in told[1].differences}
        )
        now = case.after[child].value(column)
        right = self._same(child.table, column, now, merge.loser.record)
        assert right or named, f"{child}.{column} still leads to the winner: {told}"
        if right:
            self.met["child given back"] += 1

    def _put_back(
        self,
        case: Case,
        merge: Merge,
        column: str,
        told: tuple[PlanStep, RecordOutcome] | None,
    ) -> None:
        """The winner has the value from before the merge, unless people changed it since."""
        if merge.winner not in case.before:
            return
        before, after = case.before[merge.winner], case.after[merge.winner]
        if before.value(column) != merge.after[merge.winner].value(column):
            assert after.value(column) == before.value(column), f"{merge.winner}: a change is lost"
            return
        value = merge.before[merge.winner].value(column)
        named = told is not None and (
            not told[1].ending.good or column in {one.column for one in told[1].differences}
        )
        right = self._same(merge.winner.table, column, after.value(column), value)
        assert right or named, f"{merge.winner}.{column} is not as before the merge: {told}"
        if right:
            self.met["winner put back"] += 1
