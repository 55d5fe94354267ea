"""Tables and columns of the model, made of the dictionary. Pure."""

from collections.abc import Mapping, Sequence

from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.dictionary import DictionaryColumn, DictionaryTable
from unlost.connectors.servicenow.schema.kinds import JOURNALS, PASSWORDS, kind_of
from unlost.model.source.schema import (
    ChangeLog,
    Column,
    ColumnTrait,
    DeleteRule,
    FileColumn,
    Reference,
    Remarks,
    SearchedAs,
    Table,
    TableFamily,
    TableRank,
    TableTrait,
    WireKind,
)

CLASS = "sys_class_name"
CREATED, UPDATED = "sys_created_on", "sys_updated_on"
UPDATES = "sys_mod_count"
STRATEGY = "Table API"
JOURNAL, ATTACHMENT = "sys_journal_field", "sys_attachment"
AUDIT, DELETIONS = "sys_audit", "sys_audit_delete"
EVIDENCE = frozenset({AUDIT, DELETIONS, JOURNAL})
FILE = "file"  # the last part of the address of an attachment's bytes
FILE_COLUMN = FileColumn(FILE, "size_bytes", "hash", "file_name", "content_type")
AUDIT_LOG = ChangeLog(
    AUDIT, "documentkey", "fieldname", "oldvalue", "newvalue", CREATED, "user", "record_checkpoint"
)
# These columns refer to records of any table, which the second column names.
OF_RECORDS = {JOURNAL: ("element_id", "name"), ATTACHMENT: ("table_sys_id", "table_name")}
AUTHORS = frozenset({"sys_created_by", "sys_updated_by"})  # texts: the names of users
LIST, ANY_RECORD = "glide_list", "document_id"  # types of columns
# ServiceNow docs, "Tables and classes": what people look for first.
MAIN = frozenset({"task", "core_company", "sys_user", "kb_knowledge"})
PEOPLE = frozenset({"sys_user", "sys_user_group"})
MEMBERSHIPS = frozenset({"sys_user_grmember", "sys_user_has_role"})
DATA = EVIDENCE | PEOPLE | MEMBERSHIPS | {ATTACHMENT}  # all other tables of the system are set-up
WORDS = frozenset({"short_description", "name", "title", "file_name", "street", "city"})
HOSTS = frozenset({"url", "ip_addr", "ip_address"})
RULES = {
    "delete": DeleteRule.CASCADE,
    "cascade": DeleteRule.CASCADE,
    "delete_no_workflow": DeleteRule.CASCADE,
    "restrict": DeleteRule.RESTRICT,
    "clear": DeleteRule.SET_NULL,
    "none": DeleteRule.UNKNOWN,
}
# A child that the dictionary says nothing about keeps its reference (ServiceNow docs, "Cascade delete
# rules").
TRAILLESS = "no_audit_delete"


def table_of(
    described: DictionaryTable,
    *,
    hidden: frozenset[str],
    classes: Mapping[str, tuple[str, ...]],
    of_records: tuple[str, ...],
) -> Table:
    """The table of a class. ``hidden``: columns that the user may not read.

    ``classes``: a table and its descendants, by name; ``of_records``: the tables to whose records
    journals and attachments belong.
    """
    readable = [each for each in described.columns.values() if is_read(each)]
    columns = [
        _column(each, described, classes, of_records)
        for each in sorted(readable, key=lambda each: (each.name != ID, each.name))
        if each.name not in hidden
    ]
    names = {column.name for column in columns}
    if described.name == ATTACHMENT:
        columns.append(Column(FILE, WireKind.BINARY, label="File"))
    stamp = stamp_of(described)
    author = "sys_updated_by" if stamp == UPDATED else "sys_created_by"
    return Table(
        described.name,
        tuple(columns),
        label=described.label,
        strategy=STRATEGY,
        id_column=ID,
        name_column=_name_column(described, names),
        modified_column=_present(stamp, names),
        modified_by_column=_present(author, names),
        traits=_traits(described, names),
        files=(FILE_COLUMN,) if described.name == ATTACHMENT else (),
        change_log=AUDIT_LOG if described.audited and described.name not in EVIDENCE else None,
        hidden=tuple(sorted(each.name for each in readable if each.name in hidden)),
        rank=_rank(described),
        remarks=_remarks(described),
    )


def _remarks(described: DictionaryTable) -> Remarks | None:
    """The journal of a table: a row for each comment and work note, with the name of its column."""
    kinds = tuple(
        (each.name, each.label or each.name)
        for each in sorted(described.columns.values(), key=lambda each: each.name)
        if each.internal_type in JOURNALS
    )
    if not kinds:
        return None
    author = "sys_created_by"
    return Remarks(JOURNAL, OF_RECORDS[JOURNAL][0], "element", "value", CREATED, author, kinds)


def has_classes(described: DictionaryTable) -> bool:
    """True if rows of several tables have a column with their class, so that it must be asked for."""
    return described.in_hierarchy and CLASS in described.columns


def is_read(column: DictionaryColumn) -> bool:
    """True for a column that has a value to store."""
    if column.virtual or column.internal_type in JOURNALS | PASSWORDS:
        return False
    return "." not in column.name


def is_opened(described: DictionaryTable) -> bool:
    """True for tables whose records people open."""
    if described.links or described.name in EVIDENCE | {ATTACHMENT}:
        return False
    return not described.name.startswith("sys_") or described.name in PEOPLE


def _column(
    described: DictionaryColumn,
    table: DictionaryTable,
    classes: Mapping[str, tuple[str, ...]],
    of_records: tuple[str, ...],
) -> Column:
    kind = kind_of(described.name, described.internal_type)
    reference = _reference(described, table, classes, of_records)
    if kind is WireKind.REFERENCE or (reference is not None and reference.key_column is None):
        kind = WireKind.REFERENCE if reference else WireKind.TEXT
    return Column(
        described.name,
        kind,
        label=described.label or described.name,
        native=described.internal_type,
        length=described.length,
        traits=_column_traits(described),
        reference=reference,
        choices=tuple(value for value, _ in described.choices),
        labels=tuple(label for _, label in described.choices),
        search=_searched_as(described),
    )


def _reference(
    described: DictionaryColumn,
    table: DictionaryTable,
    classes: Mapping[str, tuple[str, ...]],
    of_records: tuple[str, ...],
) -> Reference | None:
    """The records that a column names: of one table, of any table, a list of them, or a user by name.

    Authors of journal entries stay texts: a restore sends them, and need not bring the user back. That
    ``dependent`` is the column with the name of the table is an inference.
    """
    column, named_by = OF_RECORDS.get(table.name, ("", ""))
    if described.name in AUTHORS and table.name != JOURNAL and "sys_user" in classes:
        return Reference(classes["sys_user"], key_column="user_name")
    if described.name == column:
        return _of_any_table(of_records, classes, DeleteRule.CASCADE, named_by)
    if described.internal_type == ANY_RECORD and described.dependent in table.columns:
        rule = RULES.get(described.cascade, DeleteRule.UNKNOWN)
        return _of_any_table(of_records, classes, rule, described.dependent)
    if described.internal_type == LIST and described.target in classes:
        return Reference(classes[described.target], separator=",")
    if kind_of(described.name, described.internal_type) is not WireKind.REFERENCE:
        return None
    target = described.target or ("sys_domain" if described.name == "sys_domain" else "")
    rule = RULES.get(described.cascade, DeleteRule.UNKNOWN)
    return Reference(classes[target], rule) if target in classes else None


def _of_any_table(
    tables: tuple[str, ...],
    classes: Mapping[str, tuple[str, ...]],
    rule: DeleteRule,
    table_column: str,
) -> Reference | None:
    """A reference whose row names the table, or an ancestor of it."""
    families = (
        TableFamily(name, tuple(each for each in members if each in tables))
        for name, members in classes.items()
        if len(members) > 1
    )
    known = tuple(family for family in families if family.tables)
    return Reference(tables, rule, table_column, families=known) if tables else None


def _column_traits(column: DictionaryColumn) -> frozenset[ColumnTrait]:
    traits = {ColumnTrait.CREATABLE, ColumnTrait.UPDATABLE}
    if column.name == UPDATES:  # it counts changes that are stored by themselves
        traits = {ColumnTrait.VOLATILE}
    if column.mandatory:
        traits.add(ColumnTrait.REQUIRED)
    if column.name == "number":
        traits.add(ColumnTrait.AUTO_NUMBER)
    if column.internal_type == "email":
        traits.add(ColumnTrait.EMAIL)
    if column.internal_type in {"ph_number", "phone_number_e164"} or "phone" in column.name:
        traits.add(ColumnTrait.PHONE)
    if column.display:
        traits.add(ColumnTrait.NAME)
    return frozenset(traits)


def _searched_as(column: DictionaryColumn) -> SearchedAs | None:
    if column.internal_type in HOSTS:
        return SearchedAs.HOST
    return SearchedAs.WORDS if column.name in WORDS else None


def _name_column(described: DictionaryTable, names: set[str]) -> str | None:
    """The display column of the table, else its name or number (ServiceNow docs, "Display values")."""
    shown = [each.name for each in described.columns.values() if each.display]
    candidates = [*reversed(shown), "name", "number", "short_description"]
    return next((name for name in candidates if name in names), None)


def _present(name: str, names: set[str]) -> str | None:
    return name if name in names else None


def stamp_of(described: DictionaryTable) -> str:
    """The column with the time of the last change: that of creation in tables without updates.

    Where the user may not read it, the table is read whole: by its creation no change would be seen.
    """
    return UPDATED if UPDATED in described.columns else CREATED


def _traits(described: DictionaryTable, names: set[str]) -> frozenset[TableTrait]:
    traits: set[TableTrait] = set()
    if stamp_of(described) in names:
        traits.add(TableTrait.INCREMENTAL)
    if stamp_of(described) == CREATED and CREATED in described.columns:
        traits.add(TableTrait.NEW_ONLY)
    if described.name not in EVIDENCE:
        traits.add(TableTrait.CENSUS)
        if UPDATED in names:  # scripts and imports can change a row without moving its stamp
            traits.add(TableTrait.ROW_CHECK)
        if TRAILLESS not in described.attributes:
            traits.add(TableTrait.REPORTS_DELETES)
    if is_opened(described):
        traits.add(TableTrait.OPENED)
    elif described.name.startswith("sys_") and described.name not in DATA:
        traits.add(TableTrait.CONFIGURATION)
    return frozenset(traits)


def _rank(described: DictionaryTable) -> TableRank:
    if described.links or described.name in EVIDENCE | {ATTACHMENT}:
        return TableRank.DETAIL
    return TableRank.MAIN if MAIN & set(described.lineage) else TableRank.OTHER


def cursor_column(table: Table) -> str | None:
    """The column by which changes are asked for."""
    return table.modified_column if table.has(TableTrait.INCREMENTAL) else None


def classes_of(lineages: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Each table with its descendants, by name, so that a reference leads to all classes."""
    classes: dict[str, list[str]] = {name: [] for name in lineages}
    for name, lineage in sorted(lineages.items()):
        for ancestor in lineage:
            if ancestor in classes:
                classes[ancestor].append(name)
    return {name: tuple(descendants) for name, descendants in classes.items()}
