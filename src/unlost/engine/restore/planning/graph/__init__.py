"""The graph of a plan: related records, and the order in which they are written."""
