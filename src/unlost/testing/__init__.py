"""In-memory ports, faults, conformance suites and strategies, for tests and for authors of
connectors and stores.

Imports the model, and the vault where a test needs a real one.
"""
