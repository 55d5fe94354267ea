"""Measurements: Unlost and its peers side by side, in one go, on one machine."""
