"""Runs: start what is due, list, follow, pause and cancel."""
