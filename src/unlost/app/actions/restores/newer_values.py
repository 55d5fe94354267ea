"""Values that a plan leaves alone: they were changed again after the damage that it repairs.

    before the damage ──> the damage ──> a later value      the plan keeps the later value

The plan compares the three with the org. It stores no values: they are read from the vault, with the
rights of the actor. A change after the newest backup is known, but not yet its value.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlost.app.actions.records.history import ChangedField, field_line
from unlost.app.records.last_changes import UNKNOWN_CHANGE, LastChange, last_changes
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.stored_cells import stored_cells
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.records.explain import FieldChange
from unlost.engine.restore.values.cells import different
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import PlanStep, RestorePlan, SelectionKind
from unlost.model.ports.vault import Snapshot, VaultReader

SHOWN = 25  # records


@dataclass(frozen=True, slots=True)
class NewerRecord:
    """A record that keeps later values: ``old`` ones of ``fields`` are from before the damage.

    ``change`` is the last change of the record in the newest backup. ``unseen``: the values changed
    after the newest backup, so that ``fields`` shows the damage.
    """

    table: str
    label: str
    record: str
    name: str
    fields: tuple[ChangedField, ...]
    change: LastChange
    unseen: bool


@dataclass(frozen=True, slots=True)
class NewerRecords:
    """The records of a plan that keep later values: the first ones, and the number of all.

    ``columns`` are those that the plan repairs. ``snapshot`` has the values from before.
    """

    total: int
    snapshot: int
    columns: tuple[str, ...]
    records: tuple[NewerRecord, ...]


def newer_records(
    vault: VaultReader, org: ProtectedOrg, plan: RestorePlan, *, newest: Snapshot
) -> NewerRecords | None:
    """Return the records that keep later values; None if the plan repairs no chosen columns."""
    selection = plan.selection
    repairs = selection.kind in (SelectionKind.CHANGED, SelectionKind.RECORDS)
    if not repairs or selection.until is None or not selection.columns:
        return None
    steps = [step for step in plan.steps if NoteCode.CHANGED_SINCE.value in step.notes]
    if not steps:
        return None
    damage = vault.at(org.oid, selection.until, forgotten=True)
    by_place: dict[tuple[str, int], list[PlanStep]] = defaultdict(list)
    for step in steps[:SHOWN]:
        by_place[step.table, step.snapshot or plan.snapshot].append(step)
    records = (
        record
        for (table, number), some in by_place.items()
        for record in _Reader(
            vault.at(org.oid, number, forgotten=True), damage, newest, selection.columns
        ).records(table, some)
    )
    return NewerRecords(len(steps), plan.snapshot, selection.columns, tuple(records))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values from before the damage, of the damage, and of the newest backup."""

    before: Snapshot
    damage: Snapshot
    newest: Snapshot
    columns: Sequence[str]

    def records(self, table: str, steps: Sequence[PlanStep]) -> Iterator[NewerRecord]:
        words, names = TableWords(self.newest.schema()), RecordNames(self.newest)
        described = words.table(table)
        if described is None:
            return
        columns = [name for name in self.columns if described.column(name) is not None]
        live = [step.live or step.record for step in steps]
        before = stored_cells(self.before, table, [step.record for step in steps], columns)
        damage = stored_cells(self.damage, table, [step.record for step in steps], columns)
        newest = stored_cells(self.newest, table, live, columns)
        changes = last_changes(self.newest, table, live)
        named = names.of([table], live)
        for step, live_id in zip(steps, live, strict=True):
            now = newest.get(live_id, {})
            wanted, wrong = before.get(step.record, {}), damage.get(step.record, {})
            unset = [name for name in columns if name not in step.columns]
            seen = different(described, wrong, now, unset)
            shown = seen or different(described, wanted, wrong, unset)
            fields = (FieldChange(name, wanted.get(name), now.get(name)) for name in shown)
            yield NewerRecord(
                table,
                words.label(table),
                step.record,
                named.get(live_id, ""),
                tuple(field_line(change, described, names) for change in fields),
                changes.get(live_id, UNKNOWN_CHANGE) if seen else UNKNOWN_CHANGE,
                not seen,
            )
