"""Facts about archives in Salesforce: protected records, records without a way back, the bin.

Sources: object reference, StatusCode of Order and Contract, IsWon of Opportunity; help, "Manage the
Recycle Bin" (25 records for each megabyte of data storage, 15 days); describe of objects that
no user can create.
"""

from unlost.connectors.salesforce.losses import BIN
from unlost.connectors.salesforce.quotas import DATA_STORAGE
from unlost.connectors.salesforce.writing.rules import never
from unlost.model.archive import Comparison, Condition
from unlost.model.archive_facts import ArchiveFacts, BinRule, ProtectedRecords
from unlost.model.source.schema import Schema

ACTIVATED = (Condition("StatusCode", Comparison.IS, ("Activated",)),)
WON = (Condition("IsWon", Comparison.IS, ("true",)),)
PROTECTED = (
    ProtectedRecords("activated-orders", "Activated orders", "Order", ACTIVATED),
    ProtectedRecords("activated-contracts", "Activated contracts", "Contract", ACTIVATED),
    ProtectedRecords(
        "accounts-of-won-opportunities",
        "Accounts with won opportunities",
        "Opportunity",
        WON,
        "AccountId",
    ),
)
# Salesforce writes milestones and the steps of approvals; histories are among the rules of writing.
UNRETURNING = frozenset({
    "CaseMilestone", "EntityMilestone", "ProcessInstance", "ProcessInstanceNode",
    "ProcessInstanceStep", "ProcessInstanceWorkitem",
})  # fmt: skip
RECYCLE_BIN = BinRule(DATA_STORAGE, 25, BIN)


def archive_facts(schema: Schema) -> ArchiveFacts:
    """The facts of an org's tables."""
    names = (table.name for table in schema.tables)
    return ArchiveFacts(
        tuple(kind for kind in PROTECTED if _known(schema, kind)),
        frozenset(name for name in names if name in UNRETURNING or never(name)),
        RECYCLE_BIN,
    )


def _known(schema: Schema, kind: ProtectedRecords) -> bool:
    table = schema.table(kind.table)
    columns = (kind.column, *(test.column for test in kind.conditions))
    return table is not None and all(table.column(name) for name in columns if name)
