"""The journal of a restore."""
