"""A second copy that is kept by itself, forgets what the vault forgets, and repairs it."""
