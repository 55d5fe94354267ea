"""Plan the updates of parents of archived records, such as the account of archived cases."""

from collections import Counter
from collections.abc import Iterable, Sequence

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.planning.undo import POINTERS as UNDO_POINTERS
from unlost.model.archive import ARCHIVED_PAGE, ArchivePolicy, ParentPointer
from unlost.model.errors import UsageError
from unlost.model.message import Message, message
from unlost.model.plan import ActionReason, NoteWeight, PlanNote, PlanStep, PointerUpdate
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Table, WireKind

POINTERS = "archive-pointers"
WRONG = "archive-pointer-column"
NUMBERS = (WireKind.INTEGER, WireKind.DECIMAL)


def check_pointer(survey: RestoreSurvey, policy: ArchivePolicy, *, address: str) -> None:
    """Refuse a pointer whose columns do not exist or cannot be written.

    ``address``: begins the addresses of records; empty if the console has none. Raises UsageError
    (``archive-pointer-column``, ``archive-pointer-empty``, ``archive-pointer-address``).
    """
    pointer = policy.pointer
    if pointer is None:
        return
    parent = _parent(survey, policy, pointer)
    if not (pointer.count or pointer.link):
        raise UsageError(
            "archive-pointer-empty",
            "The pointer of the policy names no column for the count or for the link.",
            next_step="Name a column for the count, for the link, or for both.",
        )
    if pointer.count:
        _check_column(survey, parent, pointer.count, NUMBERS)
    if pointer.link:
        _check_column(survey, parent, pointer.link, (WireKind.TEXT,))
    if pointer.link and not address:
        raise UsageError(
            "archive-pointer-address",
            "A link to archived records needs the address of the console, which is not set.",
            next_step="Set it with `unlost alerts address URL`.",
        )


def pointers_of(
    survey: RestoreSurvey,
    copy: Snapshot,
    policy: ArchivePolicy,
    steps: Sequence[PlanStep],
    *,
    address: str,
) -> tuple[PointerUpdate, ...]:
    """The updates of live records that stay, with the number of planned records of each."""
    pointer = policy.pointer
    if pointer is None:
        return ()
    parent = _parent(survey, policy, pointer)
    roots = [step.record for step in steps if step.why is ActionReason.SELECTED]
    rows = copy.get(policy.table, roots, columns=[pointer.column])
    counts = Counter(filter(None, rows[pointer.column].to_pylist()))
    leaving = {step.record for step in steps if step.table == parent.name}
    live = survey.alive(parent.name, counts.keys() - leaving)
    updates = tuple(
        PointerUpdate(
            parent.name,
            record,
            dict(_values(pointer, counts[record], f"{address}/{parent.name}/{record}/")),
        )
        for record in sorted(live)
    )
    _check_length(parent, pointer, updates)
    return updates


def pointed(notes: Iterable[PlanNote]) -> int:
    """The number of records that stay and that a plan with these notes updates."""
    return sum(note.count for note in notes if note.code in (POINTERS, UNDO_POINTERS))


def pointer_notes(pointers: Sequence[PointerUpdate]) -> Iterable[PlanNote]:
    """The note of a plan about the records that it also updates."""
    if pointers:
        yield PlanNote.of(
            POINTERS,
            NoteWeight.NOTE,
            "{records} of {table} stay and are updated ({columns}) with the number of archived "
            "records, a link to them, or both.",
            table=pointers[0].table,
            count=len(pointers),
            columns=", ".join(sorted(pointers[0].values)),
        )


def _values(pointer: ParentPointer, count: int, link: str) -> Iterable[tuple[str, str]]:
    if pointer.count:
        yield pointer.count, str(count)
    if pointer.link:
        yield pointer.link, f"{link}{ARCHIVED_PAGE}"


def _parent(survey: RestoreSurvey, policy: ArchivePolicy, pointer: ParentPointer) -> Table:
    table = survey.tables.get(policy.table)
    column = table.column(pointer.column) if table is not None else None
    reference = column.reference if column is not None else None
    fits = reference is not None and reference.holds_one_id
    parents = reference.tables if reference is not None and fits else ()
    parent = survey.tables.get(parents[0]) if len(parents) == 1 else None
    if parent is None:
        raise _wrong(
            policy.table,
            pointer.column,
            message(WRONG, "It does not refer to records of one table."),
        )
    return parent


def _check_column(
    survey: RestoreSurvey, parent: Table, name: str, kinds: Sequence[WireKind]
) -> None:
    column = parent.column(name)
    if column is None:
        raise _wrong(parent.name, name, message(WRONG, "The org has no such column."))
    if name == parent.name_column:
        raise _wrong(parent.name, name, message(WRONG, "It is the name of the record."))
    if column.kind not in kinds:
        reason = message(
            WRONG,
            "A count needs a column for numbers, and a link needs a text column. The kind of this "
            "column is {kind}.",
            kind=column.kind.value,
        )
        raise _wrong(parent.name, name, reason)
    if name not in survey.capability(parent.name).changeable:
        raise _wrong(parent.name, name, message(WRONG, "The write user may not change it."))


def _check_length(table: Table, pointer: ParentPointer, updates: Sequence[PointerUpdate]) -> None:
    column = table.column(pointer.link) if pointer.link else None
    if column is None:
        return
    length = max((len(update.values[column.name] or "") for update in updates), default=0)
    if 0 < column.length < length:
        raise _wrong(
            table.name,
            column.name,
            message(
                WRONG,
                "It holds {length} characters, and a link has {needed}.",
                length=column.length,
                needed=length,
            ),
        )


def _wrong(table: str, column: str, reason: Message) -> UsageError:
    return UsageError(
        "archive-pointer-column",
        "The pointer of the policy cannot use {table}.{column}. {reason}",
        next_step="Choose another column in the policy, or let the write user change it.",
        table=table,
        column=column,
        reason=reason,
    )
