"""Notes for people before a run: what will not come back, and side effects. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.notes.allowances import allowance_notes
from unlost.engine.restore.values.note_code import TABLE_GONE, NoteCode
from unlost.model.message import Message, message
from unlost.model.plan import NO_WRITER, Action, Estimate, NoteWeight, PlanBasis, PlanNote
from unlost.model.source.quota import Quota
from unlost.model.source.schema import DeleteRule, Schema, Table, TableTrait
from unlost.model.source.writing import (
    MissingPermission,
    NeverReason,
    WriteCapability,
    WriteOp,
)

NAMED = 5  # columns that a sentence names

type Capabilities = Callable[[str], WriteCapability]


@dataclass(frozen=True, slots=True)
class NoteText:
    """The templates of a note: ``{records}`` of ``{table}``; ``{column}`` if it has one."""

    weight: NoteWeight
    template: str
    next_step: str = ""


WORDS = {
    NoteCode.CREATE_NOT_ALLOWED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be created: {reason}",
        "Give the write user the right to create them, then plan again.",
    ),
    NoteCode.UPDATE_NOT_ALLOWED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be updated: {reason}",
        "Give the write user the right to update them, then plan again.",
    ),
    NoteCode.VALUE_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be created: a column that the org now requires has no value.",
        "Create them by hand, or make the column optional during the restore.",
    ),
    NoteCode.FILE_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: the vault does not have their file.",
        "See the gaps of the backups with `unlost certificate`.",
    ),
    NoteCode.FILE_DIFFERS: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} have another file in the org than in the backup. The restore does not "
        "replace the file of a record that exists.",
        "Save the file from the backup, on the “Files” tab of the record or with `unlost file --at`. "
        "Then upload it in the org by hand.",
    ),
    NoteCode.KEY_TAKEN: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: another record now has their unique value.",
        "Change the value of the other record, then plan again.",
    ),
    NoteCode.KEY_NOT_UNIQUE: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: several records in the org share their key.",
        "Merge these records in the org, then plan again.",
    ),
    NoteCode.PARENT_REQUIRED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored without their {column}, which is not restored.",
        "Restore that record too: plan with related records, or select it.",
    ),
    NoteCode.CIRCLE_REQUIRED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: each requires another one to exist first.",
        "Make one of the references optional during the restore.",
    ),
    NoteCode.VERSION_FREED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: an archive replaced their file by a new one, of which "
        "they would become the newest version.",
        "Undo the archive, or save the old version with `unlost file`.",
    ),
    NoteCode.MAKER_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be restored: the org creates them together with another "
        "record, which is not restored.",
        "Restore that record too: plan with related records, or select it.",
    ),
    NoteCode.LOST_SINCE: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be updated: no longer in the org.",
        "Restore them first: select deleted records, or their ids.",
    ),
    NoteCode.NEWER_TWIN: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} are not restored: after the loss, a live record took their unique "
        "value, and it differs.",
        "To overwrite that record with the backup, plan again with --adopt. Otherwise change its "
        "unique value, then plan again.",
    ),
    NoteCode.DELETE_NOT_ALLOWED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} cannot be deleted again: {reason}",
        "Delete them by hand, or give the write user the right to delete them and plan again.",
    ),
    NoteCode.EDITED_SINCE: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} stay: they were changed after the run that is undone.",
        "Check these changes. To lose them, delete the records by hand.",
    ),
    NoteCode.REFERRED_SINCE: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} stay: records that stay, or that the run did not write, refer to them. "
        "Deleting them would delete or change those records too.",
        "Move those records first, then plan the undo again.",
    ),
    NoteCode.LEFT_OUT: NoteText(
        NoteWeight.NOTE,
        "The undo leaves out {records} of {table}: {named}.",
    ),
    NoteCode.LEFT_OUT_NEEDS: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} stay: records that you left out need them, or the org can delete them "
        "only together with records that you left out.",
        "To undo these records too, plan again and include the records that you left out.",
    ),
    NoteCode.LEFT_OUT_MASTER: NoteText(
        NoteWeight.BLOCK,
        "The undo cannot bring back {records} of {table}, because they need records that you left out.",
        "To bring these records back, plan again and include the records that you left out.",
    ),
    NoteCode.LEFT_OUT_TARGET: NoteText(
        NoteWeight.WARNING,
        "In {records} of {table}, the undo does not set references to records that are left out.",
    ),
    NoteCode.LEFT_OUT_COMES: NoteText(
        NoteWeight.WARNING,
        "You left out {records} of {table}, but the org takes them out of the recycle bin together with "
        "their parent record.",
        "Leave out the parent record too, or delete these records afterwards.",
    ),
    NoteCode.ON_HOLD: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} are on legal hold, and stay.",
        "To delete them, ask an admin to lift the legal hold, then plan the undo again.",
    ),
    NoteCode.FILE_ON_HOLD: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} stay, since their files belong to records on legal hold.",
        "To delete them, ask an admin to lift the legal hold, then plan the undo again.",
    ),
    NoteCode.LOCKED: NoteText(
        NoteWeight.BLOCK,
        "{records} of {table} stay: the org does not delete activated records, and does not take them "
        "back to a draft. They are: {named}.",
        "Give the write user the right to delete activated records and plan the undo again, or leave "
        "them.",
    ),
    NoteCode.PARENT_MISSING: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will have an empty {column}: the record that it refers to is not "
        "restored.",
        "Restore that record too, or set the column by hand afterwards.",
    ),
    NoteCode.NAMES_MISSING: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} refer to records that are not in the org and are not restored. These "
        "references stay as they are.",
        "Restore these records too, or change the references by hand afterwards.",
    ),
    NoteCode.CHANGED_SINCE: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will keep newer values, from a later change.",
        "To overwrite them, select these records in the preview, or by their ids.",
    ),
    NoteCode.MOVED_SINCE: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will stay with the new parent record.",
    ),
    NoteCode.MOVES_BACK: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will move back to the restored record. A merge had moved them to the "
        "surviving one.",
        "To leave them there, plan again without related records, or leave them out.",
    ),
    NoteCode.WAS_MERGED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} had been merged into another record. That record keeps all related "
        "records that this plan does not move back, and all values that it does not put back.",
        "Related records and values go back if the plan includes related records. The history of the "
        "surviving record shows its former values.",
    ),
    NoteCode.VALUES_BACK: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will get back the values that a merge had replaced with those of the "
        "restored record.",
        "To keep the present values, plan again without related records, or leave these records out.",
    ),
    NoteCode.ADOPTS_TWIN: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will be adopted: a record with the same key exists again in the org, "
        "and is updated.",
        "If a record in the org is a different one, change its key before the restore.",
    ),
    NoteCode.COLUMN_FIXED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} cannot be fully updated: a column that can be set only on create "
        "stays unchanged.",
    ),
    NoteCode.VALUE_NEEDED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} cannot be fully updated: a column that was empty is now required, and "
        "stays unchanged.",
    ),
    NoteCode.CLOSED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} can be added only while the parent record is a draft.",
        "If it is no longer a draft, make it one in the org before the restore.",
    ),
    NoteCode.REOPENED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} will be set to draft while lost records are added, then back to the "
        "former status. Flows run as on an activation, and the activation date is new.",
        "If the run stops in between, `unlost restore resume` finishes it.",
    ),
    NoteCode.IN_APPROVAL: NoteText(
        NoteWeight.WARNING,
        "An approval process locks {records} of {table}, which the org does not change or delete until "
        "the approval is decided: {named}.",
        "Decide or recall the approvals in the org before the run, or let an admin unlock the records.",
    ),
    NoteCode.PUBLISHED: NoteText(
        NoteWeight.WARNING,
        "{records} of {table} are published articles, which the org does not change: {named}.",
        "Edit each article as a draft in the org by hand, then publish the draft.",
    ),
    NoteCode.TYPED: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will get values or owners that were chosen for this plan.",
    ),
    NoteCode.BESIDE: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will be created beside the present one. Records that refer to the "
        "present one stay with it.",
    ),
    NoteCode.BY_CASCADE: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will be undeleted together with the parent record.",
    ),
    NoteCode.KEPT_IN_STEP: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will follow automatically: the org replaces them when this plan "
        "changes the record that they belong to.",
    ),
    NoteCode.LEFT_IN_BIN: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will be created again: they cannot leave the recycle bin together with "
        "the parent record.",
    ),
    NoteCode.DRAFT_FIRST: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} will be set to draft before they are deleted: the org does not delete "
        "activated records.",
    ),
}

COLUMN_GONE = NoteText(
    NoteWeight.WARNING,
    "{records} of {table} will lose columns that the org no longer has: {columns}.",
)
WHY_NEVER = {
    NeverReason.FORMULA: NoteText(
        NoteWeight.NOTE, "{records} of {table}: the org calculates these columns: {columns}."
    ),
    NeverReason.AUTO_NUMBER: NoteText(
        NoteWeight.WARNING, "{records} of {table} will get new auto-numbers: {columns}."
    ),
    NeverReason.SYSTEM: NoteText(
        NoteWeight.NOTE, "{records}: the org sets these columns automatically: {columns}."
    ),
    NeverReason.READ_ONLY: NoteText(
        NoteWeight.WARNING, "{records} of {table}: these columns are read-only: {columns}."
    ),
    NeverReason.NO_PERMISSION: NoteText(
        NoteWeight.WARNING,
        "{records} of {table}: the write user may not set these columns: {columns}.",
    ),
    NeverReason.BY_PLATFORM: NoteText(
        NoteWeight.NOTE,
        "{records} of {table}: the org derives these columns from other values: {columns}.",
    ),
    NeverReason.SECRET: NoteText(
        NoteWeight.WARNING,
        "{records} of {table}: the org never gives out the values of these columns, so they must be "
        "set again by hand: {columns}.",
    ),
}
NOT_ALLOWED = message("", "the org or the permissions do not allow it.")
NEVER_ALLOWED = message("", "the org does not allow it to any user.")
REFUSED = {
    NoteCode.CREATE_NOT_ALLOWED: WriteOp.CREATE,
    NoteCode.UPDATE_NOT_ALLOWED: WriteOp.UPDATE,
}
CONFIGURATION = message("", "configuration is left to administrators.")
SYSTEM_ONLY = message("", "only the org writes them.")


@dataclass(frozen=True, slots=True)
class Prospect:
    """All inputs of notes.

    ``never`` counts records that cannot come back, by table; in the tables ``parents``, other
    records refer to them. ``unlooked`` are tables that could not be queried. ``others``: notes
    of other modules.
    """

    drafts: Sequence[DraftStep]
    schema: Schema
    capabilities: Capabilities
    never: Mapping[str, int]
    parents: Collection[str]
    unlooked: Sequence[str]
    missing: Sequence[MissingPermission]
    quotas: Sequence[Quota]
    estimate: Estimate
    basis: PlanBasis = PlanBasis.WRITE_USER
    others: Sequence[PlanNote] = ()


def predict(prospect: Prospect) -> tuple[PlanNote, ...]:
    """All notes, the most severe first."""
    notes = [
        *_preview(prospect.basis),
        *_remarks(prospect),
        *_permissions(prospect),
        *allowance_notes(prospect.quotas, prospect.estimate),
        *_columns(prospect),
        *_unread(prospect),
        *_unclear(prospect),
        *_whole(prospect),
        *_by_products(prospect),
        *_side_effects(prospect),
        *(_never(name, count, prospect) for name, count in sorted(prospect.never.items())),
        *prospect.others,
        *_unsure(prospect),
    ]
    order = list(reversed(NoteWeight))
    return tuple(sorted(notes, key=lambda note: order.index(note.weight)))


def _preview(basis: PlanBasis) -> Iterator[PlanNote]:
    if basis is PlanBasis.BACKUP_USER:
        yield PlanNote.of(
            NO_WRITER,
            NoteWeight.WARNING,
            "This is a preview, made with the backup user, which can only read. The permissions to "
            "write are not checked.",
            "To restore, add a write user, then plan again.",
        )


def _remarks(prospect: Prospect) -> Iterator[PlanNote]:
    """One note for each remark and table, and column if a reference is the cause."""
    counts: Counter[tuple[NoteCode, str, str | None]] = Counter()
    for draft in prospect.drafts:
        for remark in draft.remarks:
            by_column = remark in (NoteCode.PARENT_MISSING, NoteCode.PARENT_REQUIRED)
            for column in draft.lost_links if by_column else (None,):
                counts[remark, draft.key.table, column] += 1
    for (remark, table, column), count in counts.items():
        words = WORDS[remark]
        named, next_step = {}, words.next_step
        if remark in REFUSED:
            may_help = _may_be_granted(prospect.missing, table, REFUSED[remark])
            reason = NOT_ALLOWED if may_help else NEVER_ALLOWED
            named = {"reason": prospect.capabilities(table).reason or reason}
            next_step = words.next_step if may_help else ""
        yield PlanNote.of(
            remark.value,
            words.weight,
            words.template,
            next_step,
            table,
            column,
            count,
            **named,
        )


def _may_be_granted(missing: Sequence[MissingPermission], table: str, op: WriteOp) -> bool:
    """True if a permission lets the write user do this: no user may write some tables."""
    return any(lack.table in (None, table) and lack.op in (None, op) for lack in missing)


def _permissions(prospect: Prospect) -> Iterator[PlanNote]:
    """Permissions that the writing user lacks for the plan's actions."""
    wanted = {
        (draft.key.table, op)
        for draft in prospect.drafts
        for op in _would_need(draft, prospect.capabilities(draft.key.table))
    }
    for permission in prospect.missing:
        if permission.op is not None and (permission.table, permission.op) not in wanted:
            continue
        yield PlanNote.of(
            "permission-missing",
            NoteWeight.BLOCK,
            "{why}",
            "Give the write user: {permission}.",
            permission.table,
            why=permission.sentence,
            permission=permission.permission,
        )


def _would_need(step: DraftStep, capability: WriteCapability) -> Iterator[WriteOp]:
    """Operations on a record, including operations that would be needed if they were allowed.

    Without the right to change records no column of the plan is changed: the remarks show that.
    """
    if step.is_new or NoteCode.CREATE_NOT_ALLOWED in step.remarks:
        yield WriteOp.CREATE
    if step.action.creates:
        changes = bool(step.late or capability.late)
    else:
        changes = step.action is not Action.UNCHANGED or bool(step.remarks)
    if changes and NoteCode.CREATE_NOT_ALLOWED not in step.remarks:
        yield WriteOp.UPDATE


def _columns(prospect: Prospect) -> Iterator[PlanNote]:
    """Columns whose values do not come back with created records, by table and reason.

    Columns that the org sets itself are the same everywhere, and reported once. Secret ones are
    named although the vault has no value of them.
    """
    names: dict[tuple[str, NeverReason | None], set[str]] = defaultdict(set)
    records: Counter[tuple[str, NeverReason | None]] = Counter()
    for draft in prospect.drafts:
        if not draft.action.creates:
            continue
        table = draft.key.table
        never = {
            never_column.column: never_column.reason
            for never_column in prospect.capabilities(table).never
        }
        secrets = [column for column, reason in never.items() if reason is NeverReason.SECRET]
        reasons: dict[str, NeverReason | None] = {
            column: never[column] for column in (*draft.facts.unsettable, *secrets)
        }
        reasons.update(dict.fromkeys(draft.facts.vanished_columns))
        for column, reason in reasons.items():
            names[_place(table, reason), reason].add(column)
        records.update({(_place(table, reason), reason) for reason in reasons.values()})
    for (table, reason), columns in sorted(names.items(), key=lambda item: str(item[0])):
        yield _column_note(table or None, reason, sorted(columns), records[table, reason])


def _place(table: str, reason: NeverReason | None) -> str:
    return "" if reason is NeverReason.SYSTEM else table


def _column_note(
    table: str | None, reason: NeverReason | None, names: Sequence[str], count: int
) -> PlanNote:
    code, words = "column-gone", COLUMN_GONE
    if reason is not None:
        code, words = f"column-{reason.value}", WHY_NEVER[reason]
    column = names[0] if len(names) == 1 else None
    return PlanNote.of(
        code, words.weight, words.template, "", table, column, count, columns=listed_names(names)
    )


def listed_names(names: Sequence[str]) -> str | Message:
    """Name the first of these."""
    if len(names) <= NAMED:
        return ", ".join(names)
    return message(
        "",
        "{columns} and {more} more",
        columns=", ".join(names[:NAMED]),
        more=len(names) - NAMED,
    )


def _unread(prospect: Prospect) -> Iterator[PlanNote]:
    """Columns that are not set because their old values are lost in the vault, by table."""
    names: dict[str, set[str]] = defaultdict(set)
    records: Counter[str] = Counter()
    for draft in prospect.drafts:
        if draft.facts.unread and (draft.action.creates or draft.action is Action.UPDATE):
            names[draft.key.table].update(draft.facts.unread)
            records[draft.key.table] += 1
    for table, columns in sorted(names.items()):
        yield PlanNote.of(
            "value-unknown",
            NoteWeight.WARNING,
            "The vault lost the values of {records} of {table} in these columns, so they stay empty "
            "or unchanged: {columns}.",
            "Set them by hand afterwards, or choose an older backup.",
            table,
            next(iter(columns)) if len(columns) == 1 else None,
            records[table],
            columns=listed_names(sorted(columns)),
        )


def _unclear(prospect: Prospect) -> Iterator[PlanNote]:
    """Columns of surviving records that changed with a merge and keep their values, by table."""
    names: dict[str, set[str]] = defaultdict(set)
    records: Counter[str] = Counter()
    for draft in prospect.drafts:
        if draft.unclear:
            names[draft.key.table].update(draft.unclear)
            records[draft.key.table] += 1
    for table, columns in sorted(names.items()):
        yield PlanNote.of(
            "merge-unclear",
            NoteWeight.WARNING,
            "{records} of {table} keep the values of these columns, which changed at the time of a "
            "merge: {columns}. A person may have changed them, or they cannot be set.",
            "Compare them in the history of these records, and correct them by hand.",
            table,
            next(iter(columns)) if len(columns) == 1 else None,
            records[table],
            columns=listed_names(sorted(columns)),
        )


def _whole(prospect: Prospect) -> Iterator[PlanNote]:
    """Notes about all created or undeleted records."""
    anew = [draft for draft in prospect.drafts if draft.comes_anew]
    if anew:
        yield PlanNote.of(
            "new-id",
            NoteWeight.NOTE,
            "{records} will get a new id. Links from other systems keep the old one.",
            count=len(anew),
        )
    new = [draft for draft in prospect.drafts if draft.is_new]
    plain = [m for m in new if not prospect.capabilities(m.key.table).audit]
    if plain:
        yield PlanNote.of(
            "authors-new",
            NoteWeight.WARNING,
            "{records} will have the restore as creation date and the write user as creator.",
            "Allow the write user to set creation dates and authors, if the org has this permission.",
            count=len(plain),
        )
    tables = {m.key.table for m in prospect.drafts if m.action is Action.UNDELETE}
    owners = sorted(tables & _masters(prospect.schema))
    if owners:
        yield PlanNote.of(
            "bin-brings-details",
            NoteWeight.NOTE,
            "Undeleting {tables} also undeletes all records that were deleted with them, even if "
            "they are not in this plan.",
            tables=", ".join(owners),
        )


def _by_products(prospect: Prospect) -> Iterator[PlanNote]:
    """By-products that are written if the org does not create them, which depends on its settings.

    Salesforce creates the task of a mail only where the feature is on.
    """
    products = Counter(
        draft.key.table
        for draft in prospect.drafts
        if draft.action is Action.BY_PRODUCT and NoteCode.KEPT_IN_STEP not in draft.remarks
    )
    for table, count in sorted(products.items()):
        if prospect.capabilities(table).allows(WriteOp.CREATE):
            yield PlanNote.of(
                "by-product-written",
                NoteWeight.NOTE,
                "{records} of {table}: the org should create them with other records. Those that it "
                "does not create are written.",
                "",
                table,
                None,
                count,
            )


def _masters(schema: Schema) -> set[str]:
    """Tables whose deletion also deletes records of others."""
    return {
        target
        for table in schema.tables
        for column in table.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
        for target in column.reference.tables
    }


def _side_effects(prospect: Prospect) -> Iterator[PlanNote]:
    """Effects of the org when records are created or undeleted; not when columns are put back."""
    quiet = (Action.UNCHANGED, Action.UPDATE, Action.SKIP)
    born = Counter(draft.key.table for draft in prospect.drafts if draft.action not in quiet)
    for table, count in sorted(born.items()):
        for effect in prospect.capabilities(table).side_effects:
            yield PlanNote.of("side-effect", NoteWeight.WARNING, effect, "", table, None, count)


def _never(name: str, count: int, prospect: Prospect) -> PlanNote:
    """The reason why records of a table are not in the plan."""
    table = prospect.schema.table(name)
    capability = prospect.capabilities(name)
    code, weight, reason = _reason(table, capability)
    template = "{records} of {table} will not be restored: {reason}"
    if name in prospect.parents:
        weight = NoteWeight.WARNING
        template = (
            "{records} of {table} will not be restored, so references to them stay empty: {reason}"
        )
    return PlanNote.of(
        code,
        weight,
        template,
        "",
        name,
        None,
        count,
        reason=reason,
    )


def _reason(
    table: Table | None, capability: WriteCapability
) -> tuple[str, NoteWeight, str | Message]:
    if table is None:
        return TABLE_GONE, NoteWeight.WARNING, capability.reason
    if table.has(TableTrait.CONFIGURATION):
        return "table-configuration", NoteWeight.NOTE, CONFIGURATION
    return "table-never", NoteWeight.NOTE, capability.reason or SYSTEM_ONLY


def _unsure(prospect: Prospect) -> Iterator[PlanNote]:
    for table in prospect.unlooked:
        yield PlanNote.of(
            "parents-unknown",
            NoteWeight.NOTE,
            "{table} could not be queried: the plan assumes that referenced records still exist.",
            "",
            table,
        )
