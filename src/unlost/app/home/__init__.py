"""The home of this machine: its files, database, keys and stores, and how Unlost is started in it."""
