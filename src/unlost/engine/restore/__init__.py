"""Bringing records back: the plan, which writes nothing, and its run."""
