"""Forms that more than one page uses."""
