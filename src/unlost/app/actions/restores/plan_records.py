"""The records of a plan, table by table: the planned action of each, with notes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unlost.app.access import action
from unlost.app.actions.restores.kept_plan import read_stored_plan
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.last_changes import UNKNOWN_CHANGE, LastChange, last_changes
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.record_names import record_names
from unlost.app.records.table_words import TableWords
from unlost.app.restores.plan_words import labelled
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.access import Right, Trace
from unlost.model.message import Message
from unlost.model.plan import Action, ActionReason, EmptyReference, PlanStep, RestorePlan

MOST = 200


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """The planned action on a record. ``because``: the record that brought it in (TABLE/ID).

    ``notes`` are sentences of the plan, ``messages`` the same to be translated; ``columns`` are set
    on a live record. ``empty`` references stay empty. ``twin``: the live record that took its unique
    value. ``change``: the last change of the record in the newest backup.
    ``because_name``: the table's label and the name of ``because``.
    """

    table: str
    record: str
    name: str
    action: Action
    why: ActionReason
    because: str | None
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    empty: tuple[EmptyReference, ...] = ()
    twin: str | None = None
    messages: tuple[Message, ...] = ()
    change: LastChange = UNKNOWN_CHANGE
    because_name: str = ""

    @property
    def keeps_newer(self) -> bool:
        """True if nothing is written, since a later change is kept."""
        changed = any(note.code == NoteCode.CHANGED_SINCE.value for note in self.messages)
        return changed and self.action is Action.UNCHANGED


@dataclass(frozen=True, slots=True)
class PlannedRecords:
    """Records of one table, beginning with number ``start`` of ``total``.

    ``columns`` are the labels of the columns that they name, by TABLE.COLUMN.
    """

    org: str
    plan: str
    table: str
    label: str
    start: int
    total: int
    records: tuple[PlannedRecord, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"


@action("restore.records", Right.RESTORE, trace=Trace.READ, subject=("plan", "table"))
def plan_records(
    app: Application, org: str, plan: str, table: str, *, start: int = 0, most: int = MOST
) -> PlannedRecords:
    """List the records of a plan, table by table.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), UsageError (``page-invalid``).
    """
    check_page(start=start, most=most)
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    steps = [step for step in restore_plan.steps if step.table == table and not step.is_left_out]
    shown = steps[start : start + most]
    snapshot = app.vault.at(known.oid, restore_plan.snapshot, forgotten=True)
    words = TableWords(snapshot.schema())
    titles = record_names(app, known, snapshot)
    names = titles.of([table], [step.record for step in shown])
    because = _because(titles, shown, words)
    changes = last_changes(
        newest_backup(app.vault, known), table, [step.live or step.record for step in shown]
    )
    records = tuple(
        replace(
            record,
            change=changes.get(step.live or step.record, UNKNOWN_CHANGE),
            because_name=because.get(step.because or "", ""),
        )
        for step, record in zip(shown, _records(restore_plan, shown, names, words), strict=True)
    )
    return PlannedRecords(
        org,
        plan,
        table,
        words.label(table, count=len(steps)),
        start,
        len(steps),
        records,
        {f"{table}.{name}": words.column(table, name) for name in _columns(records)},
        known.identity.zone,
    )


def _columns(records: Sequence[PlannedRecord]) -> Iterator[str]:
    for record in records:
        yield from record.columns
        yield from (reference.column for reference in record.empty)


def _because(
    titles: RecordNames, steps: Sequence[PlanStep], words: TableWords
) -> Mapping[str, str]:
    """Return the labels and names of the records that brought others into a plan, by TABLE/ID."""
    by_table: dict[str, list[str]] = defaultdict(list)
    for text in dict.fromkeys(step.because for step in steps if step.because):
        table, _, record = text.partition("/")
        by_table[table].append(record)
    return {
        f"{table}/{record}": f"{words.label(table)} {named.get(record, record)}"
        for table, records in by_table.items()
        for named in (titles.of([table], records),)
        for record in records
    }


def _records(
    plan: RestorePlan, steps: Sequence[PlanStep], names: Mapping[str, str], words: TableWords
) -> Sequence[PlannedRecord]:
    noted = {(note.code, note.table): note.message for note in labelled(plan.notes, words)}

    def messages(step: PlanStep) -> Iterator[Message]:
        for code in step.notes:
            yield noted.get((code, step.table)) or noted.get((code, None)) or Message(code, code)

    empty: dict[tuple[str, str], list[EmptyReference]] = defaultdict(list)
    for reference in plan.empty:
        empty[reference.table, reference.record].append(reference)
    twins = {(twin.table, twin.record): twin.live for twin in plan.twins}
    return [
        PlannedRecord(
            step.table,
            step.record,
            names.get(step.record, ""),
            step.action,
            step.why,
            step.because,
            step.columns,
            tuple(message.sentence for message in messages(step)),
            tuple(empty.get((step.table, step.record), ())),
            twins.get((step.table, step.record)),
            tuple(messages(step)),
        )
        for step in steps
    ]
