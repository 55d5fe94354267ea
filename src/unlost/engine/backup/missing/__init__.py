"""Ids that the vault holds and a census lacks: looked up, and decided about."""
