"""Keys of a vault: the key hierarchy, and the slots that open it."""
