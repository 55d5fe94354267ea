"""The rows of an instance in SQLite, one table for each hierarchy of classes."""
