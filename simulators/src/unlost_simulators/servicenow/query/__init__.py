"""Encoded queries: reading them, and their way to SQL."""
