"""Bulk API 2.0 query jobs: the state machine, and result files that are rendered once."""
