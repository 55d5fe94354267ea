"""Archive policies as files."""
