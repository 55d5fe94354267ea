"""Tables of Salesforce that need special treatment: data, collected over years by many clients.

Sources: error texts and exclusion lists of public extractors (Airbyte, Singer, CumulusCI,
Commvault, Fivetran), the object reference, and SOQL's list of object limits.
"""

from dataclasses import dataclass
from enum import StrEnum


class ReadStrategy(StrEnum):
    """The API by which a table is read; the value is its text for people."""

    BULK = "Bulk API 2.0, small reads by REST"
    REST = "REST"
    PARENTS = "REST, by parent records"


@dataclass(frozen=True, slots=True)
class ParentRule:
    """A table that is only given for named parents.

    ``column`` is filtered by ids of ``parent``, ``chunk`` of them in a query.
    """

    column: str
    parent: str
    chunk: int


# Views, streams and computed objects. All their data is found elsewhere.
VIRTUAL = frozenset({
    "ActivityHistory", "AggregateResult", "AttachedContentDocument", "AttachedContentNote",
    "CombinedAttachment", "ContentBody", "DataType", "EmailStatus", "FeedLike", "FeedSignal",
    "FeedTrackedChange", "FolderedContentDocument", "KnowledgeArticleVersion",
    "ListViewChartInstance", "LookedUpFromActivity", "Name", "NoteAndAttachment", "OpenActivity",
    "OutgoingEmail", "OutgoingEmailRelation", "OwnedContentDocument", "ProcessInstanceHistory",
    "QuoteTemplateRichTextData", "RecentlyViewed", "UserRecordAccess",
})  # fmt: skip

# Views of the org's set-up that require a filter, or an object id, in each query.
METADATA_VIEWS = frozenset({
    "ActivityMetric", "ActivityMetricRollup", "Announcement", "ApexTypeImplementor",
    "AppTabMember", "CollaborationGroupRecord", "ColorDefinition", "DataStatistics",
    "DatacloudAddress", "DatacloudCompany", "DatacloudContact", "DatacloudDandBCompany",
    "EntityDefinition", "EntityParticle", "FieldDefinition", "FieldHistoryArchive",
    "FlexQueueItem", "FlowTestView", "FlowVariableView", "FlowVersionView", "FormulaFunction",
    "FormulaFunctionAllowedType", "FormulaFunctionCategory", "IconDefinition",
    "NetworkUserHistoryRecent", "OwnerChangeOptionInfo", "PicklistValueInfo", "PlatformAction",
    "Publisher", "RecordActionHistory", "RelatedListColumnDefinition", "RelatedListDefinition",
    "RelationshipDomain", "RelationshipInfo", "SearchLayout", "SiteDetail", "TabDefinition",
    "UserAppMenuItem", "UserEntityAccess", "UserFieldAccess", "UserPermissionAccess",
})  # fmt: skip

# Monitoring streams: Salesforce stores them for days, outside the record storage.
EVENT_ENDINGS = ("ChangeEvent", "EventStream", "__e", "EventStore")
EVENTS = frozenset({
    "ApiEvent", "AssetTokenEvent", "LightningUriEvent", "ListViewEvent", "LoginAsEvent",
    "LoginEvent", "LoginGeoEvent", "LogoutEvent", "ReportEvent", "UriEvent",
})  # fmt: skip
REAL_EVENTS = frozenset({"Event", "AcceptedEvent"})

# Bulk API 2.0 answers INVALIDENTITY. The list only saves a call; others are found by trying.
NO_BULK = frozenset({
    "AcceptedEventRelation", "AccountBrandShare", "AccountFeed", "AssetFeed", "CaseStatus",
    "CaseTeamMember", "CaseTeamRole", "CaseTeamTemplate", "CaseTeamTemplateMember",
    "CaseTeamTemplateRecord", "ChannelProgramLevelShare", "ContractStatus",
    "DeclinedEventRelation", "EventWhoRelation", "FieldSecurityClassification",
    "KnowledgeArticle", "KnowledgeArticleVersionHistory", "KnowledgeArticleViewStat",
    "KnowledgeArticleVoteStat", "OrderStatus", "PartnerRole", "ServiceAppointmentStatus",
    "ShiftStatus", "SolutionStatus", "TaskPriority", "TaskStatus", "TaskWhoRelation",
    "UndecidedEventRelation", "WorkOrderLineItemStatus", "WorkOrderStatus", "WorkStepStatus",
})  # fmt: skip

BY_PARENT = {
    "ContentFolderItem": ParentRule("ParentContentFolderId", "ContentFolder", 1),
    "ContentFolderMember": ParentRule("ParentContentFolderId", "ContentFolder", 1),
    "IdeaComment": ParentRule("IdeaId", "Idea", 200),
}
LINKS = "ContentDocumentLink"
LINKS_BY_DOCUMENT = ParentRule("ContentDocumentId", "ContentDocument", 200)
LINKED = "LinkedEntityId"

# Given for one type of parent only: `Parent.Type = 'Idea'`.
BY_PARENT_TYPE = {"Vote": "ParentId"}
PARENT_TYPE = "Parent.Type"

PUBLISHED = "PublishStatus IN ('Draft','Online','Archived')"
MANUAL_SHARES = "RowCause = 'Manual'"
DERIVED_CAUSES = "RowCause NOT IN ('Owner','Rule','ImplicitChild','ImplicitParent','Team')"

# Filters by time are refused, or the stamps do not move: read whole each time.
FULL_ONLY = frozenset({"FeedAttachment", "CronJobDetail"})
# FeedItem refuses filters by SystemModstamp (object reference): its new rows are queried by this
# column, its changed rows come from Salesforce's list of changed ids.
NEW_BY = {"FeedItem": "CreatedDate"}
# Incremental reads of these may miss a change, so a nightly backup reads them whole once a week.
WHOLE_WEEKLY = frozenset({"FeedItem", LINKS})
FULL_ENDINGS = ("ViewStat", "VoteStat")
# Deactivated currencies are listed as deleted.
NO_DELETE_LOG = frozenset({"CurrencyType"})

CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")


def is_event(name: str) -> bool:
    """True for change, platform and monitoring events."""
    return name in EVENTS or (name.endswith(EVENT_ENDINGS) and name not in REAL_EVENTS)


def filter_of(name: str, columns: frozenset[str]) -> str:
    """The condition under which a table is read, empty for most."""
    if name.endswith("__kav") and "PublishStatus" in columns:
        return PUBLISHED
    if name.endswith("__Share"):
        return DERIVED_CAUSES
    if name.endswith("Share") and "RowCause" in columns:
        return MANUAL_SHARES
    return ""
