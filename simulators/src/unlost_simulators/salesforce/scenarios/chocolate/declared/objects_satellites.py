"""Describes of satellites and virtual objects: history, shares, feeds, change events, views.

Many of them list as queryable and then refuse, or want a condition: a backup has to report them, not
to fail on them. Texts of refusals as published by extractors that met them. Declares only.
"""

from __future__ import annotations

from dataclasses import replace

from unlost_simulators.salesforce.model.objects import history_of
from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef, QueryRule
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    CASCADE,
    audit,
    flag,
    html,
    instant,
    integer,
    long_area,
    lookup,
    number,
    picklist,
    table,
    text,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_custom import RECIPE
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_people import (
    ACCOUNT,
    CONTACT,
    LEAD,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_sales import OPPORTUNITY
from unlost_simulators.salesforce.scenarios.chocolate.declared.objects_service import CASE

TRACKED = (ACCOUNT, CONTACT, LEAD, CASE, OPPORTUNITY, RECIPE)
HISTORIES = tuple(history_of(definition) for definition in TRACKED)


def _share(of: str, prefix: str, access: str) -> ObjectDef:
    levels = ("Read", "Edit", "All")
    return table(
        f"{of}Share",
        prefix,
        lookup(f"{of}Id", of, child="Shares", rule=CASCADE, updateable=False),
        lookup(
            "UserOrGroupId",
            "User",
            "Group",
            child=None,
            relation="UserOrGroup",
            updateable=False,
            required=True,
        ),
        picklist(access, levels, required=True),
        picklist("RowCause", ("Owner", "Manual", "Rule", "Team"), read_only=True),
        *(field for field in audit() if field.name.startswith("LastModified")),
        flags="QCUD---",
        parent_entity=of,
        entity_type="Share",
        plural=f"{of} Share",
        storage_bytes=None,
    )


ACCOUNT_SHARE = _share("Account", "00r", "AccountAccessLevel")
CASE_SHARE = _share("Case", "01n", "CaseAccessLevel")


def _feed(of: str) -> ObjectDef:
    """A view of the posts about one kind of record; backups take FeedItem instead."""
    return table(
        f"{of}Feed",
        "0D5",
        lookup("ParentId", of, child="Feeds", relation="Parent", rule=CASCADE),
        picklist("Type", ("TextPost", "LinkPost", "ContentPost", "TrackedChange")),
        *audit(modified=False, modified_date=True),
        integer("CommentCount", 9),
        long_area("Body", 10_000),
        flags="Q--D-R-",
        no_prefix=True,
        bulk=of != "Account",
        parent_entity=of,
        entity_type="Feed",
        plural=f"{of} Feed",
        storage_bytes=None,
    )


FEEDS = (_feed("Account"), _feed("Case"))


def _change_event(of: ObjectDef) -> ObjectDef:
    """An event that is sent to subscribers; it cannot be queried."""
    stored = tuple(replace(field, children=None) for field in of.fields if not field.computed)
    tracked = tuple(
        field for field in stored if field.name not in {"Id", "IsDeleted", "SystemModstamp"}
    )
    return table(
        f"{of.name}ChangeEvent",
        "0zz",
        text("ReplayId", 1_000, read_only=True),
        *tracked,
        flags="T",
        deleted=False,
        no_prefix=True,
        retrieveable=False,
        parent_entity=of.name,
        entity_type="ChangeEvent",
        plural=f"{of.label} Change Events",
        storage_bytes=None,
    )


CHANGE_EVENTS = tuple(_change_event(definition) for definition in (ACCOUNT, CONTACT, CASE))


def _virtual(
    name: str, *fields: FieldDef, flags: str = "-", rule: QueryRule | None = None
) -> ObjectDef:
    """An object without stored rows."""
    return table(
        name,
        "0zz",
        *fields,
        flags=flags,
        deleted=False,
        no_prefix=True,
        bulk=False,
        rule=rule or QueryRule(),
        plural=name,
        storage_bytes=None,
    )


_NOT_QUERYABLE = tuple(
    _virtual(name, lookup("AccountId", "Account", child=None), text("Subject", 255))
    for name in ("ActivityHistory", "OpenActivity", "LookedUpFromActivity")
) + tuple(
    _virtual(name, text("Title", 255))
    for name in (
        "AggregateResult",
        "AttachedContentDocument",
        "AttachedContentNote",
        "CombinedAttachment",
        "ContentBody",
        "FeedLike",
        "FeedTrackedChange",
        "Name",
        "NoteAndAttachment",
        "OwnedContentDocument",
        "ProcessInstanceHistory",
    )
)

# Lists as queryable and refuses every query.
OUTGOING_EMAIL = table(
    "OutgoingEmail",
    "0Q1",
    text("ExternalId", 255),
    text("Subject", 998),
    text("ToAddress", 1_000),
    html("Body", 32_000),
    flags="QC",
    deleted=False,
    bulk=False,
    plural="Outgoing Emails",
    rule=QueryRule(
        required_filter=("Id",),
        code="EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION",
        message="This query is not supported on the OutgoingEmail object",
    ),
    storage_bytes=None,
)

VOTE = table(
    "Vote",
    "083",
    lookup("ParentId", "Idea", "IdeaComment", child="Votes", relation="Parent", rule=CASCADE),
    picklist("Type", ("Up", "Down")),
    *(field for field in audit() if not field.name.startswith("LastModified")),
    flags="QCUD-R-",
    plural="Votes",
    rule=QueryRule(
        required_filter=("ParentId", "Parent.Type", "Id"),
        message=(
            "When querying the Vote object, you must filter using the following syntax: ParentId ="
            " [single ID], Parent.Type = [single Type], Id = [single ID], or Id IN [list of ID's]."
        ),
    ),
    storage_bytes=None,
)

IDEA = table(
    "Idea",
    "087",
    text("Title", 255, required=True, name_field=True),
    html("Body", 32_000),
    number("VoteTotal", 18, 2, read_only=True),
    integer("NumComments", 9, read_only=True),
    *audit(),
    plural="Ideas",
)

IDEA_COMMENT = table(
    "IdeaComment",
    "00a",
    lookup("IdeaId", "Idea", child="Comments", rule=CASCADE, updateable=False),
    html("CommentBody", 4_000),
    *(field for field in audit() if not field.name.startswith("LastModified")),
    plural="Idea Comments",
    rule=QueryRule(
        required_filter=("Id", "IdeaId"),
        message=(
            "Implementation restriction: IdeaComment requires a filter by a single Id or IdeaId using"
            " the equals operator"
        ),
    ),
    storage_bytes=None,
)

CONTENT_FOLDER_ITEM = table(
    "ContentFolderItem",
    "0zz",
    lookup("ParentContentFolderId", "ContentFolder", child=None, relation="ParentContentFolder"),
    text("Title", 256),
    text("FileType", 20),
    integer("ContentSize", 9),
    *audit(),
    flags="Q",
    no_prefix=True,
    bulk=False,
    plural="Content Folder Items",
    rule=QueryRule(
        required_filter=("Id", "ParentContentFolderId"),
        allow_in=False,
        message=(
            "Implementation restriction: ContentFolderItem requires a filter by a single Id,"
            " ChildRecordId or ParentContentFolderId using the equals operator"
        ),
    ),
    storage_bytes=None,
)

CONTENT_FOLDER_MEMBER = table(
    "ContentFolderMember",
    "07I",
    lookup("ParentContentFolderId", "ContentFolder", child="ContentFolderMembers"),
    lookup("ChildRecordId", "ContentDocument", child="ContentFolderMembers", rule=CASCADE),
    *audit(),
    flags="Q-UD---",
    plural="Content Folder Members",
    rule=QueryRule(
        required_filter=("Id", "ParentContentFolderId", "ChildRecordId"),
        message=(
            "Implementation restriction: ContentFolderMember requires a filter by a single Id,"
            " ChildRecordId or ParentContentFolderId using the equals operator"
        ),
    ),
    storage_bytes=None,
)

USER_RECORD_ACCESS = table(
    "UserRecordAccess",
    "0zz",
    lookup("RecordId", "Account", "Contact", "Case", child=None, relation="Record"),
    lookup("UserId", "User", child=None),
    flag("HasReadAccess"),
    flag("HasEditAccess"),
    flags="Q",
    deleted=False,
    no_prefix=True,
    bulk=False,
    retrieveable=False,
    plural="User Record Access",
    rule=QueryRule(
        required_filter=("RecordId",),
        message="A filter on a reified column is required [UserId,RecordId]",
    ),
    storage_bytes=None,
)

RECENTLY_VIEWED = table(
    "RecentlyViewed",
    "0zz",
    text("Name", 255, name_field=True),
    text("Type", 40),
    instant("LastViewedDate", read_only=True),
    flags="Q-U",
    deleted=False,
    no_prefix=True,
    bulk=False,
    plural="Recently Viewed",
    storage_bytes=None,
)

# A setup object whose rows all carry the empty key; their key is DurableId.
DATA_STATISTICS = table(
    "DataStatistics",
    "0zz",
    text("DurableId", 100),
    text("StatType", 40),
    integer("StatValue", 9),
    flags="Q",
    deleted=False,
    no_prefix=True,
    bulk=False,
    empty_key=True,
    plural="Data Statistics",
    rule=QueryRule(
        required_filter=("StatType",),
        message="A filter on a reified column is required [StatType,DurableId]",
    ),
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (
    *HISTORIES,
    ACCOUNT_SHARE,
    CASE_SHARE,
    *FEEDS,
    *CHANGE_EVENTS,
    *_NOT_QUERYABLE,
    OUTGOING_EMAIL,
    VOTE,
    IDEA,
    IDEA_COMMENT,
    CONTENT_FOLDER_ITEM,
    CONTENT_FOLDER_MEMBER,
    USER_RECORD_ACCESS,
    RECENTLY_VIEWED,
    DATA_STATISTICS,
)
