"""Rules of single rows whose columns depend on each other. Pure.

Sources: object reference (Account: person accounts; EmailMessage: Status; ContentVersion).
"""

from dataclasses import replace

from unlost.model.source.writing import WriteRow

SHAPED = frozenset({"Account", "ContentVersion", "EmailMessage", "OpportunityLineItem"})
SENT = "3"  # the only status of a mail that belongs to no case


def shaped(row: WriteRow, table: str) -> WriteRow:
    """The row in the form in which it must be sent to create a record."""
    if table not in SHAPED:
        return row
    cells = dict(row.cells)
    if table == "Account" and cells.get("LastName") is not None:
        cells.pop("Name", None)  # Salesforce composes a person's name from its parts
    if table == "EmailMessage" and cells.get("ParentId") is None and "Status" in cells:
        cells["Status"] = SENT
    if table == "ContentVersion" and cells.get("ContentDocumentId") is not None:
        cells.pop("ContentModifiedDate", None)  # allowed only for a first version
    if table == "OpportunityLineItem" and cells.get("UnitPrice") is None:
        cells.pop("UnitPrice", None)
    return replace(row, cells=cells)
