"""Maintenance of a vault: commits that change what is stored, and the checks of it."""
