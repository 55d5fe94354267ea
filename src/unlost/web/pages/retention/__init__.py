"""Pages of retention: rules and holds, privacy requests, corrections."""
