"""Tables and columns made of the dictionary."""

from typing import Any

import pytest

from unlost.connectors.servicenow import CONNECTOR
from unlost.connectors.servicenow.schema.dictionary import (
    DictionaryColumn,
    DictionaryTable,
    InstanceDictionary,
)
from unlost.connectors.servicenow.schema.excluded import reason_of
from unlost.connectors.servicenow.schema.kinds import kind_of
from unlost.connectors.servicenow.schema.tables import (
    AUDIT,
    JOURNAL,
    classes_of,
    is_read,
    table_of,
)
from unlost.kit.tables import cascading
from unlost.model.source.schema import (
    ColumnTrait,
    DeleteRule,
    Reference,
    Schema,
    SearchedAs,
    Table,
    TableFamily,
    TableRank,
    TableTrait,
    WireKind,
)

STAMPS = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by")


def dictionary() -> InstanceDictionary:
    """Tasks and incidents, as the rows of an instance describe them."""
    task = {
        **{name: {"internal_type": "string", "active": "true"} for name in STAMPS},
        "number": {"internal_type": "string", "display": "true", "max_length": "40"},
        "state": {"internal_type": "integer", "column_label": "State"},
        "comments": {"internal_type": "journal_input"},
    }
    return InstanceDictionary(
        tables={"task": {"label": "Task"}, "incident": {"label": "Incident", "ws_access": "true"}},
        parents={"task": "", "incident": "task"},
        collections={"task": {"audit": "true", "attributes": "a,no_audit_delete"}},
        columns={
            "task": task,
            "incident": {"state": {"column_label": "Phase", "mandatory": "true"}},
        },
        choices={
            ("task", "state"): [{"value": "1", "label": "Open"}],
            ("incident", "state"): [{"value": "1", "label": "New"}],
        },
    )


def described(name: str, *columns: DictionaryColumn, **parts: Any) -> DictionaryTable:
    given = {column.name: column for column in columns}
    stamps = {each: DictionaryColumn(each, "string") for each in STAMPS}
    lineage = parts.pop("lineage", (name,))
    return DictionaryTable(name, name.title(), lineage, {**stamps, **given}, **parts)


def made(table: DictionaryTable, **parts: Any) -> Table:
    options = {"hidden": frozenset(), "classes": {}, "of_records": (), **parts}
    return table_of(table, **options)


def test_a_class_inherits_and_the_nearest_description_counts() -> None:
    incident = dictionary().table("incident")
    assert incident.lineage == ("incident", "task")
    assert incident.columns["number"].display
    assert incident.columns["state"].label == "Phase"
    assert incident.columns["state"].choices == (("1", "New"),)
    assert dictionary().table("task").columns["state"].choices == (("1", "Open"),)
    assert incident.audited
    assert "no_audit_delete" in incident.attributes


def test_a_circle_of_parents_ends() -> None:
    circle = dictionary()
    circle.parents["task"] = "incident"
    assert circle.lineage("incident") == ("incident", "task")


@pytest.mark.parametrize(
    ("name", "native", "kind"),
    [
        ("sys_id", "GUID", WireKind.ID),
        ("x", "boolean", WireKind.BOOLEAN),
        ("x", "integer", WireKind.INTEGER),
        ("x", "decimal", WireKind.DECIMAL),
        ("x", "glide_date", WireKind.DATE),
        ("x", "glide_date_time", WireKind.INSTANT),
        ("x", "glide_duration", WireKind.TEXT),
        ("x", "currency", WireKind.TEXT),
        ("x", "glide_list", WireKind.TEXT),
        ("x", "of_a_new_release", WireKind.TEXT),
    ],
)
def test_types_have_kinds(name: str, native: str, kind: WireKind) -> None:
    assert kind_of(name, native) is kind


@pytest.mark.parametrize(
    "native", ["journal", "journal_input", "journal_list", "password", "password2"]
)
def test_journals_and_passwords_are_no_values(native: str) -> None:
    assert not is_read(DictionaryColumn("x", native))
    assert not is_read(DictionaryColumn("x", "string", virtual=True))
    assert is_read(DictionaryColumn("x", "string"))


def test_a_table_names_its_columns() -> None:
    table = made(described("incident", DictionaryColumn("number", "string", display=True)))
    assert table.columns[0].name == table.id_column == "sys_id"
    assert table.name_column == "number"
    assert table.modified_column == "sys_updated_on"
    assert table.modified_by_column == "sys_updated_by"
    number = table.column("number")
    assert number is not None
    assert number.has(ColumnTrait.AUTO_NUMBER)
    assert table.has(TableTrait.OPENED)


def test_a_table_without_updates_is_asked_by_its_creation() -> None:
    log = described("u_log")
    columns = {n: c for n, c in log.columns.items() if "updated" not in n}
    table = made(DictionaryTable("u_log", "Log", ("u_log",), columns))
    assert table.modified_column == "sys_created_on"
    assert table.has(TableTrait.NEW_ONLY)
    assert table.has(TableTrait.INCREMENTAL)


def test_a_table_without_stamps_is_read_whole() -> None:
    bare = DictionaryTable("u", "U", ("u",), {"sys_id": DictionaryColumn("sys_id", "GUID")})
    table = made(bare)
    assert table.modified_column is None
    assert not table.has(TableTrait.INCREMENTAL)


def test_deletions_without_a_trail_are_not_reported() -> None:
    table = made(described("u", attributes=frozenset({"no_audit_delete"})))
    assert not table.has(TableTrait.REPORTS_DELETES)
    assert table.has(TableTrait.CENSUS)


@pytest.mark.parametrize("name", [AUDIT, JOURNAL, "sys_audit_delete"])
def test_evidence_is_kept_when_the_instance_deletes_it(name: str) -> None:
    table = made(described(name, audited=True))
    assert not table.has(TableTrait.CENSUS)
    assert not table.has(TableTrait.REPORTS_DELETES)
    assert table.change_log is None
    assert table.rank is TableRank.DETAIL


@pytest.mark.parametrize(
    ("cascade", "rule"),
    [
        ("delete", DeleteRule.CASCADE),
        ("restrict", DeleteRule.RESTRICT),
        ("clear", DeleteRule.SET_NULL),
        ("none", DeleteRule.UNKNOWN),
        ("", DeleteRule.UNKNOWN),
    ],
)
def test_references_have_rules(cascade: str, rule: DeleteRule) -> None:
    column = DictionaryColumn("parent", "reference", target="task", cascade=cascade)
    table = made(described("u", column), classes={"task": ("incident", "task")})
    reference = table.columns[[c.name for c in table.columns].index("parent")].reference
    assert reference is not None
    assert reference.tables == ("incident", "task")
    assert reference.rule is rule
    assert cascading([table], "incident") == (["u"] if rule is DeleteRule.CASCADE else [])


def test_a_reference_to_no_table_is_text() -> None:
    column = DictionaryColumn("u_odd", "reference", target="gone")
    kept = made(described("u", column)).column("u_odd")
    assert kept is not None
    assert kept.kind is WireKind.TEXT
    assert kept.reference is None


def test_a_domain_refers_to_domains() -> None:
    column = DictionaryColumn("sys_domain", "domain_id")
    domain = made(described("u", column), classes={"sys_domain": ("sys_domain",)}).column(
        "sys_domain"
    )
    assert domain is not None
    assert domain.reference is not None


def test_journals_refer_to_records() -> None:
    column = DictionaryColumn("element_id", "document_id")
    table = made(described(JOURNAL, column), of_records=("incident",))
    element = table.column("element_id")
    assert element is not None
    assert element.reference is not None
    assert element.reference.rule is DeleteRule.CASCADE
    assert element.reference.table_column == "name"


CLASSES = {"task": ("task", "incident"), "incident": ("incident",), "sys_user": ("sys_user",)}


def test_a_row_names_the_table_of_its_record_or_an_ancestor_of_it() -> None:
    columns = (
        DictionaryColumn("source_id", "document_id", dependent="source"),
        DictionaryColumn("source", "table_name"),
    )
    records = ("incident", "sys_user")
    table = made(described("u", *columns), classes=CLASSES, of_records=records)
    source = table.column("source_id")
    assert source is not None
    assert source.reference == Reference(
        records, table_column="source", families=(TableFamily("task", ("incident",)),)
    )
    loose = made(described("u", columns[0]), classes=CLASSES, of_records=records)
    assert loose.column("source_id").reference is None
    assert made(described(JOURNAL, *columns), classes=CLASSES).column("source_id") is not None


def test_creators_and_editors_are_named_by_the_login_of_their_user() -> None:
    login = Reference(CLASSES["sys_user"], key_column="user_name")
    for column in ("sys_created_by", "sys_updated_by"):
        author = made(described("u"), classes=CLASSES).column(column)
        assert (author.kind, author.reference) == (WireKind.TEXT, login)
        assert made(described("u"), classes={}).column(column).reference is None
    entries = made(described("sys_journal_field"), classes=CLASSES)
    assert entries.column("sys_created_by").reference is None


def test_a_list_names_several_records() -> None:
    column = DictionaryColumn("watch_list", "glide_list", target="sys_user")
    watched = made(described("u", column), classes=CLASSES).column("watch_list")
    assert watched is not None
    assert watched.reference == Reference(("sys_user",), separator=",")
    plain = made(described("u", column)).column("watch_list")
    assert plain is not None
    assert (plain.kind, plain.reference) == (WireKind.TEXT, None)


def test_hidden_columns_are_named() -> None:
    table = made(described("u", DictionaryColumn("x", "string")), hidden=frozenset({"x", "y"}))
    assert table.hidden == ("x",)
    assert table.column("x") is None


def test_people_search_by_words_hosts_mails_and_phones() -> None:
    columns = (
        DictionaryColumn("short_description", "string"),
        DictionaryColumn("website", "url"),
        DictionaryColumn("email", "email"),
        DictionaryColumn("mobile_phone", "string"),
        DictionaryColumn("u_other", "string"),
    )
    table = made(described("u", *columns))
    by_name = {column.name: column for column in table.columns}
    assert by_name["short_description"].search is SearchedAs.WORDS
    assert by_name["website"].search is SearchedAs.HOST
    assert by_name["email"].has(ColumnTrait.EMAIL)
    assert by_name["mobile_phone"].has(ColumnTrait.PHONE)
    assert by_name["u_other"].search is None


def test_tables_have_ranks() -> None:
    assert made(described("incident", lineage=("incident", "task"))).rank is TableRank.MAIN
    assert made(described("u_thing")).rank is TableRank.OTHER
    links = made(described("task_ci", links=True))
    assert links.rank is TableRank.DETAIL
    assert not links.has(TableTrait.OPENED)
    assert made(described("sys_script")).has(TableTrait.CONFIGURATION)


def test_classes_are_descendants() -> None:
    classes = classes_of({"task": ("task",), "incident": ("incident", "task"), "x": ("x", "gone")})
    assert classes == {"task": ("incident", "task"), "incident": ("incident",), "x": ("x",)}


@pytest.mark.parametrize(
    ("name", "lineage", "word"),
    [
        ("u_view", ("u_view",), "view"),
        ("u_imp", ("u_imp", "sys_import_set_row"), "import"),
        ("syslog", ("syslog",), "log"),
        ("sysevent", ("sysevent",), "queue"),
        ("sys_attachment_doc", ("sys_attachment_doc",), "other tables"),
        ("ts_index", ("ts_index",), "other tables"),
        ("incident", ("incident", "task"), ""),
    ],
)
def test_tables_that_are_no_data_have_a_reason(
    name: str, lineage: tuple[str, ...], word: str
) -> None:
    reason = reason_of(described(name, lineage=lineage), views=frozenset({"u_view"}))
    assert (word in reason) if word else not reason


def test_a_table_whose_rows_have_no_id_is_named() -> None:
    bare = DictionaryTable("u_bare", "Bare", ("u_bare",), {})
    assert reason_of(bare, views=frozenset()) == "its rows have no id"


def test_open_work_is_told_from_done_work() -> None:
    columns = (
        DictionaryColumn("number", "string", display=True),
        DictionaryColumn("active", "boolean"),
        DictionaryColumn("short_description", "string"),
    )
    task, plain = made(described("incident", *columns)), made(described("u"))
    rules = CONNECTOR.loss_rules(Schema((task, plain), "")).tables
    assert rules["incident"].state_column == "active"
    assert rules["incident"].closed_states == {"false"}
    assert rules["u"].state_column is None
    shown = CONNECTOR.display_rule(task)
    assert shown.text_columns == ("short_description",)
    assert "sys_updated_on" in shown.system_columns
    assert shown.number_columns == ()
