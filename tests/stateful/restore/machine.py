"""A town lives, suffers, and is restored while calls fail and processes die; see ``judge``."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from stateful.restore.judge import FIRST, Case, Further, Judge
from stateful.restore.town import LINKS, REQUIRED, TABLES, Picture, Town, references
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.running.calls import TRIES
from unlost.engine.restore.running.compared import NOT_SET
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.edits import NO_EDITS, Edits
from unlost.engine.restore.values.outcome import Ending, ParkedRestore, RestoreOutcome
from unlost.model.errors import TransientError, UsageError
from unlost.model.plan import (
    Action,
    ActionReason,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
)
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused
from unlost.testing.vault import reopened

NAMES = st.sampled_from(["a", "b"])  # few: equal records are what makes look-ups hard
CODES = st.sampled_from([None, "k1", "k2", "k3"])
BODIES = st.sampled_from([b"cocoa", b"milk"])
STORE_WRITES = frozenset({"put_new", "put_stream", "delete"})
MOST_ATTEMPTS = 12
SEEDS = st.integers(0, 1 << 16)
LIFE, WRONG = "life", "judged wrong"

LOST = st.tuples(
    st.sampled_from(["written", "write", "uploaded", "upload"]), st.sampled_from([0, 0, 1, 2])
)
TROUBLES = st.one_of(
    LOST,
    LOST,
    st.tuples(st.just("crash"), st.integers(1, 90)),
    st.tuples(st.sampled_from(["locked", "refused"]), st.integers(0, 3)),
    st.tuples(st.just("full"), st.integers(0, 2)),
)


@dataclass(frozen=True)
class OrgKind:
    """What the org of a life does; see ``Town`` and ``Platform``."""

    undeletable: bool
    relinks: bool
    loses: bool
    keeps: bool
    leaves: bool


ORGS = st.builds(OrgKind, *(st.booleans() for _ in range(5)))


class Restores(RuleBasedStateMachine):
    """``met`` counts what was met, over all examples."""

    met: Any = None
    judges = Judge
    towns: type[Town] = Town
    twins = TwinPolicy.KEEP

    @initialize(data=st.data(), org=ORGS)
    def begin(self, data: st.DataObject, org: OrgKind) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.town = self.towns(
            self.folder,
            undeletable=org.undeletable,
            relinks=org.relinks,
            keeps=org.keeps,
            leaves=org.leaves,
        )
        self.town.platform.loses_details = org.loses
        self.judge = self.judges(self.town)
        if self.met is not None:
            self.judge.met = self.met
        self.judge.met[LIFE] += 1
        count = data.draw(st.integers(4, 12))
        for _ in range(count):
            self._make(data, data.draw(st.sampled_from(TABLES)))
        if data.draw(st.booleans()):
            self._circle(data)
        for _ in range(data.draw(st.integers(0, 4))):
            self.link(data)
        self._make_more(data)
        self.night()

    def _make_more(self, data: st.DataObject) -> None:
        """Other records of the first night, if a machine has some."""

    def _circle(self, data: st.DataObject) -> None:
        """Two records that refer to each other."""
        team = self.town.make("Team", {"Name": data.draw(NAMES)})
        assert team is not None
        player = self.town.make("Player", {"Name": data.draw(NAMES), "Team": team.record})
        assert player is not None
        self.town.change(team, {"Lead": player.record})

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.town.close()
            shutil.rmtree(self.folder)

    # --- life --------------------------------------------------------------------------------------

    @rule(data=st.data(), table=st.sampled_from(TABLES))
    def make(self, data: st.DataObject, table: str) -> None:
        self._make(data, table)

    def _make(self, data: st.DataObject, table: str) -> None:
        cells: dict[str, str | None] = {"Name": data.draw(NAMES)}
        if table == "Firm":
            cells["Code"] = data.draw(CODES)
        for column in LINKS[table]:
            targets = self._targets(table, column)
            needed = (table, column) in REQUIRED
            if needed and not targets:
                self._make(data, LINKS[table][column].tables[0])
                targets = self._targets(table, column)
            choice = targets if needed else [None, *targets]
            if choice:
                cells[column] = data.draw(st.sampled_from(choice))
        self.town.make(table, cells, body=data.draw(BODIES) if table == "Paper" else b"")

    def _targets(self, table: str, column: str) -> list[str]:
        tables = LINKS[table][column].tables
        return [key.record for key in self._live() if key.table in tables]

    def _live(self) -> list[RecordKey]:
        return sorted(self.town.picture(), key=str)

    @rule(data=st.data())
    def link(self, data: st.DataObject) -> None:
        live = self._live()
        live = [key for key in live if LINKS[key.table]]
        if live:
            key = data.draw(st.sampled_from(live))
            column = data.draw(st.sampled_from(sorted(LINKS[key.table])))
            free = [] if (key.table, column) in REQUIRED else [None]
            targets = [*free, *self._targets(key.table, column)]
            if targets:
                self.town.change(key, {column: data.draw(st.sampled_from(targets))})

    @rule(data=st.data())
    def overwrite(self, data: st.DataObject) -> None:
        live = self._live()
        if live:
            key = data.draw(st.sampled_from(live))
            column = "Code" if key.table == "Firm" and data.draw(st.booleans()) else "Name"
            value = data.draw(CODES if column == "Code" else st.sampled_from(["a", "b", "x", None]))
            self.town.change(key, {column: value})

    @rule(data=st.data(), body=BODIES)
    def replace_file(self, data: st.DataObject, body: bytes) -> None:
        papers = [key for key in self._live() if key.table == "Paper"]
        if papers:
            key = data.draw(st.sampled_from(papers))
            self.town.org.replace_file(key.table, key.record, body)

    @rule()
    def night(self) -> None:
        self.town.night()
        self.judge.night()

    # --- disasters ---------------------------------------------------------------------------------

    @rule(data=st.data(), purged=st.booleans())
    def lose(self, data: st.DataObject, purged: bool) -> None:
        newest = self.judge.nights[max(self.judge.nights)]
        for _ in range(data.draw(st.integers(1, 3))):
            live = self._live()
            pool = [key for key in live if key in newest] or live
            if pool:
                key = data.draw(st.sampled_from(pool))
                self._delete(key, whole=data.draw(st.booleans()))
        if purged:
            self.town.platform.purge_bin()

    def _delete(self, key: RecordKey, *, whole: bool) -> None:
        """Delete a record (``whole``: and those that it refers to)."""
        now = self.town.picture()
        self.town.delete(key)
        for _, targets in references(key, now[key]) if whole else ():
            for target in targets:
                if target in self.town.picture():
                    self.town.delete(target)

    @rule()
    def purge(self) -> None:
        self.town.platform.purge_bin()

    @rule(data=st.data())
    def undelete(self, data: st.DataObject) -> None:
        binned = [k for k, s in self.town.picture(bin_too=True).items() if s.binned]
        if binned:
            self.town.undelete(data.draw(st.sampled_from(sorted(binned, key=str))))

    @rule(data=st.data())
    def twin(self, data: st.DataObject) -> None:
        """Somebody makes a lost record anew by hand."""
        lost = self.judge.lost()
        keyed = [key for key in lost if key.table in ("Firm", "Role")]
        if lost:
            key = data.draw(st.sampled_from(keyed or lost))
            seen = self.judge.nights[self.judge.newest(key)][key]
            cells = {c: seen.value(c) for c in ("Code", *LINKS[key.table])}
            live = {one.record for one in self._live()}
            for column in LINKS[key.table]:
                if cells[column] not in live:
                    cells[column] = None
            if data.draw(st.booleans()):
                cells["Name"] = seen.value("Name")
            self.town.make(key.table, cells, body=seen.body or b"")

    # --- restores ----------------------------------------------------------------------------------

    @rule(data=st.data(), purged=st.booleans(), twin=st.booleans(), night=st.booleans())
    def lose_and_restore(self, data: st.DataObject, purged: bool, twin: bool, night: bool) -> None:
        self.lose(data=data, purged=purged)
        if twin:
            self.twin(data=data)
        if night:
            self.night()
        self.restore(data=data)

    @rule(data=st.data(), purged=st.booleans())
    def lose_circle_and_restore(self, data: st.DataObject, purged: bool) -> None:
        for key in [key for key in self._live() if key.table in ("Team", "Player")]:
            self.town.delete(key)
        if purged:
            self.town.platform.purge_bin()
        self.restore(data=data)

    @rule(data=st.data())
    def lose_one_master_for_ever_and_restore(self, data: st.DataObject) -> None:
        """Its details and equals lie in the bin still."""
        self.lose(data=data, purged=False)
        masters = [k for k, s in self.town.picture(bin_too=True).items() if s.binned]
        if masters:
            key = data.draw(st.sampled_from(sorted(masters, key=str)))
            self.town.platform.purge(key.table, key.record)
        self.restore(data=data)

    @rule(data=st.data(), night=st.booleans())
    def overwrite_and_restore(self, data: st.DataObject, night: bool) -> None:
        self.overwrite(data=data)
        self.link(data=data)
        if night:
            self.night()
        self.restore(data=data)

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        chosen = self._select(data)
        if chosen is None:
            return
        selection, related, at = chosen
        self.twins = data.draw(st.sampled_from(TwinPolicy))
        plan, planned = self._plan(selection, related, at)
        if plan is None:
            return
        edits = self._edits(data, plan)
        if edits != NO_EDITS:
            plan, planned = self._plan(selection, related, at, edits)
            if plan is None:
                return
        rival = self._rival(data, selection, related, at)
        disturbed = self._meddle(data, plan) or rival
        troubles = data.draw(st.lists(TROUBLES, min_size=1, max_size=3))
        self._run(data, plan, planned, troubles, disturbed=disturbed, edits=edits)
        settled = False
        for last in (False, True):  # again, and once more
            plan, planned = self._plan(selection, related, at, edits)
            if plan is None:
                return
            before = self.town.picture(bin_too=True)
            outcome = self._run(data, plan, planned, [], disturbed=False, edits=edits)
            if settled:
                self._unchanged(plan, before, self.town.picture(bin_too=True))
            settled = self._settled(plan, outcome)
            if last:
                self._retry(data, plan, outcome, edits)

    def _settled(self, plan: RestorePlan, outcome: RestoreOutcome) -> bool:
        """True if nothing that did not come back may do so the next time.

        What was refused may: a key is free by then. So may what was left out, if it left the bin with
        its master; and a reference that the outcome names as not set: the org gave it back with what
        left the bin, or what it means left the bin with its master.
        """
        live = {key for key, seen in self.town.picture(bin_too=True).items() if not seen.binned}
        lives = {self.judge.origin(key) for key in live}
        along = any(
            step.action is Action.SKIP and self.judge.origin(step.key) in lives
            for step in plan.steps
        )
        linked = any(
            difference.reason == NOT_SET and difference.column in LINKS[one.table]
            for one in outcome.records
            for difference in one.differences
        )
        return not (along or linked) and all(
            one.ending is not Ending.FAILED for one in outcome.records
        )

    def _unchanged(self, plan: RestorePlan, before: Picture, again: Picture) -> None:
        """Restoring again changes nothing.

        Where the newest backups of what was chosen differ, what came back in one of them may be
        referred to again by what belongs to another: that follows when it is live.
        """
        changed = {key for key in {*before, *again} if before.get(key) != again.get(key)}
        if len({step.snapshot for step in plan.steps}) > 1:
            changed = {key for key in changed if not self._linked(key, before, again)}
        told = [(str(key), before.get(key), again.get(key)) for key in changed]
        self.judge.met[WRONG] += bool(changed)
        assert not changed, f"restoring again changes something: {told}"

    def _linked(self, key: RecordKey, before: Picture, again: Picture) -> bool:
        """True if nothing but empty references were set."""
        then, now = before.get(key), again.get(key)
        if then is None or now is None or (then.body, then.binned) != (now.body, now.binned):
            return False
        moved = [name for name in now.cells if now.value(name) != then.value(name)]
        return all(name in LINKS[key.table] and then.value(name) is None for name in moved)

    def _retry(
        self, data: st.DataObject, plan: RestorePlan, outcome: RestoreOutcome, edits: Edits
    ) -> None:
        """What did not leave the bin comes back as new."""
        journal = RestoreLog(self.town.vault.journal(self.town.oid, run_of(plan)))
        if not journal.unbinned:
            return
        planned = self.town.picture(bin_too=True)
        pairs = zip(plan.steps, outcome.records, strict=True)
        failed = {step.key: step.snapshot for step, told in pairs if not told.ending.good}
        again = self.town.planned_again(plan, failed, unbinned=journal.unbinned, twins=self.twins)
        links = frozenset(
            step.key
            for step in plan.steps
            if step.why is not ActionReason.SELECTED and step.action is Action.UPDATE
        )
        further = Further(frozenset(journal.unbinned), tuple(failed.items()), links)
        self._run(data, again, planned, [], disturbed=False, further=further, edits=edits)

    def _select(self, data: st.DataObject) -> tuple[Selection, RelatedPolicy, int | None] | None:
        held, nights = self.judge.held(), sorted(self.judge.nights)
        if not held:
            return None
        related = data.draw(
            st.sampled_from([RelatedPolicy.ALL, RelatedPolicy.ALL, RelatedPolicy.NONE])
        )
        kinds = [SelectionKind.RECORDS] * 3
        if len(nights) > 1:
            kinds += [SelectionKind.LOST, SelectionKind.CHANGED]
        kind = data.draw(st.sampled_from(kinds))
        if kind is SelectionKind.RECORDS:
            return self._records(data, related)
        until = data.draw(st.sampled_from(nights[1:]))
        after = data.draw(st.sampled_from([n for n in nights if n < until]))
        if kind is SelectionKind.LOST:
            table = data.draw(st.sampled_from([None, None, *TABLES]))
            return Selection(kind, after=after, until=until, table=table), related, None
        table = data.draw(st.sampled_from(TABLES))
        columns = data.draw(
            st.lists(st.sampled_from(["Name", *LINKS[table]]), unique=True, min_size=1)
        )
        chosen = Selection(kind, after=after, until=until, table=table, columns=tuple(columns))
        return chosen, related, None

    def _records(
        self, data: st.DataObject, related: RelatedPolicy
    ) -> tuple[Selection, RelatedPolicy, int | None]:
        at = data.draw(st.sampled_from([None, None, *sorted(self.judge.nights)]))
        pool = self.judge.held() if at is None else sorted(self.judge.nights[at], key=str)
        lost = [key for key in self.judge.lost() if key in pool]
        if not pool:
            at, pool = None, self.judge.held()
        picks = data.draw(
            st.lists(st.sampled_from(lost or pool), unique=True, min_size=1, max_size=4)
        )
        if data.draw(st.booleans()):
            other = data.draw(st.sampled_from(pool))
            picks += [] if other in picks else [other]
        return Selection(SelectionKind.RECORDS, tuple(picks)), related, at

    def _edits(self, data: st.DataObject, plan: RestorePlan) -> Edits:
        """Somebody types values for records of the plan, or gives them to others."""
        values: dict[RecordKey, dict[str, str | None]] = {}
        for _ in range(data.draw(st.sampled_from([0, 0, 1, 2]))):
            step = data.draw(st.sampled_from(plan.steps))
            column = data.draw(st.sampled_from(["Name", *LINKS[step.table]]))
            if step.table == "Firm" and data.draw(st.booleans()):
                column = "Code"
            values.setdefault(step.key, {})[column] = self._value(data, step.key, column)
        instead: dict[RecordKey, str] = {}
        if data.draw(st.sampled_from([False, False, True])):
            night = self.judge.nights[data.draw(st.sampled_from(plan.steps)).snapshot]
            named = sorted(
                {
                    t
                    for k, s in night.items()
                    for _, ts in references(k, s)
                    for t in ts
                    if t in night
                },
                key=str,
            )
            if named:
                one = data.draw(st.sampled_from(named))
                pool = [key.record for key in self._live() if key.table == one.table]
                instead[one] = data.draw(st.sampled_from(pool or [one.record]))
        return Edits(values, instead)

    def _value(self, data: st.DataObject, key: RecordKey, column: str) -> str | None:
        """A value that somebody may type; a required reference is not emptied."""
        if column == "Code":
            return data.draw(CODES)
        if column not in LINKS[key.table]:
            return data.draw(st.sampled_from(["a", "typed", None]))
        tables = LINKS[key.table][column].tables
        held = [one.record for one in self.judge.held() if one.table in tables]
        free = [] if (key.table, column) in REQUIRED else [None]
        pool = [*free, *self._targets(key.table, column), *held]
        return data.draw(st.sampled_from(pool or ["nobody"]))

    def _plan(
        self,
        selection: Selection,
        related: RelatedPolicy,
        at: int | None,
        edits: Edits = NO_EDITS,
    ) -> tuple[RestorePlan | None, Picture]:
        planned = self.town.picture(bin_too=True)
        try:
            plan = self.town.planned(
                selection, related=related, at=at, edits=edits, twins=self.twins
            )
        except UsageError as error:
            if error.code == "edit-record-unknown":  # it came with what is live by now
                self.judge.met["typed for none"] += 1
                return None, planned
            if error.code != "restore-nothing":
                raise
            return None, planned
        if at is not None:
            self.judge.fixed_at(plan, at)
        for step in plan.steps:
            self.judge.met[f"action {step.action.value}"] += 1
        return plan, planned

    def _rival(
        self, data: st.DataObject, selection: Selection, related: RelatedPolicy, at: int | None
    ) -> bool:
        """Somebody else plans the same, and is quicker."""
        if data.draw(st.sampled_from([False, False, False, True])):
            plan, planned = self._plan(selection, related, at)
            assert plan is not None
            self._run(data, plan, planned, [], disturbed=False)
            self.judge.met["rival"] += 1
            return True
        return False

    def _meddle(self, data: st.DataObject, plan: RestorePlan) -> bool:
        """People go on working between the plan and its run."""
        count = data.draw(st.sampled_from([0, 0, 1, 2]))
        for _ in range(count):
            how = data.draw(st.sampled_from(["change", "change", "lose", "purge", "twin", "back"]))
            lives = [s for s in plan.steps if s.live is not None and s.columns]
            if how == "change" and lives:
                step = data.draw(st.sampled_from(lives))
                column = data.draw(st.sampled_from(step.columns))
                self._change(data, RecordKey(step.table, str(step.live)), column)
            elif how == "lose":
                self.lose(data=data, purged=False)
            elif how == "purge":
                self.purge()
            elif how == "twin":
                self.twin(data=data)
            elif how == "back":
                self.undelete(data=data)
        return count > 0

    def _change(self, data: st.DataObject, key: RecordKey, column: str) -> None:
        if column in LINKS[key.table]:
            targets = self._targets(key.table, column)
            values = targets or [None]
        else:
            values = ["k1", "k2", "k3"] if column == "Code" else ["a", "b", "z"]
        self.town.change(key, {column: data.draw(st.sampled_from(values))})

    # --- a run, whatever happens -------------------------------------------------------------------

    def _run(
        self,
        data: st.DataObject,
        plan: RestorePlan,
        planned: Picture,
        troubles: list[tuple[str, int]],
        *,
        disturbed: bool,
        further: Further = FIRST,
        edits: Edits = NO_EDITS,
    ) -> RestoreOutcome:
        self.town.clock.advance(seconds=60)
        before = self.town.picture()
        outcome = self._until_it_ends(data, plan, list(troubles))
        writes = self.town.writer.calls.copy()
        assert execute(plan, self.town.restoring()) == outcome
        assert self.town.writer.calls[len(writes) :] == [], "a finished run makes no calls"
        kinds = [kind for kind, _ in troubles]
        # A call whose answer was lost is a try of its rows as well.
        hurt = "refused" in kinds or ("locked" in kinds and len(kinds) >= TRIES)
        after = self.town.picture()
        calm = not disturbed and not hurt
        try:
            self.judge.judge(Case(plan, outcome, planned, before, after, calm, further, edits))
        except AssertionError:
            self.judge.met[WRONG] += 1
            raise
        return outcome

    def _until_it_ends(
        self, data: st.DataObject, plan: RestorePlan, troubles: list[tuple[str, int]]
    ) -> RestoreOutcome:
        dice = Random(data.draw(SEEDS))  # how far a crash lets lanes come is left to their threads
        for _ in range(MOST_ATTEMPTS):
            point = self._plant(troubles)
            try:
                ended = self._attempt(plan, point)
            except Crash:
                self.judge.met["crash"] += 1
            except TransientError as error:
                if error.code != "restore-no-answer":
                    raise
            else:
                if isinstance(ended, RestoreOutcome):
                    self._clear()
                    return ended
                assert isinstance(ended, ParkedRestore)
                self.judge.met["full"] += 1
                self.town.writer.full_after = None
            self.town.reopen()
            self.town.clock.advance(seconds=dice.choice([0, 7, 3600]))
        raise AssertionError("the restore does not end")

    def _clear(self) -> None:
        writer = self.town.writer
        for fault in writer.faults.planted:
            if fault.met:
                self.judge.met[f"fault {fault.call}"] += 1
        writer.faults.clear()
        writer.full_after = None

    def _plant(self, troubles: list[tuple[str, int]]) -> CrashPoint:
        """Plant what comes next; a crash ends the attempt, so all after it wait."""
        writer = self.town.writer
        while troubles:
            kind, at = troubles.pop(0)
            if kind == "crash":
                return CrashPoint(at)
            if kind == "full":
                writer.full_after = at
            elif kind in ("locked", "refused"):
                writer.faults.plant("row", RowRefused(kind.upper(), f"{kind} by a test"), after=at)
            else:
                writer.faults.plant(kind, ReplyLost(), after=at)
        return CrashPoint(0)

    def _attempt(self, plan: RestorePlan, point: CrashPoint) -> RestoreOutcome | ParkedRestore:
        town = self.town
        store = point.guard(town.store, after=True, only=STORE_WRITES)
        vault = reopened(town.vault, town.clock, store=store)
        ports = town.restoring(writer=point.guard(town.writer, after=True), vault=vault)
        return execute(plan, ports)
