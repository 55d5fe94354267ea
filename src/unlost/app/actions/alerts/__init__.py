"""Alerts, health checks, and the overview of all orgs."""
