"""Several calls in one: composite, graph, and references between their results."""
