"""Queries about records: search, history, comparison of two snapshots."""
