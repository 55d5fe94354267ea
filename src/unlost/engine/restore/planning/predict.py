"""Notes for people before a run: what will not come back, and side effects. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, Estimate, NoteWeight, PlanNote
from unlost.model.quota import Quota
from unlost.model.schema import DeleteRule, Schema, Table, TableTrait
from unlost.model.writing import (
    Birth,
    MissingPermission,
    NeverReason,
    WriteCapability,
    WriteOp,
)

NAMED = 5  # columns that a sentence names
MIB = 1 << 20

type Capabilities = Callable[[str], WriteCapability]


@dataclass(frozen=True, slots=True)
class NoteText:
    """The text of a note: ``{n}`` records of ``{table}``; ``{column}`` if it has one."""

    weight: NoteWeight
    sentence: str
    next_step: str = ""


WORDS = {
    NoteCode.CREATE_NOT_ALLOWED: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: none can be created; {reason}",
        "Give the writing user the right to create them, then plan again.",
    ),
    NoteCode.UPDATE_NOT_ALLOWED: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: none can be changed; {reason}",
        "Give the writing user the right to change them, then plan again.",
    ),
    NoteCode.VALUE_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: no value in a column that the org requires by now.",
        "Create them by hand, or make the column optional while restoring.",
    ),
    NoteCode.FILE_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: the vault does not hold their file.",
        "See the findings of the backups with `unlost certificate`.",
    ),
    NoteCode.KEY_TAKEN: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: another record has their unique value by now.",
        "Change the value of the other record, then plan again.",
    ),
    NoteCode.KEY_NOT_UNIQUE: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: several live records share their key.",
        "Merge the live records, then plan again.",
    ),
    NoteCode.PARENT_REQUIRED: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: impossible without {column}, and that record does not come back.",
        "Bring that record back too: leave out --no-related, or name it.",
    ),
    NoteCode.CIRCLE_REQUIRED: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: they need one another to be there first.",
        "Make one of the references optional while restoring.",
    ),
    NoteCode.MAKER_MISSING: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: the org makes them with another record, which does not come back.",
        "Bring that record back too: leave out --no-related, or name it.",
    ),
    NoteCode.LOST_SINCE: NoteText(
        NoteWeight.BLOCK,
        "{n} of {table}: not in the org any more.",
        "Bring them back first: choose them as lost, or by their ids.",
    ),
    NoteCode.PARENT_MISSING: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: {column} stays empty, for that record does not come back.",
        "Bring that record back too, or set the column by hand afterwards.",
    ),
    NoteCode.CHANGED_SINCE: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: changed again since; the newer values stay.",
        "Name the records one by one if they shall have their old values.",
    ),
    NoteCode.MOVED_SINCE: NoteText(
        NoteWeight.NOTE, "{n} of {table}: they belong to another record by now, and stay there."
    ),
    NoteCode.ADOPTS_TWIN: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: there again with the same key; the live record is taken and gets the "
        "wanted values.",
        "If the live record is another one, change its key before the run.",
    ),
    NoteCode.COLUMN_FIXED: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: a column differs that can be set only on create; it stays as it is.",
    ),
    NoteCode.VALUE_NEEDED: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: empty in a column that the org requires by now; it stays as it is.",
    ),
    NoteCode.CLOSED: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: the org adds them only while the record that they belong to is a draft.",
        "If it is not a draft by now, make it one in the org before the run.",
    ),
    NoteCode.REOPENED: NoteText(
        NoteWeight.WARNING,
        "{n} of {table}: each is made a draft while what it lost is added, then it is what it was; "
        "flows run as if it were activated again, and the date of that is new.",
        "Should the run stop in between, `unlost restore resume` finishes it.",
    ),
    NoteCode.TYPED: NoteText(
        NoteWeight.NOTE, "{n} of {table}: with values that were typed, or given to somebody else."
    ),
    NoteCode.BY_CASCADE: NoteText(
        NoteWeight.NOTE, "{n} of {table}: out of the bin together with the record they belong to."
    ),
    NoteCode.LEFT_IN_BIN: NoteText(
        NoteWeight.NOTE,
        "{n} of {table}: in the bin still, but what they belong to is gone for ever; they come back "
        "with new ids.",
    ),
}

WHY_NEVER = {
    NeverReason.FORMULA: (NoteWeight.NOTE, "computed anew by the org"),
    NeverReason.AUTO_NUMBER: (NoteWeight.WARNING, "numbered anew"),
    NeverReason.SYSTEM: (NoteWeight.NOTE, "set by the org itself"),
    NeverReason.READ_ONLY: (NoteWeight.WARNING, "read-only"),
    NeverReason.NO_PERMISSION: (NoteWeight.WARNING, "not for the writing user to set"),
    NeverReason.BY_PLATFORM: (NoteWeight.NOTE, "set by the org from other values"),
}


@dataclass(frozen=True, slots=True)
class Prospect:
    """All inputs of notes.

    ``never`` counts records that cannot come back, by table; ``unlooked`` are tables that could not
    be queried.
    """

    drafts: Sequence[DraftStep]
    schema: Schema
    capabilities: Capabilities
    never: Mapping[str, int]
    unlooked: Sequence[str]
    missing: Sequence[MissingPermission]
    quotas: Sequence[Quota]
    estimate: Estimate


def predict(prospect: Prospect) -> tuple[PlanNote, ...]:
    """All notes, the most severe first."""
    notes = [
        *_remarks(prospect),
        *_permissions(prospect),
        *_storage(prospect),
        *_columns(prospect),
        *_unread(prospect),
        *_whole(prospect),
        *_side_effects(prospect),
        *(_never(name, count, prospect) for name, count in sorted(prospect.never.items())),
        *_unsure(prospect),
    ]
    order = list(reversed(NoteWeight))
    return tuple(sorted(notes, key=lambda note: order.index(note.weight)))


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
        reason = prospect.capabilities(table).reason or "the org or the rights do not allow it."
        sentence = words.sentence.format(n=_count(count), table=table, column=column, reason=reason)
        yield PlanNote(remark.value, words.weight, sentence, words.next_step, table, column, count)


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
        yield PlanNote(
            "permission-missing",
            NoteWeight.BLOCK,
            permission.sentence,
            f"Give the writing user: {permission.permission}.",
            permission.table,
        )


def _would_need(step: DraftStep, capability: WriteCapability) -> Iterator[WriteOp]:
    """Operations on a record, including operations that would be needed if they were allowed.

    Without the right to change records no column of the plan is changed: the remarks show that.
    """
    if step.comes_anew or NoteCode.CREATE_NOT_ALLOWED in step.remarks:
        yield WriteOp.CREATE
    if step.action is Action.CREATE:
        changes = bool(step.late or capability.late)
    else:
        changes = step.action is not Action.UNCHANGED or bool(step.remarks)
    if changes and NoteCode.CREATE_NOT_ALLOWED not in step.remarks:
        yield WriteOp.UPDATE


def _storage(prospect: Prospect) -> Iterator[PlanNote]:
    """Allowances that the run would exceed. A source lists the most important one first."""
    cost = prospect.estimate
    seen = set()
    for quota in prospect.quotas:
        files = "file" in quota.name.lower()
        room = quota.limit - quota.used
        if (quota.unit, files) in seen or quota.unit not in ("bytes", "calls"):
            continue
        seen.add((quota.unit, files))
        if quota.unit == "calls":
            needed = cost.calls
            what = f"{needed:,} of “{quota.name}”, and {room:,.0f} are left"
        else:
            needed = cost.file_bytes if files else cost.data_bytes
            what = f"{needed / MIB:,.1f} MB of “{quota.name}”, and {room / MIB:,.1f} MB are left"
        if needed > room:
            yield PlanNote(
                "quota-short",
                NoteWeight.WARNING,
                f"The restore needs about {what}.",
                "Make room first; a run that finds none waits and can be resumed.",
            )


def _columns(prospect: Prospect) -> Iterator[PlanNote]:
    """Columns whose values do not come back with created records, by table and reason.

    Columns that the org sets itself are the same everywhere, and reported once.
    """
    names: dict[tuple[str, NeverReason | None], set[str]] = defaultdict(set)
    records: Counter[tuple[str, NeverReason | None]] = Counter()
    for draft in prospect.drafts:
        if draft.action is not Action.CREATE:
            continue
        table = draft.key.table
        never = {
            never_column.column: never_column.reason
            for never_column in prospect.capabilities(table).never
        }
        reasons: dict[str, NeverReason | None] = {c: never[c] for c in draft.facts.unsettable}
        reasons.update(dict.fromkeys(draft.facts.strange))
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
    code, weight, words = "column-gone", NoteWeight.WARNING, "no such column in the org any more"
    if reason is not None:
        code = f"column-{reason.value}"
        weight, words = WHY_NEVER[reason]
    of = f" of {table}" if table is not None else ""
    sentence = f"{_count(count)}{of}: {words}: {_named(names)}."
    column = names[0] if len(names) == 1 else None
    return PlanNote(code, weight, sentence, "", table, column, count)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _unread(prospect: Prospect) -> Iterator[PlanNote]:
    """Columns that are not set because their old values are lost in the vault, by table."""
    names: dict[str, set[str]] = defaultdict(set)
    records: Counter[str] = Counter()
    for draft in prospect.drafts:
        if draft.facts.unread and draft.action in (Action.CREATE, Action.UPDATE):
            names[draft.key.table].update(draft.facts.unread)
            records[draft.key.table] += 1
    for table, columns in sorted(names.items()):
        sentence = (
            f"{_count(records[table])} of {table}: the vault has lost what they had in these columns, so "
            f"they are left empty, or as they are: {_named(sorted(columns))}."
        )
        column = next(iter(columns)) if len(columns) == 1 else None
        step = "Set them by hand afterwards, or choose an older backup."
        yield PlanNote(
            "value-unknown", NoteWeight.WARNING, sentence, step, table, column, records[table]
        )


def _whole(prospect: Prospect) -> Iterator[PlanNote]:
    """Notes about all created or undeleted records."""
    new = [draft for draft in prospect.drafts if draft.comes_anew]
    if new:
        sentence = f"{_count(len(new))} come back with a new id; links from outside do not follow."
        yield PlanNote("new-id", NoteWeight.NOTE, sentence, count=len(new))
    plain = [m for m in new if not prospect.capabilities(m.key.table).audit]
    if plain:
        sentence = (
            f"{_count(len(plain))} come back with the time of the restore and the writing user as "
            f"their creation."
        )
        step = "Let the writing user set audit fields, where the org can allow it."
        yield PlanNote("authors-new", NoteWeight.WARNING, sentence, step, count=len(plain))
    tables = {m.key.table for m in prospect.drafts if m.action is Action.UNDELETE}
    owners = sorted(tables & _masters(prospect.schema))
    if owners:
        sentence = (
            f"Out of the bin, {', '.join(owners)} bring back everything that went with them, also "
            f"what is not in this plan."
        )
        yield PlanNote("bin-brings-details", NoteWeight.NOTE, sentence)


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
    written = Counter(
        draft.key.table
        for draft in prospect.drafts
        if draft.action not in (Action.UNCHANGED, Action.SKIP)
    )
    for table, count in sorted(written.items()):
        for effect in prospect.capabilities(table).side_effects:
            yield PlanNote("side-effect", NoteWeight.WARNING, effect, "", table, None, count)


def _never(name: str, count: int, prospect: Prospect) -> PlanNote:
    """The reason why records of a table are not in the plan."""
    table = prospect.schema.table(name)
    capability = prospect.capabilities(name)
    code, weight, words = _reason(table, capability)
    sentence = f"{_count(count)} of {name} do not come back: {words}"
    return PlanNote(code, weight, sentence, "", name, None, count)


def _reason(table: Table | None, capability: WriteCapability) -> tuple[str, NoteWeight, str]:
    if table is None:
        return "table-gone", NoteWeight.WARNING, capability.reason
    if table.has(TableTrait.CONFIGURATION):
        return (
            "table-configuration",
            NoteWeight.NOTE,
            "configuration is left to its administrators.",
        )
    if capability.birth is Birth.NEVER:
        return "table-never", NoteWeight.NOTE, capability.reason or "the org alone writes them."
    return (
        "table-not-allowed",
        NoteWeight.WARNING,
        capability.reason or "the writing user may not write them.",
    )


def _unsure(prospect: Prospect) -> Iterator[PlanNote]:
    for table in prospect.unlooked:
        sentence = (
            f"Nobody could look whether records of {table} that are referred to are still there; "
            f"they are taken to be."
        )
        yield PlanNote("parents-unknown", NoteWeight.NOTE, sentence, "", table)


def _count(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
