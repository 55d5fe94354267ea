"""Storage accounting: how many bytes of data and of files the org uses.

Source: Salesforce help (data and file storage allocations, record sizes 000193871) and published
lists of what counts. 1 KB is 1,024 bytes.
"""

import re

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.store import database, tables
from unlost_simulators.salesforce.store.store import Store

KIB = 1024
ROW = 2 * KIB
"""Size of a record unless its object has a size of its own."""

SIZES = {
    "Campaign": 8 * KIB,
    "CampaignMember": KIB,
    "KnowledgeArticleVersion": 4 * KIB,
}
COUNTED = frozenset(
    [
        "Account",
        "Campaign",
        "CampaignMember",
        "Case",
        "CaseTeamMember",
        "Contact",
        "Contract",
        "EmailMessage",
        "Event",
        "Idea",
        "Lead",
        "ListEmail",
        "Note",
        "Opportunity",
        "OpportunitySplit",
        "Order",
        "Quote",
        "Solution",
        "Task",
        "WorkOrder",
        "WorkOrderLineItem",
        "ServiceAppointment",
        "ServiceResource",
        "Topic",
    ]
)
"""Standard objects that count; custom objects and article versions count too."""
UNCOUNTED_SUFFIXES = ("__History", "__Share", "__Feed", "__Tag", "__b", "__x", "__e", "__mdt")
MAIL = "EmailMessage"
MAIL_PARTS = ("TextBody", "HtmlBody", "Headers", "Subject")
FILE_SIZES = {"Attachment": "BodyLength", "Document": "BodyLength", "ContentVersion": "ContentSize"}
"""Objects with bytes in file storage, and the field that holds their size."""

_HOLE = re.compile(r"\{([A-Za-z_]\w*)\}")


def row_size_sql(of: ObjectDef) -> str | None:
    """DuckDB expression of one row's bytes, or None when rows do not count."""
    if of.storage_sql is not None:
        return _HOLE.sub(lambda hole: tables.name(hole.group(1)), of.storage_sql)
    if of.storage_bytes is not None:
        return str(of.storage_bytes) if of.storage_bytes else None
    if of.name == MAIL:
        return _mail_size(of)
    if of.name.endswith("__kav"):
        return str(SIZES["KnowledgeArticleVersion"])
    custom = of.name.endswith("__c") and not of.name.endswith(UNCOUNTED_SUFFIXES)
    if of.name in COUNTED or custom:
        return str(SIZES.get(of.name, ROW))
    return None


def _mail_size(of: ObjectDef) -> str:
    parts = [f"coalesce(strlen({tables.name(name)}), 0)" for name in MAIL_PARTS if of.field(name)]
    return f"greatest({ROW}, {' + '.join(parts) or '0'})"


class StorageMeter:
    """Sums of bytes, worked out again only for objects that were written since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def data_bytes(self) -> int:
        """Bytes of data storage; rows in the recycle bin do not count."""
        return sum(self.data_bytes_of(definition) for definition in self._store.schema.objects)

    def data_bytes_of(self, of: ObjectDef) -> int:
        """Bytes of data storage of one object's live rows."""
        size = row_size_sql(of)
        if size is None:
            return 0
        value = f"count(*) * {size}" if size.isdigit() else f"sum({size})"
        return self._measure("data", of, value)

    def file_bytes(self) -> int:
        """Bytes of file storage: attachments, documents and every version of files."""
        sizes = [(self._store.schema.get(name), size) for name, size in FILE_SIZES.items()]
        return sum(
            self._measure("file", of, f"sum({tables.name(size)})")
            for of, size in sizes
            if of is not None and of.field(size) is not None
        )

    def _measure(self, kind: str, of: ObjectDef, value: str) -> int:
        generation = self._store.generation(of.name)
        known = self._known.get((kind, of.name))
        if known is not None and known[0] == generation:
            return known[1]
        alive = ' WHERE NOT "IsDeleted"' if of.field("IsDeleted") else ""
        sql = f"SELECT coalesce({value}, 0) FROM {tables.name(of.name)}{alive}"
        measured = int(database.scalar(self._store.cursor(), sql))
        self._known[(kind, of.name)] = (generation, measured)
        return measured
