"""Orgs: their settings, and previews of orgs that are not connected yet."""
