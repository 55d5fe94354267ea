"""Verbs for archives."""
