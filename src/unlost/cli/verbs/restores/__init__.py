"""Commands for restores."""
