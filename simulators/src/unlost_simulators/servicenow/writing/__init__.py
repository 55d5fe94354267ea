"""Writing rows: checks, automatic values, journals, the audit, deletions."""
