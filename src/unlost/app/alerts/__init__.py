"""Alerts: the facts that their rules look at, and the digest e-mail."""
