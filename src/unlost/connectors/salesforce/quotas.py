"""The org's remaining storage and calls. Source: REST guide, resources-limits."""

import math
from typing import Any

from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.model.errors import IntegrityError
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
        limits = api.get_json("limits", dict[str, Any])
    except (SalesforceRefusal, IntegrityError):
        return []
    quotas = (_quota(name, limits[name]) for name in KNOWN if name in limits)
    return [quota for quota in quotas if quota is not None]


def _quota(name: str, limit: object) -> Quota | None:
    """Convert a limit; ``Remaining`` is negative if an org is over it; old versions gave texts.

    A limit that has no numbers is left out: no backup depends on it.
    """
    if not isinstance(limit, dict):
        return None
    label, unit, factor = KNOWN[name]
    most, remaining = _number(limit.get("Max")), _number(limit.get("Remaining"))
    if most is None or remaining is None:
        return None
    return Quota(
        label,
        (most - remaining) * factor,
        most * factor,
        unit,
        storage=label in (DATA_STORAGE, FILE_STORAGE),
        files=label == FILE_STORAGE,
    )


def _number(value: object) -> float | None:
    if not isinstance(value, int | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
