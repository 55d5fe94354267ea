"""Restores in the console whose records come back otherwise: values typed, people named instead."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from unlost.app.access import action
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    RestoreRequest,
    choose,
    read_stored_plan,
    wanted_of,
    what_was_typed,
)
from unlost.app.compose import Application
from unlost.app.records.record_facts import RecordNames
from unlost.app.restores.overrides import Overrides, read_value, with_edits, with_given
from unlost.catalog.orgs import get_org
from unlost.engine.sameness import same
from unlost.model.access import Right, Trace
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import Holder, PlanStep, RecordKey, RestorePlan
from unlost.model.ports import Snapshot
from unlost.model.schema import Column, Table, WireKind

MOST_PEOPLE = 300  # that a list to choose from offers
MOST_READ = 5_000  # people of a table that are read to make such a list
MOST_HOLDERS = 50
MOST_OPTIONS = 2_000  # of all lists together: a page must stay light
ACTIVE = ("isactive", "active")  # what a column is called that says who still works there


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A column of a record that a value can be typed for.

    ``was`` is what the backup has, ``value`` what is wanted now; ``target`` names the record that a
    reference leads to. ``length`` is in characters, 0 if unknown.
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
        """The column, as far as a value is concerned."""
        return Column(self.name, self.kind, self.label, length=self.length)

    def means(self, value: str | None) -> bool:
        """True if a value is what is wanted already; forms send other ends of lines."""
        now = self.value or None
        if self.kind is WireKind.TEXT and now is not None and value is not None:
            return now.replace("\r\n", "\n") == value.replace("\r\n", "\n")
        return same(self.kind, now, value)


@dataclass(frozen=True, slots=True)
class PlannedFields:
    """A record of a plan, and all that can be typed for it."""

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
    """Somebody who could be named instead. ``active``: None if unknown."""

    record: str
    name: str
    active: bool | None


@dataclass(frozen=True, slots=True)
class HolderLine:
    """A person whom ``count`` references of a plan's records name, and who could be named instead.

    ``others`` is empty where they are too many for a list.
    """

    table: str
    record: str
    name: str
    count: int
    active: bool | None
    others: tuple[PersonChoice, ...]


@dataclass(frozen=True, slots=True)
class PlanPeople:
    """Those whom a plan's records name, those who left first.

    ``listed`` are as many as lists can be offered for, ``unlisted`` counts the rest.
    """

    org: str
    plan: str
    listed: tuple[HolderLine, ...]
    unlisted: int

    @property
    def typed(self) -> bool:
        """True if somebody has to be named by an id."""
        return any(not holder_line.others for holder_line in self.listed)


# --- values ---------------------------------------------------------------------------------------


@action("restore.fields", Right.RESTORE, trace=Trace.READ, subject=("plan", "table", "record"))
def planned_fields(app: Application, org: str, plan: str, table: str, record: str) -> PlannedFields:
    """What can be typed for a record of a plan, and what is wanted now.

    Raises NotFound (``plan-unknown``, ``planned-record-unknown``), Conflict (``plan-not-made``),
    NotAllowed (``not-permitted``) for who does not see every column.
    """
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    step = _step(restore_plan, RecordKey(table, record))
    wanted = app.vault_of(known.oid).as_of(known.oid, step.snapshot or step.version)
    described = wanted.schema().table(table)
    names = RecordNames(wanted)
    label = described.label or table if described is not None else table
    return PlannedFields(
        org,
        known.identity.zone,
        plan,
        table,
        label,
        record,
        names.of([table], [record]).get(record, ""),
        tuple(_fields(restore_plan, step, wanted, described, names)),
    )


@action(
    "restore.edit",
    Right.RESTORE,
    trace=Trace.READ,
    subject=("plan", "table", "record"),
    told=what_was_typed,
)
def edit_stored_plan(
    app: Application,
    org: str,
    plan: str,
    table: str,
    record: str,
    values: Mapping[str, str | None],
) -> PlanView:
    """The same choice with these values of a record, by column, as a plan that is yet to be made.

    Columns that are not named stay as they are; None empties a cell. Raises UsageError
    (``nothing-typed``, ``edit-value-wrong``), and as ``planned_fields``.
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
            next_step="Type a value first, or go back to the preview.",
        )
    wanted = wanted_of(org, plan)
    return _again(
        app, org, wanted, with_edits(wanted.request.otherwise, f"{table}/{record}", changed)
    )


def _again(app: Application, org: str, wanted: RestoreRequest, overrides: Overrides) -> PlanView:
    return choose(app, org, replace(wanted, request=replace(wanted.request, otherwise=overrides)))


def _cell(field: PlannedField, text: str | None, *, zone: str) -> str | None:
    return read_value(field.column, text, zone=zone) if text else None


def _step(plan: RestorePlan, key: RecordKey) -> PlanStep:
    step = next((plan_step for plan_step in plan.steps if plan_step.key == key), None)
    if step is None:
        raise NotFound(
            "planned-record-unknown",
            f"The plan has no record {key}.",
            next_step="Go back to the preview, and choose one of its records.",
        )
    return step


def _fields(
    plan: RestorePlan, step: PlanStep, wanted: Snapshot, described: Table | None, names: RecordNames
) -> Iterator[PlannedField]:
    """The columns that can be set, in the order in which the source has them."""
    (cells,) = wanted.get(step.table, [step.record]).to_pylist() or [{}]
    typed = {
        typed_value.column: typed_value.value
        for typed_value in plan.typed.values
        if (typed_value.table, typed_value.record) == (step.table, step.record)
    }
    now = {**cells, **{n: v for n, v in step.edits.items() if v is not None}, **typed}
    for name in _settable(plan, step.table):
        column = described.column(name) if described is not None else None
        column = column or Column(name, WireKind.TEXT)
        value = now.get(name)
        target = ""
        if column.reference is not None and value is not None:
            target = names.of(column.reference.tables, [value]).get(value, "")
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
    """Whom the records of a plan name, those who left first; and whom they could name, those last.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), NotAllowed (``not-permitted``)
    for who does not see every column.
    """
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    head = app.vault_of(known.oid).head(known.oid)
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
    return PlanPeople(org, plan, tuple(lines[:shown]), len(holders) - len(lines[:shown]))


@action("restore.give", Right.RESTORE, trace=Trace.READ, subject=("plan",), told=what_was_typed)
def reassign_in_plan(app: Application, org: str, plan: str, given: Mapping[str, str]) -> PlanView:
    """The same choice with records given from people (TABLE/ID) to others (ids), to be planned.

    Raises UsageError (``nobody-given``, ``id-wrong``), NotFound, NotAllowed.
    """
    known = get_org(org)
    app.vault_of(known.oid)
    chosen = {person: to.strip() for person, to in given.items() if to.strip()}
    chosen = {person: to for person, to in chosen.items() if to != person.partition("/")[2]}
    if not chosen:
        raise UsageError(
            "nobody-given",
            "It was not said to whom records shall be given.",
            next_step="Choose somebody first.",
        )
    wanted = wanted_of(org, plan)
    return _again(app, org, wanted, with_given(wanted.request.otherwise, chosen))


def _others(head: Snapshot, name: str) -> list[PersonChoice] | None:
    """The people of a table by their names, those who left last; None if no list could hold them."""
    table, state = head.schema().table(name), head.tables().get(name)
    if table is None or state is None or state.held > MOST_READ:
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
    return sorted(choices, key=lambda one: (one.active is False, one.name.casefold(), one.record))


def _people_columns(table: Table) -> list[str]:
    """The columns that say who somebody is, and whether they are there still."""
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
    """Somebody whom records name, as the newest backup knows them."""
    table = head.schema().table(holder.table)
    person = PersonChoice(holder.record, "", None)
    if table is not None and holder.table in head.tables():
        rows = head.get(holder.table, [holder.record], columns=_people_columns(table))
        person = next(_read(table, rows), person)
    return HolderLine(holder.table, holder.record, person.name, holder.count, person.active, others)
