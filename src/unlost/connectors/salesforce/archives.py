"""Ready-made archive policies: records that fill most orgs, and that people hardly open again.

Sources: object reference, IsClosed and ClosedDate of Case, IsClosed of Task, relations of
EmailMessage, ContentSize and ContentModifiedDate of ContentDocument; help, "Archive Activities"
(activities older than a year are archived by themselves, and still count as storage).
"""

from collections.abc import Iterator
from dataclasses import replace

from unlost.connectors.salesforce.storage import DOCUMENT, RECORDS_RELEASE, shared_files
from unlost.model.archive import (
    OLD_VERSIONS_SIZE,
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
    OldVersionRule,
)
from unlost.model.source.schema import Schema, Table

CLOSED = Condition("IsClosed", Comparison.IS, ("true",))
OPEN = Condition("IsClosed", Comparison.IS_NOT, ("true",))
DRAFT = "5"  # object reference, EmailMessage.Status
TWO_YEARS, YEAR, HALF_YEAR, MONTH = 730, 365, 180, 30
LARGE = 10 * 1024 * 1024  # bytes of a file
LARGE_ATTACHMENT = 1024 * 1024
LARGE_VERSIONS = 1024 * 1024  # bytes of all its old versions


def _older(column: str, days: int) -> Condition:
    return Condition(column, Comparison.OLDER, days=days)


def _take(table: str, column: str) -> ArchiveBranch:
    return ArchiveBranch(table, column, BranchRule.TAKE)


POLICIES = (
    ArchivePolicy(
        "closed-cases",
        "Case",
        (CLOSED, _older("ClosedDate", TWO_YEARS)),
        (
            _take("EmailMessage", "ParentId"),
            ArchiveBranch("Task", "WhatId", BranchRule.STOP, (OPEN,)),
            _take("Task", "WhatId"),
            _take("Event", "WhatId"),
        ),
        MONTH,
        "Cases closed for two years, with their mails, activities and files",
    ),
    ArchivePolicy(
        "mails-without-record",
        "EmailMessage",
        (
            Condition("ParentId", Comparison.EMPTY),
            Condition("RelatedToId", Comparison.EMPTY),
            # The activity of a contact or lead to whom it was sent.
            Condition("ActivityId", Comparison.EMPTY),
            Condition("Status", Comparison.IS_NOT, (DRAFT,)),
            _older("MessageDate", YEAR),
        ),
        (
            ArchiveBranch(
                "EmailMessageRelation",
                "EmailMessageId",
                BranchRule.STOP,
                (Condition("RelationId", Comparison.FILLED),),
            ),
        ),
        0,
        "Mails older than a year that belong to no record",
    ),
    ArchivePolicy(
        "completed-tasks",
        "Task",
        (CLOSED, _older("ActivityDate", TWO_YEARS)),
        (),
        0,
        "Completed tasks older than two years",
    ),
    ArchivePolicy(
        "past-events",
        "Event",
        (_older("EndDateTime", TWO_YEARS),),
        (),
        0,
        "Events older than two years",
    ),
    # A file that a record, a library or a public link uses stays (``shared_files``).
    ArchivePolicy(
        "files-without-record",
        DOCUMENT,
        (_older("ContentModifiedDate", YEAR),),
        (),
        MONTH,
        "Files older than a year that belong to no record",
    ),
    ArchivePolicy(
        "large-old-attachments",
        "Attachment",
        (
            Condition("BodyLength", Comparison.LARGER, number=LARGE_ATTACHMENT),
            _older("LastModifiedDate", TWO_YEARS),
        ),
        (),
        0,
        "Attachments above 1 MB that did not change for two years",
    ),
    # Conditions on CreatedById and CreatedDate (``between``) limit it to one import.
    ArchivePolicy(
        "import-leftovers",
        "Lead",
        (
            Condition("IsConverted", Comparison.IS_NOT, ("true",)),
            Condition("LastModifiedDate", Comparison.SAME, ("CreatedDate",)),
            _older("CreatedDate", TWO_YEARS),
        ),
        (),
        0,
        "Leads older than two years that never changed and that no record refers to",
        unreferenced=True,
    ),
    # The records that have them stay.
    ArchivePolicy(
        "large-old-files",
        DOCUMENT,
        (
            Condition("ContentSize", Comparison.LARGER, number=LARGE),
            _older("ContentModifiedDate", TWO_YEARS),
        ),
        (),
        MONTH,
        "Files above 10 MB that did not change for two years, also if their records stay",
        include=(RECORDS_RELEASE,),
    ),
    # The files stay, as new ones with their newest version.
    ArchivePolicy(
        "old-file-versions",
        DOCUMENT,
        (
            Condition(OLD_VERSIONS_SIZE, Comparison.LARGER, number=LARGE_VERSIONS),
            _older("ContentModifiedDate", HALF_YEAR),
        ),
        (),
        MONTH,
        "Old versions above 1 MB of files that did not change for half a year",
        include=(RECORDS_RELEASE,),
        old_versions=OldVersionRule.FREE,
    ),
)


def archive_policies(schema: Schema) -> tuple[ArchivePolicy, ...]:
    """The policies whose tables and columns the org has; branches of others are left out."""
    return tuple(_known(schema))


def _known(schema: Schema) -> Iterator[ArchivePolicy]:
    versioned = any(kind.versions is not None for kind in shared_files(schema))
    releases = {release.name for kind in shared_files(schema) for release in kind.releases}
    for policy in POLICIES:
        table = schema.table(policy.table)
        if table is None or not releases.issuperset(policy.include):
            continue
        frees = policy.frees_versions and versioned
        conditions = tuple(c for c in policy.conditions if c.column != OLD_VERSIONS_SIZE)
        if _has(table, conditions) and (frees or not policy.frees_versions):
            branches = tuple(
                branch
                for branch in policy.branches
                if (other := schema.table(branch.table)) is not None
                if other.column(branch.column) is not None and _has(other, branch.conditions)
            )
            yield replace(policy, branches=branches)


def _has(table: Table, conditions: tuple[Condition, ...]) -> bool:
    names = (name for test in conditions for name in test.columns)
    return all(table.column(name) is not None for name in names)
