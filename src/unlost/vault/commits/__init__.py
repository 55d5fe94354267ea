"""The chain of an org's commits, and the state after each of them."""
