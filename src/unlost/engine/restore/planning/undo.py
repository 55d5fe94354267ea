"""Planning an undo: the reverse of a run, from its journal and the org as it is now.

  effect of the run            in the org now                  in the plan
  CHANGED  Phone "1" -> "2"    "2", as the run left it         UPDATE to "1"
                               "3"                             the "3" stays, and is named
  BROUGHT  created or undeleted   as the run left it           DELETE, alone or with its master
                               edited, or referred to          SKIP, with the reason
  REMOVED  by an undo          in the bin                      UNDELETE
                               gone                            RECREATE if the table keeps ids
                                                               CREATE otherwise

It is a plan like any other: a person reviews it, and its run has a journal, so an undo can be undone.
Records are named by their ids in the org; their wanted values are in the journal of the undone run.
See docs/adr/0042.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from unlost.engine.restore.journal.archives import committed_by
from unlost.engine.restore.journal.effects import (
    Effect,
    EffectKind,
    RunEffects,
    by_table,
    effects_of,
    history_of,
    journal_gone,
)
from unlost.engine.restore.planning.left_out import (
    NOTHING,
    LeftOut,
    all_left_out,
    check_known,
    left_out_notes,
)
from unlost.engine.restore.planning.notes.allowances import allowance_notes
from unlost.engine.restore.planning.notes.automation import automation_notes, needed_bypass
from unlost.engine.restore.planning.notes.cleared import cleared_notes
from unlost.engine.restore.planning.notes.locked import live_names, mark_locked
from unlost.engine.restore.planning.notes.predict import NOT_ALLOWED, WORDS
from unlost.engine.restore.planning.notes.undo_limits import undo_limits
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_restore, schema_digest
from unlost.engine.restore.planning.record_sizes import returning_file_bytes, size_of_cells
from unlost.engine.restore.planning.shown.estimate import seconds_of
from unlost.engine.restore.planning.survey import LiveRow, PlanPorts, RestoreSurvey
from unlost.engine.restore.planning.undo_archived import (
    RecordsOfArchive,
    archived_notes,
    check_archived,
    is_reference,
    keep_newer,
)
from unlost.engine.restore.planning.undo_deletes import is_marked, keep_referred, owners_of
from unlost.engine.restore.planning.undo_holds import keep_files_on_hold, keep_on_hold
from unlost.engine.restore.planning.undo_pointers import undone_pointers
from unlost.engine.restore.planning.undo_returns import (
    brought_back,
    delete_calls,
    leave_targets,
    say_how_all,
    set_circular_late,
    set_emptied,
)
from unlost.engine.restore.planning.undo_step import UndoStep, place_of
from unlost.engine.restore.values.cells import different, digest
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.engine.restore.values.plan_file import sealed
from unlost.engine.restore.values.text_images import masked
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.plan import (
    NO_WRITER,
    Action,
    ActionReason,
    Estimate,
    NoteWeight,
    PlanBasis,
    PlanNote,
    PlanStep,
    PointerUpdate,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
    plan_format,
)
from unlost.model.ports.vault import Vault
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import Birth, LockedDelete, TextImages, WriteCapability, WriteOp

UNPROVED = "undo-unproved"
POINTERS = "undo-pointers"
UNLOOKED = "undo-unlooked"
NEW_FILES = "undo-new-files"


def plan_undo(
    org: str,
    ports: PlanPorts,
    run: str,
    *,
    left_out: LeftOut = NOTHING,
    twins: TwinPolicy = TwinPolicy.KEEP,
    plan_id: str,
) -> RestorePlan:
    """The plan that takes a run back.

    ``left_out``: these records stay as they are. ``twins``: the treatment of live records that took
    a unique value of an archived one.

    Raises NotFound (``run-unknown``, ``journal-gone``, ``undo-record-unknown``), UsageError (``undo-nothing``,
    ``undo-all-left-out``; ``other-org``), Conflict (``undo-unanswered``,
    ``undo-uncommitted``, ``archive-open``), and the errors of the ports.
    """
    survey = RestoreSurvey(org, ports)
    try:
        known = effects_of(ports.vault.journal(org, run), run)
    except NotFound:
        archived = committed_by(ports.vault, org, run)
        if not archived:
            if any(commit.run == run for commit in ports.vault.commits(org)):
                raise journal_gone(run, gone=run) from None
            raise
        # An erasure of one of its records removed the journal; the others can come back.
        records = RecordsOfArchive(run, tuple(sorted(archived, key=str)))
        return _back(survey, records, left_out, plan_id, twins=twins)
    _check(known)
    _check_committed(ports.vault, org, known)
    if known.plan.selection.kind is SelectionKind.ARCHIVE:
        return _unarchive(survey, known, left_out, plan_id, twins=twins)
    history_of(ports.vault, org, run)  # the run of an undo of an undo reads all of their journals
    check_known(known, left_out)
    steps, gone = _drafts(survey, known, left_out)
    keep_on_hold(survey, steps)
    keep_files_on_hold(survey, steps)
    unlooked = keep_referred(survey, steps, known)
    return _plan(survey, known, steps, gone, unlooked, plan_id)


def _unarchive(
    survey: RestoreSurvey,
    known: RunEffects,
    left_out: LeftOut,
    plan_id: str,
    *,
    twins: TwinPolicy,
) -> RestorePlan:
    """A restore of all that an archive took away: the vault has the records, and no journal does."""
    if not known.closed:
        raise Conflict(
            "archive-open",
            "The run {run} has not ended.",
            next_step="Resume it first with `unlost restore resume {run}`, then undo it.",
            run=known.run,
        )
    effects = known.effects.items()
    removed = [place for place, effect in effects if effect.kind is EffectKind.REMOVED]
    archived = RecordsOfArchive(
        known.run,
        tuple(sorted(removed, key=str)),
        known.effects.keys() - {*removed},
        delete_calls(known),
        known.plan.snapshot,
    )
    # The values of records that stayed lead to archived records.
    stayed = any(key in left_out for key in removed)
    every = () if stayed else undone_pointers(survey, known, removed)
    pointers = tuple(update for update in every if update.key not in left_out)
    copied = any(step.copied for step in known.plan.steps)
    plan = _back(
        survey,
        archived,
        left_out,
        plan_id,
        twins=twins,
        besides={update.table for update in pointers},
        takes_back=known.run if copied else "",
    )
    if copied:
        plan = with_new_files(survey, known, plan, left_out)
    notes = (
        *left_out_notes(update.key for update in every if update.key in left_out),
        *(_pointer_notes(pointers) if pointers else ()),
    )
    if not notes:
        return plan
    return sealed(replace(plan, pointers=pointers, notes=(*plan.notes, *notes)))


def _pointer_notes(pointers: Sequence[PointerUpdate]) -> Iterator[PlanNote]:
    yield PlanNote.of(
        POINTERS,
        NoteWeight.NOTE,
        "The undo takes back what the archive wrote into {records} of {table} ({columns}), unless "
        "people changed it since.",
        table=pointers[0].table,
        count=len(pointers),
        columns=", ".join(sorted(pointers[0].values)),
    )


def with_new_files(
    survey: RestoreSurvey, known: RunEffects, plan: RestorePlan, left_out: LeftOut
) -> RestorePlan:
    """The plan with the deletion of the new files that took the places of archived ones."""
    groups = {step.key: step.group for step in known.plan.steps if step.copied}
    archived = {
        groups[key]
        for key in groups
        if (effect := known.effects.get(key)) is not None and effect.kind is EffectKind.REMOVED
    }
    brought = {
        place: effect
        for place, effect in known.effects.items()
        if effect.kind is EffectKind.BROUGHT
        and groups.get(RecordKey(effect.table, effect.record)) in archived
    }
    # A new file stays with all its parts if the old one does not come back whole.
    staying = {step.group for step in known.plan.steps if step.key in left_out}
    parts = {place: groups[RecordKey(e.table, e.record)] for place, e in brought.items()}
    staying |= {group for place, group in parts.items() if place in left_out}
    brought = {place: e for place, e in brought.items() if parts[place] not in staying}
    drafts = _drafts(survey, replace(known, effects=brought), NOTHING)[0] if brought else []
    keep_on_hold(survey, drafts)
    unlooked = keep_referred(survey, drafts, known)
    steps = tuple(
        replace(
            _step(draft, survey.table(draft.effect.table)),
            group=groups[RecordKey(draft.effect.table, draft.effect.record)],
        )
        for draft in sorted(drafts, key=place_of)
    )
    tables = {key.table for key in groups}
    every = {s.key: s.group for s in known.plan.steps if s.table in tables and s.group in archived}
    old = tuple(replace(step, group=every.get(step.key, 0)) for step in plan.steps)
    notes = (*_remarks(survey, drafts), *_unlooked_notes(survey, unlooked), *_new_file_notes(steps))
    return sealed(
        replace(plan, steps=(*old, *steps), notes=(*plan.notes, *notes), takes_back=known.run)
    )


def _new_file_notes(steps: Sequence[PlanStep]) -> Iterator[PlanNote]:
    masters = [s for s in steps if s.action is Action.DELETE and s.because is None]
    if masters:
        yield PlanNote.of(
            NEW_FILES,
            NoteWeight.NOTE,
            "The undo deletes {records} of {table}, which took the place of the archived ones, once "
            "these are back.",
            table=masters[0].table,
            count=len(masters),
        )


def _back(
    survey: RestoreSurvey,
    archived: RecordsOfArchive,
    left_out: LeftOut,
    plan_id: str,
    *,
    twins: TwinPolicy,
    besides: Collection[str] = (),
    takes_back: str = "",
) -> RestorePlan:
    check_archived(survey, archived, left_out)
    wanted = tuple(key for key in archived.records if key not in left_out)
    if not wanted:
        raise all_left_out()
    # With what refers to them: the org emptied references of records that stayed. Backups after the
    # archive do not have them, also if people brought the records back.
    plan = plan_restore(
        survey.org,
        survey.ports,
        Selection(SelectionKind.RECORDS, wanted),
        related=RelatedPolicy.ALL,
        at=archived.backup(survey),
        archived=wanted,
        left_out=left_out,
        twins=twins,
        besides=besides,
        plan_id=plan_id,
        takes_back=takes_back,
    )
    careful = keep_newer(survey, plan, archived)
    notes = tuple(archived_notes(survey, plan, archived, left_out))
    if careful is plan and not notes:
        return plan
    return sealed(replace(careful, notes=(*careful.notes, *notes)))


def _check(known: RunEffects) -> None:
    if known.unanswered:
        raise Conflict(
            "undo-unanswered",
            "The run {run} stopped before it knew the effect of its last call.",
            next_step="Resume it first with `unlost restore resume {run}`, then undo it.",
            run=known.run,
        )
    if not known.effects:
        raise UsageError(
            "undo-nothing",
            "The run {run} wrote nothing, so there is nothing to undo.",
            next_step="See the runs with `unlost runs`.",
            run=known.run,
        )


def _check_committed(vault: Vault, org: str, known: RunEffects) -> None:
    """Raise Conflict if only the commit of the run is missing.

    Made after the undo, it would name records that are deleted by then.
    """
    if known.closed and known.run in vault.journals(org, unfinished=True):
        raise Conflict(
            "undo-uncommitted",
            "The run {run} stopped before it stored its result in the vault.",
            next_step="Resume it first with `unlost restore resume {run}`, then undo it.",
            run=known.run,
        )


def _drafts(
    survey: RestoreSurvey, known: RunEffects, left_out: LeftOut
) -> tuple[list[UndoStep], dict[str, int]]:
    """A step for each effect, and the effects in tables that the org no longer has, by table."""
    steps: list[UndoStep] = []
    gone: dict[str, int] = {}
    for name, effects in by_table(known.effects.values()):
        if name not in survey.tables:
            gone[name] = len(effects)
            continue
        table, capability = survey.table(name), survey.capability(name)
        columns = {c for effect in effects for c in (*effect.before, *effect.columns)}
        columns |= {late.column for late in capability.late}
        columns |= {column for column, _ in capability.by_product_when}
        present = sorted(columns & {column.name for column in table.columns})
        rows = survey.rows(name, [effect.live for effect in effects], columns=present)
        gathered = _is_gathered(survey, table)
        for effect in effects:
            row = rows.get(effect.live)
            step = _draft(effect, row, table, capability)
            step.bound = gathered or (row is not None and is_marked(capability, row))
            if step.key in left_out and step.action is not Action.UNCHANGED:
                step.leave_out()
            steps.append(step)
    if all(step.is_left_out for step in steps) and not gone:
        raise all_left_out()
    steps = _without_rows_in_step(survey, steps)
    for step in steps:
        step.level = step.effect.level
    say_how_all(survey, known, steps)
    set_circular_late(survey, steps)
    leave_targets(survey, steps)
    set_emptied(survey, steps)
    return steps, gone


def _without_rows_in_step(survey: RestoreSurvey, steps: Sequence[UndoStep]) -> list[UndoStep]:
    """The steps without rows that the org replaces when this undo changes the record they follow.

    Their key consists of references, as that of a direct relation (see ``in_step``).
    """
    moving = {
        step.key.record
        for step in steps
        if step.action is Action.UPDATE
        and any(is_reference(survey.table(step.key.table), name) for name in step.columns)
    }
    keyed = [
        step.key
        for step in steps
        if any(
            all(is_reference(survey.table(step.key.table), name) for name in key.columns)
            for key in survey.capability(step.key.table).keys
        )
    ]
    owners = owners_of(survey, keyed) if moving else {}
    return [step for step in steps if not owners.get(step.key, frozenset()) & moving]


def _is_gathered(survey: RestoreSurvey, table: Table) -> bool:
    """True for rows that come and go with another record, such as the recipients of an e-mail."""
    owners = {
        name
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
        for name in column.reference.tables
    }
    return any(
        gather.table == table.name
        for name in owners
        if survey.is_business_table(name)
        for gather in survey.capability(name).gathers
    )


def _draft(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> UndoStep:
    match effect.kind:
        case EffectKind.CHANGED:
            return _put_back(effect, row, table, capability)
        case EffectKind.BROUGHT:
            return _taken_away(effect, row, table, capability)
        case _:
            return brought_back(effect, row, capability)


def _put_back(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> UndoStep:
    """The former values of the columns that are still as the run left them."""
    step = UndoStep(effect, Action.UNCHANGED)
    if row is None or row.deleted:
        step.skip(NoteCode.LOST_SINCE)
        return step
    names = [name for name in effect.before if name in row.cells]
    differing = different(table, effect.before, row.cells, names)
    edited = _edited(effect, row, table, differing, images=capability.text_images)
    columns = tuple(sorted(set(differing) - set(edited)))
    if edited:
        step.remarks += (NoteCode.CHANGED_SINCE,)
    if columns and not (capability.allows(WriteOp.UPDATE) and {*columns} <= capability.changeable):
        step.skip(NoteCode.UPDATE_NOT_ALLOWED)
    elif columns:
        step.action, step.columns = Action.UPDATE, columns
        step.checked = {name: row.cells[name] for name in columns}
        step.expect = digest(table, step.checked)
    return step


def _edited(
    effect: Effect,
    row: LiveRow,
    table: Table,
    differing: Sequence[str],
    *,
    images: TextImages,
) -> tuple[str, ...]:
    """Columns that somebody changed after the run.

    A run that did not read back has only the hash of what it sent: if the org has anything else in
    these columns, all of them count as changed.
    """
    filled = [name for name in differing if name in effect.emptied and row.cells[name] is not None]
    sent = [name for name in differing if name not in effect.emptied]
    return (*filled, *_edited_of_sent(effect, row, table, sent, images=images))


def _edited_of_sent(
    effect: Effect,
    row: LiveRow,
    table: Table,
    differing: Sequence[str],
    *,
    images: TextImages,
) -> tuple[str, ...]:
    """Of the columns that the run sent, those that somebody changed after it."""
    after = effect.after
    if after is None:
        names = effect.before.keys() - effect.emptied
        now = {name: row.cells.get(name) for name in names}
        texts = {name: text for name, text in now.items() if text and name in images.columns}
        bare = now | {name: masked(text, images) for name, text in texts.items()}
        same = effect.sent in (digest(table, now), digest(table, bare))
        return () if same else tuple(differing)
    return different(table, after, row.cells, [name for name in differing if name in after])


def _taken_away(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> UndoStep:
    """Delete what the run brought, if nobody changed it since."""
    step = UndoStep(effect, Action.UNCHANGED)
    if row is None or row.deleted:
        return step
    names = [name for name in effect.columns if name in row.cells]
    now = digest(table, {name: row.cells[name] for name in names})
    if effect.digest and now != effect.digest:
        step.skip(NoteCode.EDITED_SINCE)
    else:
        step.action = Action.DELETE
        _unlock(step, row, capability)
        step.checked = {name: row.cells[name] for name in names if name not in step.late}
        step.expect = digest(table, step.checked) if step.action is Action.DELETE else None
    return step


def _unlock(step: UndoStep, row: LiveRow, capability: WriteCapability) -> None:
    """Decide how to delete a record whose status prevents that, or keep it."""
    locked = [late for late in capability.late if row.cells.get(late.column) in late.locks]
    drafts = [late for late in locked if late.locked_delete is LockedDelete.AS_DRAFT]
    step.late = tuple(late.column for late in drafts)
    step.alone = any(late.locked_delete is LockedDelete.ALONE for late in locked)
    refused = any(late.locked_delete is LockedDelete.REFUSED for late in locked)
    if refused or not capability.changeable.issuperset(step.late):
        step.skip(NoteCode.LOCKED)
    elif drafts:
        step.remarks += (NoteCode.DRAFT_FIRST,)


# --- the plan ---------------------------------------------------------------------------------------


def _plan(
    survey: RestoreSurvey,
    known: RunEffects,
    steps: Sequence[UndoStep],
    gone: Mapping[str, int],
    unlooked: Sequence[str],
    plan_id: str,
) -> RestorePlan:
    ordered = sorted(steps, key=place_of)
    plain = [_step(step, survey.table(step.effect.table)) for step in ordered]
    marked = mark_locked(survey, plain)
    planned = marked.steps
    tables = [survey.table(name) for name in sorted({step.effect.table for step in steps})]
    cost = _estimate(survey, ordered)
    return sealed(
        RestorePlan(
            plan_format(planned),
            plan_id,
            survey.org,
            survey.org,
            survey.newest,
            survey.ports.clock.now(),
            Selection(SelectionKind.UNDO, run=known.run, run_entries=known.entries),
            related=False,
            steps=planned,
            notes=(
                *_notes(survey, known, ordered, gone, unlooked),
                *allowance_notes(survey.ports.source.quotas(), cost),
                *cleared_notes(survey, planned),
                *marked.notes,
                *automation_notes(survey, planned),
            ),
            estimate=cost,
            schema=schema_digest(tables),
            bypass=needed_bypass(survey, planned),
        )
    )


def _step(step: UndoStep, table: Table) -> PlanStep:
    effect = step.effect
    columns, expect = step.columns, step.expect
    if step.action is Action.DELETE and step.circular:
        columns = tuple(sorted(step.circular))
        expect = digest(table, {n: v for n, v in step.checked.items() if n not in step.circular})
    return PlanStep(
        effect.table,
        effect.live,
        step.action,
        ActionReason.SELECTED,
        version=0,
        digest=digest(table, effect.before),
        level=step.level,
        live=effect.live if _has_live(step) else None,
        expect=expect,
        columns=columns,
        late=step.late,
        because=str(step.master) if step.master is not None else None,
        notes=tuple(remark.value for remark in step.remarks),
    )


def _has_live(step: UndoStep) -> bool:
    """False for a record that is not in the org: references to it stay empty."""
    if step.action is Action.SKIP and step.removed:
        return NoteCode.LEFT_OUT_COMES in step.remarks
    return not step.action.creates and step.action is not Action.BY_PRODUCT


def _notes(
    survey: RestoreSurvey,
    known: RunEffects,
    steps: Sequence[UndoStep],
    gone: Mapping[str, int],
    unlooked: Sequence[str],
) -> Iterator[PlanNote]:
    if survey.ports.basis is PlanBasis.BACKUP_USER:
        yield PlanNote.of(
            NO_WRITER,
            NoteWeight.WARNING,
            "This is a preview, made with the backup user, which can only read. The permissions to "
            "write are not checked.",
            "To undo the run, add a write user, then plan again.",
        )
    yield from _remarks(survey, steps)
    yield from left_out_notes(s.key for s in steps if NoteCode.LEFT_OUT in s.remarks)
    for table, count in sorted(gone.items()):
        yield PlanNote.of(
            TABLE_GONE,
            NoteWeight.BLOCK,
            "{records} of {table} cannot be undone: the org no longer has this table.",
            "",
            table,
            count=count,
        )
    if any(_unproved(effect) for effect in known.effects.values()):
        yield PlanNote.of(
            UNPROVED,
            NoteWeight.WARNING,
            "The run did not record the values of the records that it brought. If people changed these "
            "records since, the changes are not noticed, and are deleted with the records.",
            "Compare the records with the newest backup before you undo the run.",
        )
    yield from _unlooked_notes(survey, unlooked)
    yield from undo_limits(known.effects.values())


def _unlooked_notes(survey: RestoreSurvey, unlooked: Sequence[str]) -> Iterator[PlanNote]:
    # A right to read helps only with tables that users write: the others are closed to all users.
    readable = [name for name in unlooked if survey.capability(name).birth is not Birth.NEVER]
    if unlooked:
        yield PlanNote.of(
            UNLOOKED,
            NoteWeight.WARNING,
            "It is not known whether records of these tables refer to what would be deleted: {tables}.",
            "Give the write user the right to read {readable}, then plan again."
            if readable
            else "",
            tables=", ".join(unlooked),
            readable=", ".join(readable),
        )


def _unproved(effect: Effect) -> bool:
    return effect.kind is EffectKind.BROUGHT and not effect.digest


def _remarks(survey: RestoreSurvey, steps: Iterable[UndoStep]) -> Iterator[PlanNote]:
    records: dict[tuple[NoteCode, str], list[str]] = defaultdict(list)
    for step in steps:
        for remark in step.remarks:
            if remark is not NoteCode.LEFT_OUT:
                records[remark, step.effect.table].append(step.effect.live)
    for (remark, table), ids in sorted(records.items()):
        words = WORDS[remark]
        known: dict[str, Any] = {}
        if "{reason}" in words.template:
            known = {"reason": survey.capability(table).reason or NOT_ALLOWED}
        if remark is NoteCode.LOCKED:
            known = {"named": live_names(survey, table, ids)}
        yield PlanNote.of(
            remark.value,
            words.weight,
            words.template,
            words.next_step,
            table,
            count=len(ids),
            **known,
        )


def _estimate(survey: RestoreSurvey, steps: Sequence[UndoStep]) -> Estimate:
    counts: dict[tuple[str, Action], int] = {}
    for step in steps:
        if step.action not in (Action.UNCHANGED, Action.SKIP):
            place = (step.effect.table, step.action)
            counts[place] = counts.get(place, 0) + 1
    # Records are read before they are written, and once more after it.
    calls: Counter[str] = Counter()
    for (table, _), count in counts.items():
        calls[table] += 3 * ceil(count / survey.capability(table).rows_per_call)
    back = (Action.UNDELETE, Action.BY_PRODUCT)
    returning = [step for step in steps if step.action.creates or step.action in back]
    data = sum(_size(survey, step) for step in returning)
    files = returning_file_bytes(survey, steps)
    # A file in the bin comes back without an upload, and needs the org's storage again.
    created = [step for step in steps if step.action.creates and files]
    seconds = seconds_of(calls, survey.capability) + sum(
        returning_file_bytes(survey, [step for step in created if step.effect.table == table])
        / survey.capability(table).cost.file_bytes_a_second
        for table in sorted({step.effect.table for step in created})
    )
    return Estimate(calls.total(), data, files, round(seconds, 1))


def _size(survey: RestoreSurvey, step: UndoStep) -> int:
    table = step.effect.table
    known = survey.capability(table).record_bytes
    return known or size_of_cells(step.effect.before, table, survey.ports.rules)
