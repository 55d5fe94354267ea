"""Write permissions of a user: object permissions, field-level security, audit fields.

Describe and the write path both use this module, so that what is described is enforced. Source:
Object reference, system fields (v67); FeedItem, EmailMessage and PermissionSetAssignment pages of the
same.
"""

from unlost_simulators.salesforce.model.schema import FieldDef, ObjectDef
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.model.users import ObjectOperation, Permission, SimUser

AUDIT_FIELDS = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"})
CONVERSION_FIELDS = frozenset(
    {"ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"}
)
"""Fields of a converted lead that the audit permission opens on insert too."""
CHATTER_FIELDS = frozenset({"CreatedDate", "CreatedById"})
AUDIT_OBJECTS = frozenset(
    [
        "Account",
        "ArticleVersion",
        "Attachment",
        "CampaignMember",
        "Case",
        "CaseComment",
        "Contact",
        "ContentNote",
        "ContentVersion",
        "Contract",
        "Event",
        "Idea",
        "IdeaComment",
        "Lead",
        "Opportunity",
        "Question",
        "Task",
        "Vote",
    ]
)
"""Objects whose audit fields may be set on insert with the permission, beside custom objects."""
MAIL = "EmailMessage"
CHATTER = frozenset({"FeedItem", "FeedComment"})
ASSIGNMENT = "PermissionSetAssignment"


def may_do(of: ObjectDef, user: SimUser, operation: ObjectOperation) -> bool:
    """Return true if the user can create, edit or delete rows of the object."""
    flags = {
        ObjectOperation.CREATE: of.createable,
        ObjectOperation.EDIT: of.updateable,
        ObjectOperation.DELETE: of.deletable,
    }
    if of.name == ASSIGNMENT and not user.may(Permission.ASSIGN_PERMISSION_SETS):
        return False
    return flags[operation] and user.may_do(operation, of.name)


def audit_createable(of: ObjectDef, name: str, user: SimUser, settings: OrgSettings) -> bool:
    """Return true if the user may set the audit field on insert."""
    if of.name in CHATTER:
        allowed = user.may(Permission.INSERT_CHATTER_SYSTEM_FIELDS)
        return allowed and name in CHATTER_FIELDS
    if not (settings.audit_fields and user.may(Permission.SET_AUDIT_FIELDS)):
        return False
    if of.name == MAIL:
        return settings.mail_audit_fields
    return of.name in AUDIT_OBJECTS or of.name.endswith("__c")


def createable(of: ObjectDef, field: FieldDef, user: SimUser, settings: OrgSettings) -> bool:
    """Return true if the user may give the field a value on insert."""
    if not may_do(of, user, ObjectOperation.CREATE) or not user.may_set(of.name, field.name):
        return False
    converted = of.name == "Lead" and field.name in CONVERSION_FIELDS
    if field.name in AUDIT_FIELDS or converted:
        return audit_createable(of, field.name, user, settings)
    return field.createable and not field.computed and field.auto_number is None


def updateable(of: ObjectDef, field: FieldDef, user: SimUser) -> bool:
    """Return true if the user may change the field."""
    if not may_do(of, user, ObjectOperation.EDIT) or not user.may_set(of.name, field.name):
        return False
    return field.updateable and not field.computed
