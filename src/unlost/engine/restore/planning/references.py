"""Settle references: which records can come back without them, and which references are set. Pure.

A reference in the vault holds an id of the past. After the restore it may have to hold another one:

  its record ...                                      the reference becomes
  is not in the plan, and lives                       its live id (the same, or of a later life)
  is undeleted, adopted, or alive in the plan         its known live id
  is created with its former id                       that id
  is created or a by-product                          ANEW: the run fills in the new id
  does not come back                                  MISSING: empty, with a note

A list becomes ANEW if any of its records does, and keeps the ids of those that do not come back.
A reference by key is a plain text here: the record that it names comes first (``sequence``).

A created record that requires a MISSING reference is skipped, and so are, in turn, records that
require it; ``settle`` repeats that until nothing changes. A record whose master does not leave the
bin with its id cannot be undeleted either, and is created instead. Live records get back the
references that the loss emptied, or that a merge moved to the surviving record, and nothing else.
See docs/adr/0011.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, auto

from unlost.engine.restore.planning.choose import DraftStep, create, set_column, set_differing
from unlost.engine.restore.planning.facts import LiveStanding
from unlost.engine.restore.planning.graph.by_products import (
    ByProducts,
    Capabilities,
    settle_products,
)
from unlost.engine.restore.planning.graph.merges import NO_CHAIN
from unlost.engine.restore.planning.graph.related import PlannedRecordSet
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.named_records import rewritten, texts_of
from unlost.model.plan import Action, ActionReason, RecordKey, TwinPolicy
from unlost.model.source.schema import DeleteRule
from unlost.model.source.writing import WriteCapability, WriteOp


class ReferenceTarget(Enum):
    """The future target of a reference without a known id."""

    ANEW = auto()  # a record that comes back with a new id
    MISSING = auto()  # no record


@dataclass(slots=True)
class ReferenceSettlement:
    """The drafts of a plan, and their references.

    ``twins``: the treatment of live records that took the key of a lost one.
    """

    records: PlannedRecordSet
    drafts: dict[RecordKey, DraftStep]
    twins: TwinPolicy = TwinPolicy.KEEP
    products: ByProducts = field(default_factory=ByProducts)

    @property
    def capabilities(self) -> Capabilities:
        """Write capabilities, by table."""
        return self.records.survey.capability

    # --- what can come back ------------------------------------------------------------------------

    def settle(self) -> None:
        """Skip records that cannot come back without a missing one, until nothing more follows."""
        changed, by_products = True, self._made_by_others()
        while changed:
            self.products = settle_products(
                self.drafts,
                self.capabilities,
                by_products=by_products,
                outside_ids=self.records.outside_ids,
                freed=self.records.survey.freed,
            )
            # ``sum`` instead of ``any``: each round must settle every draft.
            changed = sum(self._settle(draft) for draft in self.drafts.values()) > 0

    def _made_by_others(self) -> set[str]:
        """Tables of by-products for which the org has a table that creates them."""
        survey = self.records.survey
        by_products = {
            key.table for key, step in self.drafts.items() if step.action is Action.BY_PRODUCT
        }
        return {
            table
            for table in by_products
            for maker in survey.referring(table)
            for product in survey.capability(maker).by_products
            if product.table == table
        }

    def _settle(self, step: DraftStep) -> bool:
        """Settle one record; true if its action changed."""
        capability = self.capabilities(step.key.table)
        if step.action is Action.UNDELETE and self._lost_master(step):
            create(step, capability)
            step.remark(NoteCode.LEFT_IN_BIN)
            return True
        if step.action is Action.ADOPT and self._is_kept(step, capability):
            step.leave_twin()
            self.records.members[step.key].facts = step.facts
            return True
        if step.action.creates:
            missing = self._missing(step, capability)
            if missing:
                step.skip(NoteCode.PARENT_REQUIRED)
                step.lost_links.update(dict.fromkeys(missing))
                return True
        return False

    def _is_kept(self, step: DraftStep, capability: WriteCapability) -> bool:
        """True if adopting the live twin would change it, and people did not ask for that.

        It is newer than the loss: it was not there beside the lost record, or had another key.
        """
        if self.twins is TwinPolicy.ADOPT or not capability.allows(WriteOp.UPDATE):
            return False
        return bool(step.columns) or any(
            column in capability.changeable
            and self._wanted_id(step, column) not in (seen, ReferenceTarget.MISSING)
            for column, seen in step.facts.seen_references.items()
        )

    def _wanted_id(self, step: DraftStep, column: str) -> str | ReferenceTarget | None:
        """The id that a reference will have; None if it was empty."""
        return self.target_id(step, column) if column in step.facts.references else None

    def _lost_master(self, step: DraftStep) -> bool:
        """True if the record was deleted with a master that does not leave the bin with its id."""
        wanted, seen = step.facts.references, step.facts.seen_references
        left_masters = self.records.left_masters(step.facts)
        return any(
            self.target_id(step, column) not in (wanted[column], seen.get(column))
            for column in self._bound(step)
        ) or any(self._target_id(step, column, value) != value for column, value in left_masters)

    def _bound(self, step: DraftStep) -> list[str]:
        """The references through which a record is deleted together with another."""
        survey, facts = self.records.survey, step.facts
        table = facts.key.table
        return [
            column
            for column in facts.references.keys() - facts.edits.keys()
            if survey.reference(facts.snapshot, table, column).rule is DeleteRule.CASCADE
        ]

    def masters(self, step: DraftStep) -> list[DraftStep]:
        """The plan's records with which a record was deleted."""
        records, facts = self.records, step.facts
        targets = [records.target(facts, column) for column in self._bound(step)]
        left_masters = records.left_masters(facts)
        targets += [records.target_of(facts, column, value) for column, value in left_masters]
        return [self.drafts[key] for key in targets if key in self.drafts]

    def _missing(self, step: DraftStep, capability: WriteCapability) -> list[str]:
        """References that the org requires and that have no target."""
        return [
            column
            for column in step.facts.references
            if column in capability.needs_value
            and column in capability.settable
            and self.target_id(step, column) is ReferenceTarget.MISSING
        ]

    def target_id(self, step: DraftStep, column: str) -> str | ReferenceTarget:
        """The id that a wanted reference will have, or its kind of target."""
        value, facts = step.facts.references[column], step.facts
        reference = self.records.survey.reference(facts.snapshot, facts.key.table, column)
        if reference.separator is None:
            return self._target_id(step, column, value)
        ids = {text: self._target_id(step, column, text) for text in texts_of(reference, value)}
        if ReferenceTarget.ANEW in ids.values():
            return ReferenceTarget.ANEW
        known = {text: live for text, live in ids.items() if isinstance(live, str)}
        # A list keeps the ids of records that do not come back, as it does when an org deletes them.
        return rewritten(reference, value, lambda text: known.get(text, text))

    def _target_id(self, step: DraftStep, column: str, value: str) -> str | ReferenceTarget:
        target = self.records.target_of(step.facts, column, value)
        other = self.drafts.get(target)
        if other is None or other.facts.beside:  # the first record stays what others refer to
            home = self.records.outside_ids.get(target, value)
            return ReferenceTarget.MISSING if home is None else home
        if other.comes_anew:
            return ReferenceTarget.ANEW
        return other.known_id or value if other.stays else ReferenceTarget.MISSING

    # --- what is set -------------------------------------------------------------------------------

    def link(self) -> None:
        """Decide for each reference whether it is set; call it once, when all else is settled."""
        for draft in self.drafts.values():
            capability = self.capabilities(draft.key.table)
            if draft.action.creates:
                self._leave_empty(draft, capability)
            elif draft.action is Action.BY_PRODUCT:
                self.finish_product(draft, capability)
            elif draft.action is not Action.SKIP and _is_wanted(draft):
                self._correct(draft, capability, draft.facts.seen_references)
            elif draft.action in (Action.UNCHANGED, Action.UPDATE):
                self._correct(draft, capability, draft.facts.edits)
                self._relink(draft, capability)
                self._take_merge_back(draft, capability)
            if draft.action is Action.UNDELETE:
                self._note_cascade(draft)
            if draft.facts.merged_into is not None and draft.action is not Action.SKIP:
                draft.remark(NoteCode.WAS_MERGED)
            if draft.facts.edits and draft.action not in (Action.SKIP, Action.UNCHANGED):
                draft.remark(NoteCode.TYPED)

    def _leave_empty(self, step: DraftStep, capability: WriteCapability) -> None:
        for column in step.facts.references:
            if (
                column in capability.settable
                and self.target_id(step, column) is ReferenceTarget.MISSING
            ):
                step.edits[column] = None
                step.lost_links[column] = None
                step.remark(NoteCode.PARENT_MISSING)

    def _correct(
        self, step: DraftStep, capability: WriteCapability, columns: Collection[str]
    ) -> None:
        """Set these references of a record to their former, or typed, targets."""
        facts = step.facts
        for column, seen in facts.seen_references.items():
            if column not in columns:
                continue
            target_id = self._wanted_id(step, column)
            if target_id == seen:
                continue
            if target_id is ReferenceTarget.MISSING and seen in (None, facts.references[column]):
                self._note_missing(step, column, seen)
            elif target_id is ReferenceTarget.MISSING:
                step.remark(NoteCode.MOVED_SINCE)
            elif column in facts.newer:
                step.remark(NoteCode.CHANGED_SINCE)
            elif column not in capability.changeable:
                self._note_fixed(step, column)
            elif target_id is None and column in capability.needs_value:
                step.remark(NoteCode.VALUE_NEEDED)
            else:
                set_column(step, column, capability)

    def _note_missing(self, step: DraftStep, column: str, seen: str | None) -> None:
        """Note a reference to a record that does not come back.

        An org may leave it in a live record, and not in one that leaves the bin.
        """
        if seen is not None and step.facts.standing is LiveStanding.LIVE:
            step.remark(NoteCode.NAMES_MISSING)
        else:
            step.lost_links[column] = None
            step.remark(NoteCode.PARENT_MISSING)

    def _relink(self, step: DraftStep, capability: WriteCapability) -> None:
        """Set the references of a live record that the loss of others emptied, or a merge moved."""
        facts = step.facts
        for column, value in facts.references.items():
            known = column in facts.seen_references and column not in facts.edits
            if not known or self._was_replaced(step, column, value):
                continue
            if not self._comes_back(step, column):
                self._note_emptied(step, column)
                continue
            seen, target_id = facts.seen_references[column], self.target_id(step, column)
            if seen == target_id:
                continue
            merged = self._moved_by_merge(step, column)
            if merged and column in capability.changeable:
                set_column(step, column, capability)
                step.remark(NoteCode.MOVES_BACK)
                self.drafts[self.records.target(facts, column)].remark(NoteCode.WAS_MERGED)
            elif merged and facts.made_by_org:
                continue  # the org moves it along with the record that it belongs to
            elif seen is not None and not self._lacks_only_lost(step, column, seen):
                step.remark(NoteCode.MOVED_SINCE)
            elif column in capability.changeable:
                set_column(step, column, capability)
            else:
                self._note_fixed(step, column)

    def _lacks_only_lost(self, step: DraftStep, column: str, seen: str) -> bool:
        """True if a reference is as it was, apart from names in a list that are lost."""
        texts = self.records.texts(step.facts, column, step.facts.references[column])
        targets = self.records.targets(step.facts, column)
        still = self.records.texts(step.facts, column, seen)
        there = [
            text
            for text, target in zip(texts, targets, strict=True)
            if text in still or not self._returns(target)
        ]
        return there == [*still]

    def _note_fixed(self, step: DraftStep, column: str) -> None:
        """Note a reference that can be set only on create; if it is empty, it stays empty."""
        step.remark(NoteCode.COLUMN_FIXED)
        if step.facts.seen_references[column] is None:
            step.lost_links[column] = None

    def _moved_by_merge(self, step: DraftStep, column: str) -> bool:
        """True if a reference now names a record into which the former one was merged."""
        seen, value = step.facts.seen_references[column], step.facts.references[column]
        if seen in (None, value):
            return False
        chain = self.records.merges.get(self.records.target(step.facts, column), NO_CHAIN)
        return seen in chain.winners

    def _take_merge_back(self, step: DraftStep, capability: WriteCapability) -> None:
        """Put back what a merge overwrote, if a record that was merged into this one comes back."""
        reversal = self.records.members[step.key].reversal
        losers = [self.drafts[key] for key in reversal.losers] if reversal is not None else []
        returning = [loser for loser in losers if loser.action is not Action.SKIP]
        if reversal is None or not returning:
            return
        set_differing(step, capability, [n for n in step.facts.differs if n in reversal.columns])
        self._correct(step, capability, reversal.columns)
        step.unclear = tuple(sorted(reversal.unclear))
        if reversal.newer:
            step.remark(NoteCode.CHANGED_SINCE)
        if reversal.columns & step.columns.keys():
            step.remark(NoteCode.VALUES_BACK)
        for loser in returning:
            loser.remark(NoteCode.WAS_MERGED)

    def _note_emptied(self, step: DraftStep, column: str) -> None:
        """Note a reference that the loss of a record of the plan emptied, if that stays lost."""
        others = map(self.drafts.get, self.records.targets(step.facts, column))
        stays_lost = any(
            other is not None and other.action is Action.SKIP and not other.stays
            for other in others
        )
        if stays_lost and step.facts.seen_references[column] is None:
            step.lost_links[column] = None
            step.remark(NoteCode.PARENT_MISSING)

    def _was_replaced(self, step: DraftStep, column: str, value: str) -> bool:
        """True if people replaced the referred record: then the reference is not set back."""
        survey = self.records.survey
        tables = survey.reference(step.facts.snapshot, step.key.table, column).tables
        return survey.edits.swapped(tables, value) is not None

    def _comes_back(self, step: DraftStep, column: str) -> bool:
        """True if a reference points to a record that was lost and comes back."""
        return any(map(self._returns, self.records.targets(step.facts, column)))

    def _returns(self, target: RecordKey) -> bool:
        """True if a record was lost and comes back."""
        other = self.drafts.get(target)
        if other is None or not (other.comes_anew or other.stays):
            return False
        returned = other.action in (Action.UNDELETE, Action.ADOPT) or other.is_new
        returned = returned or other.key in self.records.survey.archived
        return returned or other.facts.live not in (None, other.key.record)

    def finish_product(self, step: DraftStep, capability: WriteCapability) -> None:
        """Columns of a by-product that may need an update once the org has created it.

        Its references stay as the org set them, apart from typed ones.
        """
        if not capability.allows(WriteOp.UPDATE):
            return
        facts = step.facts
        linked = [name for name in facts.references if name in facts.edits]
        linked = [name for name in linked if name in capability.changeable]
        step.columns.update(dict.fromkeys(facts.plain))
        step.columns.update(
            dict.fromkeys(
                n for n in linked if self.target_id(step, n) is not ReferenceTarget.MISSING
            )
        )

    def _note_cascade(self, step: DraftStep) -> None:
        if any(master.action is Action.UNDELETE for master in self.masters(step)):
            step.remark(NoteCode.BY_CASCADE)


def _is_wanted(step: DraftStep) -> bool:
    """True if the record is to be as it was, not only to be linked again."""
    return step.why is ActionReason.SELECTED or step.action in (Action.UNDELETE, Action.ADOPT)
