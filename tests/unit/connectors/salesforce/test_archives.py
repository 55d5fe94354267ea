"""Ready-made archive policies suit the org that they are offered to."""

from datetime import UTC, datetime

import pytest

from unlost.connectors.salesforce.archives import POLICIES, archive_policies
from unlost.connectors.salesforce.storage import shared_files
from unlost.engine.archive.conditions import check_policy
from unlost.model.archive import ArchivePolicy
from unlost.model.source.schema import Column, Reference, Schema, Table, WireKind
from unlost.model.source.shared_files import KeepingColumn

KINDS = {
    "IsClosed": WireKind.BOOLEAN,
    "Status": WireKind.TEXT,
    "ActivityDate": WireKind.DATE,
    "Subject": WireKind.TEXT,
}
INSTANTS = ("ClosedDate", "MessageDate", "EndDateTime")


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


def offered(*tables: Table) -> dict[str, ArchivePolicy]:
    """The policies of an org with these tables, by name."""
    return {policy.name: policy for policy in archive_policies(Schema(tables, "f"))}


def test_an_org_with_all_tables_has_all_policies() -> None:
    schema = Schema((CASE, MAIL, RELATION, TASK, EVENT), "f")
    assert archive_policies(schema) == POLICIES
    for policy in POLICIES:
        check_policy(policy, schema, now=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_policy_leaves_out_what_the_org_does_not_have() -> None:
    few = offered(CASE, table("Task", "WhatId"), table("EmailMessage", "MessageDate"))
    assert list(few) == ["closed-cases"]
    assert [branch.table for branch in few["closed-cases"].branches] == ["Task"]
    assert offered() == {}


@pytest.mark.parametrize("owner", [True, False])
def test_documents_are_shared(owner: bool) -> None:
    document = table("ContentDocument", *(["OwnerId"] if owner else []))
    link = table("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId")
    asset = table("ContentAsset", "ContentDocumentId")
    (kind,) = shared_files(Schema((document, link, asset), "f"))
    assert (kind.table, kind.links) == ("ContentDocument", "ContentDocumentLink")
    assert kind.owner_column == ("OwnerId" if owner else None)
    assert kind.kept_by == (KeepingColumn("ContentAsset", "ContentDocumentId"),)
    assert shared_files(Schema((document,), "f")) == ()
    assert shared_files(Schema((link,), "f")) == ()
