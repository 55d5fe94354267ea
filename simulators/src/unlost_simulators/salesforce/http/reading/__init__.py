"""Queries, their columns, and the answers of the Tooling API."""
