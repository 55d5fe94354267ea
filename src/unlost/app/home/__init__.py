"""The home on this machine: its files, database, keys and stores, and process settings."""
