"""Notes of a plan: consequences and limits that people read before the run."""
