"""In-memory ports, faults, conformance suites and strategies, for tests and for authors of
connectors and stores. See docs/howto/write-a-connector.md and docs/howto/write-a-store.md.

Imports the model, and the vault where a test needs a real one.
"""
