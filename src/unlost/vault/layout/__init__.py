"""The layout of rows, names and labels in a vault's objects. Uses no store and no key."""
