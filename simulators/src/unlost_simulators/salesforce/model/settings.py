"""The numbers of one org that differ by edition or are turned by a test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """Allocations and delays of an org.

    Sources: Salesforce REST guide (resources-limits, resources-record-count), app limits cheat
    sheet (api, bulk api), a developer org for the defaults of names not mentioned there.
    """

    name: str = "Simulated Org"
    sandbox: bool = False
    data_storage_mb: int = 10_240
    file_storage_mb: int = 102_400
    daily_api_requests: int = 1_000_000
    daily_bulk_batches: int = 15_000
    daily_bulk_query_jobs: int = 10_000
    daily_bulk_query_file_mb: int = 976_562
    storage_stop_percent: int = 105
    """Inserts are refused from this use of data or file storage."""
    storage_delay: timedelta = timedelta(0)
    """How far the storage figures of limits lag behind."""
    record_count_delay: timedelta = timedelta(0)
    """How old a cached answer of recordCount may be."""
    commit_delay: timedelta = timedelta(0)
    """Default time between the stamp of a write and its visibility."""
    largest_page: int = 2000
    smallest_page: int = 200
    distinct_parents: int = 100_000
    """Without View All Data wider reads of Task, Event, Attachment fail (OPERATION_TOO_LARGE)."""
    query_windows: Mapping[str, int] = field(default_factory=dict)
    """Object name to days: queries without so narrow a date window end in QUERY_TIMEOUT."""
    bin_days: int = 15
    bin_records_per_mb: int = 25
    bin_capacity_enforced: bool = False
    """Whether the oldest rows leave the bin when it holds more than its capacity."""
    bin_capacity: int | None = None
    """Rows that the bin has space for, whatever the storage; None: by ``bin_records_per_mb``."""
    emptied_shown: timedelta = timedelta(0)
    """How long queries of deleted rows still show what the emptying of the bin took out of it."""
    most_cascaded: int = 100_000
    """Most rows that one record may take along (DELETE_OPERATION_TOO_LARGE)."""
    audit_fields: bool = True
    """The org preference of Set Audit Fields; without it the permission has no effect."""
    mail_audit_fields: bool = True
    """Whether the permission reaches EmailMessage, which the published lists leave open."""
    mail_updates: bool = False
    """Whether users hold Update Email Messages: sent mails then take relations and links."""
    mail_tasks: bool = False
    """Whether the platform makes a Task of each mail that is related to a record."""
    delete_log_days: int = 30

    @property
    def enforced_bin_capacity(self) -> int | None:
        """Rows beyond which the oldest ones leave the bin; None if they stay."""
        if self.bin_capacity is not None:
            return self.bin_capacity
        return (
            self.data_storage_mb * self.bin_records_per_mb if self.bin_capacity_enforced else None
        )
