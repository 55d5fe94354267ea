"""The REST API, version 1: the same actions as in the console and the command line.

The types of the actions describe it, and their results are its JSON responses.
"""
