"""Rows that are written out; their ids are the same at every seed and scale."""
