"""Values of a restore: edits, digests of cells, the plan file, outcomes."""
