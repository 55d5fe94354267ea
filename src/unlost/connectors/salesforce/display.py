"""Numbers, texts and system fields of Salesforce records, as people know them. Pure."""

from collections.abc import Iterator

from unlost.model.source.display import DisplayRule
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind

# Object reference: standard fields with the number of a record, the usual one of each object.
NUMBERS = (
    "AccountNumber", "CaseNumber", "OrderNumber", "ContractNumber", "QuoteNumber", "InvoiceNumber",
    "AssetNumber", "WorkOrderNumber", "LineItemNumber", "SolutionNumber", "ProductCode",
    "SerialNumber", "EmployeeNumber",
)  # fmt: skip
# Object reference: texts by which people know a comment, post, mail, task or note without a name,
# the shortest first.
TEXTS = (
    "Subject", "Title", "CommentBody", "Body", "TextBody", "TextPreview", "Description",
)  # fmt: skip
# Object reference: system fields and fields frequently occurring on objects.
SYSTEM = frozenset({
    "Id", "IsDeleted", "MasterRecordId", "CreatedById", "CreatedDate", "LastModifiedById",
    "LastModifiedDate", "SystemModstamp", "LastViewedDate", "LastReferencedDate",
})  # fmt: skip


def display_rule(table: Table) -> DisplayRule:
    """The columns of an object that have a role for people."""
    standard = [name for name in NUMBERS if table.column(name) is not None]
    keys = [column.name for column in table.columns if _is_key(column)]
    numbers = [name for name in dict.fromkeys((*standard, *keys)) if name != table.name_column]
    system = {column.name for column in table.columns if column.name in SYSTEM}
    return DisplayRule(tuple(numbers), frozenset(system), tuple(_texts(table)))


def _texts(table: Table) -> Iterator[str]:
    for name in TEXTS:
        column = table.column(name)
        if column is not None and column.kind is WireKind.TEXT and name != table.name_column:
            yield name


def _is_key(column: Column) -> bool:
    """True for a custom field with a number of the company: an external id or an auto-number."""
    if column.name in SYSTEM or column.kind not in (WireKind.TEXT, WireKind.DECIMAL):
        return False
    return column.has(ColumnTrait.EXTERNAL_ID) or column.has(ColumnTrait.AUTO_NUMBER)
