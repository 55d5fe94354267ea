"""Keeping for as long as rules say, and forgetting the rest."""
