"""The generated rows: sources, their order, and the number of each.

A source makes a run of rows of one object; two sources can fill one object (companies and private
customers are both accounts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from unlost_simulators.company.draws import Rows
from unlost_simulators.salesforce.scenarios.chocolate.generated import (
    files,
    people,
    sales,
    service,
    workshop,
)
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.world import World

type MakeRows = Callable[[World, Rows], dict[str, pa.Array]]

# A row group of DuckDB: smaller runs would be copied again when the next one comes.
BATCH_ROWS = 122_880


@dataclass(frozen=True, slots=True)
class Source:
    """A maker of rows: `label` keeps its draws apart from other sources."""

    label: str
    object: str
    count: Callable[[ChocolateSizes], int]
    rows: MakeRows
    batch_rows: int = BATCH_ROWS


def _history(table: str) -> Callable[[ChocolateSizes], int]:
    """History rows of a table: as many as asked for, at most one a record."""

    def count(sizes: ChocolateSizes) -> int:
        rows: int = getattr(sizes, table)
        return min(sizes.history_rows, rows)

    return count


SOURCES: tuple[Source, ...] = (
    Source("BusinessAccount", "Account", lambda s: s.businesses, people.business_accounts),
    Source("Person", "Account", lambda s: s.private_customers, people.person_accounts),
    Source("Contact", "Contact", lambda s: s.contacts, people.contacts),
    Source("Person", "Contact", lambda s: s.private_customers, people.person_contacts),
    Source("Direct", "AccountContactRelation", lambda s: s.contacts, people.direct_relations),
    Source("Lead", "Lead", lambda s: s.leads, people.leads),
    Source("Member", "CampaignMember", lambda s: s.campaign_members, people.campaign_members),
    Source("Opportunity", "Opportunity", lambda s: s.opportunities, sales.opportunities),
    Source("Line", "OpportunityLineItem", lambda s: s.opportunity_lines, sales.opportunity_lines),
    Source("Role", "OpportunityContactRole", lambda s: s.opportunity_roles, sales.opportunity_roles),
    Source("Contract", "Contract", lambda s: s.contracts, sales.contracts),
    Source("Order", "Order", lambda s: s.orders, sales.orders),
    Source("OrderItem", "OrderItem", lambda s: s.order_items, sales.order_items),
    Source("Asset", "Asset", lambda s: s.assets, sales.assets),
    Source("Case", "Case", lambda s: s.cases, service.cases),
    Source("CaseComment", "CaseComment", lambda s: s.case_comments, service.case_comments),
    Source("Mail", "EmailMessage", lambda s: s.mails, service.mails),
    Source("MailTo", "EmailMessageRelation", lambda s: 2 * s.mails, service.mail_relations),
    Source("Task", "Task", lambda s: s.tasks, service.tasks),
    Source("Event", "Event", lambda s: s.events, service.events),
    Source("With", "EventRelation", lambda s: s.events, service.event_people),
    Source("Guest", "EventRelation", service.event_guests, service.event_invitees),
    Source("Note", "Note", lambda s: s.notes, files.notes),
    Source("Attachment", "Attachment", lambda s: s.attachments, files.attachments),
    Source("File", "ContentDocument", lambda s: s.documents, files.documents),
    Source("Version1", "ContentVersion", lambda s: s.documents, files.first_versions),
    Source("Version2", "ContentVersion", lambda s: s.second_versions, files.second_versions),
    Source("OwnerLink", "ContentDocumentLink", lambda s: s.documents, files.owner_links),
    Source("RecordLink", "ContentDocumentLink", lambda s: s.documents, files.record_links),
    Source("CaseLink", "ContentDocumentLink", lambda s: s.documents // 3, files.case_links),
    Source("FeedItem", "FeedItem", lambda s: s.feed_items, files.feed_items),
    Source("FeedComment", "FeedComment", lambda s: s.feed_comments, files.feed_comments),
    Source("Ingredient", "Ingredient__c", lambda s: s.ingredients, workshop.ingredients),
    Source("Recipe", "Recipe__c", lambda s: s.recipes, workshop.recipes),
    Source("Batch", "Cocoa_Batch__c", lambda s: s.cocoa_batches, workshop.cocoa_batches),
    Source(
        "RecipeLine", "Recipe_Ingredient__c", lambda s: s.recipe_ingredients,
        workshop.recipe_ingredients,
    ),
    Source("Tasting", "Tasting__c", lambda s: s.tastings, workshop.tastings),
    Source("Score", "Tasting_Score__c", lambda s: s.tasting_scores, workshop.tasting_scores),
    Source("Report", "Quality_Report__c", lambda s: s.quality_reports, workshop.quality_reports),
    Source("ContactChange", "ContactHistory", _history("contacts"), workshop.contact_history),
    Source(
        "AccountChange", "AccountHistory", _history("businesses"), workshop.account_history
    ),
    Source("CaseChange", "CaseHistory", _history("cases"), workshop.case_history),
    Source(
        "Share", "AccountShare", lambda s: -(-s.businesses // 10), workshop.account_shares
    ),
)  # fmt: skip
