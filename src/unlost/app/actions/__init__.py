"""The actions of users: one function each, with a frozen result.

``--json`` prints the results, so their fields are an interface: see ``docs/reference/json.md``.
"""
