"""Rules to show deletions in Salesforce: the recycle bin, and which records are open.

Sources: Salesforce help, "Manage the Recycle Bin" (15 days); object reference, IsClosed of Case and
Opportunity, StatusCode of Order.
"""

from dataclasses import replace
from datetime import timedelta

from unlost.kit.losses import loss_rule
from unlost.model.losses import LossLink, LossRule, LossRules
from unlost.model.source.schema import Schema, Table, TableTrait

BIN = timedelta(days=15)
BORN, AUTHOR = "CreatedDate", "CreatedById"
CLOSED = ("IsClosed", frozenset({"true"}))
WORK = {
    "Case": CLOSED,
    "Opportunity": CLOSED,
    "Order": ("StatusCode", frozenset({"Canceled", "Expired"})),
}
FILE_LINK = LossLink("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId")


def loss_rules(schema: Schema) -> LossRules:
    """The rules of an org's tables."""
    links = (FILE_LINK,) if schema.table(FILE_LINK.table) is not None else ()
    return LossRules({table.name: _rule(table) for table in schema.opened_tables()}, links)


def _rule(table: Table) -> LossRule:
    state, closed = WORK.get(table.name, ("", frozenset()))
    rule = loss_rule(table, born=BORN, author=AUTHOR, state=state, closed=closed)
    return replace(rule, bin=BIN) if table.has(TableTrait.UNDELETE) else rule
