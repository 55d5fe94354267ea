"""The REST API, version 1: the same actions as the console's and the command line's.

It is described by the types of the actions themselves, and answers with their results as JSON.
"""
