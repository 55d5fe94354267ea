"""Rules to show deletions in Salesforce: the recycle bin, and which records are open.

Sources: Salesforce help, "Manage the Recycle Bin" (15 days); object reference, IsClosed of Case and
Opportunity, StatusCode of Order.
"""

from datetime import timedelta

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
    def known(name: str) -> str | None:
        return name if table.column(name) is not None else None

    state, closed = WORK.get(table.name, ("", frozenset()))
    return LossRule(
        bin=BIN if table.has(TableTrait.UNDELETE) else None,
        born_column=known(BORN),
        author_column=known(AUTHOR),
        state_column=known(state),
        closed_states=closed if known(state) is not None else frozenset(),
    )
