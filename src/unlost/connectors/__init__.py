"""One folder for each SaaS that Unlost speaks; none knows another.

A connector is found because its folder lies here and its module names a ``CONNECTOR``, or by an
entry point of the group ``unlost.connectors``.
"""
