"""Calls, answers and their way over the wire, the same for every system."""
