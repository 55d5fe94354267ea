"""What Unlost does with an org: backup, compare, history, search; over the ports alone.

Functions that decide (``plan``, ``verdicts``) are pure; those that act take the ports they need.
"""
