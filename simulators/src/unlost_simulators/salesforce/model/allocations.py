"""The names of the allocations whose use the org counts."""

API_CALLS = "DailyApiRequests"
BULK_BATCHES = "DailyBulkApiBatches"
BULK_QUERY_JOBS = "DailyBulkV2QueryJobs"
BULK_QUERY_MB = "DailyBulkV2QueryFileStorageMB"
