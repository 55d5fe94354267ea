"""Options of archive policies, and what must be true of them.

``hard_delete``: records skip the bin. ``second_copy``: a record leaves only if the mirror has it, too;
some mirrors have lost objects. ``pointer``: firms have the number of their archived records, of which
people know nothing: each archive adds its own, and each undo takes it back. ``include``: protected
records leave only if it names their protection, and records lose files only if it names them.
``unchanged_days``: younger records stay. ``old_versions: free``: see ``archive_files``.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from stateful.restore.archive_files import ACTIVE, DOCUMENT, IS_ACTIVE, RECORDS
from stateful.restore.town import COUNT, LINK_TO
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes import staying
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.archive import ArchivePolicy, OldVersionRule, ParentPointer
from unlost.model.plan import ActionReason, RecordKey, RestorePlan
from unlost.testing.vault import reopened
from unlost.vault.stores.memory import MemoryStore

FIRM = "Firm"
WITH_FIRMS = ("Person", "Deal", "Paper")
POINTERS = (ParentPointer(FIRM, COUNT, LINK_TO), ParentPointer(FIRM, COUNT))
LOSABLE = ("/data/", "/packs/")


def with_options(data: st.DataObject, policy: ArchivePolicy) -> ArchivePolicy:
    """The policy with some options."""
    draw, pointer = data.draw, None
    if policy.table in WITH_FIRMS and draw(st.booleans()):
        pointer = draw(st.sampled_from(POINTERS))
    include = [(), (), (ACTIVE,)]
    policy = replace(
        policy,
        hard_delete=draw(st.sampled_from([False, False, False, True])),
        second_copy=draw(st.sampled_from([False, False, True])),
        pointer=pointer,
        unchanged_days=draw(st.sampled_from([0, 0, 0, 1, 2])),
        keep_days=draw(st.sampled_from([0, 0, 30])),
        include=draw(st.sampled_from(include)),
    )
    return _for_files(data, policy) if policy.table == DOCUMENT else policy


def _for_files(data: st.DataObject, policy: ArchivePolicy) -> ArchivePolicy:
    include = data.draw(st.sampled_from([(RECORDS,), (RECORDS, ACTIVE), policy.include]))
    policy = replace(policy, include=include)
    if not data.draw(st.booleans()):
        return policy
    return replace(policy, old_versions=OldVersionRule.FREE, branches=(), keep_days=0)


def without_parents(outcome: RestoreOutcome, plan: RestorePlan) -> RestoreOutcome:
    """The outcome without those of parents that are no steps, unless they vanished."""
    parents = {update.key for update in plan.pointers} - {step.key for step in plan.steps}
    rest = tuple(
        record
        for record in outcome.records
        if record.key not in parents or record.code == staying.VANISHED
    )
    return replace(outcome, records=rest)


@dataclass
class OptionJudge:
    """``mirrors``: by run, the objects of its mirror. ``added``: by run, its numbers of firms."""

    town: Any
    ledger: Any
    met: Counter[str] = field(default_factory=Counter)
    mirrors: dict[str, MemoryStore] = field(default_factory=dict)
    added: dict[str, Mapping[str, int]] = field(default_factory=dict)

    # --- the mirror --------------------------------------------------------------------------------

    def make_mirror(self, plan: RestorePlan, dice: Random) -> None:
        """Copy the vault, perhaps without some of its objects."""
        store, loses = MemoryStore(), dice.random() < 0.4
        for name, body in self.town.store._objects.items():
            if not (loses and any(part in name for part in LOSABLE) and dice.random() < 0.5):
                store._objects[name] = body
        self.mirrors[run_of(plan)] = store

    def mirror(self, run: str) -> Any:
        """The mirror of a run, opened anew."""
        return reopened(self.town.vault, self.town.clock, store=self.mirrors[run])

    # --- after a run -------------------------------------------------------------------------------

    def judge(self, plan: RestorePlan, outcome: RestoreOutcome) -> None:
        """All that the options of the policy promise."""
        policy, run = plan.selection.policy, run_of(plan)
        assert policy is not None
        deleted = self.ledger.deleted[run] - self.ledger.triggered
        planned = deleted & {step.key for step in plan.steps}
        if policy.second_copy:
            self._is_in_mirror(plan, planned)
        if policy.hard_delete:
            self._skipped_bin(planned)
        if policy.unchanged_days:
            self._were_unchanged(plan, planned, policy.unchanged_days)
        if ACTIVE not in policy.include:
            self._were_unprotected(planned)
        self._are_counted(plan, outcome)

    def _skipped_bin(self, deleted: set[RecordKey]) -> None:
        for key in deleted:
            record = self.town.org.tables[key.table].records.get(key.record)
            is_binned = record is not None and record.deleted
            others = key in self.ledger.gone and not self.ledger.is_ours(self.ledger.gone[key].by)
            assert not is_binned or others, f"{key} is in the bin"
            self.met["hard"] += 1

    def _were_unchanged(self, plan: RestorePlan, deleted: set[RecordKey], days: int) -> None:
        limit = plan.made_at - timedelta(days=days)
        copy = self.town.vault.at(self.town.oid, plan.snapshot, forgotten=True)
        emptied = self.ledger.emptied[run_of(plan)]
        for key in deleted & self.ledger.gone.keys() - emptied.keys():
            # A change that leaves all values as they were is none: the backup has no new version.
            (modified,) = copy.get(key.table, [key.record])["_u_modified_at"].to_pylist()
            late = self.ledger.is_ours(self.ledger.gone[key].by) and modified > limit
            assert not late, f"{key} was changed at {modified}, after {limit}"
            self.met["unchanged for days"] += 1

    def _were_unprotected(self, deleted: set[RecordKey]) -> None:
        for key in deleted & self.ledger.gone.keys():
            gone = self.ledger.gone[key]
            active = key.table == "Deal" and gone.seen.value("Name") == IS_ACTIVE
            assert not (active and self.ledger.is_ours(gone.by)), f"{key} is protected, and left"

    def _is_in_mirror(self, plan: RestorePlan, deleted: set[RecordKey]) -> None:
        by_table: dict[str, list[str]] = defaultdict(list)
        for key in sorted(deleted, key=str):
            by_table[key.table].append(key.record)
        snapshot = self.mirror(run_of(plan)).at(self.town.oid, plan.snapshot, forgotten=True)
        for table, ids in by_table.items():
            rows = snapshot.get(table, ids)
            assert sorted(rows["_u_id"].to_pylist()) == ids, (
                f"{table}: the mirror lacks some of {ids}"
            )
            self.met["in mirror"] += len(ids)

    def _are_counted(self, plan: RestorePlan, outcome: RestoreOutcome) -> None:
        pointer, run = plan.selection.policy and plan.selection.policy.pointer, run_of(plan)
        added = self.ledger.pointed[run]
        self.added[run] = dict(added)
        if not pointer:
            assert not added, f"{run} has no pointer, and wrote {added}"
            return
        named = {record.record for record in outcome.records if record.code}
        archived = {r.key for r in outcome.records if r.ending is Ending.ARCHIVED}
        roots = [s.key for s in plan.steps if s.why is ActionReason.SELECTED and s.key in archived]
        parents = Counter(self._parent(key) for key in roots)
        for update in plan.pointers:
            number, now = parents[update.record], added.get(update.record, 0)
            if update.record in named or update.record not in self.town.counts():
                assert now in (0, number), f"{update.key}: {now} of {number} were counted"
                continue
            assert now == number, f"{update.key}: {now} were counted, and {number} left"
            self.met["counted"] += bool(number)

    def _parent(self, key: RecordKey) -> str | None:
        gone = self.ledger.gone.get(key)
        seen = gone.seen if gone is not None else self.town.picture()[key]
        former = self.ledger.formers(key).get(FIRM)
        value = seen.value(FIRM) or former
        return None if value is None else str(value)

    # --- after an undo -----------------------------------------------------------------------------

    def judge_undo(
        self, run: str, plan: RestorePlan, outcome: RestoreOutcome, before: Counter[str]
    ) -> None:
        """Each firm lost the number that the archive added, or it is named."""
        after = self.town.counts()
        planned = {update.record for update in plan.pointers}
        named = {record.record for record in outcome.records if record.code}
        for firm, number in self.added.get(run, {}).items():
            if firm not in before or firm not in after:
                continue
            taken = before[firm] - after[firm]
            stays = taken == 0 and (firm in named or firm not in planned)
            assert taken == number or stays, f"{firm}: {taken} taken back of {number}"
            self.met["number taken back" if taken else "number stays"] += 1
