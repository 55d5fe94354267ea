"""The use cases of Unlost: backup, compare, history, search, restore; over the ports alone.

Functions that decide (``plan``, ``choose``) are pure; functions that act take the ports they need.
"""
