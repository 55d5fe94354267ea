"""Reads of rows, deletions and files, each proved."""
