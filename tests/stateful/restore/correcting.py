"""A town whose records are corrected and whose merges are taken back, and all of it is undone."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from stateful.restore.judge import Case
from stateful.restore.machine import CODES, WRONG
from stateful.restore.repair_judge import Merge, RepairJudge
from stateful.restore.town import LINKS, TABLES, Picture
from stateful.restore.undo_judge import Ran
from stateful.restore.undoing import MERGEABLE, Undos
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.values.edits import Edits
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.plan import RecordKey, RestorePlan, Selection, SelectionKind, TwinPolicy

MOST = 3  # records of a correction
COLUMNS = {
    table: ("Name", *(("Code",) if table == MERGEABLE else ()), *LINKS[table]) for table in TABLES
}


class Repairs(Undos):
    """Each repair is judged, and so is each undo of it."""

    judges = RepairJudge
    judge: RepairJudge

    @rule(
        data=st.data(), beside=st.booleans(), undone=st.booleans(), seen=st.sampled_from([0, 1, 2])
    )
    def edit_and_correct(self, data: st.DataObject, beside: bool, undone: bool, seen: int) -> None:
        """Somebody edits records; ``seen``: 0 after the newest backup, 2 before and after it."""
        picked = self._picked(data, self._live())
        for key in picked if seen else ():
            self._spoil(data, key)
        self.night()
        for key in picked if seen != 1 else ():
            self._spoil(data, key)
        if picked:
            self._correct(data, picked, beside=beside, undone=undone)

    def _spoil(self, data: st.DataObject, key: RecordKey) -> None:
        column = data.draw(st.sampled_from(["Name", "Name", *LINKS[key.table]]))
        if column == "Name":
            self.town.change(key, {column: data.draw(st.sampled_from(["x", "y", None]))})
        else:
            self._change(data, key, column)

    @rule(data=st.data(), beside=st.booleans(), undone=st.booleans(), purged=st.booleans())
    def lose_and_correct(
        self, data: st.DataObject, beside: bool, undone: bool, purged: bool
    ) -> None:
        self.lose(data=data, purged=purged)
        picked = self._picked(data, self.judge.lost() or self.judge.held())
        if picked:
            self._correct(data, picked, beside=beside, undone=undone)

    def _picked(self, data: st.DataObject, pool: list[RecordKey]) -> list[RecordKey]:
        """A few records of one table."""
        if not pool:
            return []
        table = data.draw(st.sampled_from(sorted({key.table for key in pool})))
        same = [key for key in pool if key.table == table]
        return data.draw(st.lists(st.sampled_from(same), unique=True, min_size=1, max_size=MOST))

    def _correct(
        self, data: st.DataObject, picked: list[RecordKey], *, beside: bool, undone: bool
    ) -> None:
        """A person chooses values for records, from any backup or typed."""
        edits = self._chosen(data, picked)
        until = data.draw(st.sampled_from([None, max(self.judge.nights)]))
        selection = Selection(
            SelectionKind.CORRECTION, tuple(picked), until=None if beside else until, beside=beside
        )
        plan, planned = self._plan_correction(selection, edits)
        if plan is not None:
            disturbed = self._meddle(data, plan)
            self._judged(data, plan, planned, edits, disturbed=disturbed)
            if undone:
                self.undo(data=data)

    def _chosen(self, data: st.DataObject, picked: list[RecordKey]) -> Edits:
        values: dict[RecordKey, dict[str, str | None]] = {}
        taken: dict[RecordKey, dict[str, int]] = {}
        for key in picked:
            nights = [number for number, night in self.judge.nights.items() if key in night]
            for column in data.draw(
                st.lists(st.sampled_from(COLUMNS[key.table]), unique=True, min_size=1, max_size=2)
            ):
                if nights and data.draw(st.booleans()):
                    taken.setdefault(key, {})[column] = data.draw(st.sampled_from(nights))
                else:
                    values.setdefault(key, {})[column] = self._typed(data, key, column)
        return Edits(values, taken=taken)

    def _typed(self, data: st.DataObject, key: RecordKey, column: str) -> str | None:
        if column in LINKS[key.table]:
            return self._value(data, key, column)
        return data.draw(CODES if column == "Code" else st.sampled_from(["a", "typed", None]))

    def _plan_correction(
        self, selection: Selection, edits: Edits
    ) -> tuple[RestorePlan | None, Picture]:
        self.twins = TwinPolicy.KEEP
        return self._plan(selection, RelatedPolicy.NONE, None, edits)

    def _judged(
        self,
        data: st.DataObject,
        plan: RestorePlan,
        planned: Picture,
        edits: Edits,
        *,
        disturbed: bool,
    ) -> None:
        outcome, ran = self._run_unlearned(data, plan)
        calm = not disturbed and not self.hurt
        case = Case(plan, outcome, planned, ran.before, ran.after, calm, edits=edits)
        try:
            self.judge.correction(case)
        except AssertionError:
            self.judge.met[WRONG] += 1
            raise

    @rule(data=st.data(), values=st.booleans(), edited=st.booleans(), undone=st.booleans())
    def merge_and_take_back(
        self, data: st.DataObject, values: bool, edited: bool, undone: bool
    ) -> None:
        self.night()
        merged = self._merged(data, take_values=values)
        if merged is None:
            return
        if edited:
            self.overwrite(data=data)
            self.link(data=data)
        self.night()
        self.twins = TwinPolicy.KEEP
        plan, planned = self._plan(
            Selection(SelectionKind.RECORDS, (merged.loser,)), RelatedPolicy.ALL, None
        )
        if plan is None:
            return
        outcome, ran = self._run_unlearned(data, plan)
        case = Case(plan, outcome, planned, ran.before, ran.after, not self.hurt)
        self._judge_merge(case, merged)
        if undone:
            self.undo(data=data)

    def _merged(self, data: st.DataObject, *, take_values: bool) -> Merge | None:
        firms = [key for key in self._live() if key.table == MERGEABLE]
        if len(firms) < 2:
            return None
        loser = data.draw(st.sampled_from(firms))
        winner = data.draw(st.sampled_from([key for key in firms if key != loser]))
        before = self.town.picture()
        if not self.town.merge(winner, loser, take_values=take_values):
            return None
        return Merge(winner, loser, before, self.town.picture())

    def _judge_merge(self, case: Case, merged: Merge) -> None:
        try:
            self.judge.taken_back(case, merged)
        except AssertionError:
            self.judge.met[WRONG] += 1
            raise

    def _run_unlearned(self, data: st.DataObject, plan: RestorePlan) -> tuple[RestoreOutcome, Ran]:
        """Run a plan; the judge learns of its records only with its verdict."""
        return super()._recorded(data, plan)

    def _recorded(
        self, data: st.DataObject, plan: RestorePlan, *, undoes: str = ""
    ) -> tuple[RestoreOutcome, Ran]:
        """As for undos; which record came back as which is remembered."""
        planned = self.town.picture(bin_too=True)
        outcome, ran = super()._recorded(data, plan, undoes=undoes)
        self.judge.learn(Case(plan, outcome, planned, ran.before, ran.after))
        return outcome, ran
