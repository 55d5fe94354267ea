"""Writing to an org of a vault: the open commit, and the commit protocol."""
