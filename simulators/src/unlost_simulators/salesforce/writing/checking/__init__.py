"""Checks of a write against the rows that there are."""
