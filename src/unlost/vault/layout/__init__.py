"""Where the rows, names and labels of a vault's objects lie. Knows no store and no key."""
