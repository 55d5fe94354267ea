"""Restores: open ones, values that people override, and slots for planning."""
