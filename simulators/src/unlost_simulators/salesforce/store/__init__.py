"""Rows of the org in DuckDB: tables, loading, edits, deletes, the recycle bin and the delete log."""
