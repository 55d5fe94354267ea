"""Rectification: replace wrong values of a record in the whole history of an org."""
