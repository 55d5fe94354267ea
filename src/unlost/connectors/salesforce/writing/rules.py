"""Peculiarities of writing single objects of Salesforce: data, each with its source.

Sources: object reference of each object; REST guide (insert blob data); "Set Audit Fields upon
Record Creation"; answers of live orgs in public threads where the reference is silent.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from unlost.model.source.writing import (
    Birth,
    ByProduct,
    ClearedRows,
    Gather,
    LateColumn,
    LockedDelete,
    MatchKey,
)

OWNER = "OwnerId"


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """Facts about writing an object that describe does not show.

    ``leave_out`` are columns that are createable and must not be sent; ``changeable``, if set, are
    the only standard columns of an existing record that can be changed; ``linked_texts`` contain
    addresses of records, like rich texts; ``file`` is the column that is sent as a file;
    ``accept_twin``: a row refused because it already exists counts as written.
    """

    birth: Birth = Birth.DIRECT
    leave_out: frozenset[str] = frozenset()
    changeable: frozenset[str] | None = None
    late: tuple[LateColumn, ...] = ()
    keys: tuple[MatchKey, ...] = ()
    after: tuple[str, ...] = ()
    gathers: tuple[Gather, ...] = ()
    by_products: tuple[ByProduct, ...] = ()
    by_product_when: tuple[tuple[str, str], ...] = ()
    clears: tuple[ClearedRows, ...] = ()
    linked_texts: frozenset[str] = frozenset()
    file: str | None = None
    accept_twin: bool = False
    side_effects: tuple[str, ...] = ()
    reason: str = ""


def _recipients(column: str, kind: str) -> Gather:
    return Gather(
        column,
        "EmailMessageRelation",
        "EmailMessageId",
        "RelationId",
        (("RelationType", kind),),
    )


RULES: Mapping[str, ObjectRule] = {
    # Salesforce creates a person's contact with the account, and PersonContactId names it.
    "Account": ObjectRule(
        by_products=(ByProduct("Contact", "PersonContactId"),),
        clears=(ClearedRows(OWNER, "AccountTeamMember", "AccountId"),),
    ),
    # Salesforce creates a share for each member (object reference). Creating a member who is there
    # changes that member.
    "AccountTeamMember": ObjectRule(keys=(MatchKey(("AccountId", "UserId")),)),
    "Opportunity": ObjectRule(
        clears=(ClearedRows(OWNER, "OpportunityTeamMember", "OpportunityId"),),
    ),
    "OpportunityTeamMember": ObjectRule(keys=(MatchKey(("OpportunityId", "UserId")),)),
    "Contact": ObjectRule(
        by_product_when=(("IsPersonAccount", "true"),),
        side_effects=(
            "Salesforce automatically creates the account-contact relation of the contact.",
        ),
    ),
    "AccountContactRelation": ObjectRule(
        by_product_when=(("IsDirect", "true"),),
        keys=(MatchKey(("AccountId", "ContactId")),),
        after=("Account", "Contact"),
    ),
    "CampaignMember": ObjectRule(
        keys=(MatchKey(("CampaignId", "ContactId")), MatchKey(("CampaignId", "LeadId"))),
    ),
    # The standard price must exist before a price of a custom book (error
    # STANDARD_PRICE_NOT_DEFINED).
    "PricebookEntry": ObjectRule(
        keys=(MatchKey(("Pricebook2Id", "Product2Id")),), after=("Product2", "Pricebook2")
    ),
    # Either the unit price or the total is sent; the total follows.
    "OpportunityLineItem": ObjectRule(
        leave_out=frozenset({"TotalPrice", "ListPrice"}), after=("PricebookEntry",)
    ),
    "OrderItem": ObjectRule(after=("PricebookEntry",)),
    # Created as a draft, changed when its lines exist (object reference, OrderItem: products can
    # only be added to draft orders).
    # An activated order can be a draft again, and is deleted as a draft only (OrderStatusChangedEvent).
    "Order": ObjectRule(
        late=(
            LateColumn(
                "Status", "Draft", holds=("OrderItem",), locked_delete=LockedDelete.AS_DRAFT
            ),
        ),
    ),
    "Contract": ObjectRule(late=(LateColumn("Status", "Draft"),)),
    "CaseComment": ObjectRule(after=("Case",)),
    # Salesforce creates the row of an activity's parent; people who are invited have separate rows.
    "EventRelation": ObjectRule(
        by_product_when=(("IsParent", "true"),),
        keys=(MatchKey(("EventId", "RelationId")),),
        after=("Event",),
    ),
    # Salesforce puts files into the folder of their library.
    "ContentFolderMember": ObjectRule(
        birth=Birth.NEVER,
        reason="Salesforce automatically puts documents into the folders of libraries.",
    ),
    # Must be complete in one insert: afterwards only drafts can be changed.
    "EmailMessage": ObjectRule(
        leave_out=frozenset({"ActivityId"}),
        linked_texts=frozenset({"HtmlBody", "TextBody"}),
        changeable=frozenset({"IsExternallyVisible"}),
        late=(LateColumn("IsExternallyVisible"),),
        gathers=(
            _recipients("ToIds", "ToAddress"),
            _recipients("CcIds", "CcAddress"),
            _recipients("BccIds", "BccAddress"),
            Gather(
                "ContentDocumentIds",
                "ContentDocumentLink",
                "LinkedEntityId",
                "ContentDocumentId",
            ),
        ),
        by_products=(ByProduct("Task", "ActivityId"),),
        after=("ContentVersion", "Case", "Contact", "Lead"),
        side_effects=("Salesforce may create a task for an e-mail that is related to a record.",),
    ),
    "EmailMessageRelation": ObjectRule(
        birth=Birth.BY_PRODUCT,
        changeable=frozenset(),
        keys=(
            MatchKey(("EmailMessageId", "RelationId", "RelationType")),
            MatchKey(
                ("EmailMessageId", "RelationAddress", "RelationType", "RelationId"),
                empty=("RelationId",),
            ),
        ),
        reason="Salesforce creates the relations of an e-mail from its addresses. Missing "
        "relations are added.",
    ),
    "Task": ObjectRule(by_product_when=(("TaskSubtype", "Email"),)),
    # Salesforce creates the document with its first version; links are separate records.
    "ContentVersion": ObjectRule(
        leave_out=frozenset({"FirstPublishLocationId", "ContentBodyId", "IsMajorVersion"}),
        by_products=(
            ByProduct("ContentDocument", "ContentDocumentId", reuse=True, order="VersionNumber"),
        ),
        file="VersionData",
    ),
    "ContentDocument": ObjectRule(
        birth=Birth.BY_PRODUCT,
        reason="Salesforce creates a document with the first version of its file.",
    ),
    "ContentDocumentLink": ObjectRule(
        keys=(MatchKey(("ContentDocumentId", "LinkedEntityId")),),
        after=("ContentVersion",),
        accept_twin=True,
    ),
    "Attachment": ObjectRule(file="Body", after=("EmailMessage",)),
    "Document": ObjectRule(file="Body"),
    "FeedItem": ObjectRule(
        by_product_when=(("Type", "TrackedChange"),), linked_texts=frozenset({"Body"})
    ),
    "FeedComment": ObjectRule(linked_texts=frozenset({"CommentBody"})),
}

NEVER_ENDINGS = {
    "History": "Salesforce writes histories automatically. The vault keeps the old history.",
    "Feed": "This is a view of feed items.",
    "ChangeEvent": "This is a stream of events.",
    "Tag": "Tags are not restored yet.",
}
# Objects that users may write although they have no triggers (object reference: supported calls).
WRITTEN_WITHOUT_TRIGGERS = frozenset({
    "AccountContactRole", "AccountTeamMember", "CampaignMemberStatus", "CaseTeamMember",
    "ContentFolder", "ContentWorkspace", "ContentWorkspaceDoc", "ContractContactRole", "Document",
    "EntitySubscription", "EventRelation", "FeedAttachment", "GroupMember",
    "OpportunityTeamMember", "PricebookEntry", "QueueSobject", "TaskRelation", "Vote",
})  # fmt: skip
NO_RULE = ObjectRule()

SHARE = "Share"
CUSTOM_SHARE = "__Share"
# The only shares of standard objects that users write; those of custom objects can also have a
# reason that the org's developers defined, which ends in "__c" (object reference, AccountShare;
# Apex guide, sharing a record using Apex).
MANUAL = "Manual"
# Shares that Salesforce derives from other records and from settings.
DERIVED = (
    "GuestParentImplicit", "GuestRule", "ImplicitChild", "ImplicitParent", "ImplicitPerson",
    "LpuImplicit", "Owner", "PortalImplicit", "Rule", "Team", "Territory", "TerritoryManual",
    "TerritoryRule",
)  # fmt: skip


def rule_for(name: str) -> ObjectRule:
    """The rule of an object."""
    return RULES.get(name, NO_RULE)


def is_share(name: str) -> bool:
    """True for tables of shares, such as AccountShare and Order__Share."""
    return name.endswith(SHARE) and name != SHARE


def share_rule(name: str, columns: Collection[str]) -> ObjectRule:
    """The rule of a table of shares.

    A standard table is read without derived shares, so one share of a record and a user is left. A
    custom one can have several, with different reasons.
    """
    if name.endswith(CUSTOM_SHARE):
        return ObjectRule(
            keys=(MatchKey(("ParentId", "UserOrGroupId", "RowCause")),),
            by_product_when=tuple(("RowCause", cause) for cause in DERIVED),
        )
    parent = f"{name.removesuffix(SHARE)}Id"
    keys = (MatchKey((parent, "UserOrGroupId")),) if parent in columns else ()
    return ObjectRule(keys=keys)


def cleared_shares(name: str) -> ClearedRows:
    """The shares of an object, of which Salesforce removes the manual ones with the owner.

    Source: Apex guide (understanding sharing: manual shares are removed when the owner changes).
    """
    custom = name.endswith("__c")
    table = f"{name.removesuffix('__c')}{CUSTOM_SHARE}" if custom else f"{name}{SHARE}"
    return ClearedRows(OWNER, table, "ParentId" if custom else f"{name}Id")


def never(name: str) -> str:
    """The reason why no user can write this object; empty if it may be possible."""
    for ending, reason in NEVER_ENDINGS.items():
        if name.endswith(ending) and name != ending:
            return reason
    return ""
