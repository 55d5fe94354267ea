"""Building blocks for connectors: HTTP, OAuth, and wire formats as Arrow text.

Knows no SaaS by name. Only connectors import it.
"""
