"""Commands for alerts and health checks."""
