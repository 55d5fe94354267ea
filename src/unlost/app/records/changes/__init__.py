"""Changes of records by user and time, watched sets, and losses."""
