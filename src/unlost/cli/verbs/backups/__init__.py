"""Commands for backups: run, list, schedule."""
