"""A town whose records leave for the vault and come back, while people work and processes die.

See ``passers`` and ``archive_judge`` for the two limits of an archive that this machine keeps: people
touch no record between the last reading of the org's changes and its deletion in the same turn, and
triggers are seen in the tables that are watched.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from stateful.restore.archive_files import (
    DOCUMENT,
    EDITION,
    FACTS,
    FIRM,
    LINK,
    NEVER_MOVED,
    NOTE,
    SHARE,
    ArchiveTown,
    FileJudge,
)
from stateful.restore.archive_judge import ArchiveCase, ArchiveJudge
from stateful.restore.archive_ledger import Ledger
from stateful.restore.archive_options import OptionJudge, with_options, without_parents
from stateful.restore.machine import (
    BODIES,
    LOST,
    MOST_ATTEMPTS,
    NAMES,
    ORGS,
    SEEDS,
    STORE_WRITES,
    WRONG,
    OrgKind,
    Restores,
)
from stateful.restore.passers import Passers
from stateful.restore.town import GRAPH, LINKS, TABLES
from stateful.restore.undo_judge import Ran, UndoCase, UndoJudge
from unlost.engine.archive.planning import ArchiveRequest, plan_archive
from unlost.engine.restore.planning.undo import plan_undo
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.errors import TransientError, UsageError
from unlost.model.plan import RestorePlan, TwinPolicy
from unlost.model.source.schema import DeleteRule
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.platform import RowRefused
from unlost.testing.vault import reopened

FEW, MANY = 2, 4  # so that several turns happen
LATEST = 3  # archives of which one is undone
EVERY_LINK = [(table, column) for table, links in GRAPH.items() for column in links]
POLICY_TABLES = {*TABLES, DOCUMENT}
CONDITIONS = st.sampled_from(
    [
        Condition("Name", Comparison.IS, ("a",)),
        Condition("Name", Comparison.IS, ("a", "x")),
        Condition("Name", Comparison.IS_NOT, ("b",)),
        Condition("Name", Comparison.FILLED),
        Condition("Name", Comparison.FILLED),
    ]
)
FAULTS = st.one_of(
    LOST,
    st.tuples(st.just("crash"), st.integers(1, 150)),
    st.tuples(st.just("crash"), st.integers(1, 60)),
    st.tuples(st.sampled_from(["locked", "refused"]), st.integers(0, 3)),
)
NOTHING = {"archive-nothing", "archive-all-stay", "archive-group-large", "archive-everything"}
UNDONE = {"undo-nothing", "restore-nothing"}  # people were quicker


class Archives(Restores):
    """Archives, undos of archives, and restores of archived records."""

    met: Any = None
    ledger: Any = None
    towns: Any = ArchiveTown
    # Stories of restores, which are judged elsewhere.
    lose_and_restore: Any = None
    lose_circle_and_restore: Any = None
    lose_one_master_for_ever_and_restore: Any = None
    overwrite_and_restore: Any = None

    @initialize(data=st.data(), org=ORGS)
    def begin(self, data: st.DataObject, org: OrgKind) -> None:
        self.usual = archiving.FIRST_TURN, archiving.TURN, archiving.COPIES
        archiving.FIRST_TURN, archiving.TURN, archiving.COPIES = FEW, MANY, MANY
        self.ran: list[Ran] = []
        self.holds = 0
        self.towns = partial(ArchiveTown, shares=data.draw(st.booleans()))
        super().begin(data=data, org=org)
        self.ledger = Ledger(self.town)
        self.archive_judge = ArchiveJudge(self.town, self.ledger, self.judge.met)
        self.undo_judge = UndoJudge(self.judge.met)
        self.option_judge = OptionJudge(self.town, self.ledger, self.judge.met)
        self.file_judge = FileJudge(self.town, self.ledger, self.judge.met)

    def _make_more(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(2, 8))):
            self._make(data, data.draw(st.sampled_from(TABLES)))
        for _ in range(data.draw(st.integers(1, 3)) if self.town.shares else 0):
            self._share(data)

    def teardown(self) -> None:
        if hasattr(self, "usual"):
            archiving.FIRST_TURN, archiving.TURN, archiving.COPIES = self.usual
        super().teardown()

    @contextmanager
    def _verdict(self) -> Iterator[None]:
        """Count what is judged wrong: it is never forgiven."""
        try:
            yield
        except AssertionError:
            self.judge.met[WRONG] += 1
            raise

    # --- backups -----------------------------------------------------------------------------------

    @rule()
    def night(self) -> None:
        super().night()
        self._backed_up(tuple(self.town.graph))

    @rule()
    def full(self) -> None:
        self.town.night(full=True)
        self.judge.night()
        self._backed_up(tuple(self.town.graph))

    @rule(tables=st.lists(st.sampled_from(sorted(LINKS)), min_size=1, max_size=3, unique=True))
    def hour(self, tables: list[str]) -> None:
        tables = sorted(self.town.graph.keys() & {*tables}) or [FIRM]
        self.town.hour(*tables)
        self._backed_up(tables)

    def _backed_up(self, tables: Sequence[str]) -> None:
        if self.ledger is not None:
            with self._verdict():
                self.archive_judge.after_backup(tables)
                self.archive_judge.nothing_lost()

    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """A few records are kept for a court."""
        live = self._live()
        if live and self.holds < 2:
            self.holds += 1
            key = data.draw(st.sampled_from(live))
            target = HoldTarget(HoldScope.RECORD, key.table, key.record)
            run = f"hold-{self.holds}"
            self.town.vault.change_holds(self.town.oid, placed=[Hold(target)], run=run)
            self.ledger.protected.add(key)
            self.judge.met["hold"] += 1

    @rule(data=st.data())
    def share(self, data: st.DataObject) -> None:
        """Records get a file, or a file gets another version."""
        documents = self._targets(EDITION, "Document")
        if documents and data.draw(st.booleans()):
            document = data.draw(st.sampled_from(documents))
            cells = {"Name": data.draw(NAMES), "Document": document}
            self.town.make(EDITION, cells, body=data.draw(BODIES))
        elif self.town.shares:
            self._share(data)

    def _share(self, data: st.DataObject) -> None:
        """A document with its versions, its owner, and the records that share it."""
        town, draw = self.town, data.draw
        members = self._targets(DOCUMENT, "Owner")
        owner = draw(st.sampled_from([*members, None]))
        if owner is None:
            made = town.make("Member", {"Name": "m"})
            owner = made.record if made is not None else None
        document = town.make(DOCUMENT, {"Name": draw(NAMES), "Owner": owner})
        assert document is not None
        for _ in range(draw(st.integers(1, 3))):
            cells: dict[str, str | None] = {"Name": draw(NAMES), "Document": document.record}
            town.make(EDITION, cells, body=draw(BODIES))
        if draw(st.sampled_from([True, True, True, False])):
            self._link(document.record, owner)
        if draw(st.sampled_from([False] * 5 + [True])):
            shelf = town.make("Shelf", {"Name": "s"})
            self._link(document.record, shelf.record if shelf is not None else None)
        holders = self._targets(LINK, "Holder")
        for holder in draw(st.lists(st.sampled_from(holders), max_size=3, unique=True)):
            self._link(document.record, holder)
        if draw(st.sampled_from([False] * 5 + [True])):
            town.make(SHARE, {"Document": document.record})
        if self.ledger is None and draw(st.sampled_from([False] * 5 + [True])):
            town.make(NOTE, {"Name": "shown", "Code": document.record})

    def _link(self, document: str, holder: str | None) -> None:
        if holder is not None:
            self.town.make(LINK, {"Name": "l", "Document": document, "Holder": holder})

    # --- archives ----------------------------------------------------------------------------------

    @rule(data=st.data(), night=st.booleans(), back=st.booleans())
    def archive(self, data: st.DataObject, night: bool, back: bool) -> None:
        if night:
            self.night()
        ran = self._archive(data)
        if back and ran is not None:
            self._undo(data, ran)

    @rule(data=st.data())
    def archive_twice(self, data: st.DataObject) -> None:
        """The second plan takes more than the first, perhaps without a backup between them."""
        self.night()
        self._archive(data)
        if data.draw(st.booleans()):
            self._people(data)
            self.night()
        self._archive(data)

    @rule(data=st.data(), purged=st.booleans(), edited=st.booleans(), night=st.booleans())
    def archive_and_undo(
        self, data: st.DataObject, purged: bool, edited: bool, night: bool
    ) -> None:
        """The common story, in one rule."""
        self.night()
        ran = self._archive(data)
        if ran is None:
            return
        if night:
            self.night()
        if edited:
            self._people(data)
        if purged:
            self.purge()
        self._undo(data, ran)

    @rule(data=st.data(), purged=st.booleans())
    def archive_restore_and_archive(self, data: st.DataObject, purged: bool) -> None:
        """Records that came back under new ids leave again."""
        self.night()
        self._archive(data)
        if purged:
            self.purge()
        self.restore(data=data)
        self.night()
        self._archive(data)

    def _archive(self, data: st.DataObject, *, nested: bool = False) -> Ran | None:
        """Archive by some policy; returns the run, if it deleted anything."""
        plan = self._plan_archive(data)
        if plan is None:
            return None
        calls = data.draw(st.lists(st.integers(1, 40), max_size=4))
        passers = Passers(self.town, plan, Random(data.draw(SEEDS)), frozenset(calls))
        for _ in range(data.draw(st.sampled_from([0, 0, 1, 2]))):
            passers.work()
        troubles = [] if nested else data.draw(st.lists(FAULTS, max_size=2))
        triggers = not nested and data.draw(st.sampled_from([False] * 5 + [True]))
        self.option_judge.make_mirror(plan, passers.dice)
        self.town.clock.advance(seconds=60)
        with self._trigger(passers.dice, armed=triggers):
            outcome = self._until_archived(data, plan, passers, list(troubles))
        calm = not (troubles or triggers or passers.worked)
        with self._verdict():
            calls_so_far = len(self.town.writer.calls)
            assert execute(plan, self._ports(plan)) == outcome
            assert len(self.town.writer.calls) == calls_so_far, "a finished run makes no calls"
            case = ArchiveCase(plan, without_parents(outcome, plan), calm)
            self.archive_judge.judge(case)
            self.option_judge.judge(plan, outcome)
            self.file_judge.judge(plan, outcome, calm=calm)
        self.judge.met["archive"] += 1
        self.judge.met["worked meanwhile"] += passers.worked
        ran = Ran(case.run, self.ledger.before(case.run, case.archived), self.town.picture())
        if ran.changed:
            self.ran.append(ran)
        return ran if ran.changed else None

    def _plan_archive(self, data: st.DataObject) -> RestorePlan | None:
        policy = self._policy(data)
        most = data.draw(st.sampled_from([100, 100, 100, 3, 6]))
        holds = tuple(self.town.vault.holds(self.town.oid))
        order = ArchiveRequest(
            policy,
            shared=self.town.files,
            holds=holds,
            most=most,
            facts=FACTS,
            address="https://unlost.example.com",
        )
        name = self.town.next_plan()
        try:
            return plan_archive(self.town.oid, self.town.planning(), order, plan_id=name)
        except UsageError as error:
            if error.code not in NOTHING:
                raise
            self.judge.met[error.code] += 1
            return None

    def _policy(self, data: st.DataObject) -> ArchivePolicy:
        tables = sorted({key.table for key in self._live()} & POLICY_TABLES) or list(TABLES)
        tables += [DOCUMENT] if DOCUMENT in tables else []
        links = data.draw(st.lists(st.sampled_from(EVERY_LINK), max_size=5, unique=True))
        policy = ArchivePolicy(
            "old",
            data.draw(st.sampled_from(tables)),
            (data.draw(CONDITIONS),),
            tuple(self._branch(data, table, column) for table, column in links),
        )
        return with_options(data, policy)

    def _branch(self, data: st.DataObject, table: str, column: str) -> ArchiveBranch:
        rules = [BranchRule.TAKE, BranchRule.TAKE, BranchRule.STOP]
        if LINKS[table][column].rule is not DeleteRule.CASCADE:
            rules.append(BranchRule.LEAVE)
        conditions = (data.draw(CONDITIONS),) if data.draw(st.booleans()) else ()
        return ArchiveBranch(table, column, data.draw(st.sampled_from(rules)), conditions)

    # --- people and faults -------------------------------------------------------------------------

    def _people(self, data: st.DataObject) -> None:
        """People work between two steps of the story."""
        for _ in range(data.draw(st.integers(1, 3))):
            how = data.draw(
                st.sampled_from(["change", "link", "make", "lose", "back", "file", "twin"])
            )
            match how:
                case "change":
                    self.overwrite(data=data)
                case "link":
                    self.link(data=data)
                case "make":
                    self.make(data=data, table=data.draw(st.sampled_from(TABLES)))
                case "lose":
                    self.lose(data=data, purged=False)
                case "back":
                    self.undelete(data=data)
                case "file":
                    self.replace_file(data=data, body=data.draw(BODIES))
                case _:
                    self.twin(data=data)

    @contextmanager
    def _trigger(self, dice: Random, *, armed: bool) -> Iterator[None]:
        """A trigger of the org that deletes another record with one that the run deletes."""
        platform: Any = self.town.platform
        real, waiting = platform.delete, [armed]

        def delete(table: str, record: str, *, by: str) -> None:
            real(table, record, by=by)
            live = [key for key in self._live() if key.table not in NEVER_MOVED]
            if self.ledger.running and self.ledger.is_ours(by) and waiting[0] and live:
                waiting[0] = False
                victim = dice.choice(live)
                self.ledger.is_trigger = True
                try:
                    real(victim.table, victim.record, by=by)
                    self.judge.met["trigger"] += 1
                except RowRefused:
                    pass
                finally:
                    self.ledger.is_trigger = False

        platform.delete = delete
        try:
            yield
        finally:
            platform.delete = real

    def _until_archived(
        self,
        data: st.DataObject,
        plan: RestorePlan,
        passers: Passers,
        troubles: list[tuple[str, int]],
    ) -> RestoreOutcome:
        for _ in range(MOST_ATTEMPTS):
            point = self._plant(troubles)
            self.ledger.running = run_of(plan)
            try:
                ended = execute(plan, self._ports(plan, point, passers))
            except Crash:
                self.judge.met["crash"] += 1
            except TransientError as error:
                if error.code != "restore-no-answer":
                    raise
            else:
                if isinstance(ended, RestoreOutcome):
                    self._clear()
                    return ended
                self.judge.met["full"] += 1  # new files of a policy that frees old versions
                self.town.writer.full_after = None
            finally:
                self.ledger.running = ""
            passers.restart()
            self.town.reopen()
            with self._verdict():
                self.archive_judge.nothing_lost()
            self._meanwhile(data)
        raise AssertionError("the archive does not end")

    def _meanwhile(self, data: st.DataObject) -> None:
        """What happens until the run goes on."""
        self.town.clock.advance(seconds=data.draw(st.sampled_from([0, 7, 3600])))
        how = data.draw(st.sampled_from(["", "", "night", "hour", "people", "plan", "hold"]))
        self.judge.met[f"meanwhile {how}".strip()] += 1
        match how:
            case "night":
                if data.draw(st.booleans()):
                    self._people(data)
                self.night()
            case "hour":
                self.hour(tables=[data.draw(st.sampled_from(sorted(LINKS)))])
            case "people":
                self._people(data)
            case "plan":
                self._archive(data, nested=True)
            case "hold":
                self.hold(data=data)
            case _:
                pass

    def _ports(
        self,
        plan: RestorePlan,
        point: CrashPoint | None = None,
        passers: Passers | None = None,
    ) -> Any:
        town, point = self.town, point or CrashPoint(0)
        writer, source = town.writer, town.source
        if passers is not None:
            writer = passers.beside(writer, reads=False)
            source = passers.beside(source, reads=True)
        store = point.guard(town.store, after=True, only=STORE_WRITES)
        vault = reopened(town.vault, town.clock, store=store)
        ports = town.restoring(writer=point.guard(writer, after=True), vault=vault)
        run = run_of(plan)
        return replace(
            ports,
            source=point.guard(source, after=True),
            second_copy=lambda: self.option_judge.mirror(run),
        )

    # --- back --------------------------------------------------------------------------------------

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """Restore records, mostly archived ones."""
        chosen = self._select(data)
        if chosen is None:
            return
        selection, related, at = chosen
        self.twins = data.draw(st.sampled_from(TwinPolicy))
        plan, _ = self._plan(selection, related, at)
        if plan is not None:
            self.town.clock.advance(seconds=60)
            self._until_it_ends(data, plan, data.draw(st.lists(FAULTS, max_size=1)))
            self.judge.met["restore"] += 1
            with self._verdict():
                self.archive_judge.nothing_lost()

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Undo one of the latest archives."""
        latest = self.ran[-LATEST:]
        if latest:
            self._undo(data, data.draw(st.sampled_from(latest)))

    def _undo(self, data: st.DataObject, ran: Ran) -> None:
        name = self.town.next_plan()
        try:
            plan = plan_undo(self.town.oid, self.town.planning(), ran.name, plan_id=name)
        except UsageError as error:
            if error.code not in UNDONE:
                raise
            self.judge.met[error.code] += 1
            return
        now = self.town.picture()
        binned = frozenset(self.town.picture(bin_too=True)) - now.keys()
        counts = self.town.counts()
        self.town.clock.advance(seconds=60)
        outcome = self._until_it_ends(data, plan, data.draw(st.lists(FAULTS, max_size=2)))
        self.judge.met["undo"] += 1
        then = self.town.picture()
        of_steps = without_parents(outcome, plan)
        case = UndoCase(ran, plan, of_steps, now, then, binned, self.town.life_of)
        with self._verdict():
            self.undo_judge.judge(case)
            self.option_judge.judge_undo(ran.name, plan, outcome, counts)
            self.archive_judge.nothing_lost()
