"""Restoring records: the plan, which writes nothing, and its run."""
