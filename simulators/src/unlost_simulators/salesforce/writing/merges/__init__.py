"""Merging records: what moves to the master."""
