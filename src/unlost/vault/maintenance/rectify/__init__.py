"""Rectifying: wrong values of a record are replaced in all history of an org, and are nowhere afterwards."""
