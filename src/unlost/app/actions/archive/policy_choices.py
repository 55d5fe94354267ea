"""Tables, columns, values and references from which people build an archive policy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.archive.conditions import fitting_comparisons
from unlost.engine.archive.versions import SIZES
from unlost.model.access import Right, Trace
from unlost.model.archive import ArchivePolicy, BranchRule, Comparison
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    DeleteRule,
    Schema,
    TableTrait,
    WireKind,
)
from unlost.model.source.shared_files import SharedFile

MOST_NAMES = 2_000  # records of a table whose names are offered
BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True)
class ValueChoice:
    """A value of a column, and the name by which people know it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class OfferedColumn:
    """A column that a condition can compare, and the comparisons that fit it.

    ``choices``: the values of a list. ``refers``: its values are ids of records.
    """

    name: str
    label: str
    kind: WireKind
    comparisons: tuple[Comparison, ...]
    choices: tuple[ValueChoice, ...] = ()
    refers: bool = False


@dataclass(frozen=True, slots=True)
class OfferedTable:
    """A table whose records a policy can select. ``records``: in the newest backup."""

    name: str
    label: str
    records: int


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of a table that conditions can compare."""

    table: str
    label: str
    columns: tuple[OfferedColumn, ...]


@dataclass(frozen=True, slots=True)
class OfferedReference:
    """A column by which records of ``table`` refer to records that may go: a branch of a policy.

    ``effect``: the treatment by the org, without a branch.
    """

    table: str
    column: str
    label: str
    column_label: str
    effect: DeleteRule


@dataclass(frozen=True, slots=True)
class OfferedProtection:
    """A protection that a policy can include. The label is empty for files that records lose."""

    name: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class PolicyChoices:
    """The choices for a policy, as of the newest backup.

    ``tables``: those that a policy can select from. ``columns``: of the policy's table, and of the
    tables that refer to records that may go. ``versions``: old versions of its files can be freed.
    """

    org: str
    tables: tuple[OfferedTable, ...]
    columns: tuple[TableColumns, ...] = ()
    references: tuple[OfferedReference, ...] = ()
    protections: tuple[OfferedProtection, ...] = ()
    versions: bool = False

    def columns_of(self, table: str) -> tuple[OfferedColumn, ...]:
        """Return the columns of a table; empty if the newest backup does not have it."""
        return next((each.columns for each in self.columns if each.table == table), ())


@dataclass(frozen=True, slots=True)
class PolicyValues:
    """The records to which a column can refer, by name; empty if there are too many."""

    org: str
    table: str
    column: str
    choices: tuple[ValueChoice, ...] = ()


@action("archive.choices", Right.RESTORE)
def policy_choices(app: Application, org: str, policy: ArchivePolicy) -> PolicyChoices:
    """List the choices for an archive policy with this table and these branches.

    The policy need not be usable yet. Raises NotFound (``no-backup-yet``).
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    connector, schema = app.connector(known.identity.connector), head.schema()
    facts, shared = connector.archive_facts(schema), connector.shared_files(schema)
    versioned = any(kind.table == policy.table and kind.versions is not None for kind in shared)
    references = tuple(_references(schema, policy))
    return PolicyChoices(
        known.name,
        tuple(_tables(head, facts)),
        tuple(_columns(schema, policy.table, references, versioned=versioned)),
        references,
        tuple(_protections(policy.table, facts, shared)),
        versioned,
    )


@action("archive.values", Right.READ, trace=Trace.READ)
def policy_values(app: Application, org: str, table: str, column: str) -> PolicyValues:
    """List the records to which a column can refer, by name, such as record types and owners.

    Tables with more than 2,000 records are left out. Raises NotFound (``no-backup-yet``).
    """
    known = get_org(org)
    head = newest_backup(app.vault, known)
    described = head.schema().table(table)
    referring = described.column(column) if described is not None else None
    reference = referring.reference if referring is not None else None
    targets = reference.tables if reference is not None else ()
    choices = [choice for target in targets for choice in _names(head, target)]
    return PolicyValues(
        known.name, table, column, tuple(sorted(choices, key=lambda choice: choice.label))
    )


def _tables(head: Snapshot, facts: ArchiveFacts) -> Iterator[OfferedTable]:
    """Yield the tables with records that people could delete, by label.

    Logs and set-up data are left out. Only the plan asks the org for the rights of the write user.
    """
    schema, states = head.schema(), head.tables()
    logs = {table.change_log.table for table in schema.tables if table.change_log is not None}
    labels = TableWords(schema).plurals
    for table in sorted(schema.tables, key=lambda table: (labels[table.name], table.name)):
        is_fixed = table.has(TableTrait.CONFIGURATION) or table.name in logs | facts.unreturning
        if not is_fixed and table.name in states:
            yield OfferedTable(table.name, labels[table.name], states[table.name].alive)


def _columns(
    schema: Schema, root: str, references: tuple[OfferedReference, ...], *, versioned: bool
) -> Iterator[TableColumns]:
    labels = TableWords(schema).labels
    for name in dict.fromkeys((root, *(reference.table for reference in references))):
        table = schema.table(name)
        if table is not None:
            columns = [_column(column) for column in table.columns if fitting_comparisons(column)]
            columns.sort(key=lambda column: (column.label.casefold(), column.name))
            if versioned and name == root:
                columns += [_column(column) for column in SIZES.columns]
            yield TableColumns(name, labels[name], tuple(columns))


def _column(column: Column) -> OfferedColumn:
    values = BOOLEANS if column.kind is WireKind.BOOLEAN else column.choices
    return OfferedColumn(
        column.name,
        column.label or column.name,
        column.kind,
        fitting_comparisons(column),
        tuple(ValueChoice(value, column.label_of(value) or value) for value in values),
        column.reference is not None,
    )


def _references(schema: Schema, policy: ArchivePolicy) -> Iterator[OfferedReference]:
    """Yield the references to the policy's table, and to tables whose records go along."""
    takes = {(b.table, b.column) for b in policy.branches if b.rule is BranchRule.TAKE}
    going, effects = [policy.table], dict[tuple[str, str], DeleteRule]()
    for target in going:  # it grows
        for table, column, effect in _referring(schema, target):
            effects[table, column] = effect
            goes = effect is DeleteRule.CASCADE or (table, column) in takes
            if goes and table not in going:
                going.append(table)
    words = TableWords(schema)
    for (table, column), effect in effects.items():
        label, column_label = words.label(table), words.column(table, column)
        yield OfferedReference(table, column, label, column_label, effect)


def _referring(schema: Schema, target: str) -> Iterator[tuple[str, str, DeleteRule]]:
    for table in schema.tables:
        for column in table.columns:
            reference = column.reference
            if reference is None or column.has(ColumnTrait.VOLATILE):
                continue
            if target in reference.tables:
                yield table.name, column.name, reference.rule


def _protections(
    table: str, facts: ArchiveFacts, shared: Sequence[SharedFile]
) -> Iterator[OfferedProtection]:
    for kind in facts.protected:
        yield OfferedProtection(kind.name, kind.label)
    for files in shared:
        if files.table == table:
            yield from (OfferedProtection(release.name) for release in files.releases)


def _names(head: Snapshot, name: str) -> Iterator[ValueChoice]:
    table, states = head.schema().table(name), head.tables()
    if table is None or table.name_column is None or name not in states:
        return
    if states[name].alive > MOST_NAMES:
        return
    for rows in head.read(name, ["_u_id", table.name_column]):
        for row in rows.to_pylist():
            yield ValueChoice(row["_u_id"], row[table.name_column] or row["_u_id"])
