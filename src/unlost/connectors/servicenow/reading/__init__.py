"""Reads of rows and deletions, each proved."""
