"""Rows, answers and rules of writing, without a wire."""

import csv
import io
import json
from typing import Any

import pytest

from fakes.salesforce import describe, field, system_fields
from unlost.connectors.salesforce.writing import ingest
from unlost.connectors.salesforce.writing.answers import of_bulk, of_collection
from unlost.connectors.salesforce.writing.capability import StatusValues, capability_of
from unlost.connectors.salesforce.writing.ingest import uploads
from unlost.connectors.salesforce.writing.rules import RULES, never, rule_for
from unlost.connectors.salesforce.writing.shape import shaped
from unlost.connectors.salesforce.writing.uploads import multipart
from unlost.connectors.salesforce.writing.values import (
    csv_cell,
    encode,
    fits_bulk,
    json_record,
)
from unlost.kit.outcomes import unknown
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.writing import Birth, Identity, NeverReason, OutcomeKind, WriteOp, WriteRow
from unlost.testing.memory_writer import body_of

TABLE = Table(
    "Order",
    columns=(
        Column("Id", WireKind.ID),
        Column("Name", WireKind.TEXT),
        Column("Amount", WireKind.DECIMAL),
        Column("Count", WireKind.INTEGER),
        Column("Open", WireKind.BOOLEAN),
    ),
)


# --- values ---------------------------------------------------------------------------------------


def test_a_record_names_its_type_its_id_and_lists_of_ids() -> None:
    cells = {"Name": "A", "ToIds": "003a;003b", "CcIds": None}
    lists = frozenset({"ToIds", "CcIds"})
    made = json.loads(encode(json_record(TABLE, cells, lists=lists, record="801a")))
    assert made == {
        "attributes": {"type": "Order"},
        "Id": "801a",
        "Name": "A",
        "ToIds": ["003a", "003b"],
        "CcIds": None,
    }
    assert "Id" not in json_record(TABLE, {}, lists=lists, record=None)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (None, True),
        ("", True),
        ("x" * 32_000, True),
        ("x" * 32_001, False),
        ("#N/A", False),
        ("a\r\nb", False),
        ("#N/A ", True),
    ],
)
def test_bulk_takes_what_it_can_carry_exactly(text: str | None, fits: bool) -> None:
    assert fits_bulk({"Name": "A", "Text": text}) is fits


@pytest.mark.parametrize(
    "text", ["", " a", "a ", 'say "cheese"', "a,b", "a\nb", "Zürich", "1", '"', "\u00a0x"]
)
def test_a_csv_cell_is_read_as_it_was_written(text: str) -> None:
    line = ",".join([csv_cell(text), csv_cell("end")])
    assert next(csv.reader(io.StringIO(line + "\n", newline=""))) == [text, "end"]


def test_null_clears_a_cell() -> None:
    assert csv_cell(None) == "#N/A"


# --- uploads of jobs ------------------------------------------------------------------------------


def test_rows_that_send_other_columns_share_a_file() -> None:
    rows = [WriteRow("1", cells={"B": "b", "A": None}), WriteRow("2", cells={"C": "c,d"})]
    (upload,) = uploads(WriteOp.CREATE, rows)
    assert upload.text == 'A,B,C\n#N/A,b,\n,,"c,d"\n'


def test_updates_begin_with_the_id_and_clear_what_is_null() -> None:
    rows = [WriteRow("1", "001a", {"A": None}), WriteRow("2", "001b", {"B": "x"})]
    (upload,) = uploads(WriteOp.UPDATE, rows)
    assert upload.text == "Id,A,B\n001a,#N/A,\n001b,,x\n"


def test_deletions_are_ids_and_nothing_is_no_job() -> None:
    (upload,) = uploads(WriteOp.DELETE, [WriteRow("1", "001a")])
    assert upload.text == "Id\n001a\n"
    assert list(uploads(WriteOp.CREATE, [])) == []


def test_a_file_of_a_job_is_never_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "LONGEST_JOB", 10)
    rows = [WriteRow(str(n), cells={"A": "ü" * 2}) for n in range(5)]
    made = list(uploads(WriteOp.CREATE, rows))
    assert [len(one.rows) for one in made] == [2, 2, 1]
    assert [row.key for one in made for row in one.rows] == ["0", "1", "2", "3", "4"]


# --- answers --------------------------------------------------------------------------------------


def test_a_row_that_was_written_tells_its_id() -> None:
    assert of_collection("k", None, {"success": True, "id": "001a"}).id == "001a"
    assert of_collection("k", "001b", {"success": True}).id == "001b"


def test_a_refusal_says_why_which_columns_and_what_to_do() -> None:
    errors = [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": " missing: [Name] ",
            "fields": ["Name"],
        },
        {"statusCode": "OTHER", "message": "", "fields": None},
    ]
    found = of_collection("k", None, {"success": False, "errors": errors})
    assert (found.kind, found.code, found.native) == (
        OutcomeKind.FAILED,
        "write-refused",
        "REQUIRED_FIELD_MISSING",
    )
    assert found.sentence == (
        "A required field is empty. Salesforce refused it: missing: [Name] (REQUIRED_FIELD_MISSING)"
    )
    assert (found.columns, found.retry) == (("Name",), False)
    assert found.next_step == "Enter a value for the field."


@pytest.mark.parametrize(
    ("answer", "native", "retry"),
    [
        ({"success": False}, "UNKNOWN_EXCEPTION", True),
        ({"errors": [{"errorCode": "UNABLE_TO_LOCK_ROW"}]}, "UNABLE_TO_LOCK_ROW", True),
        ({"errors": [{"statusCode": "INVALID_FIELD"}]}, "INVALID_FIELD", False),
    ],
)
def test_what_may_pass_is_told(answer: dict[str, Any], native: str, retry: bool) -> None:
    found = of_collection("k", "001a", answer)
    assert (found.native, found.retry, found.id) == (native, retry, "001a")
    assert native in found.sentence


def test_a_full_org_has_a_code_of_its_own() -> None:
    found = of_bulk("k", None, "STORAGE_LIMIT_EXCEEDED:storage limit exceeded:--")
    assert (found.code, found.retry) == ("write-storage-full", True)
    assert "unlost restore resume" in found.next_step


@pytest.mark.parametrize(
    ("text", "native", "message", "columns"),
    [
        ("REQUIRED_FIELD_MISSING:missing: [Name]:Name --", "REQUIRED_FIELD_MISSING",
         "missing: [Name]", ("Name",)),
        ("INVALID_FIELD:no: such:A__c, B.C --", "INVALID_FIELD", "no: such", ("A__c", "B.C")),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION:two\nlines:--", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
         "two\nlines", ()),
        ("something else", "something else", "something else", ()),
    ],
)  # fmt: skip
def test_refusals_of_jobs_are_read(
    text: str, native: str, message: str, columns: tuple[str, ...]
) -> None:
    found = of_bulk("k", None, text)
    assert (found.native, found.columns) == (native, columns)
    assert f"Salesforce refused it: {message}" in found.sentence
    assert found.sentence.count(native) == 1


def test_a_record_failed_with_a_raw_code_and_no_sentence() -> None:
    coded = of_collection("k", None, {"errors": [{"statusCode": "UNABLE_TO_LOCK_ROW"}]})
    assert coded.sentence == (
        "Another process was changing it. Salesforce refused it: UNABLE_TO_LOCK_ROW"
    )
    trigger = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:Guard: execution of BeforeInsert:--"
    assert of_bulk("k", None, trigger).sentence == (
        "A trigger of the org failed or refused it. Salesforce refused it: Guard: execution of "
        "BeforeInsert (CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY)"
    )
    unknown_code = of_bulk("k", None, "NEW_CODE:no way:--")
    assert unknown_code.sentence == "Salesforce refused it: no way (NEW_CODE)"


def test_a_lost_answer_is_no_refusal() -> None:
    assert unknown("k").kind is OutcomeKind.UNKNOWN


# --- shape ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "cells", "sent"),
    [
        ("Account", {"Name": "Ann B", "LastName": "B"}, {"LastName": "B"}),
        ("Account", {"Name": "Acme", "LastName": None}, {"Name": "Acme", "LastName": None}),
        ("EmailMessage", {"Status": "1", "ParentId": None}, {"Status": "3", "ParentId": None}),
        ("EmailMessage", {"Status": "1", "ParentId": "500a"}, {"Status": "1", "ParentId": "500a"}),
        ("EmailMessage", {"ParentId": None}, {"ParentId": None}),
        ("OpportunityLineItem", {"UnitPrice": None, "Quantity": "1"}, {"Quantity": "1"}),
        ("OpportunityLineItem", {"UnitPrice": "2"}, {"UnitPrice": "2"}),
        ("Contact", {"Name": "x", "LastName": "y"}, {"Name": "x", "LastName": "y"}),
    ],
)
def test_a_row_says_what_it_may_say(
    table: str, cells: dict[str, str | None], sent: dict[str, str | None]
) -> None:
    assert dict(shaped(WriteRow("k", cells=cells), table).cells) == sent


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_sent_in_pieces_after_its_record() -> None:
    data = b"x" * ((1 << 20) + 5)
    pieces = list(multipart("bb", b'{"Title":"a"}', "VersionData", "a.txt", body_of(data)))
    whole = b"".join(pieces)
    assert whole.startswith(b'--bb\r\nContent-Disposition: form-data; name="entity_content";\r\n')
    assert b'{"Title":"a"}\r\n--bb\r\n' in whole
    assert b'name="VersionData"; filename="a.txt"' in whole
    assert whole.endswith(data + b"\r\n--bb--\r\n")
    assert max(len(piece) for piece in pieces) == 1 << 20


# --- rules and capability -------------------------------------------------------------------------


def test_tables_that_nobody_can_write_say_why() -> None:
    assert "histories" in never("AccountHistory")
    assert never("Custom__History")
    assert never("AccountShare") == ""
    assert never("Account") == ""
    assert never("Tag") == ""
    assert rule_for("Anything__c") == rule_for("Other__c")


def shares(name: str, *columns: str, **facts: Any) -> dict[str, Any]:
    fields = (field(column, "reference") for column in columns)
    return describe(name, *system_fields(), *fields, **facts)


def test_manual_shares_are_written_and_found_by_record_and_user() -> None:
    found = capability_of(
        shares("AccountShare", "AccountId", "UserOrGroupId", "RowCause", undeletable=False)
    )
    assert (found.birth, found.identity) == (Birth.DIRECT, Identity.NEW)
    assert [key.columns for key in found.keys] == [("AccountId", "UserOrGroupId")]
    assert found.by_product_when == ()
    assert capability_of(shares("AccountBrandShare", "UserOrGroupId")).keys == ()


def test_shares_of_custom_objects_can_have_a_reason_of_the_org() -> None:
    found = capability_of(shares("Recipe__Share", "ParentId", "UserOrGroupId", "RowCause"))
    assert [key.columns for key in found.keys] == [("ParentId", "UserOrGroupId", "RowCause")]
    assert ("RowCause", "Rule") in found.by_product_when
    assert ("RowCause", "Manual") not in found.by_product_when


def test_shares_count_as_written_by_users() -> None:
    """Describe shows only what this user may do, and no share has triggers."""
    flags = dict.fromkeys(("createable", "updateable", "deletable", "undeletable"), False)
    found = capability_of(shares("AccountShare", "AccountId", triggerable=False, **flags))
    assert (found.birth, found.ops) == (Birth.DIRECT, frozenset())


@pytest.mark.parametrize(
    ("name", "cleared"),
    [
        ("Account", [("AccountTeamMember", "AccountId"), ("AccountShare", "AccountId")]),
        (
            "Opportunity",
            [("OpportunityTeamMember", "OpportunityId"), ("OpportunityShare", "OpportunityId")],
        ),
        ("Case", [("CaseShare", "CaseId")]),
        ("Recipe__c", [("Recipe__Share", "ParentId")]),
    ],
)
def test_a_new_owner_clears_team_and_shares(name: str, cleared: list[tuple[str, str]]) -> None:
    found = capability_of(describe(name, *system_fields(), field("OwnerId", "reference")))
    assert [(one.table, one.parent_column) for one in found.clears] == cleared
    assert {one.column for one in found.clears} == {"OwnerId"}
    fixed = describe(name, *system_fields(), field("OwnerId", "reference", updateable=False))
    assert capability_of(fixed).clears == ()


def test_rich_texts_and_addresses_may_name_records() -> None:
    columns = (
        field("Story__c", "textarea", htmlFormatted=True),
        field("Website", "url"),
        field("Notes__c", "textarea"),
        field("Link__c", htmlFormatted=True, calculated=True, createable=False, updateable=False),
    )
    found = capability_of(describe("Recipe__c", *system_fields(), *columns)).text_links
    assert (found.columns, found.id_lengths) == ({"Story__c", "Website"}, (15, 18))
    bodies = (field("HtmlBody", "textarea"), field("TextBody", "textarea"), field("Subject"))
    mail = capability_of(describe("EmailMessage", *system_fields(), *bodies))
    assert mail.text_links.columns == {"HtmlBody", "TextBody"}
    assert not mail.text_links.columns & mail.changeable


def test_each_table_that_comes_with_others_has_a_maker() -> None:
    made = {one.table for rule in RULES.values() for one in rule.by_products}
    gathered = {one.table for rule in RULES.values() for one in rule.gathers}
    born = {name for name, rule in RULES.items() if rule.birth is Birth.BY_PRODUCT}
    assert born <= made | gathered


def an_order(**facts: Any) -> dict[str, Any]:
    return describe(
        "Order",
        *system_fields(),
        field("Status", "picklist", nillable=False),
        field("AccountId", "reference", nillable=False),
        field("IsOpen", "boolean", nillable=False),
        field("Owner", nillable=False, defaultedOnCreate=True),
        field("Total", "double", calculated=True, createable=False, updateable=False),
        field("Number", autoNumber=True, createable=False, updateable=False),
        field("Locked", createable=False, updateable=False),
        field("Key__c", unique=True),
        field("Where", "address", createable=True),
        **facts,
    )


def test_describe_tells_what_may_be_written() -> None:
    found = capability_of(an_order(), status=StatusValues("Entwurf", ("Aktiv",)))
    assert found.ops == frozenset(WriteOp) - {WriteOp.HARD_DELETE}
    assert (found.birth, found.identity) == (Birth.DIRECT, Identity.UNDELETE)
    assert {"Status", "AccountId", "Key__c"} <= found.settable
    assert "Where" not in found.settable
    assert found.needs_value == {"Status", "AccountId"}
    assert {one.column: one.reason for one in found.never} == {
        "Id": NeverReason.SYSTEM,
        "IsDeleted": NeverReason.SYSTEM,
        "Total": NeverReason.FORMULA,
        "Number": NeverReason.AUTO_NUMBER,
        "Locked": NeverReason.READ_ONLY,
    }
    assert [key.columns for key in found.keys] == [("Key__c",)]
    assert [(one.column, one.born) for one in found.late] == [("Status", "Entwurf")]
    assert (found.audit, found.rows_per_job, found.reason) == (True, 10_000, "")


def test_what_the_org_fills_by_itself_is_known() -> None:
    fields = [
        field("Stage", "picklist", defaultValue="New"),
        field("Level", defaultedOnCreate=True),
        field("Sum", defaultValueFormula="1 + 1"),
        field("Sure", "boolean", defaultValue=True, nillable=False),
        field("Fixed", defaultValue="x", createable=False),
        field("Plain"),
        field("Taste__pc", defaultValue="dark"),
        field("PersonTitle", defaultValue="Dr."),
        field("RecordTypeId", "reference", referenceTo=["RecordType"]),
    ]
    master = {"master": True, "defaultRecordTypeMapping": True}
    own = {"master": False, "defaultRecordTypeMapping": True}
    for types, more in (([master], set()), ([own, master], {"RecordTypeId"})):
        found = capability_of(describe("Case", *fields, recordTypeInfos=types))
        assert found.defaulted == {"Stage", "Level", "Sum", *more}


def test_rows_lock_what_they_refer_to_but_not_their_owner() -> None:
    made = describe(
        "Order",
        *system_fields(),
        field("AccountId", "reference", referenceTo=["Account"]),
        field("OwnerId", "reference", referenceTo=["User", "Group"]),
        field("WhoId", "reference", referenceTo=["Contact", "User"]),
    )
    assert capability_of(made).locks == {"AccountId", "WhoId"}


def test_calls_are_several_at_a_time_unless_they_are_scarce() -> None:
    plenty, sparing = capability_of(an_order()), capability_of(an_order(), sparing=True)
    assert (plenty.calls_at_once, plenty.job_above) == (4, 10_000)
    assert (sparing.calls_at_once, sparing.job_above) == (1, 1_000)


def test_links_that_may_be_there_are_looked_for_together() -> None:
    made = describe("ContentDocumentLink", *system_fields(), field("LinkedEntityId"))
    assert capability_of(made).rows_per_call == 600


NOTHING = dict.fromkeys(("createable", "updateable", "undeletable", "deletable"), False)


def test_a_user_who_may_do_nothing_is_told_so() -> None:
    found = capability_of(an_order(**NOTHING, triggerable=True))
    # Others may write it: its lost records are named in a plan, not only counted like histories.
    assert (found.ops, found.birth, found.identity) == (frozenset(), Birth.DIRECT, Identity.NEW)
    assert (found.settable, found.changeable) == (frozenset(), frozenset())
    assert "may not write to Order" in found.reason


@pytest.mark.parametrize(
    ("name", "triggerable"), [("Campaign", True), ("PricebookEntry", False), ("Machine__c", True)]
)
def test_campaigns_without_the_marketing_permission_are_not_taken_for_histories(
    name: str, triggerable: bool
) -> None:
    found = capability_of(describe(name, *system_fields(), **NOTHING, triggerable=triggerable))
    assert (found.ops, found.birth) == (frozenset(), Birth.DIRECT)
    assert f"may not write to {name}" in found.reason


@pytest.mark.parametrize("name", ["CaseStatus", "ProcessInstance", "ContentFolderItem"])
def test_records_that_nobody_may_write_ask_for_no_right(name: str) -> None:
    found = capability_of(describe(name, *system_fields(), **NOTHING, triggerable=False))
    assert (found.ops, found.birth) == (frozenset(), Birth.NEVER)


def test_histories_are_never_written_whatever_describe_says() -> None:
    found = capability_of(describe("AccountHistory", *system_fields(), triggerable=True))
    assert (found.ops, found.birth) == (frozenset(), Birth.NEVER)
    assert "histories" in found.reason


def test_a_mail_takes_lists_of_ids_and_changes_little_afterwards() -> None:
    fields = [
        field(name) for name in ("Subject", "ActivityId", "ToIds", "IsExternallyVisible", "Own__c")
    ]
    lists = field("CcIds", createable=False, updateable=False)
    found = capability_of(describe("EmailMessage", *system_fields(), *fields, lists))
    assert {"ToIds", "Subject"} <= found.settable
    assert not {"ActivityId", "CcIds"} & found.settable
    assert found.changeable == {"IsExternallyVisible", "Own__c"}
    assert found.rows_per_job == 0
    reasons = {one.column: one.reason for one in found.never}
    assert reasons["ActivityId"] is NeverReason.BY_PLATFORM


def test_a_file_has_its_column_and_makes_its_document() -> None:
    fields = [field("Title"), field("VersionData", "base64"), field("ContentDocumentId")]
    found = capability_of(describe("ContentVersion", *system_fields(), *fields))
    assert found.file_column == "VersionData"
    assert "VersionData" not in found.settable | found.changeable
    assert [one.table for one in found.by_products] == ["ContentDocument"]
