"""A town whose restores are undone, and whose undos are undone, while people go on working."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from stateful.restore.machine import BODIES, ORGS, TROUBLES, WRONG, OrgKind, Restores
from stateful.restore.town import LINKS
from stateful.restore.undo_judge import Ran, UndoCase, UndoJudge
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.planning.undo import plan_undo
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.errors import UsageError
from unlost.model.plan import Action, RecordKey, RestorePlan, Selection, SelectionKind, TwinPolicy

MERGEABLE = "Firm"
LATEST = 3  # runs of which one is undone


class Undos(Restores):
    """Restores are judged elsewhere (``machine``); here it is judged what an undo of them leaves."""

    met: Any = None

    @initialize(data=st.data(), org=ORGS)
    def begin(self, data: st.DataObject, org: OrgKind) -> None:
        self.ran: list[Ran] = []
        self.hurt = False  # calls of the latest run were refused
        super().begin(data=data, org=org)
        self.undo_judge = UndoJudge(self.judge.met)

    # --- people -------------------------------------------------------------------------------------

    @rule(data=st.data(), values=st.booleans())
    def merge(self, data: st.DataObject, values: bool) -> None:
        """Somebody merges two firms, and picks values of the one that goes."""
        firms = [key for key in self._live() if key.table == MERGEABLE]
        if len(firms) < 2:
            return
        loser = data.draw(st.sampled_from(firms))
        winner = data.draw(st.sampled_from([key for key in firms if key != loser]))
        if self.town.merge(winner, loser, take_values=values):
            self.judge.met["merge"] += 1

    # --- runs ---------------------------------------------------------------------------------------

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        chosen = self._select(data)
        if chosen is None:
            return
        selection, related, at = chosen
        self.twins = data.draw(st.sampled_from(TwinPolicy))
        plan, _ = self._plan(selection, related, at)
        if plan is not None:
            self._meddle(data, plan)
            self._recorded(data, plan)

    @rule(
        data=st.data(),
        purged=st.booleans(),
        edited=st.booleans(),
        disaster=st.sampled_from(["lose", "merge", "overwrite", "overwrite"]),
    )
    def restore_undo_and_redo(
        self, data: st.DataObject, purged: bool, edited: bool, disaster: str
    ) -> None:
        """The common story, in one rule."""
        self.night()
        hit = self._hit(data, disaster, purged=purged)
        if not hit:
            return
        key = data.draw(st.sampled_from(hit))
        selection = Selection(SelectionKind.RECORDS, (key,))
        plan, _ = self._plan(selection, RelatedPolicy.ALL, None)
        if plan is not None:
            self._recorded(data, plan)
            if edited:
                self._edit(data, plan)
            self.undo(data=data)
            if purged:
                self.purge()
            self._undo_newest(data)

    def _hit(self, data: st.DataObject, disaster: str, *, purged: bool) -> list[RecordKey]:
        """Let a disaster happen; returns records that a person would restore."""
        match disaster:
            case "merge":
                self.merge(data=data, values=True)
            case "overwrite":
                for key in self._live()[:3]:
                    self.town.change(key, {"Name": "overwritten"})
                return self._live()[:3]
            case _:
                self.lose(data=data, purged=purged)
        return self.judge.lost()

    def _edit(self, data: st.DataObject, plan: RestorePlan) -> None:
        """Somebody edits, or refers to, what the run wrote."""
        how = data.draw(st.sampled_from(["change", "link", "make", "lose", "file"]))
        match how:
            case "change":
                self.overwrite(data=data)
            case "link":
                self.link(data=data)
            case "make":
                self.make(data=data, table=data.draw(st.sampled_from(["Note", "Person", "Role"])))
            case "file":
                self.replace_file(data=data, body=data.draw(BODIES))
            case _:
                self.lose(data=data, purged=False)

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Undo one of the latest runs; it may be an undo."""
        latest = [ran for ran in self.ran if ran.changed][-LATEST:]
        if latest:
            self._undo_run(data, data.draw(st.sampled_from(latest)))

    def _undo_newest(self, data: st.DataObject) -> None:
        newest = [ran for ran in self.ran if ran.changed][-1:]
        for ran in newest:
            self._undo_run(data, ran)

    def _undo_run(self, data: st.DataObject, ran: Ran) -> None:
        try:
            plan = self._plan_undo(ran)
        except UsageError as error:
            if error.code != "undo-nothing":  # the org did it all, by an undelete of others
                raise
            return
        self._attach(data, plan)
        now = self.town.picture()
        binned = frozenset(self.town.picture(bin_too=True)) - now.keys()
        outcome, recorded = self._recorded(data, plan, undoes=ran.name)
        self.judge.met["undo of undo" if ran.undoes else "undo"] += 1
        case = UndoCase(ran, plan, outcome, now, recorded.after, binned, self.town.life_of)
        try:
            self.undo_judge.judge(case)
        except AssertionError:
            self.judge.met[WRONG] += 1
            raise

    def _attach(self, data: st.DataObject, plan: RestorePlan) -> None:
        """Somebody lets a record refer to one that the plan deletes."""
        doomed = [step for step in plan.steps if step.action is Action.DELETE]
        if not doomed or not data.draw(st.sampled_from([False, False, True])):
            return
        target = data.draw(st.sampled_from(doomed))
        places = [
            (key, column)
            for key in self._live()
            for column, reference in LINKS[key.table].items()
            if target.table in reference.tables and key.record != target.record
        ]
        if places:
            key, column = data.draw(st.sampled_from(places))
            self.judge.met["attached"] += self.town.change(key, {column: target.live})

    def _plan_undo(self, ran: Ran) -> RestorePlan:
        return plan_undo(
            self.town.oid, self.town.planning(), ran.name, plan_id=self.town.next_plan()
        )

    def _recorded(
        self, data: st.DataObject, plan: RestorePlan, *, undoes: str = ""
    ) -> tuple[RestoreOutcome, Ran]:
        """Run a plan, whatever happens, and remember what it changed."""
        self.town.clock.advance(seconds=60)
        before = self.town.picture()
        troubles = data.draw(st.lists(TROUBLES, max_size=3))
        self.hurt = any(kind in ("refused", "locked") for kind, _ in troubles)
        outcome = self._until_it_ends(data, plan, list(troubles))
        calls = len(self.town.writer.calls)
        assert execute(plan, self.town.restoring()) == outcome
        assert len(self.town.writer.calls) == calls, "a finished run makes no calls"
        ran = Ran(run_of(plan), before, self.town.picture(), undoes)
        self.ran.append(ran)
        return outcome, ran
