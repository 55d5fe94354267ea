"""Commands for storage."""
