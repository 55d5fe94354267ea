"""Orgs: settings, secrets, the identity for restores, hidden columns, the budget of calls."""
