"""Describes of the objects about service and mail: cases, mails, tasks, events.

Declares only; the rows are made elsewhere.
"""

from __future__ import annotations

from unlost_simulators.salesforce.model.schema import ObjectDef, Sharing
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import (
    CASCADE,
    RESTRICT,
    audit,
    autonumber,
    day,
    email,
    flag,
    html,
    instant,
    integer,
    junction,
    long_area,
    lookup,
    name,
    owner,
    phone,
    picklist,
    record_type,
    table,
    text,
    textarea,
    viewed,
)
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import CASE_TYPES

CASE_STATUSES = ("New", "Working", "Escalated", "Closed")
CASE_ORIGINS = ("Phone", "Email", "Web", "Tasting")
CASE_REASONS = ("Melted", "Broken", "Late", "Wrong Invoice", "Allergen Question", "Praise", "Other")
# Objects that a mail, task or event can be about.
RELATED = (
    "Account", "Opportunity", "Case", "Campaign", "Contract", "Order", "Asset", "Product2",
    "Recipe__c", "Cocoa_Batch__c", "Tasting__c",
)  # fmt: skip

# A mail costs its content: headers, subject and both bodies, at least 2 KB.
MAIL_BYTES = (
    "greatest(2048, coalesce(strlen({TextBody}), 0) + coalesce(strlen({HtmlBody}), 0)"
    " + coalesce(strlen({Headers}), 0) + coalesce(strlen({Subject}), 0))"
)

CASE = table(
    "Case",
    "500",
    lookup("MasterRecordId", "Case", child=None, relation="MasterRecord", read_only=True),
    autonumber("CaseNumber", label="Case Number", name_field=True),
    lookup("ContactId", "Contact", child="Cases", rule=RESTRICT),
    lookup("AccountId", "Account", child="Cases", rule=RESTRICT),
    lookup("AssetId", "Asset", child="Cases"),
    lookup("ProductId", "Product2", child="Cases"),
    lookup("BusinessHoursId", "BusinessHours", child=None),
    lookup("ParentId", "Case", child="Cases", relation="Parent"),
    text("SuppliedName", 80, label="Name"),
    email("SuppliedEmail", label="Email Address"),
    text("SuppliedPhone", 40, label="Phone"),
    text("SuppliedCompany", 80, label="Company"),
    picklist("Type", ("Complaint", "Question", "Order", "Praise"), label="Case Type"),
    record_type(),
    picklist("Status", CASE_STATUSES, default="New"),
    picklist("Reason", CASE_REASONS, label="Case Reason"),
    picklist("Origin", CASE_ORIGINS, label="Case Origin"),
    text("Subject", 255),
    picklist("Priority", ("High", "Medium", "Low"), default="Medium"),
    long_area("Description", 32_000),
    flag("IsClosed", read_only=True, label="Closed"),
    instant("ClosedDate", read_only=True, label="Closed Date"),
    flag("IsEscalated", label="Escalated"),
    owner("User", "Group", child=None),
    flag("IsClosedOnCreate", read_only=True, label="Closed When Created"),
    *audit(),
    phone("ContactPhone", read_only=True, label="Contact Phone"),
    phone("ContactMobile", read_only=True, label="Contact Mobile"),
    email("ContactEmail", read_only=True, label="Contact Email"),
    phone("ContactFax", read_only=True, label="Contact Fax"),
    textarea("Comments", 4_000, label="Internal Comments"),
    *viewed(),
    lookup("Cocoa_Batch__c", "Cocoa_Batch__c", child="Cases"),
    text("Ticket_Number__c", 18, label="Ticket Number"),
    plural="Cases",
    tracked=("Status", "OwnerId", "Priority"),
    sharing=Sharing.PRIVATE,
    record_types=CASE_TYPES,
)

CASE_COMMENT = table(
    "CaseComment",
    "00a",
    lookup(
        "ParentId", "Case", child="CaseComments", relation="Parent", rule=CASCADE, updateable=False
    ),
    flag("IsPublished", label="Published"),
    textarea("CommentBody", 4_000, label="Body"),
    *audit(),
    plural="Case Comments",
)

CASE_TEAM_MEMBER = table(
    "CaseTeamMember",
    "0B5",
    lookup(
        "ParentId",
        "Case",
        child="TeamMembers",
        relation="Parent",
        rule=CASCADE,
        updateable=False,
        required=True,
    ),
    lookup(
        "MemberId", "Contact", "User", child=None, rule=CASCADE, updateable=False, required=True
    ),
    lookup("TeamRoleId", "CaseTeamRole", child=None, required=True),
    *audit(),
    flags="QCUD-R-",
    no_prefix=True,
    bulk=False,
    plural="Case Team Members",
)

CASE_TEAM_ROLE = table(
    "CaseTeamRole",
    "0B7",
    name(80),
    picklist("AccessLevel", ("None", "Read", "Edit")),
    flag("PreferencesVisibleInCSP", label="Visible in Customer Portal"),
    *audit(),
    flags="QCUD-R-",
    bulk=False,
    plural="Case Team Member Role",
    storage_bytes=None,
)

EMAIL_MESSAGE = table(
    "EmailMessage",
    "02s",
    lookup("ParentId", "Case", child="EmailMessages", relation="Parent", rule=CASCADE),
    lookup("ActivityId", "Task", child="EmailMessages", relation="Activity"),
    *audit(),
    text("TextBody", 131_072, kind="textarea", filterable=False, label="Text Body"),
    html("HtmlBody", 131_072, label="HTML Body"),
    long_area("Headers", 32_000),
    text("Subject", 3_000),
    text("Name", 255, read_only=True, name_field=True, label="Name"),
    text("FromName", 1_000, label="From Name"),
    email("FromAddress", length=1_000, label="From Address"),
    lookup("FromId", "Contact", "Lead", "User", child=None, relation="From", label="From ID"),
    text("ToAddress", 4_000, label="To Address"),
    text("CcAddress", 4_000, label="CC Address"),
    text("BccAddress", 4_000, label="BCC Address"),
    flag("Incoming", label="Is Incoming"),
    flag("HasAttachment", read_only=True, label="Has Attachment"),
    picklist("Status", ("0", "1", "2", "3", "4", "5"), restricted=True, default="0"),
    instant("MessageDate", label="Message Date"),
    lookup("ReplyToEmailMessageId", "EmailMessage", child=None, relation="ReplyToEmailMessage"),
    flag("IsPrivateDraft", read_only=True, label="Is Private Draft"),
    text("MessageIdentifier", 765, label="Message ID"),
    text("ThreadIdentifier", 765, label="Thread ID"),
    text("ClientThreadIdentifier", 765, label="Client Thread ID"),
    flag("IsClientManaged", label="Is Client Managed"),
    flag("IsExternallyVisible", createable=False, label="Is Externally Visible"),
    lookup("RelatedToId", *RELATED, child="Emails", relation="RelatedTo"),
    flag("IsTracked", label="Is Tracked"),
    flag("IsOpened", read_only=True, label="Opened?"),
    instant("FirstOpenedDate", read_only=True, label="First Opened"),
    instant("LastOpenedDate", read_only=True, label="Last Opened"),
    flag("IsBounced", read_only=True, label="Is Bounced"),
    lookup("EmailTemplateId", "EmailTemplate", child=None),
    plural="Email Messages",
    sharing=Sharing.PARENT,
    sharing_parent="ParentId",
    storage_sql=MAIL_BYTES,
    junctions=(
        *(
            junction(column, "EmailMessageRelation", "Contact", "Lead", "User")
            for column in ("ToIds", "CcIds", "BccIds")
        ),
        junction("ContentDocumentIds", "ContentDocumentLink", "ContentDocument"),
    ),
)

EMAIL_MESSAGE_RELATION = table(
    "EmailMessageRelation",
    "0CZ",
    lookup(
        "EmailMessageId",
        "EmailMessage",
        child="EmailMessageRelations",
        rule=CASCADE,
        updateable=False,
        required=True,
    ),
    lookup(
        "RelationId",
        "Contact",
        "Lead",
        "User",
        child="EmailMessageRelations",
        relation="Relation",
        rule=CASCADE,
    ),
    picklist(
        "RelationType",
        ("ToAddress", "CcAddress", "BccAddress", "FromAddress", "OtherAddress"),
        updateable=False,
        required=True,
    ),
    text("RelationAddress", 1_000, label="Relation Address", updateable=False),
    picklist("RelationObjectType", ("Contact", "Lead", "User"), read_only=True),
    *audit(),
    flags="QCUD-R-",
    plural="Email Message Relations",
    storage_bytes=None,
)

EMAIL_TEMPLATE = table(
    "EmailTemplate",
    "00X",
    name(80),
    text("DeveloperName", 80, required=True, label="Template Unique Name"),
    text("NamespacePrefix", 15, read_only=True, label="Namespace Prefix"),
    owner("User", child=None),
    lookup("FolderId", "Folder", "Organization", "User", child=None, relation="Folder"),
    flag("IsActive", label="Available For Use"),
    picklist("TemplateType", ("text", "html", "custom")),
    text("Encoding", 40),
    text("Description", 255),
    text("Subject", 255),
    html("HtmlValue", 32_000, label="HTML Value"),
    long_area("Body", 32_000, label="Email Body"),
    integer("TimesUsed", 9, read_only=True, label="Times Used"),
    *audit(),
    flags="QCUD-R-",
    plural="Email Templates",
    storage_bytes=None,
)

TASK = table(
    "Task",
    "00T",
    record_type(),
    lookup(
        "WhoId", "Contact", "Lead", child="Tasks", relation="Who", rule=CASCADE, label="Name ID"
    ),
    lookup("WhatId", *RELATED, child="Tasks", relation="What", rule=CASCADE, label="Related To ID"),
    text("Subject", 255, kind="combobox", name_field=True),
    day("ActivityDate", label="Due Date Only"),
    picklist("Status", ("Not Started", "In Progress", "Completed", "Waiting"), required=True),
    picklist("Priority", ("High", "Normal", "Low"), required=True, default="Normal"),
    flag("IsHighPriority", read_only=True, label="High Priority"),
    owner("User", "Group", child=None),
    long_area("Description", 32_000),
    lookup("AccountId", "Account", child=None, relation="Account", read_only=True),
    flag("IsClosed", read_only=True, label="Closed"),
    *audit(),
    flag("IsArchived", read_only=True, label="Archived"),
    integer("CallDurationInSeconds", 9, label="Call Duration"),
    picklist("CallType", ("Internal", "Inbound", "Outbound")),
    text("CallDisposition", 255, label="Call Result"),
    text("CallObject", 255, label="Call Object Identifier"),
    instant("ReminderDateTime", label="Reminder Date/Time"),
    flag("IsReminderSet", label="Reminder Set"),
    lookup("RecurrenceActivityId", "Task", child="RecurringTasks", relation="RecurrenceActivity"),
    flag("IsRecurrence", label="Create Recurring Series of Tasks"),
    day("RecurrenceStartDateOnly", label="Recurrence Start"),
    day("RecurrenceEndDateOnly", label="Recurrence End"),
    picklist("RecurrenceType", ("RecursDaily", "RecursWeekly", "RecursMonthly")),
    integer("RecurrenceInterval", 9, label="Recurrence Interval"),
    picklist("TaskSubtype", ("Task", "Email", "ListEmail", "Call"), updateable=False),
    instant("CompletedDateTime", read_only=True, label="Completed Date"),
    plural="Tasks",
    archived_by="IsArchived",
)

EVENT = table(
    "Event",
    "00U",
    record_type(),
    lookup(
        "WhoId", "Contact", "Lead", child="Events", relation="Who", rule=CASCADE, label="Name ID"
    ),
    lookup(
        "WhatId", *RELATED, child="Events", relation="What", rule=CASCADE, label="Related To ID"
    ),
    text("Subject", 255, kind="combobox", name_field=True),
    text("Location", 255),
    flag("IsAllDayEvent", label="All-Day Event"),
    instant("ActivityDateTime", label="Due Date Time"),
    day("ActivityDate", label="Due Date Only"),
    integer("DurationInMinutes", 8, label="Duration"),
    instant("StartDateTime", label="Start Date Time"),
    instant("EndDateTime", label="End Date Time"),
    day("EndDate", read_only=True, label="End Date"),
    long_area("Description", 32_000),
    lookup("AccountId", "Account", child=None, relation="Account", read_only=True),
    owner("User", child=None),
    flag("IsPrivate", label="Private"),
    picklist("ShowAs", ("Busy", "OutOfOffice", "Free")),
    flag("IsChild", read_only=True, label="Is Child"),
    flag("IsGroupEvent", read_only=True, label="Is Group Event"),
    picklist("GroupEventType", ("0", "1", "2"), read_only=True),
    *audit(),
    flag("IsArchived", read_only=True, label="Archived"),
    lookup("RecurrenceActivityId", "Event", child="RecurringEvents", relation="RecurrenceActivity"),
    flag("IsRecurrence", updateable=False, label="Create Recurring Series of Events"),
    instant("ReminderDateTime", label="Reminder Date/Time"),
    flag("IsReminderSet", label="Reminder Set"),
    picklist("EventSubtype", ("Event",), updateable=False),
    plural="Events",
    archived_by="IsArchived",
)

EVENT_RELATION = table(
    "EventRelation",
    "0RE",
    lookup(
        "EventId", "Event", child="EventRelations", rule=CASCADE, updateable=False, required=True
    ),
    lookup(
        "RelationId",
        "Contact",
        "Lead",
        "User",
        child="EventRelations",
        relation="Relation",
        rule=CASCADE,
        updateable=False,
        required=True,
    ),
    flag("IsWhat", read_only=True, label="Is What"),
    flag("IsParent", label="Is Parent"),
    flag("IsInvitee", label="Is Invitee"),
    picklist("Status", ("New", "Declined", "Accepted", "Uninvited", "Maybe")),
    *audit(),
    flags="QCUD-R-",
    plural="Event Relations",
    storage_bytes=None,
)

OBJECTS: tuple[ObjectDef, ...] = (
    CASE,
    CASE_COMMENT,
    CASE_TEAM_MEMBER,
    CASE_TEAM_ROLE,
    EMAIL_MESSAGE,
    EMAIL_MESSAGE_RELATION,
    EMAIL_TEMPLATE,
    TASK,
    EVENT,
    EVENT_RELATION,
)
