"""Calls of the Table API, and the meaning of their errors."""
