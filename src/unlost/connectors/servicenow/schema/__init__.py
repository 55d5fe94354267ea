"""The dictionary of an instance as tables and columns."""
