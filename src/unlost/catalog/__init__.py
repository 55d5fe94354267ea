"""What the application remembers: orgs, runs, sealed secrets, witnesses, leases, locks, budgets,
users.

A Django app on SQLite or PostgreSQL. It holds no record data, and its loss loses no backup. Callers get frozen
values; models stay inside this room. Knows nothing of connectors, of the engine, of the vault.
"""
