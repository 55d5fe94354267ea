"""Rules to show deletions in Salesforce: which objects people open, and the bin.

Source: Salesforce help, "Manage the Recycle Bin" (15 days). Objects without a name field have no
page of their own that people search for: history, shares, feeds, links and roles; activities and
mails are the exception.
"""

from datetime import timedelta

from unlost.model.losses import LossLink, LossRule, LossRules
from unlost.model.source.schema import Schema, Table, TableTrait

BIN = timedelta(days=15)
BORN, AUTHOR = "CreatedDate", "CreatedById"
OPENED = frozenset({"EmailMessage", "Event", "Task"})
# Versions of a file, libraries, and set-up that has a name but is no data of the company.
NOT_OPENED = frozenset({
    "CaseTeamRole", "ContentDistribution", "ContentFolder", "ContentVersion", "ContentWorkspace",
    "ListView",
})  # fmt: skip
SATELLITES = ("ChangeEvent", "Feed", "History", "Share", "Tag", "ViewStat", "VoteStat")
FILE_LINK = LossLink("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId")


def loss_rules(schema: Schema) -> LossRules:
    """The rules of an org's tables."""
    logs = {table.change_log.table for table in schema.tables if table.change_log}
    opened = (table for table in schema.tables if table.name not in logs and _opened(table))
    links = (FILE_LINK,) if schema.table(FILE_LINK.table) is not None else ()
    return LossRules({table.name: _rule(table) for table in opened}, links)


def _opened(table: Table) -> bool:
    if table.name in OPENED:
        return True
    set_up = table.has(TableTrait.CONFIGURATION) or table.name in NOT_OPENED
    return not set_up and table.name_column is not None and not table.name.endswith(SATELLITES)


def _rule(table: Table) -> LossRule:
    def known(name: str) -> str | None:
        return name if table.column(name) is not None else None

    return LossRule(
        bin=BIN if table.has(TableTrait.UNDELETE) else None,
        born_column=known(BORN),
        author_column=known(AUTHOR),
    )
