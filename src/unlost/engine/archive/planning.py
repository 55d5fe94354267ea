"""Plan an archive: the records of a policy that leave the org, in groups, as a plan like any other.

    graph of the policy ──▶ records that go ──▶ groups of records that refer to each other
                                                     └─▶ steps: DELETE, details with their masters

The plan is computed from the newest backup, and the archives since. Records that changed in the org since, and records to
which new ones refer, stay with all of their group. The run verifies each copy before it deletes
anything (``engine.restore.running.passes.archiving``). A plan has a limited number of records: the
next plan takes the next ones. See docs/adr/0049 and docs/adr/0051.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
import polars as pl

from unlost.engine.archive.choosing import (
    CHANGED,
    LOCKED,
    REFERRED,
    UNDELETABLE,
    UNREADABLE,
    ArchiveChoice,
    ArchivedRecord,
)
from unlost.engine.archive.copied_files import check_copies, copy_notes, marked_copied
from unlost.engine.archive.effect_notes import effect_notes
from unlost.engine.archive.effects import effects_of, leaving_ids
from unlost.engine.archive.graph import NO_FACTS, ArchiveGraph, collect
from unlost.engine.archive.groups import BinLimit
from unlost.engine.archive.leaving_order import order_of
from unlost.engine.archive.members import ID, NODE
from unlost.engine.archive.pointers import check_pointer, pointer_notes, pointers_of
from unlost.engine.archive.preview import bytes_of, stays_of, without_newest
from unlost.engine.archive.recycle_bin import bin_capacity, bin_room
from unlost.engine.archive.selected import SelectedShare, large_shares
from unlost.engine.archive.versions import freed_kind
from unlost.engine.restore.journal.archives import uncommitted
from unlost.engine.restore.planning.notes.automation import automation_notes, needed_bypass
from unlost.engine.restore.planning.notes.predict import WORDS, NoteText
from unlost.engine.restore.planning.plan import schema_digest
from unlost.engine.restore.planning.selection import MAX_STEPS
from unlost.engine.restore.planning.shown.estimate import seconds_of
from unlost.engine.restore.planning.survey import PlanPorts, RestoreSurvey
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.plan_file import sealed
from unlost.model.archive import ArchivePolicy, LeavingTable, StayReason
from unlost.model.archive_effects import ArchiveEffects
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.errors import UsageError
from unlost.model.plan import (
    NO_WRITER,
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
    plan_format,
)
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import TableTrait
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import WriteOp
from unlost.model.storage import StorageRule
from unlost.model.vault.retention import Hold

KB, MB = 1_000, 1_000_000
REST, LIMITS, FREES, MISSING = "archive-rest", "archive-limits", "archive-frees", "archive-missing"
HARD, LARGE = "archive-hard", "archive-large"
UNSEEN, CUT = "archive-unseen", "archive-bin-cut"
STAYS = {
    CHANGED: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} changed in the org after the backup. They stay, with all that would go "
        "with them.",
        "A new plan after the next backup can include them.",
    ),
    REFERRED: NoteText(
        NoteWeight.NOTE,
        "Records that came after the backup refer to {records} of {table}, which stay.",
        "Plan again once a backup has the new records.",
    ),
    LOCKED: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} are activated, and stay with all that would go with them.",
        "Deactivate them in the org if they may go.",
    ),
    UNDELETABLE: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} cannot be deleted, and stay with all that would go with them.",
        "Give the write user the right to delete them, if the org allows it.",
    ),
    UNREADABLE: NoteText(
        NoteWeight.NOTE,
        "The vault cannot give back all values of {records} of {table}, which stay.",
        "Run `unlost verify --level full`.",
    ),
}

# The reasons that the newest backup shows, as the preview has them.
CAUSES = {
    StayReason.BRANCH: NoteText(
        NoteWeight.NOTE, "{records} stay, because the policy stops at {column} of {table}."
    ),
    StayReason.RESTRICT: NoteText(
        NoteWeight.NOTE,
        "{records} stay, because records of {table} that stay refer to them by {column}.",
    ),
    StayReason.CHANGED: NoteText(
        NoteWeight.NOTE, "{records} of {table} were changed recently, and stay."
    ),
    StayReason.HOLD: NoteText(NoteWeight.NOTE, "{records} of {table} are on legal hold, and stay."),
    StayReason.SHARED: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} stay, because records that stay, people or public links use them.",
    ),
    StayReason.HOLDER_ON_HOLD: NoteText(
        NoteWeight.NOTE, "{records} of {table} stay, because they belong to records on legal hold."
    ),
    StayReason.PROTECTED: NoteText(
        NoteWeight.NOTE,
        "{records} of {table} are protected ({protection}), and stay.",
        "A policy can include them by the name of the protection.",
    ),
}


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """The order for a plan. ``most``: records of the plan. ``without``: records that stay.

    ``shared``: the kinds of files that records share in this org. ``rules``: how its storages count.
    ``address``: begins the addresses of records in the console; empty if it has none. ``limits``:
    bytes of each storage, as backups reported them.
    """

    policy: ArchivePolicy
    shared: tuple[SharedFile, ...] = ()
    rules: Mapping[str, StorageRule] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    most: int = MAX_STEPS
    without: frozenset[RecordKey] = frozenset()
    facts: ArchiveFacts = NO_FACTS
    address: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)


def plan_archive(org: str, ports: PlanPorts, order: ArchiveRequest, *, plan_id: str) -> RestorePlan:
    """The plan that archives records of a policy, from the newest backup and the archives since.

    Raises UsageError (``archive-nothing``, ``archive-gap``, ``archive-unlooked``,
    ``archive-not-allowed``, and those of a policy that cannot be used), NotAllowed
    (``write-no-hard-delete``), NotFound (``no-backup-yet``), and the errors of the ports.
    """
    survey = RestoreSurvey(org, ports)
    _check_allowed(survey, order.policy)
    check_copies(survey, freed_kind(order.policy, order.shared))
    check_pointer(survey, order.policy, address=order.address)
    copy = ports.vault.at(org, _newest(survey), forgotten=True)
    now = ports.clock.now()
    graph = collect(
        copy, order.policy, shared=order.shared, holds=order.holds, facts=order.facts, now=now
    )
    links = frozenset(kind.links for kind in order.shared)
    activated = order.facts.named_tables(order.policy.include)
    choice = ArchiveChoice(survey, copy, graph, links=links, activated=activated)
    choice.keep(order.without)
    kind, bin_limit = freed_kind(order.policy, order.shared), _bin_limit(order, copy, graph)
    sequence = order_of(copy, order.policy, graph, rules=order.rules, kind=kind)
    records = choice.choose(most=order.most, order=sequence, bin_limit=bin_limit)
    steps = tuple(marked_copied(copy, _steps(choice, records), kind))
    if not steps:
        raise _nothing(choice, most=order.most, bin_limit=bin_limit)
    return _plan(survey, order, choice, steps, plan_id)


def _newest(survey: RestoreSurvey) -> int:
    """The newest commit: archives after the last backup count. Raises NotFound (``no-backup-yet``)."""
    return max(survey.newest, survey.ports.vault.commits(survey.org)[-1].number)


def _check_allowed(survey: RestoreSurvey, policy: ArchivePolicy) -> None:
    capability = survey.capability(policy.table)
    known = policy.table in survey.tables
    if known and not capability.allows(WriteOp.DELETE):
        raise UsageError(
            "archive-not-allowed",
            "The write user may not delete records of {table}. {reason}",
            next_step="Give the user this right, then plan again.",
            table=policy.table,
            reason=capability.reason,
        )
    if policy.hard_delete:
        survey.ports.writer.check_hard_delete()


def _bin_limit(order: ArchiveRequest, copy: Snapshot, graph: ArchiveGraph) -> BinLimit | None:
    """The limit of a plan by the whole recycle bin; None if its records skip it, or it is unknown."""
    rule = order.facts.bin
    limit = order.limits.get(rule.storage, 0.0) if rule is not None else 0.0
    capacity = bin_capacity(rule, limit) if rule is not None else 0
    if not capacity or order.policy.hard_delete:
        return None
    enters = np.zeros(graph.members.count, dtype=np.bool_)
    for table in copy.schema().tables:
        if table.has(TableTrait.UNDELETE):
            enters[graph.members.of([table.name])[NODE].to_numpy()] = True
    return BinLimit(enters, capacity)


def _nothing(choice: ArchiveChoice, *, most: int, bin_limit: BinLimit | None) -> UsageError:
    if choice.goes and bin_limit is not None and bin_limit.most < most:
        return UsageError(
            "archive-bin-group",
            "The smallest group of related records does not fit into the recycle bin, which can have "
            "{capacity:,} records.",
            next_step="Narrow the policy, or let it delete without the recycle bin (`hard_delete`).",
            capacity=bin_limit.most,
        )
    if choice.goes:
        return UsageError(
            "archive-group-large",
            "The smallest group of related records has more than {limit:,} records.",
            next_step="Allow more records, at most {most:,}, or narrow the policy.",
            limit=most,
            most=MAX_STEPS,
        )
    stays = len(choice.reasons())
    if stays:
        return UsageError(
            "archive-all-stay",
            "No record can leave the org: {stays:,} records changed in the org, are referred to by new "
            "ones, are activated, or cannot be deleted. All others stay with them.",
            next_step="Back up, then plan again.",
            stays=stays,
        )
    causes = [note.message for note in _causes(choice)]
    if causes:
        return UsageError(
            "archive-nothing",
            "None of the {selected:,} selected records can leave the org. {reason}",
            next_step="Select other records, or change the policy.",
            selected=choice.selected,
            reason=causes[0],
        )
    return UsageError(
        "archive-nothing",
        "No record can leave the org: the newest backup has no live record of the selection.",
        next_step="Back up, if the org has them, then plan again.",
    )


def _plan(
    survey: RestoreSurvey,
    order: ArchiveRequest,
    choice: ArchiveChoice,
    steps: tuple[PlanStep, ...],
    plan_id: str,
) -> RestorePlan:
    kind = freed_kind(order.policy, order.shared)
    tables = [survey.table(name) for name in sorted({step.table for step in steps})]
    number = choice.copy.info.number
    leaving = tuple(_leaving(choice.copy, steps, order.rules, kind))
    pointers = pointers_of(survey, choice.copy, order.policy, steps, address=order.address)
    return sealed(
        RestorePlan(
            plan_format(steps),
            plan_id,
            survey.org,
            survey.org,
            number,
            survey.ports.clock.now(),
            Selection(SelectionKind.ARCHIVE, until=number, policy=order.policy),
            related=True,
            steps=steps,
            notes=(
                *_freed(leaving),
                *effect_notes(_effects(survey, order, choice, steps, leaving)),
                *(copy_notes(steps, kind) if kind is not None else ()),
                *_notes(survey, choice, len(steps), order.policy),
                *_drafts(steps),
                *_missing(choice, order.policy),
                *pointer_notes(pointers),
                *automation_notes(survey, steps, besides={pointer.table for pointer in pointers}),
            ),
            estimate=_estimate(survey, steps, hard=order.policy.hard_delete),
            schema=schema_digest(tables),
            bypass=needed_bypass(survey, steps),
            pointers=pointers,
        )
    )


def _sort_key(record: ArchivedRecord) -> tuple[int, int, str, str]:
    return record.group, record.level, record.key.table, record.key.record


def _steps(choice: ArchiveChoice, records: Sequence[ArchivedRecord]) -> tuple[PlanStep, ...]:
    number = choice.copy.info.number
    return tuple(_step(record, number) for record in sorted(records, key=_sort_key))


def _step(record: ArchivedRecord, snapshot: int) -> PlanStep:
    return PlanStep(
        record.key.table,
        record.key.record,
        Action.DELETE,
        ActionReason.SELECTED if record.selected else ActionReason.CHILD,
        record.version,
        record.digest,
        snapshot,
        record.level,
        record.key.record,
        columns=tuple(sorted(record.circular)),
        late=record.late,
        because=str(record.master) if record.master is not None else None,
        notes=(NoteCode.DRAFT_FIRST.value,) if record.late else (),
        group=record.group,
    )


def _notes(
    survey: RestoreSurvey, choice: ArchiveChoice, planned: int, policy: ArchivePolicy
) -> Iterator[PlanNote]:
    if survey.ports.basis is PlanBasis.BACKUP_USER:
        yield PlanNote.of(
            NO_WRITER,
            NoteWeight.WARNING,
            "This is a preview, made with the backup user, which can only read. The permissions to "
            "write are not checked.",
            "To run the plan, add a write user, then plan again.",
        )
    yield from _causes(choice)
    yield from _large(choice)
    stays: Counter[tuple[str, str]] = Counter(
        (code, key.table) for key, code in choice.reasons().items()
    )
    for (code, table), count in sorted(stays.items()):
        words = STAYS[code]
        yield PlanNote.of(code, words.weight, words.template, words.next_step, table, count=count)
    rest = choice.goes - planned
    if choice.beyond_bin:
        yield PlanNote.of(
            CUT,
            NoteWeight.NOTE,
            "The records of the policy do not fit into the recycle bin together. This plan has only as "
            "many as the recycle bin can have.",
        )
    if rest:
        yield PlanNote.of(
            REST,
            NoteWeight.NOTE,
            "{rest:,} more records of the policy can leave the org. A plan has a limited size.",
            "Plan again after this run.",
            rest=rest,
        )
    if policy.hard_delete:
        yield PlanNote.of(
            HARD,
            NoteWeight.WARNING,
            "These records skip the recycle bin, so you cannot bring them back from there. Reports and "
            "totals in the org no longer count them. An undo creates a record again with its values, "
            "files and related records, but with a new id and number.",
        )
        if choice.without_deletions:
            yield PlanNote.of(
                UNSEEN,
                NoteWeight.WARNING,
                "The org does not list deletions of {tables}. If more of these records vanish than "
                "planned, the run does not see it, and goes on.",
                tables=", ".join(choice.without_deletions),
            )
        return
    if policy.frees_versions:
        return  # reports still count the new files
    yield PlanNote.of(
        LIMITS,
        NoteWeight.NOTE,
        "Reports and totals in the org lose these records. A record that comes back has its values, "
        "files and related records; if it has left the recycle bin, it gets a new id and number.",
    )


def large_share(notes: Sequence[PlanNote]) -> SelectedShare | None:
    """Return the first table of which more than half leaves by the policy of a plan."""
    note = next((note for note in notes if note.code == LARGE), None)
    if note is None:
        return None
    return SelectedShare(note.count, int(str(note.args["total"])), str(note.table))


def rest_of(notes: Sequence[PlanNote]) -> int:
    """Return the number of records that can leave by the policy of a plan, but are not planned."""
    return sum(int(str(note.args["rest"])) for note in notes if note.code == REST)


def _large(choice: ArchiveChoice) -> Iterator[PlanNote]:
    """Yield notes on tables of which the policy takes more than half, in this plan and later ones."""
    graph, going = choice.graph, choice.graph.going()
    leaving = {table: len(leaving_ids(graph, going, table)) for table in graph.members.tables}
    for share in large_shares(choice.copy, {t: count for t, count in leaving.items() if count}):
        yield PlanNote.of(
            LARGE,
            NoteWeight.NOTE,
            "The policy takes {records} of {table}, more than half of {total:,}.",
            table=share.table,
            count=share.selected,
            total=share.records,
        )


def _causes(choice: ArchiveChoice) -> Iterator[PlanNote]:
    """The reasons why selected records stay, and records that hang on them."""
    for stay in stays_of(choice.graph, choice.graph.going()):
        cause, words = stay.cause, CAUSES[stay.cause.reason]
        named = {"protection": cause.protection} if cause.protection else {}
        yield PlanNote.of(
            f"archive-stays-{cause.reason}",
            words.weight,
            words.template,
            words.next_step,
            cause.table,
            cause.column or None,
            stay.records,
            **named,
        )


def _freed(tables: Sequence[LeavingTable]) -> Iterator[PlanNote]:
    """The storage that the plan frees, by the sizes of its records in the backup."""
    freed: Counter[str] = Counter()
    for table in tables:
        freed.update(table.bytes)
    for storage, size in sorted(freed.items()):
        yield PlanNote.of(
            FREES,
            NoteWeight.NOTE,
            "This frees {size} of “{storage}”.",
            size=f"{size / MB:,.1f} MB" if size >= MB else f"{size / KB:,.1f} kB",
            storage=storage,
        )


def _leaving(
    copy: Snapshot,
    steps: Sequence[PlanStep],
    rules: Mapping[str, StorageRule],
    kind: SharedFile | None,
) -> Iterator[LeavingTable]:
    for table in sorted({step.table for step in steps}):
        ids = pl.DataFrame({ID: [step.record for step in steps if step.table == table]})
        freed = without_newest(copy, table, ids, kind)
        yield LeavingTable(table, len(ids), bytes_of(copy, table, freed, rules))


def _effects(
    survey: RestoreSurvey,
    order: ArchiveRequest,
    choice: ArchiveChoice,
    steps: Sequence[PlanStep],
    tables: Sequence[LeavingTable],
) -> ArchiveEffects:
    """The effects of the plan's records, from the backup alone."""
    going = choice.mask([step.key for step in steps])
    kind = freed_kind(order.policy, order.shared)
    effects = effects_of(choice.copy, choice.graph, going, tables, order.facts, kind)
    rule = order.facts.bin
    limit = order.limits.get(rule.storage, 0.0) if rule is not None else 0.0
    if rule is None or not bin_capacity(rule, limit) or order.policy.hard_delete:
        return effects
    commits = survey.ports.vault.commits(survey.org)
    room = bin_room(
        choice.copy,
        rule,
        limit=limit,
        leaving=tables,
        commits=commits,
        uncommitted=uncommitted(survey.ports.vault, survey.org),
    )
    return replace(effects, bin=room)


def _drafts(steps: Sequence[PlanStep]) -> Iterator[PlanNote]:
    """Yield notes on activated records that the org deletes only as drafts."""
    words = WORDS[NoteCode.DRAFT_FIRST]
    for table, count in sorted(Counter(step.table for step in steps if step.late).items()):
        yield PlanNote.of(
            NoteCode.DRAFT_FIRST.value,
            words.weight,
            words.template,
            words.next_step,
            table,
            count=count,
        )


def _missing(choice: ArchiveChoice, policy: ArchivePolicy) -> Iterator[PlanNote]:
    """Records that a person selected and that the backup does not have as live ones."""
    missing = len(policy.ids) - choice.selected
    if policy.ids and not policy.conditions and missing > 0:
        yield PlanNote.of(
            MISSING,
            NoteWeight.WARNING,
            "The newest backup does not have {records} of {table} of the selection, or has them as "
            "deleted. They stay as they are in the org.",
            "Back up and plan again, if the org has them.",
            policy.table,
            count=missing,
        )


def _estimate(survey: RestoreSurvey, steps: Sequence[PlanStep], *, hard: bool) -> Estimate:
    read = Counter(step.table for step in steps)
    deleted = Counter((step.table, step.level) for step in steps if step.because is None)
    calls = Counter(
        {table: ceil(n / survey.capability(table).cost.rows_read) for table, n in read.items()}
    )
    for (table, _), count in deleted.items():
        capability = survey.capability(table)
        large = capability.rows_per_job and (hard or count >= capability.job_above)
        rows = capability.rows_per_job if large else capability.rows_per_call
        calls[table] += ceil(count / rows)
    for table, count in Counter(step.table for step in steps if step.late).items():
        calls[table] += 2 * ceil(count / survey.capability(table).rows_per_call)
    return Estimate(calls.total(), seconds=round(seconds_of(calls, survey.capability), 1))
