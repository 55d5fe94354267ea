"""Values, errors and ports of Unlost.

Imports no other package of Unlost. Values are frozen and can be written as JSON by msgspec, except
values that contain Arrow data, as their docstrings note.
"""
