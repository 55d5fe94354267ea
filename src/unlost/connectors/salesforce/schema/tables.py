"""Convert Salesforce's describe of an object to a table. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from unlost.connectors.salesforce.images import image_fields
from unlost.connectors.salesforce.rows import SYSTEM_STAMP, stamp_columns
from unlost.connectors.salesforce.schema.columns import (
    column_of,
    is_compound,
    is_unreadable,
    needs_rest,
)
from unlost.connectors.salesforce.schema.searching import rank_of, search_of
from unlost.connectors.salesforce.schema.special import (
    BY_PARENT,
    BY_PARENT_TYPE,
    CURSORS,
    FULL_ENDINGS,
    FULL_ONLY,
    LINKS,
    NEW_BY,
    NO_BULK,
    NO_DELETE_LOG,
    WHOLE_WEEKLY,
    ReadStrategy,
)
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import (
    ChangeLog,
    Column,
    DeleteRule,
    FileColumn,
    Table,
    TableRank,
    TableTrait,
    WireKind,
)

MERGE_WINNER = "MasterRecordId"  # of Account, Contact, Lead and Case (object reference)

type Describe = Mapping[str, Any]
type Rules = Mapping[tuple[str, str], DeleteRule]

# Set-up objects that describe does not distinguish from business data.
CONFIGURATION = frozenset({
    "ApexClass", "ApexComponent", "ApexPage", "ApexTrigger", "BusinessHours", "BusinessProcess",
    "CurrencyType", "Dashboard", "DatedConversionRate", "EmailTemplate", "Folder", "Group",
    "GroupMember", "Holiday", "Organization", "PermissionSet", "PermissionSetAssignment",
    "Profile", "QueueSobject", "RecordType", "Report", "StaticResource", "User", "UserRole",
})  # fmt: skip

# Parts of files, libraries and cases, which people see within these, and lists of the console.
NOT_OPENED = frozenset({
    "CaseTeamRole", "ContentDistribution", "ContentFolder", "ContentVersion", "ContentWorkspace",
    "ListView",
})  # fmt: skip

# Opened within other records, so that describe does not say so of all of them.
CONTENT = frozenset({
    "Attachment", "CaseComment", "ContentDocument", "ContentNote", "EmailMessage", "Event", "Note", "Task",
})  # fmt: skip


def delete_rules(describes: Mapping[str, Describe]) -> Rules:
    """The effect on a child when its parent is deleted, from the parents' describes."""
    return {
        (relation["childSObject"], relation["field"]): _rule(relation)
        for describe in describes.values()
        for relation in describe.get("childRelationships") or ()
    }


def cascading_children(describes: Mapping[str, Describe]) -> Mapping[str, frozenset[str]]:
    """The objects whose records are deleted with a parent, by parent; also objects that are not read."""
    return {
        name: frozenset(
            relation["childSObject"]
            for relation in describe.get("childRelationships") or ()
            if relation.get("cascadeDelete")
        )
        for name, describe in describes.items()
    }


def _rule(relation: Mapping[str, Any]) -> DeleteRule:
    if relation.get("cascadeDelete"):
        return DeleteRule.CASCADE
    return DeleteRule.RESTRICT if relation.get("restrictedDelete") else DeleteRule.SET_NULL


def table_of(
    describe: Describe, rules: Rules, *, hidden: tuple[str, ...] = (), all_files: bool = True
) -> Table:
    """The table of an object.

    ``hidden``: columns that exist and that this user may not see. ``all_files``: the user may read
    file links without naming their files.
    """
    name = describe["name"]
    fields = [
        field for field in describe["fields"] if not is_compound(field) and not is_unreadable(field)
    ]
    columns = tuple(
        column_of(
            field,
            rules.get((name, field["name"]), DeleteRule.UNKNOWN),
            search=None if name in CONFIGURATION else search_of(name, field),
        )
        for field in fields
    )
    names = frozenset(column.name for column in columns)
    modified, modified_by = stamp_columns(names)
    strategy = _strategy(name, fields, all_files=all_files)
    return Table(
        name=name,
        columns=columns,
        label=describe.get("label") or name,
        plural=describe.get("labelPlural") or name,
        strategy=strategy.value,
        name_column=_name_column(describe, names),
        modified_column=modified,
        modified_by_column=modified_by,
        traits=frozenset(_traits(describe, names, strategy)),
        files=tuple(_file(column, names) for column in columns if column.kind is WireKind.BINARY),
        hidden=hidden,
        stamp_column=SYSTEM_STAMP if SYSTEM_STAMP in names else None,
        merged_into_column=MERGE_WINNER if MERGE_WINNER in names else None,
        rank=TableRank.DETAIL if name in CONFIGURATION else rank_of(name),
        image_columns=image_fields(name, fields),
    )


def unreadable_columns(describe: Describe) -> list[Finding]:
    """Findings for columns that no query delivers, and that are no view of other columns."""
    return [
        Finding.of(
            FindingKind.COLUMN_UNREADABLE,
            Severity.NOTE,
            "{column_label} of {table_label} cannot be queried. The data that it lists is "
            "stored as separate records.",
            table=describe["name"],
            column=field["name"],
            column_label=field.get("label") or field["name"],
            table_label=describe.get("label") or describe["name"],
        )
        for field in describe["fields"]
        if is_unreadable(field) and not is_compound(field)
    ]


def cursor_column(table: Table) -> str | None:
    """The column by which changed rows are queried; None: only whole reads."""
    if not table.has(TableTrait.INCREMENTAL):
        return None
    candidates = (NEW_BY[table.name],) if table.name in NEW_BY else CURSORS
    return next((name for name in candidates if table.column(name)), None)


def parent_types(table: Table) -> tuple[str, ...]:
    """The types of parents, for a table that is given for one type at a time; otherwise empty."""
    column = table.column(BY_PARENT_TYPE.get(table.name, ""))
    return column.reference.tables if column and column.reference else ()


def selected(table: Table) -> list[str]:
    """The columns of a query, the id first; never bodies of files."""
    names = [column.name for column in table.columns if column.kind is not WireKind.BINARY]
    return ["Id", *(name for name in names if name != "Id")]


def _strategy(name: str, fields: list[Mapping[str, Any]], *, all_files: bool) -> ReadStrategy:
    if name in BY_PARENT or name in BY_PARENT_TYPE or (name == LINKS and not all_files):
        return ReadStrategy.PARENTS
    rest = name in NO_BULK or name.endswith(("__Tag", "__mdt", "__kav"))
    return (
        ReadStrategy.REST
        if rest or any(needs_rest(field) for field in fields)
        else ReadStrategy.BULK
    )


def _name_column(describe: Describe, names: frozenset[str]) -> str | None:
    named = (field["name"] for field in describe["fields"] if field.get("nameField"))
    return next((name for name in named if name in names), None)


def _traits(describe: Describe, names: frozenset[str], strategy: ReadStrategy) -> list[TableTrait]:
    name = describe["name"]
    full_only = name in FULL_ONLY or name.endswith(FULL_ENDINGS) or strategy is ReadStrategy.PARENTS
    setup = name in CONFIGURATION or name.endswith("__mdt") or bool(describe.get("customSetting"))
    tells = not full_only and _filters_changes(describe, names)
    facts = {
        TableTrait.INCREMENTAL: tells,
        TableTrait.ROW_CHECK: tells and name not in WHOLE_WEEKLY,
        TableTrait.REPORTS_DELETES: bool(describe.get("replicateable"))
        and name not in NO_DELETE_LOG,
        TableTrait.CENSUS: True,
        TableTrait.NEW_ONLY: tells and _creation_only(name, names),
        TableTrait.UNDELETE: bool(describe.get("undeletable")),
        TableTrait.CONFIGURATION: setup,
        TableTrait.OPENED: not setup and name not in NOT_OPENED and _is_opened(describe),
    }
    return [trait for trait, holds in facts.items() if holds]


def _is_opened(describe: Describe) -> bool:
    """True if people open its records and look for them; and for files, notes, mails and comments.

    Objects without a name field are links and roles of others. Sources: object reference,
    DescribeSObjectResult: layoutable, searchable; Field: nameField.
    """
    layout = bool(describe.get("layoutable")) and bool(describe.get("searchable"))
    named = any(field.get("nameField") for field in describe["fields"])
    return (layout and named) or describe["name"] in CONTENT


def _creation_only(name: str, names: frozenset[str]) -> bool:
    """True if the only stamp by which the table is queried is a time of creation."""
    return name in NEW_BY or not names & {"SystemModstamp", "LastModifiedDate"}


def _filters_changes(describe: Describe, names: frozenset[str]) -> bool:
    """True if changed rows can be queried; without a filter by stamp, a list of ids is needed."""
    new_by = NEW_BY.get(describe["name"])
    if new_by is not None:
        return new_by in names and bool(describe.get("replicateable"))
    return bool(names & set(CURSORS))


def _file(column: Column, names: frozenset[str]) -> FileColumn:
    """The file column, with its sizes and names in columns of fixed names (object reference)."""

    def first(*candidates: str) -> str | None:
        return next((name for name in candidates if name in names), None)

    return FileColumn(
        column=column.name,
        size_column=first(
            "ContentSizeLong", "ContentSize", f"{column.name}Length", "LogFileLength"
        ),
        checksum_column=first("Checksum") if column.name == "VersionData" else None,
        name_column=first("PathOnClient", "Name", "Title", "DeveloperName"),
        type_column=first("ContentType", "FileType", "Type"),
    )


def with_change_logs(tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables, each linked to the table in which Salesforce records its changes."""
    known = tuple(tables)
    logs = dict(change_log for table in known if (change_log := _change_log(table)))
    return tuple(replace(table, change_log=logs.get(table.name)) for table in known)


def _change_log(history: Table) -> tuple[str, ChangeLog] | None:
    """The change log of X in XHistory or X__History; OpportunityHistory has another shape."""
    names = {column.name for column in history.columns}
    if not history.name.endswith("History") or not {"Field", "OldValue", "NewValue"} <= names:
        return None
    for column in history.columns:
        if column.reference and not column.name.endswith("ById"):
            return column.reference.tables[0], ChangeLog(
                table=history.name,
                record_column=column.name,
                field_column="Field",
                old_column="OldValue",
                new_column="NewValue",
                at_column="CreatedDate",
                by_column="CreatedById",
            )
    return None
