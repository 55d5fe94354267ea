"""Pages of records: search, history, comparison."""
