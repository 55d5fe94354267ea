"""Storage of orgs: its chart."""
