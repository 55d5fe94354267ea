"""Ready-made archive policies suit the org that they are offered to."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.connectors.salesforce.archive_facts import archive_facts
from unlost.connectors.salesforce.archives import POLICIES, archive_policies
from unlost.connectors.salesforce.schema.columns import column_of
from unlost.connectors.salesforce.storage import file_versions, shared_files
from unlost.engine.archive.conditions import check_policy
from unlost.model.archive import ArchivePolicy
from unlost.model.source.schema import Column, ColumnTrait, Reference, Schema, Table, WireKind
from unlost.model.source.shared_files import KeepingColumn
from unlost.model.storage import FileVersionRule

KINDS = {
    "IsClosed": WireKind.BOOLEAN,
    "Status": WireKind.TEXT,
    "ActivityDate": WireKind.DATE,
    "Subject": WireKind.TEXT,
    "ContentSize": WireKind.INTEGER,
    "BodyLength": WireKind.INTEGER,
    "IsConverted": WireKind.BOOLEAN,
}
INSTANTS = (
    "ClosedDate", "ContentModifiedDate", "CreatedDate", "EndDateTime", "LastModifiedDate",
    "MessageDate",
)  # fmt: skip


def table(name: str, *columns: str) -> Table:
    """A table with these columns; others than the known ones refer to cases."""
    described = [
        Column(column, KINDS.get(column, WireKind.INSTANT))
        if column in KINDS or column in INSTANTS
        else Column(column, WireKind.REFERENCE, reference=Reference(("Case",)))
        for column in columns
    ]
    return Table(name, (Column("Id", WireKind.ID), *described))


CASE = table("Case", "IsClosed", "ClosedDate")
MAIL = table("EmailMessage", "ParentId", "RelatedToId", "ActivityId", "Status", "MessageDate")
RELATION = table("EmailMessageRelation", "EmailMessageId", "RelationId")
TASK = table("Task", "IsClosed", "ActivityDate", "WhatId")
EVENT = table("Event", "EndDateTime", "WhatId")
LEAD = table("Lead", "IsConverted", "CreatedDate", "LastModifiedDate")
ATTACHMENT = table("Attachment", "ParentId", "BodyLength", "LastModifiedDate")


def offered(*tables: Table) -> dict[str, ArchivePolicy]:
    """The policies of an org with these tables, by name."""
    return {policy.name: policy for policy in archive_policies(Schema(tables, "f"))}


DOCUMENT = table("ContentDocument", "ContentModifiedDate", "ContentSize")
DOCUMENT_LINK = table("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId")

VERSION = table("ContentVersion", "ContentDocumentId", "IsLatest", "ContentSize", "Title")


def test_old_versions_are_freed_where_the_org_has_versions() -> None:
    without = offered(DOCUMENT, DOCUMENT_LINK)
    assert "old-file-versions" not in without
    assert "large-old-files" in without
    assert offered(DOCUMENT, DOCUMENT_LINK, VERSION)["old-file-versions"].frees_versions
    note = replace(DOCUMENT, columns=(*DOCUMENT.columns, Column("FileType", WireKind.TEXT)))
    for document, column in ((DOCUMENT, ""), (note, "FileType")):
        (kind,) = shared_files(Schema((document, DOCUMENT_LINK, VERSION), "f"))
        assert kind.versions is not None
        assert (kind.versions.kind_column, kind.versions.uncopied) == (column, ("SNOTE",))
        assert kind.versions.later_only == ("ReasonForChange",)


def test_an_org_with_all_tables_has_all_policies() -> None:
    tables = (CASE, MAIL, RELATION, TASK, EVENT, DOCUMENT, DOCUMENT_LINK, VERSION, LEAD, ATTACHMENT)
    schema = Schema(tables, "f")
    assert archive_policies(schema) == POLICIES
    for policy in POLICIES:
        check_policy(policy, schema, now=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_policy_leaves_out_what_the_org_does_not_have() -> None:
    few = offered(CASE, table("Task", "WhatId"), table("EmailMessage", "MessageDate"))
    assert list(few) == ["closed-cases"]
    assert [branch.table for branch in few["closed-cases"].branches] == ["Task"]
    assert offered() == {}
    assert list(offered(DOCUMENT)) == ["files-without-record"], "no table of links"


def test_leads_of_an_import_need_the_time_of_their_last_change() -> None:
    assert "import-leftovers" in offered(LEAD)
    assert offered(table("Lead", "IsConverted", "LastModifiedDate")) == {}


def test_people_groups_libraries_posts_templates_and_articles_keep_their_files() -> None:
    names = (
        "Account", "Asset__c", "CollaborationGroup", "ContentWorkspace", "EmailMessage",
        "EmailTemplate", "FeedItem", "Knowledge__kav", "Organization", "User",
    )  # fmt: skip
    holder = Column("LinkedEntityId", WireKind.REFERENCE, reference=Reference(names))
    (kind,) = shared_files(Schema((DOCUMENT, Table("ContentDocumentLink", (holder,))), "f"))
    assert kind.released("ContentDocument", ("files-of-records",)) == ("Account", "Asset__c")
    both = kind.released("ContentDocument", ("files-of-records", "files-of-mails"))
    assert both == ("Account", "Asset__c", "EmailMessage")
    assert kind.released("Case", ("files-of-records",)) == ()
    (kind,) = shared_files(Schema((DOCUMENT, Table("ContentDocumentLink", ())), "f"))
    assert kind.released("ContentDocument", ("files-of-records",)) == ()


@pytest.mark.parametrize("owner", [True, False])
def test_documents_are_shared(owner: bool) -> None:
    document = table("ContentDocument", *(["OwnerId"] if owner else []))
    link = table("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId")
    asset = table("ContentAsset", "ContentDocumentId")
    (kind,) = shared_files(Schema((document, link, asset), "f"))
    assert (kind.table, kind.links) == ("ContentDocument", "ContentDocumentLink")
    assert kind.owner_column == ("OwnerId" if owner else None)
    assert kind.kept_by == (KeepingColumn("ContentAsset", "ContentDocumentId"),)
    assert kind.mentions is not None
    assert kind.mentions.texts == ()
    assert shared_files(Schema((document,), "f")) == ()
    assert shared_files(Schema((link,), "f")) == ()


def test_rich_texts_mails_templates_and_posts_show_documents() -> None:
    """A file went with its last record although a mail that stayed showed it."""
    document, link = table("ContentDocument"), table("ContentDocumentLink")
    rich = replace(table("Case", "Answer__c", "Notes"), image_columns=("Answer__c",))
    mail = table("EmailMessage", "HtmlBody", "TextBody")
    template, post = (
        table("EmailTemplate", "HtmlValue", "Name"),
        table("FeedItem", "RelatedRecordId"),
    )
    (kind,) = shared_files(Schema((document, link, rich, mail, template, post), "f"))
    assert kind.mentions is not None
    assert kind.mentions.texts == (
        KeepingColumn("Case", "Answer__c"),
        KeepingColumn("EmailMessage", "HtmlBody"),
        KeepingColumn("EmailTemplate", "HtmlValue"),
        KeepingColumn("FeedItem", "RelatedRecordId"),
    )
    assert kind.mentions.mails == (KeepingColumn("EmailMessage", "TextBody"),)
    address = "/sfc/servlet.shepherd/version/download/0685g000001AbCdAAK?x=0695g000001AbCd"
    found = re.findall(kind.mentions.pattern, address)
    assert found == ["0685g000001AbCd", "0695g000001AbCd"]
    assert {len(each) for each in found} == {kind.mentions.length}


def test_activated_records_and_accounts_of_won_opportunities_are_protected() -> None:
    order = Table("Order", (Column("StatusCode", WireKind.TEXT),))
    won = table("Opportunity", "AccountId")
    won = replace(won, columns=(*won.columns, Column("IsWon", WireKind.BOOLEAN)))
    facts = archive_facts(Schema((order, won, Table("Contract", ())), "f"))
    assert [kind.name for kind in facts.protected] == [
        "activated-orders", "accounts-of-won-opportunities",
    ]  # fmt: skip
    assert facts.protecting(("activated-orders",)) == facts.protected[1:]


def test_histories_milestones_and_approvals_are_not_written_back() -> None:
    names = ("Case", "CaseHistory", "CaseMilestone", "ProcessInstance", "FeedItem")
    facts = archive_facts(Schema(tuple(Table(name, ()) for name in names), "f"))
    assert facts.unreturning == {"CaseHistory", "CaseMilestone", "ProcessInstance"}
    assert facts.bin is not None
    assert (facts.bin.storage, facts.bin.records_per_megabyte) == ("data storage", 25)
    assert facts.bin.lasts == timedelta(days=15)


def test_versions_of_documents_are_known_by_their_columns() -> None:
    columns = ("ContentDocumentId", "IsLatest", "ContentSize", "Title")
    whole = Schema((table("ContentVersion", *columns),), "f")
    assert file_versions(whole) == FileVersionRule("ContentVersion", *columns)
    assert file_versions(Schema((table("ContentVersion", *columns[1:]),), "f")) is None
    assert file_versions(Schema((), "f")) is None


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({}, True),
        ({"calculatedFormula": "Amount * 2"}, False),
        ({"custom": False}, False),
        ({"calculated": False}, False),
    ],
)
def test_a_calculated_column_without_a_formula_is_a_roll_up(
    changes: dict[str, object], summary: bool
) -> None:
    described = {"name": "Total__c", "type": "currency", "custom": True, "calculated": True}
    column = column_of({**described, "calculatedFormula": None, **changes})
    assert column.has(ColumnTrait.SUMMARY) is summary
