"""The org's remaining storage and calls. Source: REST guide, resources-limits."""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.model.source.quota import Quota

MIB = 1 << 20
DATA_STORAGE, FILE_STORAGE = "data storage", "file storage"
# Names come and go with editions and versions; any of them may be missing.
KNOWN = {
    "DataStorageMB": (DATA_STORAGE, "bytes", MIB),
    "FileStorageMB": (FILE_STORAGE, "bytes", MIB),
    "DailyApiRequests": ("API calls a day", "calls", 1),
    "DailyBulkV2QueryJobs": ("Bulk query jobs a day", "calls", 1),
    "DailyBulkV2QueryFileStorageMB": ("Bulk query results a day", "bytes", MIB),
    "DailyBulkApiBatches": ("Bulk batches a day", "calls", 1),
}


def read_quotas(api: SalesforceApi) -> list[Quota]:
    """The quotas that Salesforce reports; none if the user may not see them."""
    try:
        limits = api.get_json("limits")
    except SalesforceRefusal:
        return []
    return [_quota(name, limits[name]) for name in KNOWN if name in limits]


def _quota(name: str, limit: Mapping[str, Any]) -> Quota:
    """Convert a limit; ``Remaining`` is negative if an org is over it; old versions gave texts."""
    label, unit, factor = KNOWN[name]
    most, remaining = float(limit["Max"]), float(limit["Remaining"])
    return Quota(
        label,
        (most - remaining) * factor,
        most * factor,
        unit,
        storage=label in (DATA_STORAGE, FILE_STORAGE),
    )
