"""The contents of an org's storage, and its forecast."""
