"""One folder for each SaaS that Unlost supports; connectors do not import each other.

A connector is discovered if its folder lies here and its module names a ``CONNECTOR``, or by an
entry point of the group ``unlost.connectors``.
"""
