"""The mirror: a second copy that is updated automatically, forgets with the vault, repairs it."""
