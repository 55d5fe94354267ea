"""Writes to the org: requests, checks, side effects, results row by row."""
