"""What any connector may use: HTTP, OAuth, and turning wire formats into Arrow text.

Knows no SaaS by name. Only connectors import it.
"""
