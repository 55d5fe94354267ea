"""``/limits`` and ``/limits/recordCount``, and the stop of inserts when storage is full.

Source: REST guide (resources-limits, resources-record-count), recorded answers for the names.
"""

from collections.abc import Sequence
from datetime import datetime

from unlost_simulators.kit.allowances import Allowances
from unlost_simulators.salesforce.model.allocations import (
    API_CALLS,
    BULK_BATCHES,
    BULK_QUERY_JOBS,
    BULK_QUERY_MB,
)
from unlost_simulators.salesforce.model.answers import Json
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.settings import MIB
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.storage import FILE_SIZES, StorageMeter, row_size_sql
from unlost_simulators.salesforce.store.store import Store

FIXED = {
    "AnalyticsExternalDataSizeMB": 40_960,
    "ConcurrentAsyncGetReportInstances": 200,
    "ContentPublicationLimit": 200_000,
    "DailyAsyncApexExecutions": 250_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyMetadataRetrievesWithDependencies": 1_000,
    "DailyScratchOrgs": 6,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 100_000,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyODataCallout": 20_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "MaxContentDocumentsLimit": 30_000_000,
    "PermissionSets": 1_500,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 2_000,
}
"""Allowances that the simulator never uses up."""
SATELLITES = ("History", "Feed", "Share", "ChangeEvent")
"""Objects whose name ends so are not in recordCount."""


class Limits:
    """Figures of one org; storage figures and counts are as old as the settings allow."""

    def __init__(self, store: Store, allocations: Allowances, meter: StorageMeter) -> None:
        self._store = store
        self._allocations = allocations
        self._meter = meter
        self._storage_seen: tuple[datetime, int, int] | None = None
        self._counts_seen: dict[str, tuple[datetime, int]] = {}

    def limits(self, user: SimUser) -> Json:
        """Names to Max and Remaining; storage needs Manage Users."""
        settings = self._store.settings
        used = self._allocations.used
        figures = {name: (most, 0) for name, most in FIXED.items()}
        figures |= {
            API_CALLS: (settings.daily_api_requests, used(API_CALLS)),
            BULK_BATCHES: (settings.daily_bulk_batches, used(BULK_BATCHES)),
            BULK_QUERY_JOBS: (settings.daily_bulk_query_jobs, used(BULK_QUERY_JOBS)),
            BULK_QUERY_MB: (settings.daily_bulk_query_file_mb, used(BULK_QUERY_MB)),
        }
        if user.may(Permission.MANAGE_USERS):
            data, files = self._storage()
            figures["DataStorageMB"] = (settings.data_storage_mb, _megabytes(data))
            figures["FileStorageMB"] = (settings.file_storage_mb, _megabytes(files))
        return {
            name: {"Max": most, "Remaining": most - spent}
            for name, (most, spent) in sorted(figures.items())
        }

    def _storage(self) -> tuple[int, int]:
        now = self._store.clock.now()
        seen = self._storage_seen
        if seen is None or seen[0] + self._store.settings.storage_delay <= now:
            seen = (now, self._meter.data_bytes(), self._meter.file_bytes())
            self._storage_seen = seen
        return seen[1], seen[2]

    def check_storage(self, of: ObjectDef) -> None:
        """Raise STORAGE_LIMIT_EXCEEDED when rows of the object may not be added now."""
        if self.is_full(of):
            raise SalesforceError(403, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", [])

    def is_full(self, of: ObjectDef) -> bool:
        """Return true if rows of the object may not be added now."""
        full = row_size_sql(of) is not None and self.data_left() <= 0
        return full or (of.name in FILE_SIZES and self.file_left() <= 0)

    def data_left(self) -> float:
        """Bytes of data storage that are left until inserts stop; negative when over."""
        settings = self._store.settings
        most = settings.data_storage_mb * MIB * settings.storage_stop_percent / 100
        return most - self._meter.data_bytes()

    def file_left(self) -> float:
        """Bytes of file storage that are left until inserts stop; negative when over."""
        settings = self._store.settings
        most = settings.file_storage_mb * MIB * settings.storage_stop_percent / 100
        return most - self._meter.file_bytes()

    def record_count(self, user: SimUser, names: Sequence[str] | None) -> Sequence[Json]:
        """Cached counts of live rows; objects without rows and unknown names are left out."""
        if not user.may(Permission.VIEW_SETUP):
            text = "insufficient access rights on object id"
            raise SalesforceError(403, "INSUFFICIENT_ACCESS", text)
        wanted = None if names is None else {name.strip().lower() for name in names}
        counts = []
        for of in sorted(self._store.schema.objects, key=lambda definition: definition.name):
            requested = wanted is None or of.name.lower() in wanted
            if not requested or of.name.endswith(SATELLITES) or not user.sees(of.name):
                continue
            count = self._count(of)
            if count:
                counts.append({"count": count, "name": of.name})
        return counts

    def _count(self, of: ObjectDef) -> int:
        now = self._store.clock.now()
        seen = self._counts_seen.get(of.name)
        if seen is None or seen[0] + self._store.settings.record_count_delay <= now:
            live = 0 if of.empty_key else self._store.holds(of.name).live
            seen = (now, live)
            self._counts_seen[of.name] = seen
        return seen[1]


def _megabytes(size: int) -> int:
    """Whole megabytes, begun ones counted."""
    return -(-size // MIB)
