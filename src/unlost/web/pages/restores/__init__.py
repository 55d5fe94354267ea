"""Pages of restores: selection, plan, its edits."""
