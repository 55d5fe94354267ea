"""In-memory versions of ports, faults, conformance suites and strategies, for tests and for authors of
connectors and stores.

Knows the model, and the vault where a test needs one.
"""
