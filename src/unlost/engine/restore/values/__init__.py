"""Values of a restore: edits, hashes of cells, the plan file, outcomes."""
