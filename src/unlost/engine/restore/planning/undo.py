"""Planning an undo: the reverse of a run, from its journal and the org as it is now.

  effect of the run            in the org now                  in the plan
  CHANGED  Phone "1" -> "2"    "2", as the run left it         UPDATE to "1"
                               "3"                             the "3" stays, and is named
  BROUGHT  created or undeleted   as the run left it           DELETE, alone or with its master
                               edited, or referred to          SKIP, with the reason
  REMOVED  by an undo          in the bin                      UNDELETE
                               gone                            CREATE

It is a plan like any other: a person reviews it, and its run has a journal, so an undo can be undone.
Records are named by their ids in the org; their wanted values are in the journal of the undone run.
See docs/adr/0042.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from unlost.engine.restore.journal.effects import (
    Effect,
    EffectKind,
    RunEffects,
    by_table,
    effects_of,
)
from unlost.engine.restore.planning.graph.referrers import Referrer, Referrers
from unlost.engine.restore.planning.notes.automation import automation_notes, needed_bypass
from unlost.engine.restore.planning.notes.cleared import cleared_notes
from unlost.engine.restore.planning.notes.predict import NOT_ALLOWED, WORDS
from unlost.engine.restore.planning.plan import schema_digest
from unlost.engine.restore.planning.shown.estimate import CALL_SECONDS
from unlost.engine.restore.planning.survey import LiveRow, PlanPorts, RestoreSurvey
from unlost.engine.restore.values.cells import different, digest
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.engine.restore.values.plan_file import sealed
from unlost.engine.restore.values.text_images import masked
from unlost.model.errors import Conflict, UsageError
from unlost.model.plan import (
    NO_WRITER,
    PLAN_FORMAT,
    Action,
    ActionReason,
    Estimate,
    NoteWeight,
    PlanBasis,
    PlanNote,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.model.source.schema import DeleteRule, Table
from unlost.model.source.writing import Birth, LockedDelete, TextImages, WriteCapability, WriteOp

UNPROVED = "undo-unproved"
LIMITS = "undo-limits"
UNLOOKED = "undo-unlooked"
ROUNDS = 50  # to put records in order: the longest chain of records that refer to one another


@dataclass(slots=True)
class _UndoStep:
    """The draft of a step. ``expect``: hash of what the run refuses to overwrite. ``checked``: of a
    deleted record, the values of which it is.

    ``master``: the deleted record with which the org deletes this one. Of two records that are
    deleted, the one that refers to the other has the higher ``level``. ``late`` columns go back to
    their initial value before a delete, or to their former one after an undelete. ``alone``: its
    master cannot be deleted with it. ``bound``: the org deletes it with its master only.
    ``circular``: references to records that are deleted first, with which the org empties them.
    """

    effect: Effect
    action: Action
    columns: tuple[str, ...] = ()
    expect: str | None = None
    checked: Mapping[str, str | None] = field(default_factory=dict)
    master: RecordKey | None = None
    late: tuple[str, ...] = ()
    alone: bool = False
    bound: bool = False
    circular: set[str] = field(default_factory=set)
    level: int = 0
    remarks: list[NoteCode] = field(default_factory=list)

    @property
    def key(self) -> RecordKey:
        return RecordKey(self.effect.table, self.effect.live)

    def skip(self, remark: NoteCode) -> None:
        self.action, self.columns, self.expect, self.master = Action.SKIP, (), None, None
        self.late = ()
        self.remarks.append(remark)


def plan_undo(org: str, ports: PlanPorts, run: str, *, plan_id: str) -> RestorePlan:
    """The plan that takes a run back.

    Raises NotFound (``run-unknown``), UsageError (``undo-nothing``; ``other-org``), Conflict
    (``undo-unanswered``), and the errors of the ports.
    """
    survey = RestoreSurvey(org, ports)
    known = effects_of(ports.vault.journal(org, run), run)
    _check(known)
    steps, gone = _drafts(survey, known)
    unlooked = _keep_referred(survey, steps, known)
    return _plan(survey, known, steps, gone, unlooked, plan_id)


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


def _drafts(survey: RestoreSurvey, known: RunEffects) -> tuple[list[_UndoStep], dict[str, int]]:
    """A step for each effect, and the effects in tables that the org no longer has, by table."""
    steps: list[_UndoStep] = []
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
            step.bound = gathered or (row is not None and _is_marked(capability, row))
            steps.append(step)
    steps = _without_rows_in_step(survey, steps)
    for step in steps:
        step.level = step.effect.level
    _say_how_all(survey, known, steps)
    _set_circular_late(survey, steps)
    return steps, gone


def _without_rows_in_step(survey: RestoreSurvey, steps: Sequence[_UndoStep]) -> list[_UndoStep]:
    """The steps without rows that the org replaces when this undo changes the record they follow.

    Their key consists of references, as that of a direct relation (see ``in_step``).
    """
    moving = {
        step.key.record
        for step in steps
        if step.action is Action.UPDATE
        and any(_is_reference(survey.table(step.key.table), name) for name in step.columns)
    }
    keyed = [
        step.key
        for step in steps
        if any(
            all(_is_reference(survey.table(step.key.table), name) for name in key.columns)
            for key in survey.capability(step.key.table).keys
        )
    ]
    owners = _owners(survey, keyed) if moving else {}
    return [step for step in steps if not owners.get(step.key, frozenset()) & moving]


def _is_reference(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.reference is not None


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


def _is_marked(capability: WriteCapability, row: LiveRow) -> bool:
    """True for a row that the org creates itself."""
    return any(row.cells.get(column) == text for column, text in capability.by_product_when)


def _draft(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> _UndoStep:
    match effect.kind:
        case EffectKind.CHANGED:
            return _put_back(effect, row, table, capability)
        case EffectKind.BROUGHT:
            return _taken_away(effect, row, table, capability)
        case _:
            return _brought_back(effect, row, capability)


def _put_back(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> _UndoStep:
    """The former values of the columns that are still as the run left them."""
    step = _UndoStep(effect, Action.UNCHANGED)
    if row is None or row.deleted:
        step.skip(NoteCode.LOST_SINCE)
        return step
    names = [name for name in effect.before if name in row.cells]
    differing = different(table, effect.before, row.cells, names)
    edited = _edited(effect, row, table, differing, images=capability.text_images)
    columns = tuple(sorted(set(differing) - set(edited)))
    if edited:
        step.remarks.append(NoteCode.CHANGED_SINCE)
    if columns and not (capability.allows(WriteOp.UPDATE) and {*columns} <= capability.changeable):
        step.skip(NoteCode.UPDATE_NOT_ALLOWED)
    elif columns:
        step.action, step.columns = Action.UPDATE, columns
        step.expect = digest(table, {name: row.cells[name] for name in columns})
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
    after = effect.after
    if after is None:
        now = {name: row.cells.get(name) for name in effect.before}
        texts = {name: text for name, text in now.items() if text and name in images.columns}
        bare = now | {name: masked(text, images) for name, text in texts.items()}
        same = effect.sent in (digest(table, now), digest(table, bare))
        return () if same else tuple(differing)
    return different(table, after, row.cells, [name for name in differing if name in after])


def _taken_away(
    effect: Effect, row: LiveRow | None, table: Table, capability: WriteCapability
) -> _UndoStep:
    """Delete what the run brought, if nobody changed it since."""
    step = _UndoStep(effect, Action.UNCHANGED)
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


def _unlock(step: _UndoStep, row: LiveRow, capability: WriteCapability) -> None:
    """Decide how to delete a record whose status prevents that, or keep it."""
    locked = [late for late in capability.late if row.cells.get(late.column) in late.locks]
    drafts = [late for late in locked if late.locked_delete is LockedDelete.AS_DRAFT]
    step.late = tuple(late.column for late in drafts)
    step.alone = any(late.locked_delete is LockedDelete.ALONE for late in locked)
    refused = any(late.locked_delete is LockedDelete.REFUSED for late in locked)
    if refused or not capability.changeable.issuperset(step.late):
        step.skip(NoteCode.LOCKED)
    elif drafts:
        step.remarks.append(NoteCode.DRAFT_FIRST)


def _brought_back(effect: Effect, row: LiveRow | None, capability: WriteCapability) -> _UndoStep:
    """Bring back what an undo deleted: out of the bin, or with a new id."""
    if row is not None and not row.deleted:
        return _UndoStep(effect, Action.UNCHANGED)
    if row is None:
        marks = capability.by_product_when
        by_org = any(effect.before.get(column) == text for column, text in marks)
        return _UndoStep(effect, Action.BY_PRODUCT if by_org else Action.CREATE)
    late = [column.column for column in capability.late if column.column in effect.before]
    moved = tuple(name for name in late if effect.before[name] != row.cells.get(name))
    return _UndoStep(effect, Action.UNDELETE, late=moved)


def _say_how(
    step: _UndoStep,
    survey: RestoreSurvey,
    masters: Collection[RecordKey],
    stays: Collection[RecordKey],
) -> None:
    """Details leave the bin with their masters; others need the right for it.

    ``stays``: records that cannot leave the bin with their masters.
    """
    capability = survey.capability(step.effect.table)
    with_master = step.action is Action.UNDELETE and bool(masters)
    if with_master and not {step.key, *masters} & {*stays}:
        step.remarks.append(NoteCode.BY_CASCADE)
        return
    if with_master:
        step.action, step.late = Action.CREATE, ()
        step.remarks.append(NoteCode.LEFT_IN_BIN)
    if (step.action is Action.UNDELETE and not capability.allows(WriteOp.UNDELETE)) or (
        step.action is Action.CREATE and not capability.allows(WriteOp.CREATE)
    ):
        step.skip(NoteCode.CREATE_NOT_ALLOWED)


def _say_how_all(survey: RestoreSurvey, known: RunEffects, steps: Iterable[_UndoStep]) -> None:
    """Decide how the records come back that an undo removed, masters first.

    A detail that was deleted before one of its masters cannot leave the bin (SOAP guide, undelete),
    and neither can its own details.
    """
    removed = [step for step in steps if step.effect.kind is EffectKind.REMOVED]
    calls = _delete_calls(known)
    stays: set[RecordKey] = set()
    for step in sorted(removed, key=_place):
        masters = set(_masters(step.effect, survey.table(step.effect.table), known))
        call = calls.get(step.key, step.key)
        if any(calls.get(master, master) != call for master in masters):
            stays.add(step.key)
        _say_how(step, survey, masters, stays)
        if step.action is Action.CREATE:
            stays.add(step.key)


def _set_circular_late(survey: RestoreSurvey, steps: Iterable[_UndoStep]) -> None:
    """Set references to records that are created later once these exist."""
    created = {step.key: step for step in steps if step.action is Action.CREATE}
    for step in created.values():
        table = survey.table(step.effect.table)
        capability = survey.capability(table.name)
        optional = capability.changeable - capability.needs_value
        references = [(c.name, c.reference.tables) for c in table.columns if c.reference]
        targets = (
            (name, created.get(RecordKey(owner, step.effect.before.get(name) or "")))
            for name, owners in references
            if name in optional
            for owner in owners
        )
        later = {name for name, target in targets if target and target.level >= step.level}
        step.late = tuple(sorted({*step.late, *later}))


def _delete_calls(known: RunEffects) -> Mapping[RecordKey, RecordKey]:
    """For each record that a run deleted the one with which the org deleted it, or itself."""
    steps = {str(step.key): step for step in known.plan.steps if step.action is Action.DELETE}
    calls = {}
    for step in steps.values():
        root = step
        while root.because is not None and root.because in steps:
            root = steps[root.because]
        calls[step.key] = root.key
    return calls


def _masters(effect: Effect, table: Table, known: RunEffects) -> Iterator[RecordKey]:
    """The records with which the org deleted this one, and which come back too."""
    for column in table.columns:
        reference = column.reference
        if reference is not None and reference.rule is DeleteRule.CASCADE:
            for name in reference.tables:
                key = RecordKey(name, effect.before.get(column.name) or "")
                master = known.effects.get(key)
                if master is not None and master.kind is EffectKind.REMOVED:
                    yield key


# --- what refers to records that would be deleted ---------------------------------------------------


def _keep_referred(
    survey: RestoreSurvey, steps: Sequence[_UndoStep], known: RunEffects
) -> Sequence[str]:
    """Decide which records are deleted; returns tables that could not be queried.

    A record to which others refer stays. A detail goes with its master, and stays with it if it may
    not be deleted alone. A record that stays keeps those to which it refers, so this goes on until
    nothing changes.
    """
    doomed = {step.key: step for step in steps if step.action is Action.DELETE}
    referrers = Referrers(survey).of(list(doomed))
    put_back = {(step.key, name) for step in steps for name in step.columns}
    # An org empties such a reference with the delete, and had set it again with the undelete.
    loose = DeleteRule.SET_NULL
    put_back |= {place for place in known.relinked if _has_rule(survey, *place, loose)}
    edges = [edge for edge in referrers.edges if (edge.key, edge.column) not in put_back]
    moved = {(e.key.record, e.target) for e in referrers.edges if (e.key, e.column) in put_back}
    owners = _owners(survey, [edge.key for edge in edges if edge.key not in doomed])
    while True:
        _name_masters(survey, doomed, edges)
        leaving = moved | {(e.key.record, e.target) for e in edges if e.key in doomed}
        needed = {
            edge.target
            for edge in edges
            if _stays(edge, doomed)
            and not leaving & {(owner, edge.target) for owner in owners.get(edge.key, ())}
        }
        alone = {key for key, step in doomed.items() if _needs_master(survey, step)} - needed
        if not needed and not alone:
            _put_in_order(survey, doomed, edges)
            return referrers.unlooked
        for key in needed:
            doomed.pop(key).skip(NoteCode.REFERRED_SINCE)
        for key in alone:
            doomed.pop(key).skip(NoteCode.DELETE_NOT_ALLOWED)


def _has_rule(survey: RestoreSurvey, key: RecordKey, name: str, rule: DeleteRule) -> bool:
    """True for a reference with this rule in a table that the org has."""
    table = survey.tables.get(key.table)
    column = table.column(name) if table is not None else None
    return column is not None and column.reference is not None and column.reference.rule is rule


def _put_in_order(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, _UndoStep], edges: Iterable[Referrer]
) -> None:
    """Raise the levels of records above those to which they refer.

    The levels of the undone run are right for most; by-products of a record can be above it. Records
    that refer to each other in a circle have no order.
    """
    inner = [e for e in edges if {e.key, e.target} <= doomed.keys() and e.key != e.target]
    pairs = [(edge.key, edge.target) for edge in inner]
    # A record that prevents the deletion of a detail prevents that of its master.
    preventing = (e for e in inner if _has_rule(survey, e.key, e.column, DeleteRule.RESTRICT))
    roots = ((_root(edge.key, doomed), _root(edge.target, doomed)) for edge in preventing)
    pairs += [(root, other) for root, other in roots if root != other]
    inside = [(doomed[key], doomed[target]) for key, target in pairs]
    for _ in range(ROUNDS):
        low = [(step, target) for step, target in inside if step.level <= target.level]
        if not low:
            return
        for step, target in low:
            step.level = max(step.level, target.level + 1)
    for edge in inner:
        roots_of_edge = _root(edge.key, doomed), _root(edge.target, doomed)
        first, last = (doomed[root] for root in roots_of_edge)
        if first is not last and first.level <= last.level:
            doomed[edge.key].circular.add(edge.column)


def _root(key: RecordKey, doomed: Mapping[RecordKey, _UndoStep]) -> RecordKey:
    """The record whose delete call deletes this one."""
    met = {key}
    while (master := doomed[key].master) is not None and master not in met:
        key = master
        met.add(key)
    return key


def _stays(edge: Referrer, doomed: Mapping[RecordKey, _UndoStep]) -> bool:
    return edge.target in doomed and edge.key not in doomed


def _owners(survey: RestoreSurvey, keys: Iterable[RecordKey]) -> Mapping[RecordKey, frozenset[str]]:
    """For rows that the org keeps in step with other records, the ids of these.

    Salesforce moves the direct relation of a contact and its account along with the contact, and
    deletes it with either.
    """
    by_table: dict[str, set[str]] = {}
    for key in keys:
        if survey.capability(key.table).by_product_when:
            by_table.setdefault(key.table, set()).add(key.record)
    owners: dict[RecordKey, frozenset[str]] = {}
    for name, ids in by_table.items():
        table, marks = survey.table(name), survey.capability(name).by_product_when
        links = [column.name for column in table.columns if column.reference is not None]
        columns = [*links, *(column for column, _ in marks)]
        for record, row in survey.rows(name, sorted(ids), columns=columns).items():
            if _is_marked(survey.capability(name), row):
                values = (row.cells.get(link) for link in links)
                owners[RecordKey(name, record)] = frozenset(filter(None, values))
    return owners


def _needs_master(survey: RestoreSurvey, step: _UndoStep) -> bool:
    allowed = survey.capability(step.effect.table).allows(WriteOp.DELETE)
    return step.master is None and (step.bound or not allowed)


def _name_masters(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, _UndoStep], edges: Iterable[Referrer]
) -> None:
    """Name for each doomed detail the doomed record with which the org deletes it."""
    for step in doomed.values():
        step.master = None
    _part(survey, doomed, edges)
    for edge in edges:
        inside = edge.key in doomed and edge.target in doomed and edge.key != edge.target
        detail = inside and _has_rule(survey, edge.key, edge.column, DeleteRule.CASCADE)
        if detail and not doomed[edge.key].alone:
            doomed[edge.key].master = doomed[edge.key].master or edge.target


def _part(
    survey: RestoreSurvey, doomed: Mapping[RecordKey, _UndoStep], edges: Iterable[Referrer]
) -> None:
    """Delete records alone that prevent the deletion of one that is deleted alone."""
    preventing = [
        edge
        for edge in edges
        if {edge.key, edge.target} <= doomed.keys()
        and _has_rule(survey, edge.key, edge.column, DeleteRule.RESTRICT)
    ]
    changed = True
    while changed:
        changed = False
        for edge in preventing:
            if doomed[edge.target].alone and not doomed[edge.key].alone:
                doomed[edge.key].alone = changed = True


# --- the plan ---------------------------------------------------------------------------------------


def _plan(
    survey: RestoreSurvey,
    known: RunEffects,
    steps: Sequence[_UndoStep],
    gone: Mapping[str, int],
    unlooked: Sequence[str],
    plan_id: str,
) -> RestorePlan:
    ordered = sorted(steps, key=_place)
    planned = tuple(_step(step, survey.table(step.effect.table)) for step in ordered)
    tables = [survey.table(name) for name in sorted({step.effect.table for step in steps})]
    return sealed(
        RestorePlan(
            PLAN_FORMAT,
            plan_id,
            survey.org,
            survey.org,
            survey.newest,
            survey.ports.clock.now(),
            Selection(SelectionKind.UNDO, run=known.run),
            related=False,
            steps=planned,
            notes=(
                *_notes(survey, known, ordered, gone, unlooked),
                *cleared_notes(survey, planned),
                *automation_notes(survey, planned),
            ),
            estimate=_estimate(survey, ordered),
            schema=schema_digest(tables),
            bypass=needed_bypass(survey, planned),
        )
    )


def _place(step: _UndoStep) -> tuple[int, str, str]:
    return step.level, step.effect.table, step.effect.live


def _step(step: _UndoStep, table: Table) -> PlanStep:
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
        live=None if step.action in (Action.CREATE, Action.BY_PRODUCT) else effect.live,
        expect=expect,
        columns=columns,
        late=step.late,
        because=str(step.master) if step.master is not None else None,
        notes=tuple(remark.value for remark in step.remarks),
    )


def _notes(
    survey: RestoreSurvey,
    known: RunEffects,
    steps: Sequence[_UndoStep],
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
    yield PlanNote.of(
        LIMITS,
        NoteWeight.NOTE,
        "An undo cannot take back what left the org, such as e-mails and messages to other systems, "
        "nor what automation did to other records. Numbers and dates of changes stay new.",
    )


def _unproved(effect: Effect) -> bool:
    return effect.kind is EffectKind.BROUGHT and not effect.digest


def _remarks(survey: RestoreSurvey, steps: Iterable[_UndoStep]) -> Iterator[PlanNote]:
    counts: dict[tuple[NoteCode, str], int] = {}
    for step in steps:
        for remark in step.remarks:
            place = (remark, step.effect.table)
            counts[place] = counts.get(place, 0) + 1
    for (remark, table), count in sorted(counts.items()):
        words = WORDS[remark]
        known: dict[str, Any] = {}
        if "{reason}" in words.template:
            known = {"reason": survey.capability(table).reason or NOT_ALLOWED}
        yield PlanNote.of(
            remark.value, words.weight, words.template, words.next_step, table, count=count, **known
        )


def _estimate(survey: RestoreSurvey, steps: Sequence[_UndoStep]) -> Estimate:
    counts: dict[tuple[str, Action], int] = {}
    for step in steps:
        if step.action not in (Action.UNCHANGED, Action.SKIP):
            place = (step.effect.table, step.action)
            counts[place] = counts.get(place, 0) + 1
    # Records are read before they are written, and once more after it.
    calls = sum(
        3 * ceil(count / survey.capability(table).rows_per_call)
        for (table, _), count in counts.items()
    )
    return Estimate(calls, seconds=round(calls * CALL_SECONDS, 1))
