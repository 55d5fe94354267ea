"""In-memory versions of every port, faults, and strategies, for tests and for authors of connectors.

Knows the model and its ports alone.
"""
