"""Records' use of data and file storage, and the table of mails.

Sources: Salesforce help, data and file storage allocations, and record sizes (000193871): 2 KB a
record, Campaign 8 KB, CampaignMember 1 KB, article versions 4 KB, mails by their content. A person
account counts as an account and a contact, and both have rows. 1 KB is 1,024 bytes. Which objects
do not count (lines, history, shares, set-up) is from published lists of admins.
"""

from collections.abc import Mapping

from unlost.connectors.salesforce.quotas import DATA_STORAGE, FILE_STORAGE
from unlost.model.source.schema import Schema, Table
from unlost.model.source.shared_files import (
    CopiedVersions,
    FileMentions,
    FileRelease,
    KeepingColumn,
    SharedFile,
)
from unlost.model.storage import FileVersionRule, MailRule, StorageRule, StorageWeight

KIB = 1024
RECORD = 2 * KIB
SIZES = {"Campaign": 8 * KIB, "CampaignMember": KIB}
ARTICLE = 4 * KIB
COUNTED = frozenset({
    "Account", "Campaign", "CampaignMember", "Case", "CaseTeamMember", "Contact", "Contract",
    "EmailMessage", "Event", "Idea", "Lead", "ListEmail", "Note", "Opportunity",
    "OpportunitySplit", "Order", "Quote", "ServiceAppointment", "ServiceResource", "Solution",
    "Task", "Topic", "WorkOrder", "WorkOrderLineItem",
})  # fmt: skip
CUSTOM = "__c"
MAIL = "EmailMessage"
MAIL_TEXTS = ("TextBody", "HtmlBody", "Headers", "Subject")
NAMED_IN_MAILS = ("TextBody",)
FILES = {"Attachment": "BodyLength", "Document": "BodyLength", "ContentVersion": "ContentSize"}
DOCUMENT, LINK = "ContentDocument", "ContentDocumentLink"
# An asset, a public link, and the places of files in libraries, which need no link.
KEEPING = (
    KeepingColumn("ContentAsset", "ContentDocumentId"),
    KeepingColumn("ContentDistribution", "ContentDocumentId"),
    KeepingColumn("ContentFolderMember", "ChildRecordId"),
    KeepingColumn("ContentWorkspaceDoc", "ContentDocumentId"),
)
VERSIONS = FileVersionRule(
    "ContentVersion", "ContentDocumentId", "IsLatest", "ContentSize", "Title"
)
# Object reference, ContentVersion: ReasonForChange. ContentNote: FileType of its document.
LATER_ONLY = ("ReasonForChange",)
NOTE_KIND, NOTE = "FileType", "SNOTE"
HOLDER = "LinkedEntityId"
# People, groups, libraries, posts and templates keep their files; so do articles.
KEEPERS = frozenset({
    "CollaborationGroup", "ContentFolder", "ContentWorkspace", "EmailTemplate", "FeedComment",
    "FeedItem", "Group", "KnowledgeArticle", "KnowledgeArticleVersion", "Organization", "User",
})  # fmt: skip
ARTICLES = ("__ka", "__kav")
RECORDS_RELEASE, MAILS_RELEASE = "files-of-records", "files-of-mails"
# Object reference, EmailTemplate: the texts of classic and Lightning templates. FeedItem and
# FeedComment, RelatedRecordId, and FeedAttachment, RecordId: the version that a post shows.
SHOWN = {
    MAIL: ("HtmlBody",),
    "EmailTemplate": ("HtmlValue", "Markup", "Body"),
    "FeedAttachment": ("RecordId",),
    "FeedComment": ("RelatedRecordId",),
    "FeedItem": ("RelatedRecordId",),
}
# Ids have 15 characters, or 18 with a check (help, "ID field type"); the prefixes of documents and
# versions are 069 and 068.
FILE_ID, SHORT_ID = r"06[89][a-zA-Z0-9]{12}", 15
BORN = ("CreatedDate",)
OWNERS = ("OwnerId", "CreatedById")


def storage_rules(schema: Schema) -> Mapping[str, StorageRule]:
    """The storage use of each table's records; tables that use none are omitted."""
    rules = {table.name: _rule(table) for table in schema.tables}
    return {name: rule for name, rule in rules.items() if rule.weights}


def mail_rules(schema: Schema) -> Mapping[str, MailRule]:
    """The table of mails, if the org has it with the required columns."""
    table = schema.table(MAIL)
    if table is None or not all(
        table.column(name) for name in ("Subject", "FromAddress", "ToAddress", "MessageDate")
    ):
        return {}
    headers, parent = _first(table, ("Headers",)), _first(table, ("ParentId", "RelatedToId"))
    rule = MailRule(
        "Subject", "FromAddress", "ToAddress", "MessageDate", headers=headers, parent=parent
    )
    return {MAIL: rule}


def shared_files(schema: Schema) -> tuple[SharedFile, ...]:
    """Documents, which records, users, groups and libraries share; empty if the org has none.

    An asset, a public link and a library use a document although no record has it.
    """
    document, links = schema.table(DOCUMENT), schema.table(LINK)
    if document is None or links is None:
        return ()
    keeping = tuple(k for k in KEEPING if (t := schema.table(k.table)) and t.column(k.column))
    owner = "OwnerId" if document.column("OwnerId") is not None else None
    mentions = _mentions(schema)
    return (
        SharedFile(
            DOCUMENT,
            LINK,
            "ContentDocumentId",
            HOLDER,
            owner,
            keeping,
            mentions,
            _releases(links),
            _copied_versions(schema, document),
        ),
    )


def _copied_versions(schema: Schema, document: Table) -> CopiedVersions | None:
    """Notes are left out: Salesforce changes their texts when it stores them."""
    rule = file_versions(schema)
    kind = NOTE_KIND if document.column(NOTE_KIND) is not None else ""
    return CopiedVersions(rule, LATER_ONLY, kind, (NOTE,)) if rule is not None else None


def _releases(links: Table) -> tuple[FileRelease, ...]:
    """The records that may lose files. Those of mails are apart: a mail is no draft any more, so
    that a link to it may be refused when the file comes back under a new id.
    """
    column = links.column(HOLDER)
    holders = column.reference.tables if column is not None and column.reference else ()
    records = tuple(
        name
        for name in holders
        if name != MAIL and name not in KEEPERS and not name.endswith(ARTICLES)
    )
    mails = tuple(name for name in holders if name == MAIL)
    return FileRelease(RECORDS_RELEASE, records), FileRelease(MAILS_RELEASE, mails)


def _mentions(schema: Schema) -> FileMentions:
    """Rich texts, mails and templates, whose addresses have ids of files or versions; and posts.

    A mail can show a file that is not linked to it, such as one of the mail that it answers. A plain
    text shows none, but may have the address of a file.
    """
    texts = [
        KeepingColumn(table.name, column)
        for table in schema.tables
        for column in (*table.image_columns, *SHOWN.get(table.name, ()))
        if table.column(column) is not None
    ]
    versions = KeepingColumn(VERSIONS.table, VERSIONS.file_column)
    mail = schema.table(MAIL)
    names = [name for name in NAMED_IN_MAILS if mail is not None and mail.column(name) is not None]
    mails = tuple(KeepingColumn(MAIL, name) for name in names)
    return FileMentions(tuple(dict.fromkeys(texts)), FILE_ID, SHORT_ID, versions, mails)


def file_versions(schema: Schema) -> FileVersionRule | None:
    """The table of the versions of documents; the newest version of each has ``IsLatest``."""
    table = schema.table(VERSIONS.table)
    names = (
        VERSIONS.file_column,
        VERSIONS.latest_column,
        VERSIONS.size_column,
        VERSIONS.title_column,
    )
    return VERSIONS if table is not None and all(map(table.column, names)) else None


def _rule(table: Table) -> StorageRule:
    return StorageRule(tuple(_weights(table)), _first(table, BORN), _first(table, OWNERS))


def _weights(table: Table) -> list[StorageWeight]:
    weights = []
    if table.name == MAIL:
        texts = tuple(name for name in MAIL_TEXTS if table.column(name) is not None)
        weights.append(StorageWeight(DATA_STORAGE, RECORD, texts))
    elif table.name.endswith("__kav"):
        weights.append(StorageWeight(DATA_STORAGE, ARTICLE))
    elif table.name in COUNTED or table.name.endswith(CUSTOM):
        weights.append(StorageWeight(DATA_STORAGE, SIZES.get(table.name, RECORD)))
    content_column = FILES.get(table.name)
    if content_column is not None and table.column(content_column) is not None:
        weights.append(StorageWeight(FILE_STORAGE, size_column=content_column))
    return weights


def _first(table: Table, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if table.column(name) is not None), None)
