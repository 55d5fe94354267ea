"""The ports: how engine, connectors, vault, runners and the system ask each other.

Engine, vault and connectors know one another only through these. ``unlost.app`` wires them.
"""
