"""Planning a restore: reads and decides everything, and writes nothing.

A plan is a value that a person reviews before anything is written:

  select          the chosen records and the states wanted of them
  collect_related lost parents above, lost children below (``related``), with facts about each
  find_twins      live records that took the place of lost ones
  draft           an action for each record (``choose``)
  settle          skip records that cannot come back without a lost parent (``references``)
  put_in_order    levels, cycles, second pass (``order``)
  link            decide about each reference
  leave_to_org    rows that the org replaces when the plan changes their record (``in_step``)
  predict, seal   notes for people, cost estimate, hash over all of it

The plan holds ids, hashes and decisions, no values of records except typed ones; the run reads them
from the vault again and checks the hashes. A plan is one run: running it twice is the same run. See
docs/adr/0010 and docs/explanation/restore.md.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from blake3 import blake3

from unlost.engine.restore.planning.choose import DraftStep, draft
from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts, facts_of
from unlost.engine.restore.planning.graph.bonds import because
from unlost.engine.restore.planning.graph.merges import still_as_planned
from unlost.engine.restore.planning.graph.related import (
    NOTHING,
    LeftOut,
    PlannedMember,
    PlannedRecordSet,
    RelatedPolicy,
    collect_related,
)
from unlost.engine.restore.planning.graph.twins import LiveTwins, find_twins
from unlost.engine.restore.planning.in_step import leave_to_org
from unlost.engine.restore.planning.notes.automation import automation_notes, needed_bypass
from unlost.engine.restore.planning.notes.cleared import cleared_notes
from unlost.engine.restore.planning.notes.file_differences import note_other_files
from unlost.engine.restore.planning.notes.images import image_notes, image_sizes, with_images
from unlost.engine.restore.planning.notes.late_addresses import late_address_notes
from unlost.engine.restore.planning.notes.locked import mark_locked
from unlost.engine.restore.planning.notes.predict import Prospect, predict
from unlost.engine.restore.planning.references import ReferenceSettlement
from unlost.engine.restore.planning.selection import (
    RecordSelection,
    WantedState,
    corrected_state,
    select,
)
from unlost.engine.restore.planning.sequence import put_in_order
from unlost.engine.restore.planning.shown.choices import choices
from unlost.engine.restore.planning.shown.estimate import estimate
from unlost.engine.restore.planning.survey import FETCH_IDS, PlanPorts, RestoreSurvey, chunks
from unlost.engine.restore.values.cells import digest_of
from unlost.engine.restore.values.edits import NO_EDITS, Edits, edits_of, merged, record_not_planned
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.plan_file import sealed
from unlost.engine.restore.values.taken import taken_digest
from unlost.model.errors import UsageError
from unlost.model.plan import (
    Action,
    ActionReason,
    EmptyReference,
    LiveTwin,
    PlanLink,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
    plan_format,
)
from unlost.model.source.schema import Reference, Table
from unlost.model.vault.snapshot import StoredFile

__all__ = ["LeftOut", "PlanPorts", "RelatedPolicy", "plan_again", "plan_restore"]

TAKES_MERGES_BACK = {NoteCode.MOVES_BACK.value, NoteCode.VALUES_BACK.value}


def plan_restore(
    org: str,
    ports: PlanPorts,
    selection: Selection,
    *,
    related: RelatedPolicy = RelatedPolicy.ALL,
    at: int | None = None,
    left_out: LeftOut = NOTHING,
    edits: Edits = NO_EDITS,
    twins: TwinPolicy = TwinPolicy.KEEP,
    besides: Collection[str] = (),
    plan_id: str,
    takes_back: str = "",
    archived: Collection[RecordKey] = (),
) -> RestorePlan:
    """The plan that restores a selection. ``at``: the number of the wanted backup.

    With ``left_out`` (records dropped from an earlier plan) nothing related is looked for again.
    ``edits`` are restored instead of the vault's values. ``twins``: the treatment of live records
    that took a unique value of a lost one. ``besides``: tables that the run writes although no step
    names them. ``takes_back``: a run whose new records take the place of none. ``archived``: records
    that an archive took away; references to them that the org emptied are set, also if people brought
    the records back.

    Raises UsageError (``other-org``, ``restore-nothing``, ``restore-too-large``, ``edit-…``, and
    the errors of the selection), NotFound, and the errors of the ports.
    """
    survey = RestoreSurvey(org, ports, edits=edits, takes_back=takes_back, archived=archived)
    picked = select(survey, selection, at=at)
    head = _Head(plan_id, selection, related, left_out, twins, frozenset(besides))
    return _planned(survey, picked, head)


def plan_again(
    plan: RestorePlan,
    failed: Collection[RecordKey],
    ports: PlanPorts,
    *,
    plan_id: str,
    unbinned: Collection[RecordKey] = (),
    edits: Edits = NO_EDITS,
    twins: TwinPolicy = TwinPolicy.KEEP,
) -> RestorePlan:
    """A plan for some records of an earlier one: each in its former wanted state and columns.

    ``unbinned``: the live ids of records that could not leave the bin. Values typed for the earlier
    plan still count, overridden by ``edits``. Raises as ``plan_restore``.
    """
    known = merged(edits_of(plan.typed, only=failed), edits)
    survey = RestoreSurvey(plan.org, ports, unbinned=unbinned, edits=known)
    steps = [step for step in plan.steps if step.key in failed]
    merged_steps = [step for step in steps if TAKES_MERGES_BACK & {*step.notes}]
    same = still_as_planned(survey, merged_steps)
    again = (_pick_again(survey, plan, step) for step in steps)
    picked = RecordSelection(
        tuple(replace(pick, overwrites=pick.overwrites or pick.key in same) for pick in again)
    )
    selection = replace(plan.selection, records=tuple(step.key for step in steps))
    related = RelatedPolicy.ALL if plan.related else RelatedPolicy.NONE
    return _planned(survey, picked, _Head(plan_id, selection, related, twins=twins))


def _pick_again(survey: RestoreSurvey, plan: RestorePlan, step: PlanStep) -> WantedState:
    """Chosen columns stay chosen, links stay links: nothing else of the record is put back."""
    chosen = plan.selection
    if step.why is not ActionReason.SELECTED and step.action is Action.UPDATE:
        return WantedState(step.key, step.snapshot, step.columns, selected=False)
    if step.why is ActionReason.SELECTED and chosen.kind is SelectionKind.CORRECTION:
        return corrected_state(survey, step.key, step.snapshot, chosen)
    if step.why is not ActionReason.SELECTED or not chosen.columns:
        return WantedState(step.key, step.snapshot)
    if chosen.kind is SelectionKind.RECORDS:
        overwrites = chosen.until is None
        return WantedState(
            step.key, step.snapshot, chosen.columns, chosen.until, overwrites=overwrites
        )
    return WantedState(step.key, step.snapshot, step.columns or chosen.columns, chosen.until)


def _planned(survey: RestoreSurvey, picked: RecordSelection, head: "_Head") -> RestorePlan:
    records = collect_related(survey, picked.picks, related=head.related, left_out=head.left_out)
    if not records.members:
        raise _nothing(picked)
    _check_typed(records)
    drafting = _Drafting(records, find_twins(records))
    drafting.run()
    settling = ReferenceSettlement(records, drafting.drafts, head.twins)
    settling.settle()
    put_in_order(settling)
    settling.link()
    leave_to_org(settling)
    note_other_files(survey, drafting.drafts.values())
    return _plan(survey, picked, settling, drafting.files, head)


def _check_typed(records: PlannedRecordSet) -> None:
    """Raise UsageError (``edit-record-unknown``) for a typed value of a record outside the plan."""
    for key in records.survey.edits.records:
        if records.known(key) is None:
            raise record_not_planned(key)


def _nothing(picked: RecordSelection) -> UsageError:
    never = sum(picked.never.values())
    if never:
        tables = ", ".join(sorted(picked.never))
        return UsageError(
            "restore-nothing",
            "There is nothing to restore: records of {tables} cannot be written.",
            next_step="Select records of other tables. `unlost compare ORG A B` shows the lost records.",
            tables=tables,
        )
    return UsageError(
        "restore-nothing",
        "There is nothing to restore: the selection contains no record.",
        next_step="See the lost records with `unlost compare ORG A B`, or search for records "
        "by name with `unlost find TEXT`.",
    )


# --- drafts ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Drafting:
    """Turns facts into drafts. ``files``: bytes of the files in the vault, by record."""

    records: PlannedRecordSet
    twins: LiveTwins
    drafts: dict[RecordKey, DraftStep] = field(default_factory=dict)
    files: dict[RecordKey, int] = field(default_factory=dict)

    def run(self) -> None:
        """Draft every record."""
        adopted = dict(self._adopted())
        for key, member in self.records.members.items():
            unadopted = member.facts if key in adopted else None
            member.facts = adopted.get(key, member.facts)
            self.drafts[key] = self._draft(member, unadopted)
        self._look_for_files()

    def _adopted(self) -> Iterator[tuple[RecordKey, RecordFacts]]:
        """Facts of records relative to their live twins."""
        groups: dict[tuple[int, str], list[WantedState]] = {}
        for key in self.twins.live:
            number = self.records.members[key].facts.snapshot
            groups.setdefault((number, key.table), []).append(WantedState(key, number))
        for (_, table), picks in groups.items():
            lives = {pick.key.record: self.twins.live[pick.key] for pick in picks}
            for facts in facts_of(self.records.survey, table, picks, lives=lives):
                if facts.standing is LiveStanding.LIVE:
                    yield facts.key, facts
                else:  # the reading user does not see it
                    self.twins.taken.add(facts.key)

    def _draft(self, member: PlannedMember, unadopted: RecordFacts | None) -> DraftStep:
        facts, survey = member.facts, self.records.survey
        step = draft(
            facts,
            survey.capability(facts.key.table),
            why=member.why,
            because=member.because,
            unadopted=unadopted,
        )
        if facts.key in self.twins.many:
            step.skip(NoteCode.KEY_NOT_UNIQUE)
        elif facts.key in self.twins.taken:
            step.skip(NoteCode.KEY_TAKEN)
        return step

    def _look_for_files(self) -> None:
        """Record the files of created records: their bytes, or that the vault lacks them."""
        groups: dict[tuple[int, str], list[DraftStep]] = {}
        for new_record in self.drafts.values():
            table = new_record.key.table
            holds = self.records.survey.capability(table).file_column is not None
            if holds and new_record.action.creates:
                groups.setdefault((new_record.facts.snapshot, table), []).append(new_record)
        for (number, table), steps in groups.items():
            column = self.records.survey.capability(table).file_column
            for some in chunks(steps, FETCH_IDS):
                stored = self._stored(number, table, some)
                for new_record in some:
                    self._note_file(new_record, stored.get((new_record.key.record, str(column))))

    def _stored(
        self, number: int, table: str, drafts: Sequence[DraftStep]
    ) -> Mapping[tuple[str, str], StoredFile]:
        snapshot = self.records.survey.snapshot(number)
        files = snapshot.files(table, [draft_step.key.record for draft_step in drafts])
        return {(file.record, file.column): file for file in files}

    def _note_file(self, step: DraftStep, stored: StoredFile | None) -> None:
        if stored is not None:
            self.files[step.key] = stored.size
        elif step.facts.file_bytes:
            step.skip(NoteCode.FILE_MISSING)


# --- the plan -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Head:
    """The plan's own parameters. ``besides``: tables that the run writes without a step."""

    id: str
    selection: Selection
    related: RelatedPolicy
    left_out: LeftOut = NOTHING
    twins: TwinPolicy = TwinPolicy.KEEP
    besides: frozenset[str] = frozenset()


def _plan(
    survey: RestoreSurvey,
    picked: RecordSelection,
    settling: ReferenceSettlement,
    files: Mapping[RecordKey, int],
    head: _Head,
) -> RestorePlan:
    drafts = sorted(settling.drafts.values(), key=_place)
    plain = [_step(survey, step, because(settling.records, step)) for step in drafts]
    marked = mark_locked(survey, plain)
    steps = marked.steps
    images = image_sizes(survey, drafts)
    cost = estimate(drafts, survey.capability, with_images(files, drafts, images))
    tables = [
        survey.table(name) for name in sorted({draft_step.key.table for draft_step in drafts})
    ]
    records = settling.records
    notes = predict(
        Prospect(
            drafts,
            survey.schema,
            survey.capability,
            Counter(picked.never) + records.never,
            [name for name in picked.never if _is_parent(survey, name)],
            sorted(records.unlooked),
            survey.ports.writer.missing(tables),
            survey.ports.source.quotas(),
            cost,
            survey.ports.basis,
            (
                *cleared_notes(survey, steps),
                *marked.notes,
                *late_address_notes(drafts, records.lives),
                *image_notes(survey, drafts, images),
                *automation_notes(survey, steps, besides=head.besides),
            ),
        )
    )
    return sealed(
        RestorePlan(
            plan_format(steps),
            head.id,
            survey.org,
            survey.org,
            # The run describes tables by this snapshot: the newest one has the latest schema.
            max(draft_step.facts.snapshot for draft_step in drafts),
            survey.ports.clock.now(),
            head.selection,
            head.related is RelatedPolicy.ALL and not head.left_out,
            steps,
            tuple(_links(records)),
            notes,
            cost,
            schema_digest(tables),
            typed=survey.edits.as_plan(),
            choices=choices(records, drafts),
            empty=tuple(_empty(records, drafts)),
            twins=tuple(
                LiveTwin(draft_step.key.table, draft_step.key.record, draft_step.twin)
                for draft_step in drafts
                if draft_step.twin is not None
            ),
            bypass=needed_bypass(survey, steps),
        )
    )


def _is_parent(survey: RestoreSurvey, name: str) -> bool:
    """True if records that can be restored may refer to records of this table."""
    return any(survey.plannable(table) for table in survey.referring(name))


def _place(step: DraftStep) -> tuple[int, str, str]:
    return step.level, step.key.table, step.key.record


def _step(survey: RestoreSurvey, step: DraftStep, reason: RecordKey | None) -> PlanStep:
    facts, columns = step.facts, tuple(sorted(step.columns))
    live = facts.live if step.stays and not step.is_new else None
    edits = {**facts.edits, **step.edits} if step.action is not Action.SKIP else {}
    taken = {n: at for n, at in facts.taken.items() if n in edits and n not in step.edits}
    shape = survey.shape(facts.snapshot, facts.key.table)
    assert shape is not None
    expected = columns and step.action is not Action.BY_PRODUCT
    return PlanStep(
        facts.key.table,
        facts.key.record,
        step.action,
        step.why,
        facts.version,
        facts.digest,
        facts.snapshot,
        step.level,
        live,
        digest_of({n: facts.seen[n] for n in columns if n in facts.seen}) if expected else None,
        columns,
        step.late,
        {n: v for n, v in edits.items() if n not in taken},
        str(reason) if reason is not None else None,
        tuple(remark.value for remark in step.remarks),
        taken,
        taken_digest(shape, {n: facts.edits[n] for n in taken}),
        facts.beside,
    )


def _empty(records: PlannedRecordSet, drafts: Sequence[DraftStep]) -> Iterator[EmptyReference]:
    """The references that stay empty, in records that are there after the restore."""
    for step in drafts:
        for column in sorted(step.lost_links) if step.action is not Action.SKIP else ():
            target, *_ = records.targets(step.facts, column)
            yield EmptyReference(step.key.table, step.key.record, column, str(target))


def _links(records: PlannedRecordSet) -> Iterator[PlanLink]:
    """Ids of referred records in the org or the plan, if they differ from the vault's."""
    links = {
        key: live
        for key, live in records.outside_ids.items()
        if live is not None and key in records.survey.lineage
    }
    for member in records.members.values():
        for column, value in member.facts.references.items():
            texts = records.texts(member.facts, column, value)
            targets = records.targets(member.facts, column)
            for text, target in zip(texts, targets, strict=True):
                if target.record != text:
                    links[RecordKey(target.table, text)] = target.record
    for key, live in sorted(links.items(), key=lambda item: str(item[0])):
        yield PlanLink(key.table, key.record, live)


def _described(reference: Reference) -> list[str]:
    """The tables of a reference, and how its cells name records; as ever for a plain id."""
    ways = (reference.table_column, reference.key_column, reference.separator)
    return [*sorted(reference.tables), *(way or "" for way in ways if any(ways))]


def schema_digest(tables: Sequence[Table]) -> str:
    """A hash of the org's description of tables: their columns, kinds, traits and references."""
    described = [
        (
            table.name,
            [
                (
                    column.name,
                    column.kind.value,
                    sorted(column.traits),
                    _described(column.reference) if column.reference is not None else [],
                )
                for column in sorted(table.columns, key=lambda column: column.name)
            ],
        )
        for table in sorted(tables, key=lambda table: table.name)
    ]
    return blake3(msgspec.json.encode(described)).hexdigest()
