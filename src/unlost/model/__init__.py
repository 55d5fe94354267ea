"""The words of Unlost as values, its errors, and the ports between its rooms.

Imports nothing of the other rooms. Values are frozen and can be written as JSON by msgspec unless
their docstring says that they hold Arrow data.
"""
