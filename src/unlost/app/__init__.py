"""The composition root: wires the rooms, and offers one function for each action of a person.

The command line and later the console and the REST API call ``unlost.app.actions`` alone.
"""
