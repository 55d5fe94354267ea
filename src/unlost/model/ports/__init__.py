"""Ports: the interfaces between engine, connectors, vault, runners and the system.

Engine, vault and connectors know each other only through these. ``unlost.app`` connects them.
"""
