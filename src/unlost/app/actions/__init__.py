"""What a person can do: one function an action, each with a frozen result.

The results are what ``--json`` prints, so that their fields are an interface: see
``docs/reference/json.md``.
"""
