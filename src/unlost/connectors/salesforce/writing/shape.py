"""Rules of single rows: what a row must or must not say, depending on itself. Pure.

Sources: object reference (Account: person accounts; EmailMessage: Status; ContentVersion).
"""

from dataclasses import replace

from unlost.model.writing import WriteRow

SHAPED = frozenset({"Account", "ContentVersion", "EmailMessage", "OpportunityLineItem"})
SENT = "3"  # the only status of a mail that is on no case


def shaped(row: WriteRow, table: str) -> WriteRow:
    """The row as it must be sent to create a record."""
    if table not in SHAPED:
        return row
    cells = dict(row.cells)
    if table == "Account" and cells.get("LastName") is not None:
        cells.pop("Name", None)  # a person's name is made of its parts
    if table == "EmailMessage" and cells.get("ParentId") is None and "Status" in cells:
        cells["Status"] = SENT
    if table == "ContentVersion" and cells.get("ContentDocumentId") is not None:
        cells.pop("ContentModifiedDate", None)  # only of a first version
    if table == "OpportunityLineItem" and cells.get("UnitPrice") is None:
        cells.pop("UnitPrice", None)
    return replace(row, cells=cells)
