"""Reading records, deletions and files, by Bulk API and REST."""
