"""A simulated ServiceNow instance: Table API, aggregates, attachments, batch, import sets.

No live instance was reachable: whatever a docstring calls an inference has to be proved there.
"""
