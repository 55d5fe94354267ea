"""The admin API under ``/__sim__``: the server and the actions that every system has."""
