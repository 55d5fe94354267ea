"""The chain of commits of an org, and the state after each."""
