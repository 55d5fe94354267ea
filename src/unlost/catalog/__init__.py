"""The application's own data: orgs, runs, sealed secrets, witnesses, leases, locks, budgets, users.

A Django app on SQLite or PostgreSQL. It holds no record data, and its loss loses no backup. Callers
get frozen values; models stay inside this package. Imports nothing of connectors, engine or vault.
See docs/adr/0004.
"""
