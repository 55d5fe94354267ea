"""Edit a restore plan in the console: type values, and replace the people that records refer to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa

from unlost.app.access import action
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    read_stored_plan,
    selection_of,
    what_was_typed,
)
from unlost.app.actions.restores.restore_plan import RestoreRequest
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.record_names import record_names
from unlost.app.restores.overrides import Overrides, read_value, with_edits, with_reassigned
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.restore.values.edits import Values
from unlost.engine.restore.values.taken import Snapshots, cells_of_steps
from unlost.engine.sameness import same
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import Holder, PlanStep, RecordKey, RestorePlan
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Column, Table, WireKind

MOST_PEOPLE = 300  # the most people that a drop-down list offers
MOST_READ = 5_000  # the most people of a table that are read for such a list
MOST_HOLDERS = 50
MOST_OPTIONS = 2_000  # options of all lists together, to keep the page small
ACTIVE = ("isactive", "active")  # names of columns that mark active users


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A column of a record whose value can be edited.

    ``was`` is the value in the backup, ``value`` the wanted one; ``target`` is the name of the
    record that a reference points to. ``length`` is in characters, 0 if unknown.
    """

    name: str
    label: str
    kind: WireKind
    length: int
    choices: tuple[str, ...]
    was: str | None
    value: str | None
    target: str = ""

    @property
    def column(self) -> Column:
        """The column, with the properties that matter for a value."""
        return Column(self.name, self.kind, self.label, length=self.length)

    def means(self, value: str | None) -> bool:
        """Return True if a value equals the wanted one; forms change line ends."""
        now = self.value or None
        if self.kind is WireKind.TEXT and now is not None and value is not None:
            return now.replace("\r\n", "\n") == value.replace("\r\n", "\n")
        return same(self.kind, now, value)


@dataclass(frozen=True, slots=True)
class PlannedFields:
    """A record of a plan, and its editable fields."""

    org: str
    zone: str
    plan: str
    table: str
    label: str
    record: str
    name: str
    fields: tuple[PlannedField, ...]


@dataclass(frozen=True, slots=True)
class PersonChoice:
    """A possible replacement for a person. ``active``: None if unknown."""

    record: str
    name: str
    active: bool | None


@dataclass(frozen=True, slots=True)
class HolderLine:
    """A person that ``count`` references of a plan's records point to, and possible replacements.

    ``others`` is empty if there are too many for a list.
    """

    table: str
    record: str
    name: str
    count: int
    active: bool | None
    others: tuple[PersonChoice, ...]


@dataclass(frozen=True, slots=True)
class PlanPeople:
    """The people that a plan's records refer to, inactive ones first.

    ``listed`` are as many as lists can be offered for, ``unlisted`` counts the rest.
    """

    org: str
    plan: str
    listed: tuple[HolderLine, ...]
    unlisted: int

    @property
    def total(self) -> int:
        """The number of people."""
        return len(self.listed) + self.unlisted

    @property
    def typed(self) -> bool:
        """True if a replacement has to be typed as an id, for lack of a list."""
        return any(not holder_line.others for holder_line in self.listed)


# --- values ---------------------------------------------------------------------------------------


@action("restore.fields", Right.RESTORE, trace=Trace.READ, subject=("plan", "table", "record"))
def planned_fields(app: Application, org: str, plan: str, table: str, record: str) -> PlannedFields:
    """Show the editable fields of a record of a plan, with their wanted values.

    Raises NotFound (``plan-unknown``, ``planned-record-unknown``), Conflict (``plan-not-made``),
    NotAllowed (``not-permitted``) for an actor who may not see every column.
    """
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    step = _step(restore_plan, RecordKey(table, record))
    snapshots = partial(app.vault_of(known.oid).at, known.oid, forgotten=True)
    snapshot = snapshots(step.snapshot or step.version)
    described = snapshot.schema().table(table)
    names = record_names(app, known, snapshot)
    label = described.label or table if described is not None else table
    return PlannedFields(
        org,
        known.identity.zone,
        plan,
        table,
        label,
        record,
        names.of([table], [record]).get(record, ""),
        tuple(_fields(restore_plan, step, snapshot, names, _chosen(restore_plan, step, snapshots))),
    )


@action(
    "restore.edit",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("plan", "table", "record"),
    detail=what_was_typed,
)
def edit_stored_plan(
    app: Application,
    org: str,
    plan: str,
    table: str,
    record: str,
    values: Mapping[str, str | None],
) -> PlanView:
    """Create a new plan of the same selection with these values of a record, by column.

    Other columns stay unchanged; None empties a cell. ``restore.make`` then makes the plan. Raises
    UsageError (``nothing-typed``, ``edit-value-wrong``), and as ``restore.fields``.
    """
    fields = planned_fields(app, org, plan, table, record)
    changed = {
        field.name: _cell(field, values[field.name], zone=fields.zone)
        for field in fields.fields
        if field.name in values and not field.means(values[field.name] or None)
    }
    if not changed:
        raise UsageError(
            "nothing-typed",
            "No value was changed.",
            next_step="Enter a value, or go back to the preview.",
        )
    selection = selection_of(org, plan)
    return _with_overrides(
        app, org, selection, with_edits(selection.request.otherwise, f"{table}/{record}", changed)
    )


def _with_overrides(
    app: Application, org: str, selection: RestoreRequest, overrides: Overrides
) -> PlanView:
    return choose(
        app, org, replace(selection, request=replace(selection.request, otherwise=overrides))
    )


def _cell(field: PlannedField, text: str | None, *, zone: str) -> str | None:
    return read_value(field.column, text, zone=zone) if text else None


def _step(plan: RestorePlan, key: RecordKey) -> PlanStep:
    step = next((plan_step for plan_step in plan.steps if plan_step.key == key), None)
    if step is None:
        raise NotFound(
            "planned-record-unknown",
            "The plan does not contain the record {key}.",
            next_step="Go back to the preview, and choose one of its records.",
            key=key,
        )
    return step


def _chosen(plan: RestorePlan, step: PlanStep, snapshots: Snapshots) -> Values:
    """Return the values that people chose for a record: those of other backups, and typed ones."""
    typed = {
        typed_value.column: typed_value.value
        for typed_value in plan.typed.values
        if (typed_value.table, typed_value.record) == (step.table, step.record)
    }
    taken = cells_of_steps(snapshots, [step]).get(step.key, {})
    return {**taken, **{n: v for n, v in step.edits.items() if v is not None}, **typed}


def _fields(
    plan: RestorePlan,
    step: PlanStep,
    snapshot: Snapshot,
    names: RecordNames,
    chosen: Values,
) -> Iterator[PlannedField]:
    """Yield the columns that the plan can set, in the order of the source."""
    (cells,) = snapshot.get(step.table, [step.record]).to_pylist() or [{}]
    described = snapshot.schema().table(step.table)
    now = {**cells, **chosen}
    for name in _settable(plan, step.table):
        if plan.selection.columns and name not in plan.selection.columns:
            continue  # the restore leaves it as it is
        column = described.column(name) if described is not None else None
        column = column or Column(name, WireKind.TEXT)
        value = now.get(name)
        meaning = names.meanings(column, [now]).get(value or "") if column.reference else None
        target = meaning.name if meaning is not None else ""
        yield PlannedField(
            name,
            column.label or name,
            column.kind,
            column.length,
            column.choices,
            cells.get(name),
            value,
            target,
        )


def _settable(plan: RestorePlan, table: str) -> Sequence[str]:
    return next(
        (settable.columns for settable in plan.choices.settable if settable.table == table), ()
    )


# --- people ---------------------------------------------------------------------------------------


@action("restore.people", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def plan_people(app: Application, org: str, plan: str) -> PlanPeople:
    """List the people that a plan's records refer to, inactive ones first, with replacements.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), NotAllowed (``not-permitted``)
    for an actor who may not see every column.
    """
    known = get_org(org)
    return people_of(app, known, read_stored_plan(app, known, plan), plan=plan)


def people_of(
    app: Application, org: ProtectedOrg, restore_plan: RestorePlan, *, plan: str
) -> PlanPeople:
    """List the people that a plan's records refer to; raises NotAllowed (``not-permitted``)."""
    head = app.vault_of(org.oid).newest_backup(org.oid)
    assert head is not None, "a plan stands on a backup"
    holders = restore_plan.choices.holders
    tables = dict.fromkeys(holder.table for holder in holders)
    others = {name: tuple(_others(head, name) or ()) for name in tables}
    lines = [_line(head, holder, others[holder.table]) for holder in holders[:MOST_HOLDERS]]
    lines.sort(
        key=lambda holder_line: (
            holder_line.active is not False,
            -holder_line.count,
            holder_line.name,
        )
    )
    shown = max(1, MOST_OPTIONS // max(1, *(len(other) for other in others.values())))
    return PlanPeople(org.name, plan, tuple(lines[:shown]), len(holders) - len(lines[:shown]))


@action("restore.give", Right.RESTORE, trace=Trace.READ, subject=("plan",), detail=what_was_typed)
def reassign_in_plan(app: Application, org: str, plan: str, given: Mapping[str, str]) -> PlanView:
    """Create a new plan that reassigns records from people (TABLE/ID) to others (ids).

    ``restore.make`` then makes the plan. Raises UsageError (``nobody-given``, ``id-wrong``),
    NotFound, NotAllowed.
    """
    known = get_org(org)
    app.vault_of(known.oid)
    chosen = {person: to.strip() for person, to in given.items() if to.strip()}
    chosen = {person: to for person, to in chosen.items() if to != person.partition("/")[2]}
    if not chosen:
        raise UsageError(
            "nobody-given",
            "The new owner of the records is missing.",
            next_step="Choose a person first.",
        )
    selection = selection_of(org, plan)
    return _with_overrides(
        app, org, selection, with_reassigned(selection.request.otherwise, chosen)
    )


def _others(head: Snapshot, name: str) -> list[PersonChoice] | None:
    """Return the people of a table by name, inactive ones last; None if too many for a list."""
    table, state = head.schema().table(name), head.tables().get(name)
    if table is None or state is None or state.alive > MOST_READ:
        return None
    choices = [
        choice
        for batch in head.scan(name, columns=_people_columns(table))
        for choice in _read(table, batch)
    ]
    if len(choices) > MOST_PEOPLE:
        choices = [choice for choice in choices if choice.active]
    if len(choices) > MOST_PEOPLE:
        return None
    return sorted(
        choices,
        key=lambda person_choice: (
            person_choice.active is False,
            person_choice.name.casefold(),
            person_choice.record,
        ),
    )


def _people_columns(table: Table) -> list[str]:
    """Return the columns with a person's name and active state."""
    return [column for column in (table.name_column, _active(table)) if column is not None]


def _active(table: Table) -> str | None:
    return next((c.name for c in table.columns if c.name.lower() in ACTIVE), None)


def _read(table: Table, rows: pa.Table | pa.RecordBatch) -> Iterator[PersonChoice]:
    name, active = table.name_column or "", _active(table) or ""
    for row in rows.select(["_u_id", *_people_columns(table)]).to_pylist():
        there = row.get(active)
        yield PersonChoice(
            row["_u_id"], row.get(name) or "", None if there is None else there.lower() == "true"
        )


def _line(head: Snapshot, holder: Holder, others: tuple[PersonChoice, ...]) -> HolderLine:
    """Describe a referenced person, as of the newest backup."""
    table = head.schema().table(holder.table)
    person = PersonChoice(holder.record, "", None)
    if table is not None and holder.table in head.tables():
        rows = head.get(holder.table, [holder.record], columns=_people_columns(table))
        person = next(_read(table, rows), person)
    return HolderLine(holder.table, holder.record, person.name, holder.count, person.active, others)
