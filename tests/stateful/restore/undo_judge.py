"""What must be true after an undo, judged from the org alone, as it was before and after the run.

The undo's outcome is believed in one thing only: which records it names as not taken back. All
others must be as they were before the undone run, and nothing else may have changed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stateful.restore.town import LINKS, Picture, Seen
from unlost.engine.restore.values.outcome import Ending, RecordOutcome, RestoreOutcome
from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan
from unlost.model.source.schema import DeleteRule

GONE = "gone"


@dataclass(frozen=True)
class Ran:
    """A run that can be undone, and what was live right before and right after it."""

    name: str
    before: Picture
    after: Picture
    undoes: str = ""

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class UndoCase:
    """An undo: the undone run, and what was live right before and right after the undo."""

    ran: Ran
    plan: RestorePlan
    outcome: RestoreOutcome
    now: Picture
    then: Picture
    binned: frozenset[RecordKey]  # right before
    life: Callable[[RecordKey], str]  # the id as which a record came back, or its own

    def stands_for(self, record: str | None) -> str | None:
        """The id of a record now, after it came back; GONE if it did not."""
        came = (one.live for step, one in self.pairs if step.record == record and one.live)
        now = next(came, record)
        return now if now is None or now in {key.record for key in self.then} else GONE

    @property
    def pairs(self) -> Iterator[tuple[PlanStep, RecordOutcome]]:
        return zip(self.plan.steps, self.outcome.records, strict=True)


@dataclass
class UndoJudge:
    """``met`` counts what was judged."""

    met: Counter[str] = field(default_factory=Counter)

    def judge(self, case: UndoCase) -> None:
        """All that must be true."""
        told = {step.key: (step, one) for step, one in case.pairs}
        for key in {*case.ran.before, *case.ran.after, *case.now, *case.then}:
            self._record(case, key, told.get(key))
        self._nothing_doubled(case)
        if case.now == case.ran.after and not self._named(case):
            self._exact(case)

    def _named(self, case: UndoCase) -> list[RecordKey]:
        """The records of which the undo says that they are not as before."""
        return [step.key for step, one in case.pairs if not one.ending.good or step.notes]

    def _record(
        self, case: UndoCase, key: RecordKey, told: tuple[PlanStep, RecordOutcome] | None
    ) -> None:
        was, left = case.ran.before.get(key), case.ran.after.get(key)
        now, then = case.now.get(key), case.then.get(key)
        if was is None and left is not None:
            self._brought(case, key, told)
        elif was is not None and left is None:
            self._removed(case, key, told)
        elif now is not None and was is not None and left is not None:
            self._changed(case, key, told)
        elif now is not None:
            assert then is not None, f"{key} is none of the run's, and was deleted"
            self._untouched(case, key, now, then, as_before=self._former(case, key))

    def _former(self, case: UndoCase, key: RecordKey) -> Seen | None:
        """The values that a record had before the run, if it came back under this id since."""
        for step, one in case.pairs:
            if step.table == key.table and key.record == one.live and one.ending.good:
                return case.ran.before.get(step.key)
        return None

    # --- what the run brought -----------------------------------------------------------------------

    def _brought(
        self, case: UndoCase, key: RecordKey, told: tuple[PlanStep, RecordOutcome] | None
    ) -> None:
        left, now, then = case.ran.after[key], case.now.get(key), case.then.get(key)
        if now is None:
            assert then is None, f"{key} was gone, and came back"
            return
        if self._edited(key, left, now):
            assert then is not None, f"{key} was edited since, and was deleted"
        if then is None:
            self.met["taken away"] += 1
            return
        if told is None:
            # It left the bin with its master, and is not in the plan: its master stays, and is named.
            assert self._came_along(case, key), f"{key} stays, and nobody says so"
            return
        step, one = told
        assert not one.ending.good or step.action is Action.SKIP, f"{key} stays: {one}"
        self.met[f"stays {one.ending.value}"] += 1
        self._untouched(case, key, now, then)

    def _came_along(self, case: UndoCase, key: RecordKey) -> bool:
        came = case.then.keys() - case.ran.before.keys()
        return any(
            RecordKey(table, str(case.then[key].value(column))) in came
            for column, reference in LINKS[key.table].items()
            if reference.rule is DeleteRule.CASCADE
            for table in reference.tables
        )

    def _edited(self, key: RecordKey, left: Seen, now: Seen) -> bool:
        """True if people changed the record; the org may have emptied a reference of it."""
        values = any(
            left.value(column) != now.value(column)
            for column in now.cells
            if now.value(column) is not None or column not in LINKS[key.table]
        )
        return values or left.body != now.body

    # --- what the run changed -----------------------------------------------------------------------

    def _changed(
        self, case: UndoCase, key: RecordKey, told: tuple[PlanStep, RecordOutcome] | None
    ) -> None:
        was, left, now = case.ran.before[key], case.ran.after[key], case.now[key]
        then = case.then.get(key)
        assert then is not None, f"{key} was there before the run, and was deleted"
        assert then.body == now.body
        for column in now.cells:
            if was.value(column) == left.value(column):
                self._same(case, key, column)
            elif now.value(column) != left.value(column):
                self._same(case, key, column)
                self.met["kept a later value"] += 1
            elif self._alike(case, key, column, was.value(column)):
                self.met["put back"] += 1
            else:
                named = told is not None and (
                    not told[1].ending.good
                    or column in {difference.column for difference in told[1].differences}
                )
                by_org = told is None and self._by_org(case, key, column)
                assert named or by_org, f"{key}.{column} is not as before: {told}"

    def _alike(self, case: UndoCase, key: RecordKey, column: str, was: str | None) -> bool:
        """True if a value is as before the run; a record that came back anew has another id."""
        then = case.then[key].value(column)
        if was == then:
            return True
        tables = LINKS[key.table][column].tables if column in LINKS[key.table] else ()
        lives = {step.key: one.live for step, one in case.pairs}
        keys = [RecordKey(table, str(was)) for table in tables]
        return then is not None and any(then in (lives.get(key), case.life(key)) for key in keys)

    def _by_org(self, case: UndoCase, key: RecordKey, column: str) -> bool:
        """True for a reference that the org had set: it leads to a record that stays, or its
        former target is gone."""
        if column not in LINKS[key.table]:
            return False
        was, then = case.ran.before[key].value(column), case.then[key].value(column)
        return self._leads_on(case.then, key, then, column) or not self._leads_on(
            case.then, key, was, column
        )

    def _leads_on(self, live: Picture, key: RecordKey, value: str | None, column: str) -> bool:
        """True if the record that a reference names is live."""
        targets = LINKS[key.table][column].tables
        return any(RecordKey(table, str(value)) in live for table in targets)

    def _untouched(
        self,
        case: UndoCase,
        key: RecordKey,
        now: Seen,
        then: Seen,
        *,
        as_before: Seen | None = None,
    ) -> None:
        """Nothing changed. Only what an earlier undo could not set may become as before the run."""
        assert now.body == then.body
        for column in now.cells:
            was = as_before.value(column) if as_before is not None else None
            if was and now.value(column) is None and then.value(column) is not None:
                assert self._alike(case, key, column, was), (
                    f"{key}.{column} is not as it was: {then}"
                )
                self.met["set by a second undo"] += 1
            else:
                self._same(case, key, column)

    def _same(self, case: UndoCase, key: RecordKey, column: str) -> None:
        now, then = case.now[key].value(column), case.then[key].value(column)
        if now == then:
            return
        if column in LINKS[key.table] and self._follows(case, key, column):
            self.met["followed"] += 1
            return
        by_org = column in LINKS[key.table] and (now is None or then is None)
        assert by_org, f"{key}.{column} was not to be touched: {now} became {then}"
        ran = case.ran.after.get(key)
        since = now is not None and (ran is None or ran.value(column) != now)
        assert not since, f"{key}.{column}: {now} was set by people since, and is emptied"
        tables = LINKS[key.table][column].tables
        moved = [RecordKey(table, str(now if then is None else then)) for table in tables]
        there = case.then if then is not None else case.now
        other = case.now if then is not None else case.then
        left = any(target in there and target not in other for target in moved)
        assert left, f"{key}.{column}: {now} became {then}, and its record did not come or go"
        ends = ((step.key, RecordKey(step.table, told.live or "")) for step, told in case.pairs)
        in_plan = any(set(keys) & set(moved) for keys in ends)  # by its former or its new id
        along = any(self._came_with_master(case, k) for k in moved if k in case.then)
        assert in_plan or along, f"{key}.{column} lost a record that is none of the run's"

    def _follows(self, case: UndoCase, key: RecordKey, column: str) -> bool:
        """True if a reference named a record that was away, and names it under its new id.

        It was created anew, now or by an earlier undo; or a live record stands for it.
        """
        now, then = case.now[key].value(column), case.then[key].value(column)
        tables = LINKS[key.table][column].tables
        return any(
            step.table in tables and step.record == now and one.live == then
            for step, one in case.pairs
            if step.key not in case.now and one.ending.good
        )

    # --- what the run removed -----------------------------------------------------------------------

    def _removed(
        self, case: UndoCase, key: RecordKey, told: tuple[PlanStep, RecordOutcome] | None
    ) -> None:
        now, then = case.now.get(key), case.then.get(key)
        if now is not None:
            assert then is not None, f"{key} came back by people, and was deleted"
            # The undo sets empty references; it cannot know that people emptied one on purpose.
            self._untouched(case, key, now, then, as_before=case.ran.before[key])
            return
        assert told is not None, f"{key} was removed, and nobody brings it back"
        _, one = told
        if not one.ending.good:
            self.met["not brought back"] += 1
            return
        assert one.live is not None
        live = case.then.get(RecordKey(key.table, one.live))
        assert live is not None, f"{key} is said to be back as {one.live}, and is not live"
        if one.ending is Ending.RECREATED:
            assert one.live == key.record, f"{key} is back with another id: {one}"
            self.met["created again"] += 1
        was = case.ran.before[key]
        named = {difference.column for difference in one.differences}
        for column in was.cells:
            value = was.value(column)
            if column in LINKS[key.table]:
                value = case.stands_for(value)
            same = value == live.value(column) or value is GONE
            assert same or column in named, f"{key}.{column} is not as it was: {one}"
        assert live.body == was.body, f"{key} came back with another file"
        self.met["brought back"] += 1

    # --- nothing doubled ----------------------------------------------------------------------------

    def _nothing_doubled(self, case: UndoCase) -> None:
        said = Counter(
            RecordKey(one.table, one.live) for _, one in case.pairs if one.live is not None
        )
        for key in set(case.then) - set(case.now):
            known = key in case.ran.before or said[key] == 1 or self._came_with_master(case, key)
            assert known, f"{key} came to be, and nobody says so"
            assert said[key] <= 1, f"{key} stands for {said[key]} records"

    def _came_with_master(self, case: UndoCase, key: RecordKey) -> bool:
        """True for a record that left the bin, in which it was, with its master, or the master's."""
        back = {
            RecordKey(one.table, str(one.live))
            for _, one in case.pairs
            if one.ending is Ending.UNDELETED
        }
        masters = {
            RecordKey(table, case.then[key].value(column) or "")
            for column, reference in LINKS[key.table].items()
            if reference.rule is DeleteRule.CASCADE
            for table in reference.tables
        }
        masters = {master for master in masters if master in case.then} - {key}
        along = any(m in back or self._came_with_master(case, m) for m in masters)
        return key in case.binned and along

    def _exact(self, case: UndoCase) -> None:
        """Nobody changed anything since, and the undo names nothing: the org is as before."""
        created = any(step.action is Action.CREATE for step in case.plan.steps)
        if not created:
            # Related records that were lost earlier come along.
            again = {step.key for step, one in case.pairs if one.ending is Ending.RECREATED}
            then = {
                key: seen
                for key, seen in case.then.items()
                if key in case.ran.before or not (key in again or self._left_bin(case, key))
            }
            pictures = {key: (case.ran.before.get(key), now) for key, now in then.items()}
            wrong = {key: pair for key, pair in pictures.items() if self._differs(case, key, *pair)}
            assert not wrong, f"the org is not as before the run: {wrong}"
            assert then.keys() == case.ran.before.keys(), "a record is missing"
            self.met["exact"] += 1

    def _differs(self, case: UndoCase, key: RecordKey, was: Seen | None, then: Seen) -> bool:
        """True if a record is not as before; references follow records that are away.

        The org may refer again to what came with a master, or what another run had deleted and
        leaves the bin as the parent of a record. A reference that people emptied between
        the backup and the run is set again, because it is empty.
        """
        if was is None or was.body != then.body:
            return True
        columns = [n for n in then.cells if not self._alike(case, key, n, was.value(n))]
        return not all(
            name in LINKS[key.table]
            and (
                self._names_one_that_came_along(case, key, name)
                or (was.value(name) is None and self._is_as_planned(case, key, name))
            )
            for name in columns
        )

    def _is_as_planned(self, case: UndoCase, key: RecordKey, column: str) -> bool:
        """True for a reference that the undo sets to a record that it brings back."""
        planned = any(step.key == key and column in step.columns for step, _ in case.pairs)
        lives = {one.live for step, one in case.pairs if step.action is not Action.UPDATE}
        return planned and case.then[key].value(column) in lives

    def _names_one_that_came_along(self, case: UndoCase, key: RecordKey, column: str) -> bool:
        targets = LINKS[key.table][column].tables
        keys = [RecordKey(table, str(case.then[key].value(column))) for table in targets]
        return any(
            k in case.then
            and (
                self._came_with_master(case, k)
                or (k not in case.ran.before and self._left_bin(case, k))
            )
            for k in keys
        )

    def _left_bin(self, case: UndoCase, key: RecordKey) -> bool:
        """True for a record that left the bin, though another one than the run had deleted it.

        A trigger had, at the same time; or people had, and it came with its master.
        """
        undeleted = {step.key for step, one in case.pairs if one.ending is Ending.UNDELETED}
        return key in case.binned and (key in undeleted or self._came_with_master(case, key))
