"""A plan in groups that people know, and the values of their records before and after the restore.

    plan ──plan_groups──> "Confiserie Sonnenschein: 1 account, 7 contacts, 5 cases"
                              └──group_steps──> a page of records
                                                  before: the newest backup     after: the plan

The plan has no values: they are read from the vault with the rights of the actor.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from unlost.app.access import action
from unlost.app.actions.records.history import ChangedField, field_line
from unlost.app.actions.restores.kept_plan import read_stored_plan
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.last_changes import UNKNOWN_CHANGE, LastChange, last_changes
from unlost.app.records.record_facts import RecordNames, record_unknown
from unlost.app.records.record_names import record_names
from unlost.app.records.stored_cells import Cells, stored_cells
from unlost.app.records.table_words import TableWords
from unlost.app.restores.group_lines import GroupLine, group_lines
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.records.explain import FieldChange
from unlost.engine.restore.journal.effects import Effect, RunEffects, effects_of
from unlost.engine.restore.planning.shown.groups import group_steps, plan_groups
from unlost.engine.restore.values.taken import cells_of_steps
from unlost.model.access import Right, Trace
from unlost.model.plan import Action, PlanStep, RecordKey, RestorePlan
from unlost.model.ports.vault import Snapshot, Vault, VaultReader
from unlost.model.source.schema import WireKind

GROUPS = 20  # groups of a page
RECORDS = 25  # records of a page, each with its values


@dataclass(frozen=True, slots=True)
class GroupLines:
    """The groups of a plan, the largest first; they begin with number ``start`` of ``total``."""

    org: str
    plan: str
    start: int
    total: int
    groups: tuple[GroupLine, ...]


@dataclass(frozen=True, slots=True)
class RecordValues:
    """A record of a plan, and the columns that the restore sets.

    ``old`` values of ``fields`` are those of the newest backup, ``new`` ones those of the plan. In
    an undo, ``old`` values are those that the undone run left. ``change`` is the last change of the
    live record in the newest backup.
    """

    table: str
    label: str
    record: str
    name: str
    action: Action
    fields: tuple[ChangedField, ...]
    change: LastChange = UNKNOWN_CHANGE


@dataclass(frozen=True, slots=True)
class GroupValues:
    """Records of a group, with their values; they begin with number ``start`` of ``total``.

    ``as_of``: the time of the newest backup, which has the values before the restore.
    """

    org: str
    zone: str
    plan: str
    group: GroupLine
    as_of: datetime
    start: int
    total: int
    records: tuple[RecordValues, ...]


@action("restore.groups", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def show_groups(
    app: Application, org: str, plan: str, *, start: int = 0, most: int = GROUPS
) -> GroupLines:
    """Show the groups of a plan: named records with all that comes with them, then single ones.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), UsageError (``page-invalid``).
    """
    check_page(start=start, most=most)
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    return groups_of(app, known, restore_plan, plan=plan, start=start, most=most)


def groups_of(
    app: Application,
    org: ProtectedOrg,
    restore_plan: RestorePlan,
    *,
    plan: str,
    start: int,
    most: int = GROUPS,
) -> GroupLines:
    """Return a page of the groups of a plan, as the actor may see them."""
    groups = plan_groups(restore_plan)
    snapshot = app.vault.at(org.oid, restore_plan.snapshot, forgotten=True)
    names = record_names(app, org, snapshot)
    lines = group_lines(snapshot, groups[start : start + most], names=names)
    return GroupLines(org.name, plan, start, len(groups), lines)


@action("restore.group", Right.RESTORE, trace=Trace.READ, subject=("plan", "table", "record"))
def show_group(
    app: Application,
    org: str,
    plan: str,
    table: str,
    record: str = "",
    *,
    start: int = 0,
    most: int = RECORDS,
) -> GroupValues:
    """Show the records of a group with their values before and after the restore.

    Raises NotFound (``plan-unknown``, ``record-unknown``), Conflict (``plan-not-made``), UsageError
    (``page-invalid``).
    """
    check_page(start=start, most=most)
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    groups = {(group.table, group.record): group for group in plan_groups(restore_plan)}
    group = groups.get((table, record))
    if group is None:
        raise record_unknown(table, record)
    steps = group_steps(restore_plan, table, record)
    newest = newest_backup(app.vault, known)
    restored = app.vault.at(known.oid, restore_plan.snapshot, forgotten=True)
    names = record_names(app, known, restored)
    reader = _ValueReader(
        app.vault,
        known.oid,
        restore_plan,
        newest,
        restored,
        names=names,
        journals=app.whole_vault,
    )
    return GroupValues(
        org,
        known.identity.zone,
        plan,
        group_lines(restored, [group], names=names)[0],
        newest.info.as_of,
        start,
        len(steps),
        tuple(reader.records(steps[start : start + most])),
    )


class _ValueReader:
    """Reads the values of planned records, as the actor may see them."""

    def __init__(
        self,
        vault: VaultReader,
        oid: str,
        plan: RestorePlan,
        newest: Snapshot,
        wanted: Snapshot,
        *,
        names: RecordNames,
        journals: Vault,
    ) -> None:
        self._vault, self._oid, self._newest = vault, oid, newest
        self._words, self._names = TableWords(wanted.schema()), names
        self._settable = {entry.table: entry.columns for entry in plan.choices.settable}
        self._undone = _undone(journals, plan)

    def records(self, steps: Sequence[PlanStep]) -> Iterator[RecordValues]:
        """Yield the steps with their values; each table of a backup is read once."""
        columns = {step.table: self._columns(step.table) for step in steps}
        after = self._after(steps, columns)
        before = self._before(steps, columns)
        changes = self._changes(steps)
        for step in steps:
            names = self._names.of([step.table], [step.record])
            yield RecordValues(
                step.table,
                self._words.label(step.table),
                step.record,
                names.get(step.record, ""),
                step.action,
                tuple(self._fields(step, before.get(str(step.key), {}), after[str(step.key)])),
                changes.get((step.table, step.live), UNKNOWN_CHANGE),
            )

    def _changes(self, steps: Sequence[PlanStep]) -> Mapping[tuple[str, str | None], LastChange]:
        """The last changes of live records, by table and id."""
        ids: dict[str, list[str]] = defaultdict(list)
        for step in steps:
            if step.live is not None:
                ids[step.table].append(step.live)
        return {
            (table, record): change
            for table, some in ids.items()
            for record, change in last_changes(self._newest, table, some).items()
        }

    def _columns(self, table: str) -> list[str]:
        """The columns of a table that the actor may see, in the order of the source."""
        described = self._words.table(table)
        columns = described.columns if described is not None else ()
        return [column.name for column in columns if column.kind is not WireKind.BINARY]

    def _fields(self, step: PlanStep, before: Cells, after: Cells) -> Iterator[ChangedField]:
        table = self._words.table(step.table)
        if table is None or step.action in (Action.SKIP, Action.BY_PRODUCT):
            return
        created = step.action.creates
        names = self._settable.get(step.table, ()) if created else _set_columns(step)
        seen = set(self._columns(step.table))  # the journal also has columns that are hidden
        for column in (name for name in dict.fromkeys(names) if name in seen):
            old, new = before.get(column), after.get(column)
            shown = column in after and (not created or new is not None)
            if shown:
                yield field_line(FieldChange(column, old, new), table, self._names)

    def _after(
        self, steps: Sequence[PlanStep], columns: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Cells]:
        """The wanted values by record; typed values instead of those of the backup."""
        if self._undone is not None:
            return {str(s.key): self._effect(s).before for s in steps}
        groups: dict[tuple[int, str], list[str]] = defaultdict(list)
        for step in steps:
            groups[step.snapshot or step.version, step.table].append(step.record)
        cells: dict[str, Cells] = {}
        for (number, table), ids in groups.items():
            snapshot = self._vault.at(self._oid, number, forgotten=True)
            cells |= _cells(snapshot, table, ids, columns[table])
        taken = self._taken(steps, columns)
        return {
            str(step.key): {
                **cells.get(str(step.key), {}),
                **taken.get(step.key, {}),
                **{n: v for n, v in step.edits.items() if n in columns[step.table]},
            }
            for step in steps
        }

    def _taken(
        self, steps: Sequence[PlanStep], columns: Mapping[str, Sequence[str]]
    ) -> Mapping[RecordKey, Cells]:
        """The values that come from other backups, of the columns that the actor may see."""
        seen = {name: frozenset(names) for name, names in columns.items()}
        shown = (
            replace(step, taken={n: at for n, at in step.taken.items() if n in seen[step.table]})
            for step in steps
        )
        return cells_of_steps(partial(self._vault.at, self._oid, forgotten=True), shown)

    def _before(
        self, steps: Sequence[PlanStep], columns: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Cells]:
        """The values in the newest backup, by record; none of records that are created."""
        if self._undone is not None:
            return {str(s.key): self._effect(s).after or {} for s in steps}
        live = [step for step in steps if step.live is not None]
        ids: dict[str, list[str]] = defaultdict(list)
        for step in live:
            ids[step.table].append(step.live or "")
        cells: dict[str, Cells] = {}
        for table, some in ids.items():
            cells |= _cells(self._newest, table, some, columns[table])
        return {str(step.key): cells.get(f"{step.table}/{step.live}", {}) for step in live}

    def _effect(self, step: PlanStep) -> Effect:
        """The effect of the undone run on a record."""
        assert self._undone is not None
        return self._undone.effects[step.key]


def _set_columns(step: PlanStep) -> Iterator[str]:
    """Yield the columns that are set on a live record."""
    yield from step.columns
    yield from step.taken
    yield from step.edits


def _undone(vault: Vault, plan: RestorePlan) -> RunEffects | None:
    """Return the effects of the run that a plan takes back; None for other plans."""
    run = plan.selection.run
    return effects_of(vault.journal(plan.target, run), run) if run else None


def _cells(
    snapshot: Snapshot, table: str, ids: Sequence[str], columns: Sequence[str]
) -> Mapping[str, Cells]:
    """Return the cells of records in a backup, by TABLE/ID."""
    cells = stored_cells(snapshot, table, ids, columns)
    return {f"{table}/{record}": by_column for record, by_column in cells.items()}
