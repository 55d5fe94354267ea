"""The effects of each object. A new module of effects adds its lines here."""

from __future__ import annotations

from collections.abc import Mapping

from unlost_simulators.salesforce.writing.platform import (
    activities,
    articles,
    assignments,
    files,
    mail_parts,
    mails,
    persons,
    prices,
    relations,
    sharing,
    statuses,
)
from unlost_simulators.salesforce.writing.platform.effects import Effects

NOTHING = Effects()
SHARES = sharing.Shares()
ARTICLES = articles.Articles()
BY_OBJECT: Mapping[str, Effects] = {
    "Account": persons.Accounts(),
    "AccountContactRelation": relations.Relations(),
    "AccountTeamMember": sharing.TeamMembers(),
    "Attachment": mail_parts.Attachments(),
    "Case": statuses.Cases(),
    "Contact": persons.Contacts(),
    "ContentDocument": files.Documents(),
    "ContentDocumentLink": mail_parts.Links(),
    "ContentVersion": files.Versions(),
    "Contract": statuses.Contracts("ContractStatus", statuses.NO_CONTRACT_STATUS),
    "Document": files.Bodies(),
    "EmailMessage": mails.Mails(),
    "EmailMessageRelation": mail_parts.MailRelations(),
    "Event": activities.Events(),
    "EventRelation": activities.ActivityRelations(),
    "Opportunity": statuses.Opportunities(),
    "OpportunityLineItem": prices.OpportunityLines(),
    "OpportunityTeamMember": sharing.TeamMembers(),
    "Order": statuses.Orders("OrderStatus", statuses.NO_ORDER_STATUS),
    "OrderItem": prices.OrderLines(),
    "PermissionSetAssignment": assignments.Assignments(),
    "PricebookEntry": prices.Entries(),
    "Task": activities.RelatedTasks(),
    "TaskRelation": activities.ActivityRelations(),
}


def effects_of(name: str) -> Effects:
    """Return the effects of an object; for most objects they do nothing."""
    if name.endswith(articles.ARTICLES):
        return ARTICLES
    return BY_OBJECT.get(name, SHARES if name.endswith(sharing.SHARE) else NOTHING)
