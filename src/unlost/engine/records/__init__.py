"""What happened to records: search, history, comparison of two snapshots."""
