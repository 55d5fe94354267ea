"""The tables that every instance has."""

from __future__ import annotations

from unlost_simulators.servicenow.model.columns import (
    NO_AUDIT_DELETE,
    NO_UPDATE,
    Cascade,
    Column,
    Kind,
    TableDef,
)

EVIDENCE = f"{NO_UPDATE},{NO_AUDIT_DELETE}"
AUDIT = "sys_audit"
DELETIONS = "sys_audit_delete"
JOURNAL = "sys_journal_field"
ATTACHMENT = "sys_attachment"
ACL = "sys_security_acl"
ACL_ROLE = "sys_security_acl_role"
ROLE = "sys_user_role"
PROPERTIES = "sys_properties"
RATE_RULES = "sys_rate_limit_rules"
SCRIPTS = "sys_script"
IMPORT_SET = "sys_import_set_row"
DOMAIN = "sys_domain"


def text(name: str, label: str, length: int = 255, *, display: bool = False) -> Column:
    """Give a column of text."""
    return Column(name=name, label=label, max_length=length, display=display)


def flag(name: str, label: str, default: str = "false") -> Column:
    """Give a column that is true or false."""
    return Column(name=name, label=label, kind=Kind.BOOLEAN, default=default)


def number(name: str, label: str) -> Column:
    """Give a column of whole numbers."""
    return Column(name=name, label=label, kind=Kind.INTEGER)


def instant(name: str, label: str) -> Column:
    """Give a column of instants."""
    return Column(name=name, label=label, kind=Kind.INSTANT)


def refer(
    name: str, label: str, target: str, *, cascade: Cascade = Cascade.NONE, mandatory: bool = False
) -> Column:
    """Give a column that refers to a row of a table."""
    return Column(
        name=name, label=label, kind=Kind.REFERENCE, target=target, max_length=32,
        cascade=cascade, mandatory=mandatory,
    )  # fmt: skip


def key(name: str, label: str) -> Column:
    """Give a column that names a row of any table, by which rows are often looked up."""
    return Column(name=name, label=label, kind=Kind.DOCUMENT, max_length=32, indexed=True)


DESCRIPTIONS = (
    TableDef(name="sys_db_object", label="Table", columns=(
        text("name", "Name", display=True), text("label", "Label"),
        refer("super_class", "Extends table", "sys_db_object"),
        text("sys_scope", "Application"), flag("is_extendable", "Extensible"),
        flag("ws_access", "Allow access to this table via web services"),
        text("number_ref", "Auto number"),
    )),
    TableDef(name="sys_dictionary", label="Dictionary Entry", columns=(
        Column(name="name", label="Table", kind=Kind.TABLE, max_length=80),
        text("element", "Column name", 80, display=True), text("internal_type", "Type"),
        text("column_label", "Column label"), text("reference", "Reference"),
        number("max_length", "Max length"), flag("mandatory", "Mandatory"),
        flag("read_only", "Read only"), flag("virtual", "Calculated"), flag("display", "Display"),
        text("default_value", "Default value"), text("attributes", "Attributes", 1000),
        flag("active", "Active", "true"), text("reference_cascade_rule", "Cascade rule"),
        text("choice", "Choice"), flag("audit", "Audit"),
    )),
    TableDef(name="sys_choice", label="Choice", columns=(
        Column(name="name", label="Table", kind=Kind.TABLE, max_length=80),
        text("element", "Element", 80), text("value", "Value"),
        text("label", "Label", display=True), number("sequence", "Sequence"),
        text("language", "Language"), flag("inactive", "Inactive"),
    )),
    TableDef(name="sys_m2m", label="Many to Many Definition", columns=(
        Column(name="m2m_to_table", label="Many to many table", kind=Kind.TABLE, max_length=80),
    )),
)  # fmt: skip
RECORDS = (
    TableDef(name=JOURNAL, label="Journal Entry", attributes=EVIDENCE, columns=(
        Column(name="name", label="Name", kind=Kind.TABLE, max_length=80),
        key("element_id", "Element ID"), text("element", "Element"), text("value", "Value", 65_536),
    )),
    TableDef(name=AUDIT, label="Audit", attributes=EVIDENCE, columns=(
        Column(name="tablename", label="Table name", kind=Kind.TABLE, max_length=80),
        key("documentkey", "Document key"), text("fieldname", "Field name"),
        text("oldvalue", "Old value", 65_536), text("newvalue", "New value", 65_536),
        text("user", "User"), text("reason", "Reason"),
        text("record_checkpoint", "Update count"), text("internal_checkpoint", "Internal checkpoint"),
    )),
    TableDef(name=DELETIONS, label="Deleted Record", attributes=EVIDENCE, columns=(
        Column(name="tablename", label="Table name", kind=Kind.TABLE, max_length=80),
        key("documentkey", "Document key"), text("display_value", "Display value"),
        Column(name="payload", label="Payload", kind=Kind.XML, max_length=1_000_000),
        text("user", "User"),
    )),
    TableDef(name=ATTACHMENT, label="Attachment", columns=(
        text("file_name", "File name", 100, display=True), text("content_type", "Content type"),
        Column(name="table_name", label="Table name", kind=Kind.TABLE, max_length=80),
        key("table_sys_id", "Table sys ID"), number("size_bytes", "Size bytes"),
        number("size_compressed", "Size compressed"), flag("compressed", "Compressed"),
        number("chunk_size_bytes", "Chunk size bytes"), number("image_width", "Image width"),
        number("image_height", "Image height"), text("average_image_color", "Average image color"),
        text("hash", "SHA256 hash", 64), text("encryption_context", "Encryption context"),
        text("state", "State"),
    )),
)  # fmt: skip
PEOPLE = (
    TableDef(name="sys_user", label="User", audited=True, extendable=True, columns=(
        text("user_name", "User ID", 40), text("first_name", "First name"),
        text("last_name", "Last name"), text("name", "Name", display=True),
        Column(name="email", label="Email", kind=Kind.MAIL, max_length=100),
        text("employee_number", "Employee number"), text("title", "Title"),
        flag("active", "Active", "true"), text("phone", "Business phone"),
        refer("manager", "Manager", "sys_user", cascade=Cascade.CLEAR),
        refer("department", "Department", "cmn_department"),
        refer("location", "Location", "cmn_location"), refer("company", "Company", "core_company"),
        Column(name="user_password", label="Password", kind=Kind.HASH, max_length=255),
        text("time_zone", "Time zone"), text("preferred_language", "Language"),
    )),
    TableDef(name="sys_user_group", label="Group", audited=True, columns=(
        text("name", "Name", display=True), text("description", "Description", 1000),
        Column(name="email", label="Group email", kind=Kind.MAIL, max_length=100),
        refer("manager", "Manager", "sys_user", cascade=Cascade.CLEAR),
        refer("parent", "Parent", "sys_user_group"), flag("active", "Active", "true"),
    )),
    TableDef(name="sys_user_grmember", label="Group Member", many_to_many=True, columns=(
        refer("user", "User", "sys_user", cascade=Cascade.DELETE),
        refer("group", "Group", "sys_user_group", cascade=Cascade.DELETE),
    )),
    TableDef(name=ROLE, label="Role", columns=(
        text("name", "Name", display=True), text("description", "Description", 1000),
    )),
    TableDef(name="sys_user_has_role", label="User Role", many_to_many=True, columns=(
        refer("user", "User", "sys_user", cascade=Cascade.DELETE),
        refer("role", "Role", ROLE, cascade=Cascade.DELETE), text("state", "State"),
    )),
    TableDef(name=DOMAIN, label="Domain", columns=(text("name", "Name", display=True),)),
)  # fmt: skip
SETUP = (
    TableDef(name=PROPERTIES, label="System Property", columns=(
        text("name", "Name", display=True), text("value", "Value", 4000),
        text("description", "Description", 4000),
    )),
    TableDef(name=ACL, label="Access Control", columns=(
        text("name", "Name", display=True), text("operation", "Operation"), text("type", "Type"),
        flag("active", "Active", "true"), flag("admin_overrides", "Admin overrides", "true"),
        text("condition", "Condition", 4000),
    )),
    TableDef(name=ACL_ROLE, label="Access Roles", many_to_many=True, columns=(
        refer("sys_security_acl", "Access control", ACL, cascade=Cascade.DELETE),
        refer("sys_user_role", "Role", ROLE, cascade=Cascade.DELETE),
    )),
    TableDef(name=RATE_RULES, label="Rate Limit Rule", columns=(
        text("name", "Name", display=True), number("limit", "Request limit per hour"),
        text("type", "Type"), text("subject", "User or role"), flag("active", "Active", "true"),
    )),
    TableDef(name=SCRIPTS, label="Business Rule", columns=(
        text("name", "Name", display=True),
        Column(name="collection", label="Table", kind=Kind.TABLE, max_length=80),
        text("when", "When"), flag("action_query", "Query"), flag("active", "Active", "true"),
        text("filter_condition", "Condition", 4000),
    )),
    TableDef(name="sys_app", label="Custom Application", columns=(
        text("name", "Name", display=True), text("scope", "Scope"), text("version", "Version"),
    )),
    TableDef(name="sys_update_set", label="Update Set", columns=(
        text("name", "Name", display=True), text("state", "State"),
        refer("application", "Application", "sys_app"),
    )),
    TableDef(name=IMPORT_SET, label="Import Set Row", extendable=True, columns=(
        text("sys_import_state", "State"), text("sys_target_sys_id", "Target sys ID"),
    )),
)  # fmt: skip
PLATFORM = (*DESCRIPTIONS, *RECORDS, *PEOPLE, *SETUP)
