"""Storage of an org: use and forecast."""
