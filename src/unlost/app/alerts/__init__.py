"""Alerts: the facts that the rules evaluate, and the digest e-mail."""
