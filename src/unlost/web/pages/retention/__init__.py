"""Pages of retention: rules and legal holds, privacy requests, corrections."""
