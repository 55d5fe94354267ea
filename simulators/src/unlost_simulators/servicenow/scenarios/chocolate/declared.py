"""The tables of the chocolate maker's instance, beside those of the platform."""

from __future__ import annotations

from dataclasses import replace

from unlost_simulators.servicenow.model.columns import (
    Cascade,
    Choice,
    Column,
    Kind,
    TableDef,
    choices,
)
from unlost_simulators.servicenow.model.platform import (
    IMPORT_SET,
    PLATFORM,
    flag,
    instant,
    number,
    refer,
    text,
)

INCIDENT_STATES = (
    Choice("1", "New"), Choice("2", "In Progress"), Choice("3", "On Hold"), Choice("6", "Resolved"),
    Choice("7", "Closed"), Choice("8", "Canceled"),
)  # fmt: skip
PRIORITIES = choices("Critical", "High", "Moderate", "Low", "Planning")
CONTEXT = "plant secrets"
"""The encryption context of the encrypted column."""


def _choice(name: str, label: str, options: tuple[Choice, ...], default: str = "") -> Column:
    return Column(name=name, label=label, kind=Kind.INTEGER, choices=options, default=default)


def _journal(name: str, label: str, kind: Kind = Kind.JOURNAL_INPUT) -> Column:
    return Column(name=name, label=label, kind=kind, max_length=65_536)


PLACES = (
    TableDef(name="cmn_location", label="Location", columns=(
        text("name", "Name", display=True), text("city", "City"), text("country", "Country"),
        text("time_zone", "Time zone"),
    )),
    TableDef(name="cmn_department", label="Department", columns=(
        text("name", "Name", display=True), refer("dept_head", "Department head", "sys_user"),
    )),
    TableDef(name="core_company", label="Company", extendable=True, audited=True, columns=(
        text("name", "Name", display=True), text("street", "Street"), text("city", "City"),
        text("state", "State / Province"), text("zip", "Zip / Postal code"),
        text("country", "Country"), text("phone", "Phone"), text("fax_phone", "Fax phone"),
        Column(name="website", label="Website", kind=Kind.URL, max_length=1024),
        text("notes", "Notes", 4000), flag("customer", "Customer"),
        Column(name="revenue_per_year", label="Revenue per year", kind=Kind.CURRENCY),
    )),
    TableDef(name="customer_account", label="Account", extends="core_company", audited=True,
             columns=(
        text("number", "Number"), text("account_type", "Type"), text("u_vat", "VAT number"),
        refer("account_parent", "Account parent", "customer_account", cascade=Cascade.CLEAR),
    )),
    TableDef(name="customer_contact", label="Contact", extends="sys_user", audited=True, columns=(
        refer("account", "Account", "customer_account", cascade=Cascade.CLEAR),
        text("mobile_phone", "Mobile phone"), text("salutation", "Salutation"),
    )),
)  # fmt: skip
TASKS = (
    TableDef(name="task", label="Task", extendable=True, audited=True, number="TASK", columns=(
        text("number", "Number", display=True), text("short_description", "Short description", 160),
        text("description", "Description", 4000), flag("active", "Active", "true"),
        _choice("state", "State", choices("Open", "Work in Progress", "Closed Complete"), "1"),
        _choice("priority", "Priority", PRIORITIES, "4"),
        refer("assigned_to", "Assigned to", "sys_user", cascade=Cascade.CLEAR),
        refer("assignment_group", "Assignment group", "sys_user_group", cascade=Cascade.CLEAR),
        refer("cmdb_ci", "Configuration item", "cmdb_ci", cascade=Cascade.CLEAR),
        refer("company", "Company", "core_company"), refer("parent", "Parent", "task"),
        refer("opened_by", "Opened by", "sys_user"), instant("opened_at", "Opened"),
        instant("closed_at", "Closed"), text("close_notes", "Close notes", 4000),
        Column(name="time_worked", label="Time worked", kind=Kind.DURATION),
        Column(name="watch_list", label="Watch list", kind=Kind.LIST, target="sys_user",
               max_length=4000),
        _journal("comments", "Additional comments"), _journal("work_notes", "Work notes"),
        _journal("comments_and_work_notes", "Comments and Work notes", Kind.JOURNAL_LIST),
    )),
    TableDef(name="incident", label="Incident", extends="task", audited=True, number="INC",
             columns=(
        _choice("state", "State", INCIDENT_STATES, "1"), refer("caller_id", "Caller", "sys_user"),
        refer("problem_id", "Problem", "problem", cascade=Cascade.CLEAR),
        refer("business_service", "Service", "cmdb_ci_service"),
        _choice("impact", "Impact", choices("High", "Medium", "Low"), "3"),
        text("category", "Category"), instant("resolved_at", "Resolved"),
        Column(name="calendar_stc", label="Resolve time", kind=Kind.INTEGER, virtual=True),
    )),
    TableDef(name="problem", label="Problem", extends="task", audited=True, number="PRB", columns=(
        _choice("state", "State", (
            Choice("101", "New"), Choice("103", "Root Cause Analysis"),
            Choice("104", "Fix in Progress"), Choice("107", "Closed"),
        ), "101"),
        text("cause_notes", "Cause notes", 4000),
    )),
    TableDef(name="change_request", label="Change Request", extends="task", audited=True,
             number="CHG", columns=(
        _choice("state", "State", (
            Choice("-5", "New"), Choice("-2", "Scheduled"), Choice("-1", "Implement"),
            Choice("3", "Closed"), Choice("4", "Canceled"),
        ), "-5"),
        text("type", "Type"), instant("start_date", "Planned start date"),
        instant("end_date", "Planned end date"), text("backout_plan", "Backout plan", 4000),
    )),
    TableDef(name="sc_request", label="Request", extends="task", audited=True, number="REQ",
             columns=(refer("requested_for", "Requested for", "sys_user"),)),
    TableDef(name="sc_req_item", label="Requested Item", extends="task", audited=True,
             number="RITM", columns=(
        refer("request", "Request", "sc_request", cascade=Cascade.DELETE),
        refer("cat_item", "Item", "sc_cat_item"), number("quantity", "Quantity"),
    )),
    TableDef(name="sc_task", label="Catalog Task", extends="task", number="SCTASK", columns=(
        refer("request_item", "Request item", "sc_req_item", cascade=Cascade.DELETE),
    )),
    TableDef(name="task_ci", label="CIs Affected", many_to_many=True, columns=(
        refer("task", "Task", "task", cascade=Cascade.DELETE),
        refer("ci_item", "Configuration Item", "cmdb_ci", cascade=Cascade.DELETE),
    )),
)  # fmt: skip
ITEMS = (
    TableDef(name="cmdb_ci", label="Configuration Item", extendable=True, columns=(
        text("name", "Name", display=True), text("short_description", "Description", 1000),
        text("serial_number", "Serial number"), text("asset_tag", "Asset tag"),
        refer("assigned_to", "Assigned to", "sys_user", cascade=Cascade.CLEAR),
        refer("owned_by", "Owned by", "sys_user"),
        refer("support_group", "Support group", "sys_user_group"),
        refer("location", "Location", "cmn_location"),
        _choice("install_status", "Status", choices("Installed", "On Order", "Retired"), "1"),
        Column(name="purchase_date", label="Purchased", kind=Kind.DATE),
        Column(name="warranty_expiration", label="Warranty expiration", kind=Kind.DATE),
        text("ip_address", "IP address"),
    )),
    TableDef(name="cmdb_ci_service", label="Service", extends="cmdb_ci", columns=(
        _choice("busines_criticality", "Business criticality", choices("High", "Medium", "Low")),
    )),
    TableDef(name="cmdb_ci_computer", label="Computer", extends="cmdb_ci", extendable=True,
             columns=(text("os", "Operating system"), text("model", "Model"),
                      text("form_factor", "Form factor"))),
    TableDef(name="cmdb_ci_server", label="Server", extends="cmdb_ci_computer", columns=(
        text("host_name", "Host name"),
    )),
    TableDef(name="cmdb_rel_ci", label="CI Relationship", many_to_many=True, columns=(
        refer("parent", "Parent", "cmdb_ci", cascade=Cascade.DELETE),
        refer("child", "Child", "cmdb_ci", cascade=Cascade.DELETE), text("type", "Type"),
    )),
    TableDef(name="u_credential", label="Plant credential", columns=(
        text("u_name", "Name", display=True),
        Column(name="u_password", label="Password", kind=Kind.SECRET),
        Column(name="u_recovery", label="Recovery text", kind=Kind.ENCRYPTED, attributes=CONTEXT),
    )),
    TableDef(name="sys_certificate", label="X.509 Certificate", web_access=False, columns=(
        text("name", "Name", display=True), text("pem_certificate", "PEM Certificate", 65_536),
    )),
)  # fmt: skip
KNOWLEDGE = (
    TableDef(name="kb_knowledge_base", label="Knowledge Base", columns=(
        text("title", "Title", display=True), refer("owner", "Owner", "sys_user"),
    )),
    TableDef(name="kb_knowledge", label="Knowledge", extendable=True, number="KB", columns=(
        text("number", "Number"), text("short_description", "Short description", display=True),
        Column(name="text", label="Article body", kind=Kind.HTML, max_length=65_536),
        refer("kb_knowledge_base", "Knowledge base", "kb_knowledge_base"),
        refer("author", "Author", "sys_user"), text("workflow_state", "Workflow"),
        instant("published", "Published"),
    )),
    TableDef(name="sc_cat_item", label="Catalog Item", extendable=True, columns=(
        text("name", "Name", display=True), text("short_description", "Short description"),
        flag("active", "Active", "true"),
    )),
    TableDef(name="item_option_new", label="Variable", extendable=True, columns=(
        text("name", "Name"), text("question_text", "Question", display=True),
        refer("cat_item", "Catalog item", "sc_cat_item"), number("order", "Order"),
    )),
    TableDef(name="sc_item_option", label="Item Option", columns=(
        refer("item_option_new", "Question", "item_option_new"), text("value", "Value", 4000),
    )),
    TableDef(name="sc_item_option_mtom", label="Variable Ownership", many_to_many=True, columns=(
        refer("request_item", "Requested item", "sc_req_item", cascade=Cascade.DELETE),
        refer("sc_item_option", "Item option", "sc_item_option", cascade=Cascade.DELETE),
    )),
    TableDef(name="u_imp_contact", label="Import of contacts", extends=IMPORT_SET, columns=(
        text("u_mail", "Mail"), text("u_first", "First"), text("u_last", "Last"),
    )),
)  # fmt: skip
TABLES = (*PLATFORM, *PLACES, *TASKS, *ITEMS, *KNOWLEDGE)


def with_domains(tables: tuple[TableDef, ...]) -> tuple[TableDef, ...]:
    """Give the tables of an instance with domain separation: tasks belong to domains."""
    column = Column(
        name="sys_domain", label="Domain", kind=Kind.DOMAIN, target="sys_domain", default="global"
    )
    return tuple(
        replace(table, columns=(*table.columns, column)) if table.name == "task" else table
        for table in tables
    )
