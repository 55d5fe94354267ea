"""What becomes of references: whether a record can come back without them, and what is set. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, auto

from unlost.engine.restore.planning.by_products import ByProducts, Capabilities, settle_products
from unlost.engine.restore.planning.choose import DraftStep, create, set_column
from unlost.engine.restore.planning.related import PlannedRecordSet
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, ActionReason, RecordKey
from unlost.model.schema import DeleteRule
from unlost.model.writing import WriteCapability, WriteOp


class ReferenceTarget(Enum):
    """Where a reference can point to when all is done."""

    ANEW = auto()  # to a record that comes back with a new id
    MISSING = auto()  # nowhere


@dataclass(slots=True)
class ReferenceSettlement:
    """The drafts of a plan, and what they refer to."""

    gathering: PlannedRecordSet
    drafts: dict[RecordKey, DraftStep]
    products: ByProducts = field(default_factory=ByProducts)

    @property
    def capabilities(self) -> Capabilities:
        """What may be written, by table."""
        return self.gathering.survey.capability

    # --- what can come back ------------------------------------------------------------------------

    def settle(self) -> None:
        """Skip what cannot come back without what is missing, until nothing more follows."""
        changed, made = True, self._made_by_others()
        while changed:
            self.products = settle_products(
                self.drafts, self.capabilities, made=made, homes=self.gathering.homes
            )
            changed = sum(self._settle(made) for made in self.drafts.values()) > 0

    def _made_by_others(self) -> set[str]:
        """Tables of by-products of which the org has a table that makes them."""
        survey = self.gathering.survey
        by_products = {
            key.table for key, made in self.drafts.items() if made.action is Action.BY_PRODUCT
        }
        return {
            table
            for table in by_products
            for maker in survey.referring(table)
            for product in survey.capability(maker).by_products
            if product.table == table
        }

    def _settle(self, made: DraftStep) -> bool:
        """True if the record's fate changed."""
        capability = self.capabilities(made.key.table)
        if made.action is Action.UNDELETE and self._lost_master(made):
            create(made, capability)
            made.remark(NoteCode.LEFT_IN_BIN)
            return True
        if made.action is Action.CREATE:
            missing = self._missing(made, capability)
            if missing:
                made.skip(NoteCode.PARENT_REQUIRED)
                made.lost_links.update(dict.fromkeys(missing))
                return True
        return False

    def _lost_master(self, made: DraftStep) -> bool:
        """True if the record went with a master that does not come out of the bin with its id."""
        wanted, seen = made.facts.references, made.facts.seen_references
        left = self.gathering.left_masters(made.facts)
        return any(
            self.fate(made, column) not in (wanted[column], seen.get(column))
            for column in self._bound(made)
        ) or any(self._fate(made, column, value) != value for column, value in left)

    def _bound(self, made: DraftStep) -> list[str]:
        """The references by which a record goes with another that is deleted."""
        survey, facts = self.gathering.survey, made.facts
        table = facts.key.table
        return [
            column
            for column in facts.references.keys() - facts.edits.keys()
            if survey.reference(facts.snapshot, table, column).rule is DeleteRule.CASCADE
        ]

    def masters(self, made: DraftStep) -> list[DraftStep]:
        """The records of the plan with which a record went."""
        gathering, facts = self.gathering, made.facts
        targets = [gathering.target(facts, column) for column in self._bound(made)]
        left = gathering.left_masters(facts)
        targets += [gathering.meant(facts, column, value) for column, value in left]
        return [self.drafts[key] for key in targets if key in self.drafts]

    def _missing(self, made: DraftStep, capability: WriteCapability) -> list[str]:
        """References that the org demands and that point nowhere."""
        return [
            column
            for column in made.facts.references
            if column in capability.needs_value
            and column in capability.settable
            and self.fate(made, column) is ReferenceTarget.MISSING
        ]

    def fate(self, made: DraftStep, column: str) -> str | ReferenceTarget:
        """The id that a wanted reference will have, or what else becomes of it."""
        return self._fate(made, column, made.facts.references[column])

    def _fate(self, made: DraftStep, column: str, value: str) -> str | ReferenceTarget:
        target = self.gathering.meant(made.facts, column, value)
        other = self.drafts.get(target)
        if other is None:
            home = self.gathering.homes.get(target, value)
            return ReferenceTarget.MISSING if home is None else home
        if other.comes_anew:
            return ReferenceTarget.ANEW
        return other.facts.live or value if other.stays else ReferenceTarget.MISSING

    # --- what is set -------------------------------------------------------------------------------

    def link(self) -> None:
        """Decide for each reference whether it is set; to be called once, when all else is settled."""
        for made in self.drafts.values():
            capability = self.capabilities(made.key.table)
            if made.action is Action.CREATE:
                self._leave_empty(made, capability)
            elif made.action is Action.BY_PRODUCT:
                self._finish_product(made, capability)
            elif made.action is not Action.SKIP and _is_wanted(made):
                self._correct(made, capability, made.facts.seen_references)
            elif made.action in (Action.UNCHANGED, Action.UPDATE):
                self._correct(made, capability, made.facts.edits)
                self._relink(made, capability)
            if made.action is Action.UNDELETE:
                self._note_cascade(made)
            if made.facts.edits and made.action not in (Action.SKIP, Action.UNCHANGED):
                made.remark(NoteCode.TYPED)

    def _leave_empty(self, made: DraftStep, capability: WriteCapability) -> None:
        for column in made.facts.references:
            if column in capability.settable and self.fate(made, column) is ReferenceTarget.MISSING:
                made.edits[column] = None
                made.lost_links[column] = None
                made.remark(NoteCode.PARENT_MISSING)

    def _correct(
        self, made: DraftStep, capability: WriteCapability, columns: Collection[str]
    ) -> None:
        """Bring these references of a record to where they were, or shall be."""
        facts = made.facts
        for column, seen in facts.seen_references.items():
            if column not in columns:
                continue
            fate = self.fate(made, column) if column in facts.references else None
            if fate == seen:
                continue
            if fate is ReferenceTarget.MISSING:
                made.lost_links[column] = None
                made.remark(NoteCode.PARENT_MISSING)
            elif column in facts.newer:
                made.remark(NoteCode.CHANGED_SINCE)
            elif column not in capability.changeable:
                made.remark(NoteCode.COLUMN_FIXED)
            elif fate is None and column in capability.needs_value:
                made.remark(NoteCode.VALUE_NEEDED)
            else:
                set_column(made, column, capability)

    def _relink(self, made: DraftStep, capability: WriteCapability) -> None:
        """Set the references of a live record that the loss of others emptied; nothing else."""
        facts = made.facts
        for column, value in facts.references.items():
            known = column in facts.seen_references and column not in facts.edits
            if not known or not self._came_back(made, column):
                continue
            if self._given_away(made, column, value):
                continue
            seen, fate = facts.seen_references[column], self.fate(made, column)
            if seen == fate:
                continue
            if seen not in (None, value):
                made.remark(NoteCode.MOVED_SINCE)
            elif column in capability.changeable:
                set_column(made, column, capability)
            else:
                made.remark(NoteCode.COLUMN_FIXED)

    def _given_away(self, made: DraftStep, column: str, value: str) -> bool:
        """True if people asked that another record is named there: nobody is named again then."""
        survey = self.gathering.survey
        tables = survey.reference(made.facts.snapshot, made.key.table, column).tables
        return survey.edits.swapped(tables, value) is not None

    def _came_back(self, made: DraftStep, column: str) -> bool:
        """True if a reference points to a record that was lost and is there again."""
        other = self.drafts.get(self.gathering.target(made.facts, column))
        if other is None or not (other.comes_anew or other.stays):
            return False
        returned = other.action in (Action.UNDELETE, Action.ADOPT) or other.comes_anew
        return returned or other.facts.live not in (None, other.key.record)

    def _finish_product(self, made: DraftStep, capability: WriteCapability) -> None:
        """What the org makes may need an update: its columns are looked at once it is there.

        It refers to what the org lets it refer to, but for what people asked for.
        """
        if not capability.allows(WriteOp.UPDATE):
            return
        facts = made.facts
        linked = [name for name in facts.references if name in facts.edits]
        linked = [name for name in linked if name in capability.changeable]
        made.columns.update(dict.fromkeys(facts.plain))
        made.columns.update(
            dict.fromkeys(n for n in linked if self.fate(made, n) is not ReferenceTarget.MISSING)
        )

    def _note_cascade(self, made: DraftStep) -> None:
        if any(master.action is Action.UNDELETE for master in self.masters(made)):
            made.remark(NoteCode.BY_CASCADE)


def _is_wanted(made: DraftStep) -> bool:
    """True if the record is to be as it was, not only to be linked again."""
    return made.why is ActionReason.SELECTED or made.action in (Action.UNDELETE, Action.ADOPT)
