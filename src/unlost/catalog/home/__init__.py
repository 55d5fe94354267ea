"""The home's own data: its copies, its move to another database, its locks."""
