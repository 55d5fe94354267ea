"""Restores: open ones, values that people override, and workers that plan."""
