"""What is in the org, what is not data, what is hidden, and which permission repairs it."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.schema import describes, hidden
from unlost.connectors.salesforce.schema.special import ReadStrategy
from unlost.kit.http import AnswerTooLarge
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import (
    ALL_ROWS,
    ROWS,
    ChangeLog,
    ColumnTrait,
    DeleteRule,
    Schema,
    TableTrait,
    WireKind,
)
from unlost.testing.system import MemoryCache


def an_org(*describes: dict[str, Any], **settings: Any) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    org.describes = {one["name"]: one for one in describes}
    return org


def discovered(org: FakeSalesforce) -> Schema:
    with org.source() as source:
        return source.discover()


def of_kind(schema: Schema, kind: FindingKind) -> list[Finding]:
    return [finding for finding in schema.findings if finding.kind is kind]


ACCOUNT = describe(
    "Account",
    *system_fields(),
    field("Name", nameField=True, compoundFieldName="Name", nillable=False),
    field("BillingAddress", "address"),
    field("BillingCity", compoundFieldName="BillingAddress"),
    field("OwnerId", "reference", referenceTo=["Group", "User"], nillable=False, defaultedOnCreate=True),
    field("ParentId", "reference", referenceTo=["Account"]),
    field("Number__c", externalId=True, unique=True, caseSensitive=True),
    field("Auto__c", autoNumber=True, createable=False, updateable=False),
    field("Score__c", "double", calculated=True),
    field("LastViewedDate", "datetime"),
    field("Kind__c", "multipicklist", picklistValues=[{"value": "a"}, {"value": "b"}]),
    field("Mail__c", "email"),
    field("Phone", "phone"),
    label="Account",
    childRelationships=[
        {"childSObject": "Account", "field": "ParentId", "cascadeDelete": False, "restrictedDelete": False},
        {"childSObject": "Contact", "field": "AccountId", "cascadeDelete": True, "restrictedDelete": False},
        {"childSObject": "Case", "field": "AccountId", "cascadeDelete": False, "restrictedDelete": True},
        {"childSObject": "ContentDocumentLink", "field": "LinkedEntityId", "cascadeDelete": True, "restrictedDelete": False},
    ],
)  # fmt: skip
CONTACT = describe(
    "Contact", *system_fields(), field("AccountId", "reference", referenceTo=["Account"])
)
CASE = describe("Case", *system_fields(), field("AccountId", "reference", referenceTo=["Account"]))


def test_columns_carry_kinds_traits_references_and_choices() -> None:
    table = discovered(an_org(ACCOUNT)).table("Account")
    assert table is not None
    assert table.column("BillingAddress") is None, "a compound is a view of its parts"
    assert table.column("BillingCity") is not None
    assert table.column("Name") is not None, "named as a compound, and a column of its own"
    assert table.name_column == "Name"
    facts = {column.name: column for column in table.columns}
    assert facts["Name"].has(ColumnTrait.REQUIRED)
    assert not facts["OwnerId"].has(ColumnTrait.REQUIRED)
    assert {ColumnTrait.UNIQUE, ColumnTrait.EXTERNAL_ID, ColumnTrait.CASE_SENSITIVE} <= facts[
        "Number__c"
    ].traits
    assert facts["Auto__c"].traits == {ColumnTrait.AUTO_NUMBER}
    assert facts["Score__c"].has(ColumnTrait.VOLATILE)
    assert facts["LastViewedDate"].has(ColumnTrait.VOLATILE)
    assert facts["Kind__c"].kind is WireKind.MULTI
    assert facts["Kind__c"].choices == ("a", "b")
    assert facts["Mail__c"].has(ColumnTrait.EMAIL)
    assert facts["Phone"].has(ColumnTrait.PHONE)
    assert facts["OwnerId"].reference is not None
    assert facts["OwnerId"].reference.tables == ("Group", "User")
    assert (facts["Id"].kind, facts["CreatedDate"].kind) == (WireKind.ID, WireKind.INSTANT)
    assert (table.modified_column, table.modified_by_column, table.stamp_column) == (
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    )
    assert table.merged_into_column is None


def test_merged_records_name_the_surviving_record() -> None:
    winner = field("MasterRecordId", "reference", referenceTo=["Account"])
    table = discovered(an_org({**ACCOUNT, "fields": [*ACCOUNT["fields"], winner]})).table("Account")
    assert table is not None
    assert table.merged_into_column == "MasterRecordId"


@pytest.mark.parametrize(
    ("table", "column", "rule"),
    [
        ("Contact", "AccountId", DeleteRule.CASCADE),
        ("Case", "AccountId", DeleteRule.RESTRICT),
        ("Account", "ParentId", DeleteRule.SET_NULL),
        ("Account", "OwnerId", DeleteRule.UNKNOWN),
    ],
)
def test_delete_rules_come_from_the_parents(table: str, column: str, rule: DeleteRule) -> None:
    found = discovered(an_org(ACCOUNT, CONTACT, CASE)).table(table)
    assert found is not None
    reference = found.column(column).reference  # type: ignore[union-attr]
    assert reference is not None
    assert reference.rule is rule


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("AccountChangeEvent", {"queryable": False}, "stream of events"),
        ("Order_Done__e", {}, "stream of events"),
        ("LoginEvent", {}, "stream of events"),
        ("Invoice__x", {}, "another system"),
        ("FieldDefinition", {}, "view of the org's configuration"),
        ("ActivityHistory", {"queryable": False}, "a view of records"),
        ("AccountFeed", {}, "a view of records"),
        ("Thing__Feed", {}, "a view of records"),
        ("RecentlyViewed", {}, "a view of records"),
        ("Computed", {"queryable": False}, "not queryable"),
    ],
)
def test_what_is_no_data_is_said_and_turns_no_verdict(
    name: str, facts: dict[str, Any], words: str
) -> None:
    schema = discovered(an_org(describe(name, *system_fields(), **facts)))
    assert schema.tables == ()
    (finding,) = of_kind(schema, FindingKind.TABLE_NOT_DATA)
    assert words in finding.sentence
    assert (finding.severity, finding.table) == (Severity.NOTE, name)


def test_a_big_object_is_data_that_is_not_protected() -> None:
    """No query lists it whole, and its records have no ids: a gap, with the reason."""
    schema = discovered(an_org(describe("Log__b", *system_fields(), label="Log")))
    assert schema.tables == ()
    (finding,) = of_kind(schema, FindingKind.TABLE_REFUSED)
    assert (finding.severity, finding.table) == (Severity.GAP, "Log__b")
    assert "Log (Log__b) is a big object and is not protected" in finding.sentence
    assert "index" in finding.sentence
    assert finding.next_step


@pytest.mark.parametrize("name", ["Event", "FeedItem", "FeedComment", "AccountHistory", "Thing__c"])
def test_what_looks_alike_and_is_data_is_read(name: str) -> None:
    assert discovered(an_org(describe(name, *system_fields()))).table(name) is not None


@pytest.mark.parametrize(
    ("name", "extra", "strategy"),
    [
        ("Account", [], ReadStrategy.BULK),
        ("CaseStatus", [], ReadStrategy.REST),
        ("Setting__mdt", [], ReadStrategy.REST),
        ("Article__kav", [], ReadStrategy.REST),
        ("Thing__c", [field("Data", "json")], ReadStrategy.REST),
        ("Thing__c", [field("Data", "complexvalue", soapType="urn:Thing")], ReadStrategy.REST),
        ("IdeaComment", [], ReadStrategy.PARENTS),
        ("ContentFolderItem", [], ReadStrategy.PARENTS),
        ("ContentDocumentLink", [], ReadStrategy.BULK),
    ],
)
def test_strategies(name: str, extra: list[dict[str, Any]], strategy: ReadStrategy) -> None:
    table = discovered(an_org(describe(name, *system_fields(), *extra))).table(name)
    assert table is not None
    assert table.strategy == strategy.value


def test_file_links_are_read_by_parents_without_query_all_files() -> None:
    org = an_org(describe("ContentDocumentLink", *system_fields()))
    org.flags["PermissionsQueryAllFiles"] = False
    schema = discovered(org)
    assert schema.tables[0].strategy == ReadStrategy.PARENTS.value
    (finding,) = of_kind(schema, FindingKind.FILES_HIDDEN)
    assert "'Query All Files'" in finding.next_step
    assert finding.severity is Severity.GAP


@pytest.mark.parametrize("name", ["FeedItem", "ThingViewStat", "IdeaComment"])
def test_tables_that_cannot_be_asked_for_changes_are_read_whole(name: str) -> None:
    """Posts can only where Salesforce lists those that were changed."""
    described = describe(name, *system_fields(), replicateable=False)
    table = discovered(an_org(described)).table(name)
    assert table is not None
    assert not table.has(TableTrait.INCREMENTAL)


@pytest.mark.parametrize("all_files", [True, False])
def test_links_can_be_asked_for_changes_where_their_ids_can_be_listed(all_files: bool) -> None:
    org = an_org(describe("ContentDocumentLink", *system_fields(), replicateable=False))
    org.flags["PermissionsQueryAllFiles"] = all_files
    (table,) = discovered(org).tables
    assert table.has(TableTrait.INCREMENTAL) == all_files
    assert table.has(TableTrait.CENSUS)
    assert not table.has(TableTrait.REPORTS_DELETES)


def test_a_table_with_a_layout_and_a_place_in_search_is_opened_by_people() -> None:
    """A describe that lost these flags on its way would end all alerts about mass changes."""
    name = field("Name", "string", nameField=True)
    schema = discovered(
        an_org(
            describe("Account", *system_fields(), name, layoutable=True, searchable=True),
            describe("Role", *system_fields(), layoutable=True, searchable=True),
            describe("Lock__c", *system_fields(), layoutable=True, searchable=False),
            describe("Note", *system_fields(), layoutable=False, searchable=False),
        )
    )
    opened = {table.name for table in schema.tables if table.has(TableTrait.OPENED)}
    assert opened == {"Account", "Note"}


def test_a_column_that_finds_a_record_by_its_value_is_searched() -> None:
    columns = (field("Code", "string", idLookup=True), field("Text", "string"))
    (table,) = discovered(an_org(describe("Plant", *system_fields(), *columns))).tables
    assert [column.name for column in table.columns if column.search is not None] == ["Code"]


def test_traits_of_tables() -> None:
    schema = discovered(
        an_org(
            describe("OpportunityLineItem", *system_fields(), undeletable=False),
            describe("ContentVersion", *system_fields(), replicateable=False),
            describe("Profile", *system_fields()),
            describe("Setting__c", *system_fields(), customSetting=True),
            describe("CurrencyType", *system_fields()),
        )
    )
    traits = {table.name: table.traits for table in schema.tables}
    assert TableTrait.UNDELETE not in traits["OpportunityLineItem"]
    assert TableTrait.REPORTS_DELETES in traits["OpportunityLineItem"]
    assert TableTrait.REPORTS_DELETES not in traits["ContentVersion"]
    assert TableTrait.REPORTS_DELETES not in traits["CurrencyType"]
    assert TableTrait.CONFIGURATION in traits["Profile"]
    assert TableTrait.CONFIGURATION in traits["Setting__c"]
    assert TableTrait.CONFIGURATION not in traits["OpportunityLineItem"]


HISTORY = [field("Field"), field("OldValue", "anyType"), field("NewValue", "anyType"), field("CreatedById", "reference", referenceTo=["User"])]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parent", "target"),
    [("AccountHistory", "AccountId", "Account"), ("Thing__History", "ParentId", "Thing__c")],
)
def test_a_table_names_the_table_in_which_its_changes_are_noted(
    name: str, parent: str, target: str
) -> None:
    link = field(parent, "reference", referenceTo=[target])
    history = describe(name, *system_fields(), *HISTORY, link)
    schema = discovered(an_org(history, describe(target, *system_fields())))
    assert schema.table(name).change_log is None  # type: ignore[union-attr]
    assert schema.table(target).change_log == ChangeLog(  # type: ignore[union-attr]
        name, parent, "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"
    )


def test_a_history_of_another_shape_notes_no_changes() -> None:
    stages = describe("OpportunityHistory", *system_fields(), field("StageName"))
    orphan = describe("OddHistory", field("Id", "id"), *HISTORY)
    schema = discovered(an_org(stages, orphan, describe("Opportunity", *system_fields())))
    assert [table.change_log for table in schema.tables] == [None, None, None]


def test_columns_that_field_level_security_hides_are_found() -> None:
    org = an_org(ACCOUNT, CONTACT)
    org.hidden = {"Contact": ["Salary__c", "Birthdate"]}
    schema = discovered(org)
    assert schema.table("Contact").hidden == ("Birthdate", "Salary__c")  # type: ignore[union-attr]
    assert schema.table("Account").hidden == ()  # type: ignore[union-attr]
    findings = of_kind(schema, FindingKind.COLUMN_HIDDEN)
    assert [(one.table, one.column) for one in findings] == [
        ("Contact", "Birthdate"), ("Contact", "Salary__c"),
    ]  # fmt: skip
    assert all(one.severity is Severity.GAP and "read access" in one.next_step for one in findings)


def test_the_list_of_columns_may_have_pages_or_be_refused() -> None:
    org = an_org(ACCOUNT, CONTACT)
    page = {"done": False, "nextRecordsUrl": "/services/data/v66.0/tooling/query/01g-2", "records": [{"QualifiedApiName": "Id"}]}  # fmt: skip
    org.wire.on("GET", "FieldDefinition.*Account", json_answer(page))
    org.wire.on("GET", "FieldDefinition.*Contact", error_answer("INSUFFICIENT_ACCESS", "no", 403))
    rest = {"done": True, "records": [{"QualifiedApiName": "Secret__c"}]}
    org.wire.on("GET", "01g-2", json_answer(rest))
    schema = discovered(org)
    assert schema.table("Account").hidden == ("Secret__c",)  # type: ignore[union-attr]
    assert schema.table("Contact").hidden == ()  # type: ignore[union-attr]
    (untold,) = of_kind(schema, FindingKind.PERMISSION_MISSING)
    assert (untold.detail, untold.severity) == ("Contact", Severity.GAP)


@pytest.mark.parametrize("cache", [MemoryCache(), None])
def test_millions_of_fields_over_many_tables_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, cache: MemoryCache | None
) -> None:
    org = FakeSalesforce()
    org.context = replace(org.context, cache=cache)
    for number in range(60):
        org.describes[f"T{number}__c"] = describe(f"T{number}__c", *system_fields())
    monkeypatch.setattr(describes, "MOST_ALL_COLUMNS", 26 * len(system_fields()))
    with org.source() as source, pytest.raises(AnswerTooLarge, match="objects have more than"):
        source.discover()
    assert org.described <= 50  # of the third part none


@pytest.mark.parametrize(("limit", "most"), [("MOST_COLUMNS", 9), ("MOST_ALL_COLUMNS", 19)])
def test_millions_of_hidden_columns_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    org = an_org(ACCOUNT, CONTACT)
    names = [f"H{number}__c" for number in range(10)]
    org.hidden = {"Contact": names, "Account": names}
    monkeypatch.setattr(hidden, limit, most)
    with org.source() as source, pytest.raises(AnswerTooLarge, match="more than"):
        source.discover()


def test_tables_that_are_counted_but_not_shown_are_found() -> None:
    org = an_org(ACCOUNT)
    org.counts = [{"name": "Account", "count": 5}, {"name": "Payroll__c", "count": 7}, {"name": "Empty__c", "count": 0}]  # fmt: skip
    (finding,) = of_kind(discovered(org), FindingKind.PERMISSION_MISSING)
    assert (finding.table, finding.detail, finding.severity) == ("Payroll__c", "7", Severity.GAP)


def test_counts_that_may_not_be_read_are_a_gap_and_hide_nothing_else() -> None:
    """Without them, tables that are hidden from the backup user were left out silently."""
    org = an_org(ACCOUNT)
    org.wire.on("GET", "recordCount", error_answer("INSUFFICIENT_ACCESS", "no", 403))
    schema = discovered(org)
    (finding,) = of_kind(schema, FindingKind.PERMISSION_MISSING)
    assert (finding.severity, finding.table) == (Severity.GAP, None)
    assert "Tables that are hidden" in finding.sentence
    assert schema.table("Account") is not None


@pytest.mark.parametrize(
    ("flag", "kind", "permission"),
    [
        ("PermissionsViewAllData", FindingKind.PERMISSION_MISSING, "View All Data"),
        ("PermissionsQueryAllFiles", FindingKind.FILES_HIDDEN, "Query All Files"),
        ("PermissionsViewSetup", FindingKind.PERMISSION_MISSING, "View Setup and Configuration"),
    ],
)
def test_a_missing_permission_is_a_gap_that_names_its_repair(
    flag: str, kind: FindingKind, permission: str
) -> None:
    org = an_org(ACCOUNT)
    org.flags[flag] = False
    (finding,) = of_kind(discovered(org), kind)
    assert finding.severity is Severity.GAP
    assert permission in finding.next_step
    assert finding.detail == permission


def test_masked_columns_are_a_gap_only_where_there_are_some() -> None:
    org = an_org(
        ACCOUNT, describe("Card__c", *system_fields(), field("Number__c", "encryptedstring"))
    )
    assert of_kind(discovered(org), FindingKind.COLUMN_UNREADABLE) == []
    org.flags["PermissionsViewEncryptedData"] = False
    (finding,) = of_kind(discovered(org), FindingKind.COLUMN_UNREADABLE)
    assert "View Encrypted Data" in finding.next_step
    assert (finding.table, finding.column) == ("Card__c", "Number__c")


def test_permissions_that_this_edition_lacks_are_not_asked_for() -> None:
    org = an_org(ACCOUNT)
    known = describe("UserPermissionAccess", field("PermissionsViewAllData", "boolean"))
    org.wire.on("GET", "QueryAllFiles.*UserPermissionAccess", error_answer("INVALID_FIELD", "no"))
    org.wire.on("GET", "UserPermissionAccess/describe", json_answer(known))
    schema = discovered(org)
    assert of_kind(schema, FindingKind.PERMISSION_MISSING) == []


@pytest.mark.parametrize("describable", [True, False])
def test_permissions_that_nobody_tells_are_a_gap(describable: bool) -> None:
    org = an_org(ACCOUNT)
    org.wire.on("GET", "FROM\\+UserPermissionAccess", error_answer("INVALID_TYPE", "no"))
    if describable:
        known = describe("UserPermissionAccess", field("PermissionsViewAllData", "boolean"))
        org.wire.on("GET", "UserPermissionAccess/describe", json_answer(known))
    (finding,) = of_kind(discovered(org), FindingKind.PERMISSION_MISSING)
    assert finding.detail == "UserPermissionAccess"


def test_the_fingerprint_moves_with_rights_and_with_nothing_else() -> None:
    org = an_org(ACCOUNT)
    first = discovered(org)
    org.describes["Contact"] = CONTACT
    org.hidden = {"Account": ["New__c"]}
    assert discovered(org).fingerprint == first.fingerprint
    org.flags["PermissionsViewAllData"] = False
    second = discovered(org)
    assert second.fingerprint != first.fingerprint
    org.rows["PermissionSetAssignment"] = [
        {"PermissionSetId": "0PS1", "AssigneeId": "005000000000001AAA"}
    ]
    assert discovered(org).fingerprint not in {first.fingerprint, second.fingerprint}


def test_without_any_rights_told_the_visible_tables_stand_in() -> None:
    org = an_org(ACCOUNT)
    org.wire.on("GET", "FROM\\+UserPermissionAccess", error_answer("INVALID_TYPE", "no"))
    first = discovered(org).fingerprint
    org.describes["Contact"] = CONTACT
    assert discovered(org).fingerprint != first


def test_a_table_that_will_not_be_described_is_a_gap_and_stops_nothing() -> None:
    org = an_org(ACCOUNT, CONTACT)
    org.wire.on("GET", "Contact/describe", error_answer("INSUFFICIENT_ACCESS", "no access", 403))
    schema = discovered(org)
    assert [table.name for table in schema.tables] == ["Account"]
    (finding,) = of_kind(schema, FindingKind.TABLE_REFUSED)
    assert (finding.table, finding.severity) == ("Contact", Severity.GAP)
    assert "no access" in finding.sentence


def test_a_describe_that_fails_only_within_a_batch_is_asked_for_alone() -> None:
    org = an_org(ACCOUNT)
    answer = json_answer(
        {"results": [{"statusCode": 500, "result": [{"errorCode": "X", "message": "y"}]}]}
    )
    rights = org._batch
    org.wire.on("POST", "composite/batch", rights, answer, org._batch)
    schema = discovered(org)
    assert schema.table("Account") is not None
    assert schema.findings == ()


def test_describes_go_25_a_call() -> None:
    many = [describe(f"Thing{number:02d}__c", *system_fields()) for number in range(60)]
    org = an_org(*many)
    assert len(discovered(org).tables) == 60
    rights, describes, columns = 1, 3, 3
    made = org.wire.made("POST", "composite/batch")
    assert len(made) == rights + describes + columns


@pytest.mark.parametrize(
    "broken",
    [
        {"statusCode": 500, "result": [{"errorCode": "X", "message": "y"}]},
        {"statusCode": 200, "result": {"totalSize": 2, "done": True, "records": []}},
        {"statusCode": 200, "result": {"totalSize": 1, "done": False, "records": []}},
    ],
)
def test_rights_whose_answer_in_a_batch_is_not_whole_are_asked_for_alone(
    broken: dict[str, Any],
) -> None:
    org = an_org(ACCOUNT)
    before = discovered(org).fingerprint
    question = "FROM\\+ObjectPermissions"
    asked = len(org.wire.made("GET", question))
    org.wire.on("POST", "composite/batch", json_answer({"results": [broken] * 4}), org._batch)
    assert discovered(org).fingerprint == before
    assert len(org.wire.made("GET", question)) == asked + 1


def test_included_and_excluded_tables() -> None:
    schema = discovered(an_org(ACCOUNT, CONTACT, CASE, exclude=("Case",)))
    assert [table.name for table in schema.tables] == ["Account", "Contact"]
    (finding,) = of_kind(schema, FindingKind.TABLE_EXCLUDED)
    assert (finding.table, finding.severity) == ("Case", Severity.GAP)
    assert "remove it from the list" in finding.next_step
    log = describe("Log__b", *system_fields(), label="Sensor Log")
    schema = discovered(an_org(ACCOUNT, CASE, log, include=("Case",)))
    assert [table.name for table in schema.tables] == ["Case"]
    account, big = of_kind(schema, FindingKind.TABLE_EXCLUDED)
    assert account.sentence == "Account is excluded by the settings of the org."
    assert big.sentence == "Sensor Log (Log__b) is excluded by the settings of the org."
    assert "add it to the list" in account.next_step


def test_a_view_that_is_not_chosen_is_still_no_data() -> None:
    view = describe("AccountFeed", *system_fields())
    for chosen in ({"include": ("Account",)}, {"exclude": ("AccountFeed",)}):
        schema = discovered(an_org(ACCOUNT, view, **chosen))
        assert not of_kind(schema, FindingKind.TABLE_EXCLUDED)
        (finding,) = of_kind(schema, FindingKind.TABLE_NOT_DATA)
        assert finding.severity is Severity.NOTE


def test_columns_that_no_query_gives_are_named() -> None:
    lists = field("ToIds", "reference", soapType="urn:JunctionIdListNames")
    schema = discovered(an_org(describe("EmailMessage", *system_fields(), lists)))
    assert schema.tables[0].column("ToIds") is None
    (finding,) = of_kind(schema, FindingKind.COLUMN_UNREADABLE)
    assert (finding.column, finding.severity) == ("ToIds", Severity.NOTE)


def test_shares_and_articles_are_read_where_they_are_made_by_hand() -> None:
    org = an_org(
        describe("AccountShare", *system_fields(), field("RowCause")),
        describe("Thing__Share", *system_fields(), field("RowCause")),
        describe("Article__kav", *system_fields(), field("PublishStatus")),
    )
    with org.source() as source:
        schema = source.discover()
        conditions = {
            table.name: source.plan_reads(table, None)[0].state["reading"]["condition"]  # type: ignore[index,call-overload]
            for table in schema.tables
        }
    assert conditions["AccountShare"] == "RowCause = 'Manual'"
    assert "NOT IN" in conditions["Thing__Share"]
    assert "PublishStatus IN" in conditions["Article__kav"]


def test_files_are_columns_of_their_own() -> None:
    version = describe(
        "ContentVersion", *system_fields(), field("VersionData", "base64"), field("ContentSize", "int"),
        field("Checksum"), field("PathOnClient"), field("FileType"),
    )  # fmt: skip
    static = describe("StaticResource", *system_fields(), field("Body", "base64"), field("BodyLength", "int"), field("Name"))  # fmt: skip
    schema = discovered(an_org(version, static))
    (content,) = schema.table("ContentVersion").files  # type: ignore[union-attr]
    assert (content.column, content.size_column, content.checksum_column) == ("VersionData", "ContentSize", "Checksum")  # fmt: skip
    (body,) = schema.table("StaticResource").files  # type: ignore[union-attr]
    assert (body.size_column, body.name_column, body.checksum_column) == (
        "BodyLength",
        "Name",
        None,
    )
    assert id_of("068", 1).endswith("AAA")


def grants_of(org: FakeSalesforce, table: str) -> frozenset[str]:
    with org.source() as source:
        schema = source.discover()
        assert source.grants(schema) == schema.grants()
    return schema.grants()[table]


CARD = describe("Card__c", *system_fields(), field("Number__c", "encryptedstring"))
FILE = describe("ContentVersion", *system_fields())
PEOPLE = describe("User", *system_fields())
RIGHTS = {
    "PermissionSetAssignment": {"PermissionSetId": "0PS1", "AssigneeId": "005000000000001AAA"},
    "ObjectPermissions": {
        "SobjectType": "Lead", "PermissionsRead": True, "PermissionsViewAllRecords": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("change", RIGHTS)
def test_who_views_all_data_keeps_all_rights_whatever_else_changes(change: str) -> None:
    org = an_org(ACCOUNT, CARD, FILE, PEOPLE)
    first = {table: grants_of(org, table) for table in ("Account", "Card__c", "ContentVersion")}
    assert first["Account"] == {ALL_ROWS}
    org.rows[change] = [RIGHTS[change]]
    assert {table: grants_of(org, table) for table in first} == first


def test_other_users_have_other_rows_with_each_grant_of_theirs() -> None:
    org = an_org(ACCOUNT)
    org.flags["PermissionsViewAllData"] = False
    org.wire.on(
        "GET", "FROM\\+ObjectPermissions", json_answer(page_of(RIGHTS["ObjectPermissions"]))
    )
    (first,) = grants_of(org, "Account")
    assert first.startswith(ROWS)
    assert first != ALL_ROWS
    org.rows["PermissionSetAssignment"] = [RIGHTS["PermissionSetAssignment"]]
    assert grants_of(org, "Account") != {first}


def test_a_right_on_another_object_is_none_on_this_one() -> None:
    org = an_org(ACCOUNT, describe("Lead", *system_fields()))
    org.flags["PermissionsViewAllData"] = False
    before = grants_of(org, "Account"), grants_of(org, "Lead")
    whole = RIGHTS["ObjectPermissions"] | {"PermissionsViewAllRecords": True}
    org.wire.on("GET", "FROM\\+ObjectPermissions", json_answer(page_of(whole)))
    after = grants_of(org, "Account"), grants_of(org, "Lead")
    assert after[0] == before[0]
    assert after[1] == {ALL_ROWS}


def page_of(*records: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


@pytest.mark.parametrize(
    ("flag", "table"),
    [
        ("PermissionsViewAllData", "Account"),
        ("PermissionsQueryAllFiles", "ContentVersion"),
        ("PermissionsViewEncryptedData", "Card__c"),
        ("PermissionsViewSetup", "User"),
    ],
)
def test_a_flag_counts_for_its_tables_alone(flag: str, table: str) -> None:
    org = an_org(ACCOUNT, CARD, FILE, PEOPLE)
    names = {"Account", "Card__c", "ContentVersion", "User"}
    before = {name: grants_of(org, name) for name in names}
    org.flags[flag] = False
    changed = {name for name in names if grants_of(org, name) != before[name]}
    assert changed == (names if flag == "PermissionsViewAllData" else {table})


@pytest.mark.parametrize(
    "stamp", ["Thu, 01 Jan 2030 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -0100"]
)
def test_a_cached_describe_of_a_wrong_clock_is_not_believed_for_years(stamp: str) -> None:
    org = an_org(ACCOUNT)
    with org.source() as source:
        api = source._api
        assert api.time_of({"date": stamp}) <= org.context.clock.now()
        api.notice({"date": stamp})
        assert api.recent_time() <= org.context.clock.now()


@pytest.mark.parametrize("broken", ["cut", "short"])
def test_one_cut_answer_to_an_opening_question_fails_nothing(broken: str) -> None:
    """Once it failed the backup, although its message says that it is asked again."""
    org = an_org(ACCOUNT)
    cut = (
        httpx.Response(200, headers={"Content-Type": "application/json"}, content=b'{"totalSi')
        if broken == "cut"
        else json_answer({"totalSize": 2, "done": True, "records": [org.flags]})
    )
    org.wire.on("GET", "FROM\\+UserPermissionAccess", cut, org._query)
    assert of_kind(discovered(org), FindingKind.PERMISSION_MISSING) == []
    assert len(org.wire.made("GET", "FROM\\+UserPermissionAccess")) == 2
    half = httpx.Response(200, headers={"Content-Type": "application/json"}, content=b'{"sobj')
    org.wire.on("GET", "/sobjects$", half, json_answer({"sobjects": org._entries()}))
    assert [table.name for table in discovered(org).tables] == ["Account"]
