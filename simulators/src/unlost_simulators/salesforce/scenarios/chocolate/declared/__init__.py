"""Declarations of the objects with the fields, flags and delete rules of a real org."""
